"""The plain integers of the kernel are those of the model."""

import pytest

from rtlab.engine import codes
from rtlab.model import (
    CommandKind,
    EventKind,
    Flag,
    OrderType,
    Reason,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

MEMBERS = {
    "BID": Side.BID,
    "ASK": Side.ASK,
    "LIMIT": OrderType.LIMIT,
    "MARKET": OrderType.MARKET,
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "POST_ONLY": Flag.POST_ONLY,
    "NEW": CommandKind.NEW,
    "CANCEL": CommandKind.CANCEL,
    "REPLACE": CommandKind.REPLACE,
    "ACCEPTED": EventKind.ACCEPTED,
    "REPLACED": EventKind.REPLACED,
    "TRADE": EventKind.TRADE,
    "DONE": EventKind.DONE,
    "REJECTED": EventKind.REJECTED,
    "LEVEL": EventKind.LEVEL,
    "NO_REASON": Reason.NONE,
    "FILLED": Reason.FILLED,
    "CANCELLED": Reason.CANCELLED,
    "IOC_REST": Reason.IOC,
    "FOK_UNFILLED": Reason.FOK,
    "WOULD_TAKE": Reason.POST_ONLY,
    "DUPLICATE_ID": Reason.DUPLICATE_ID,
    "UNKNOWN_ORDER": Reason.UNKNOWN_ORDER,
    "BAD_QUANTITY": Reason.BAD_QUANTITY,
    "BAD_PRICE": Reason.BAD_PRICE,
    "UNKNOWN_INSTRUMENT": Reason.UNKNOWN_INSTRUMENT,
    "UNSUPPORTED": Reason.UNSUPPORTED,
    "SELF_TRADE": Reason.SELF_TRADE,
    "CANCEL_NEWEST": SelfTradePrevention.CANCEL_NEWEST,
    "CANCEL_OLDEST": SelfTradePrevention.CANCEL_OLDEST,
}


@pytest.mark.parametrize("name", MEMBERS)
def test_code_is_the_members_number_and_nothing_but_an_integer(name: str) -> None:
    code = getattr(codes, name)
    assert code == MEMBERS[name]
    assert type(code) is int  # an enum member would cost compile time


def test_every_code_is_checked_here() -> None:
    assert {name for name in vars(codes) if name.isupper()} == set(MEMBERS)


def test_codes_of_the_same_enum_are_not_confused() -> None:
    assert len({codes.NEW, codes.CANCEL, codes.REPLACE}) == 3
    assert len({codes.GTC, codes.IOC, codes.FOK}) == 3
    reasons = [MEMBERS[name] for name in MEMBERS if isinstance(MEMBERS[name], Reason)]
    assert len(set(reasons)) == len(reasons)
