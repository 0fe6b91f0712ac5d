import msgspec
import pytest

from rtlab.protocol import Batch, Channel, Status, Subscribe, TotalsBefore, Trades, Unsubscribe, Welcome
from rtlab.protocol.named import from_named, named, to_named

TRADES = Trades(7, 1, 5, 6, TotalsBefore(4, 40, 2), [(10, 100, 3, 0), (11, 101, 4, 1)])


def test_a_twin_has_the_same_fields_by_name():
    assert msgspec.json.decode(msgspec.json.encode(to_named(TRADES))) == {
        "type": "Trades",
        "key": 7,
        "epoch": 1,
        "first_seq": 5,
        "last_seq": 6,
        "before": {"seq": 4, "bought": 40, "sold": 2},
        "trades": [[10, 100, 3, 0], [11, 101, 4, 1]],
    }


@pytest.mark.parametrize(
    "message",
    [
        TRADES,
        Batch([TRADES, Status("LIVE", 1, 2, 3.5)]),
        Subscribe(1, [Channel("book", "A", 10, resume=(1, 2, 3)), Channel("ticker", "A")]),
        Unsubscribe(3),
    ],
)
def test_there_and_back_is_the_same_message(message):
    assert from_named(to_named(message)) == message


def test_defaults_are_kept():
    twin = msgspec.convert({"name": "book", "instrument": "A"}, named(Channel))
    assert (twin.depth, twin.interval, twin.max_rate, twin.resume) == (None, 0, None, None)


def test_a_default_that_is_made_anew_is_kept_too():
    asked = {"version": 1, "server_time": 2, "heartbeat_s": 1.0, "limits": {}}
    twin = msgspec.convert({**asked, "type": "Welcome"}, named(Welcome))
    assert from_named(twin) == Welcome(1, 2, 1.0, {}) == Welcome(1, 2, 1.0, {}, [])


def test_there_is_one_twin_of_each_type_and_none_of_plain_ones():
    assert named(Channel) is named(Channel)
    assert named(int) is int
    assert named(list[Channel]) == list[named(Channel)]
