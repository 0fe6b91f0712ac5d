import msgspec
import pytest

from rtlab.model import (
    AccountChanged,
    CommandRejected,
    Event,
    Indicative,
    LevelChanged,
    MassCancelled,
    OrderAccepted,
    OrderDone,
    OrderRefilled,
    OrderReplaced,
    OrderTriggered,
    Phase,
    PhaseChanged,
    Reason,
    Side,
    TimePassed,
    Trade,
)

HEAD = {"seq": 1, "command": 0, "ts": 5, "instrument": "BTC-USD"}
ORDER = {**HEAD, "order_id": 7, "side": Side.ASK, "price": 100}
EVENTS = [
    OrderAccepted(**ORDER, qty=3, shown=3),
    OrderReplaced(**ORDER, qty=2, shown=1, reason=Reason.NONE),
    OrderDone(**ORDER, remaining=0, reason=Reason.FILLED),
    CommandRejected(**ORDER, qty=3, reason=Reason.POST_ONLY),
    Trade(**HEAD, aggressor_side=Side.BID, taker_id=8, maker_id=7, price=100, qty=1, remaining=2),
    LevelChanged(**HEAD, side=Side.ASK, price=100, qty=2, orders=1),
    OrderTriggered(**ORDER, qty=3, shown=0),
    OrderRefilled(**ORDER, qty=1, remaining=2),
    PhaseChanged(**HEAD, phase=Phase.AUCTION, price=0, qty=0, reason=Reason.VOLATILITY),
    Indicative(**HEAD, price=100, qty=3, surplus=-1),
    MassCancelled(**HEAD, owner=7, orders=2),
    AccountChanged(**HEAD, owner=7, money=-5, lots=3),
    TimePassed(**HEAD),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: type(e).__name__)
def test_an_event_is_frozen_hashable_and_survives_the_wire(event):
    with pytest.raises(AttributeError):
        event.seq = 9
    assert hash(event) == hash(msgspec.structs.replace(event))
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event


def test_event_kinds_are_told_apart_by_their_tag():
    tags = {msgspec.to_builtins(event)["type"] for event in EVENTS}
    assert len(tags) == len(EVENTS)
