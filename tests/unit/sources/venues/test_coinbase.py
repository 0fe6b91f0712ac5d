import json

import pytest

from rtlab.model import DepthSnapshot, DepthUpdate, Instrument, Side
from rtlab.sources.venues.coinbase import CoinbaseMachine
from rtlab.sources.venues.kept import Listing
from rtlab.sources.venues.machine import Send

S = 1_000_000_000
BTC = Listing("BTC-USD", Instrument("BTC-USD", "0.01", "0.00000001"))


class Wire:
    """Payloads in the venue's form, numbered as the venue numbers them."""

    def __init__(self):
        self.sequence = -1

    def message(self, channel, events, at="2023-02-09T20:32:50.714964855Z", skip=0):
        self.sequence += 1 + skip
        return json.dumps(
            {
                "channel": channel,
                "client_id": "",
                "timestamp": at,
                "sequence_num": self.sequence,
                "events": events,
            }
        )

    def book(self, kind, *updates, product="BTC-USD", **more):
        rows = [
            {"side": side, "event_time": "1970-01-01T00:00:00Z", "price_level": price, "new_quantity": qty}
            for side, price, qty in updates
        ]
        return self.message("l2_data", [{"type": kind, "product_id": product, "updates": rows}], **more)

    def trades(self, kind, *made):
        rows = [
            {
                "trade_id": str(number),
                "product_id": "BTC-USD",
                "price": "21921.73",
                "size": "0.3",
                "side": side,
                "time": "2019-08-14T20:42:27.265Z",
            }
            for number, side in made
        ]
        return self.message("market_trades", [{"type": kind, "trades": rows}])

    def heartbeat(self, **more):
        return self.message("heartbeats", [{"current_time": "x", "heartbeat_counter": "3049"}], **more)


def following():
    machine, wire = CoinbaseMachine(BTC), Wire()
    machine.opened(0, 50 * S)
    machine.receive(wire.message("subscriptions", [{"subscriptions": {}}]), 0)
    told = machine.receive(
        wire.book("snapshot", ("bid", "21921.73", "0.06317902"), ("offer", "21922.00", "1.5")), 1
    )
    machine.take_requests()
    return machine, wire, told


def sent(machine):
    return [json.loads(one.text) for one in machine.take_requests() if isinstance(one, Send)]


def test_it_subscribes_to_three_channels_of_one_product():
    machine = CoinbaseMachine(BTC)
    machine.opened(0, 0)
    assert sent(machine) == [
        {"type": "subscribe", "channel": "heartbeats"},
        {"type": "subscribe", "channel": "level2", "product_ids": ["BTC-USD"]},
        {"type": "subscribe", "channel": "market_trades", "product_ids": ["BTC-USD"]},
    ]


def test_the_snapshot_and_what_follows_in_sequence_are_given_on():
    machine, wire, told = following()
    assert isinstance(told[0], DepthSnapshot)
    assert (told[0].bids, told[0].asks) == ([(2_192_173, 6_317_902)], [(2_192_200, 150_000_000)])
    assert told[0].ts_event == 1_675_974_770_714_964_855
    (update,) = machine.receive(wire.book("update", ("bid", "21921.73", "0"), ("bid", "21921.3", "0.02")), 2)
    assert isinstance(update, DepthUpdate)
    assert update.bids == [(2_192_173, 0), (2_192_130, 2_000_000)]


def test_a_hole_in_the_sequence_of_any_channel_subscribes_the_book_again():
    machine, wire, _ = following()
    machine.receive(wire.heartbeat(skip=1), 2)
    sight = machine.sights()[0]
    assert (sight.state, sight.gaps, sight.reason) == ("held", 1, "the messages 2 to 2 were lost")
    machine.tick(3)
    assert [(one["type"], one["channel"]) for one in sent(machine)] == [
        ("unsubscribe", "level2"),
        ("subscribe", "level2"),
    ]
    assert machine.receive(wire.book("update", ("bid", "21921.73", "9")), 4) == []
    (told,) = machine.receive(wire.book("snapshot", ("bid", "21921.73", "3"), ("offer", "21922", "1")), 5)
    assert (told.bids, machine.sights()[0].state) == ([(2_192_173, 300_000_000)], "live")


def test_a_message_that_came_before_changes_nothing():
    machine, wire, _ = following()
    payload = wire.book("update", ("bid", "21921.73", "9"))
    assert len(machine.receive(payload, 2)) == 1
    assert machine.receive(payload, 3) == []
    assert machine.sights()[0].gaps == 0


