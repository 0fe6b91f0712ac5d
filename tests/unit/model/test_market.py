import msgspec
import pytest

from rtlab.model import DepthSnapshot, DepthUpdate, MarketMessage, Quote, Side, VenueTrade

HEAD = {"instrument": "BTCUSDT", "ts_event": 1, "ts_recv": 2}
MESSAGES = [
    DepthSnapshot(**HEAD, last_id=9, bids=[(100, 5)], asks=[(101, 1)]),
    DepthUpdate(**HEAD, first_id=10, last_id=12, prev_id=9, bids=[(100, 0)], asks=[]),
    DepthUpdate(**HEAD, first_id=10, last_id=12, prev_id=None, bids=[], asks=[(102, 3)]),
    VenueTrade(**HEAD, trade_id=1, aggressor_side=Side.ASK, price=100, qty=2),
    Quote(**HEAD, update_id=12, bid=100, bid_qty=5, ask=101, ask_qty=1),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_a_market_message_is_frozen_and_survives_the_wire(message):
    with pytest.raises(AttributeError):
        message.ts_recv = 3
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=MarketMessage) == message


def test_a_level_is_price_then_quantity():
    decoded = msgspec.json.decode(
        b'{"type":"DepthSnapshot","instrument":"A","ts_event":1,"ts_recv":2,"last_id":3,"bids":[[100,5]],"asks":[]}',
        type=MarketMessage,
    )
    assert decoded.bids == [(100, 5)]


def test_a_price_that_is_no_whole_tick_is_refused_with_its_path():
    raw = msgspec.json.encode(MESSAGES[0]).replace(b"[100,5]", b"[100.5,5]")
    with pytest.raises(msgspec.ValidationError, match=r"\$\.bids\[0\]\[0\]"):
        msgspec.json.decode(raw, type=MarketMessage)
