import msgspec
import pytest

from rtlab.model import CancelOrder, Command, NewOrder, OrderType, ReplaceOrder, Side, TimeInForce

ORDER = NewOrder(instrument="BTC-USD", order_id=1, side=Side.BID, price=100, qty=5)


def test_an_order_is_a_resting_limit_unless_said_otherwise():
    assert (ORDER.order_type, ORDER.tif, ORDER.flags, ORDER.owner) == (OrderType.LIMIT, TimeInForce.GTC, 0, 0)


@pytest.mark.parametrize(
    "command",
    [
        ORDER,
        CancelOrder(instrument="A", order_id=2),
        ReplaceOrder(instrument="A", order_id=2, qty=1, price=3),
    ],
)
def test_a_command_is_frozen_and_survives_the_wire(command):
    with pytest.raises(AttributeError):
        command.order_id = 9
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=Command) == command


def test_fields_are_given_by_name_only():
    with pytest.raises(TypeError):
        CancelOrder("A", 2)


def test_an_unknown_side_is_refused_on_decoding():
    raw = msgspec.json.encode(ORDER).replace(b'"side":0', b'"side":7')
    with pytest.raises(msgspec.ValidationError, match=r"\$\.side"):
        msgspec.json.decode(raw, type=Command)
