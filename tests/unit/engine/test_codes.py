"""The plain integers of the kernel are those of the model."""

import pytest

from rtlab.engine import codes
from rtlab.model import (
    CommandKind,
    EventKind,
    Flag,
    OrderType,
    Phase,
    Reason,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

RENAMED = {
    "STOP_MARKET": OrderType.STOP,
    "TO_PHASE": CommandKind.PHASE,
    "PASS_TIME": CommandKind.TIME,
    "PHASE_EVENT": EventKind.PHASE,
    "MASS_EVENT": EventKind.MASS_CANCELLED,
    "ACCOUNT_EVENT": EventKind.ACCOUNT,
    "TIME_EVENT": EventKind.TIME,
    "NO_REASON": Reason.NONE,
    "IOC_REST": Reason.IOC,
    "FOK_UNFILLED": Reason.FOK,
    "WOULD_TAKE": Reason.POST_ONLY,
    "OVER_BUDGET": Reason.BUDGET,
    "WRONG_PHASE": Reason.PHASE,
    "UNSEEN": Flag.HIDDEN | Flag.ALL_OR_NONE,
    "SWEEPING": Flag.ALL_INSTRUMENTS | Flag.BOTH_SIDES | Flag.ALL_OWNERS,
    # a name that several enums have
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "POST_ONLY": Flag.POST_ONLY,
    "BUDGET": Flag.BUDGET,
    "MASS_CANCELLED": Reason.MASS_CANCELLED,
}
ENUMS = (Side, OrderType, TimeInForce, Flag, CommandKind, EventKind, Phase, Reason, SelfTradePrevention)
NAMES = sorted(name for name in vars(codes) if name.isupper())


def member_of(name: str) -> int:
    if name in RENAMED:
        return RENAMED[name]
    (member,) = (one[name] for one in ENUMS if name in one.__members__)
    return member


@pytest.mark.parametrize("name", NAMES)
def test_code_is_the_members_number_and_nothing_but_an_integer(name: str) -> None:
    code = getattr(codes, name)
    assert code == member_of(name)
    assert type(code) is int  # an enum member would cost compile time


def test_every_reason_but_none_is_a_code_of_the_kernel() -> None:
    reasons = [member_of(name) for name in NAMES if isinstance(member_of(name), Reason)]
    assert sorted(reasons) == sorted(Reason)