def test_a_snapshot_older_than_what_came_before_it_is_refused():
    machine, wire, _ = following()
    machine.receive(wire.book("update", ("bid", "21921.73", "9"), at="2023-02-09T20:32:52Z"), 2)
    machine.receive(wire.heartbeat(skip=1, at="2023-02-09T20:32:52Z"), 3)
    machine.tick(4)
    machine.take_requests()
    old = wire.book("snapshot", ("bid", "1", "1"), ("offer", "2", "1"), at="2023-02-09T20:32:51Z")
    assert machine.receive(old, 5) == []
    assert (machine.statistics().stale_snapshots, machine.sights()[0].state) == (1, "held")
    new = wire.book("snapshot", ("bid", "1", "1"), ("offer", "2", "1"), at="2023-02-09T20:32:53Z")
    assert len(machine.receive(new, 6)) == 1


def test_sides_that_cross_are_a_wrong_book():
    machine, wire, _ = following()
    assert machine.receive(wire.book("update", ("bid", "21923", "1")), 2) == []
    sight = machine.sights()[0]
    assert (sight.state, sight.mismatches, sight.reason) == ("held", 1, "the book's sides cross")


def test_a_number_off_the_grid_is_a_wrong_book():
    machine, wire, _ = following()
    assert machine.receive(wire.book("update", ("bid", "21921.735", "1")), 2) == []
    assert machine.sights()[0].unreadable == 1


def test_heartbeats_keep_a_quiet_book_alive_and_bring_a_stale_one_back():
    machine, wire, _ = following()
    for second in range(1, 6):
        machine.receive(wire.heartbeat(), second * S)
        assert machine.tick(second * S) == []
    assert len(machine.tick(8 * S)) == 1
    (told,) = machine.receive(wire.heartbeat(), 8 * S + 1)
    assert told.bids == [(2_192_173, 6_317_902)]  # nothing was lost meanwhile: its sequence says so


def test_a_message_whose_content_cannot_be_read_is_known_to_be_lost():
    machine, wire, _ = following()
    assert machine.receive(wire.message("l2_data", [{"type": "update"}]), 2) == []
    machine.receive(wire.heartbeat(), 3)
    sight = machine.sights()[0]
    assert (sight.state, machine.statistics().malformed) == ("held", 1)
    assert sight.reason == "the message 2 cannot be read"


def test_an_error_of_the_venue_is_told():
    machine = CoinbaseMachine(BTC)
    machine.opened(0, 0)
    machine.receive('{"type":"error","message":"rate limit exceeded"}', 1)
    assert machine.sights()[0].reason == "the venue refused: rate limit exceeded"
    assert machine.statistics().refused == 1
    following_machine, _, _ = following()
    following_machine.receive('{"type":"error","message":"rate limit exceeded"}', 2)
    assert following_machine.sights()[0].state == "live"


def test_trades_are_of_the_takers_side_and_their_first_message_fills_a_hole():
    machine, wire, _ = following()
    assert machine.receive(wire.trades("snapshot", (12, "BUY"), (11, "SELL")), 2) == []
    (told,) = machine.receive(wire.trades("update", (13, "BUY")), 3)
    assert (told.trade_id, told.aggressor_side, told.price) == (13, Side.ASK, 2_192_173)
    machine.lost("it closed", 4)
    machine.opened(5, 50 * S)
    wire.sequence = -1
    filled = machine.receive(wire.trades("snapshot", (15, "SELL"), (14, "SELL"), (13, "BUY")), 6)
    assert [(one.trade_id, one.aggressor_side) for one in filled] == [(14, Side.BID), (15, Side.BID)]
    assert machine.statistics().trades_lost == 0


def test_another_connection_has_another_sequence():
    machine, wire, _ = following()
    machine.lost("it closed", 2)
    machine.opened(3, 50 * S)
    wire.sequence = -1
    machine.receive(wire.message("subscriptions", []), 4)
    assert machine.sights()[0].gaps == 0


@pytest.mark.parametrize(
    "payload", ["[]", "{", '{"sequence_num":"no"}', '{"channel":"x","sequence_num":2,"timestamp":"t"}']
)
def test_what_is_no_message_of_coinbase_is_counted(payload):
    machine, _, _ = following()
    assert machine.receive(payload, 2) == []
    assert machine.statistics().malformed == 1
    assert machine.sights()[0].state == ("held" if '"channel"' in payload else "live")


def test_what_is_not_known_is_counted():
    machine, wire, _ = following()
    machine.receive(wire.message("candles", []), 2)
    machine.receive(wire.book("update", ("bid", "1", "1"), product="ETH-USD"), 3)
    machine.receive('{"type":"news"}', 4)
    assert (machine.statistics().unknown, machine.sights()[0].state) == (3, "live")
