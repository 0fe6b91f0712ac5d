import json

import pytest

from rtlab.model import DepthSnapshot, DepthUpdate, Instrument, Side, VenueTrade
from rtlab.sources.venues.binance import BOOK_STREAMS, DEPTH, TRADE_STREAMS, BinanceMachine
from rtlab.sources.venues.kept import Listing
from rtlab.sources.venues.machine import Get, HangUp, Send

S = 1_000_000_000
MS = 1_000_000
BTC = Listing("BTCUSDT", Instrument("BTCUSDT", "0.1", "0.001"))
ETH = Listing("ETHUSDT", Instrument("ETHUSDT", "0.1", "0.001"))
GET = Get("/api/v3/depth?symbol=BTCUSDT&limit=1000", "BTCUSDT")


def stream(channel, data, name="btcusdt"):
    return json.dumps({"stream": f"{name}@{channel}", "data": {"s": name.upper(), **data}})


def diff(first, last, bids=(), asks=(), **more):
    return stream(
        "depth@100ms", {"e": "depthUpdate", "E": 7, "U": first, "u": last, "b": bids, "a": asks, **more}
    )


def quote(update_id, bid, ask):
    return stream("bookTicker", {"u": update_id, "b": bid[0], "B": bid[1], "a": ask[0], "A": ask[1]})


def snapshot(last_id, bids=(("100", "1"),), asks=(("101", "2"),)):
    return json.dumps({"lastUpdateId": last_id, "bids": bids, "asks": asks}).encode()


def opened(*listings):
    machine = BinanceMachine(listings or [BTC], "/api/v3/depth")
    machine.opened(0, 50 * S)
    machine.tick(1)
    return machine


def following():
    machine = opened()
    machine.take_requests()
    machine.receive(diff(9, 12), 1)
    (told,) = machine.answered(GET, snapshot(10), 2)
    assert isinstance(told, DepthSnapshot)
    return machine


def gets(machine):
    return [one for one in machine.take_requests() if isinstance(one, Get)]


def test_it_names_its_streams_and_asks_for_a_snapshot_of_each_book():
    machine = opened(BTC, ETH)
    assert machine.streams[:3] == ["btcusdt@depth@100ms", "btcusdt@bookTicker", "btcusdt@trade"]
    assert [one.path for one in gets(machine)] == [
        "/api/v3/depth?symbol=BTCUSDT&limit=1000",
        "/api/v3/depth?symbol=ETHUSDT&limit=1000",
    ]


def test_what_came_before_the_snapshot_is_in_it_or_applied_after_it():
    machine = opened()
    machine.receive(diff(5, 8, bids=[("100", "9")]), 1)
    machine.receive(diff(9, 12, bids=[("99.9", "5")]), 2)
    (told,) = machine.answered(GET, snapshot(10), 3)
    assert (told.bids, told.asks) == ([(1000, 1000), (999, 5000)], [(1010, 2000)])
    assert machine.sights()[0].state == "live"


def test_each_diff_must_begin_where_the_last_one_ended():
    machine = following()
    (told,) = machine.receive(diff(13, 14, bids=[("100", "3")]), 3)
    assert isinstance(told, DepthUpdate)
    assert told.bids == [(1000, 3000)]
    assert machine.receive(diff(16, 17, bids=[("100", "4")]), 4) == []
    sight = machine.sights()[0]
    assert (sight.state, sight.gaps, sight.reason) == (
        "held",
        1,
        "the update 16 does not follow the last one",
    )
    machine.tick(5)
    assert gets(machine) == [GET]
    (healed,) = machine.answered(GET, snapshot(16), 6)
    assert healed.bids == [(1000, 4000)]


def test_on_futures_it_is_pu_that_must_be_equal():
    machine = opened()
    machine.receive(diff(9, 12, pu=8), 1)
    machine.answered(GET, snapshot(10), 2)
    assert len(machine.receive(diff(20, 25, bids=[("100", "3")], pu=12), 3)) == 1
    assert machine.receive(diff(26, 27, pu=24), 4) == []
    assert machine.sights()[0].gaps == 1


def test_a_snapshot_older_than_the_diffs_is_counted_and_asked_for_again_later():
    machine = opened()
    machine.take_requests()
    machine.receive(diff(9, 12), 1)
    assert machine.answered(GET, snapshot(5), 2) == []
    assert (machine.statistics().stale_snapshots, machine.sights()[0].state) == (1, "waiting")
    machine.tick(3)
    assert gets(machine) == []
    machine.tick(S)
    assert gets(machine) == [GET]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{}",
        b'{"lastUpdateId":"x"}',
        snapshot(10, bids=[("100.05", "1")]),
        snapshot(10, bids=[("1e3", "1")]),
    ],
)
def test_a_snapshot_that_cannot_be_read_is_no_snapshot(body):
    machine = opened()
    assert machine.answered(GET, body, 2) == []
    sight = machine.sights()[0]
    assert (sight.state, sight.unreadable, machine.statistics().malformed) == ("waiting", 1, 1)
    assert "cannot be read" in sight.reason


def test_a_quote_at_the_same_update_must_be_what_the_book_shows():
    machine = following()
    machine.receive(quote(12, ("100", "1"), ("101", "2")), 3)
    machine.receive(diff(13, 14, bids=[("100", "3")]), 4)
    assert machine.sights()[0].state == "live"
    machine.receive(quote(14, ("100", "4"), ("101", "2")), 5)
    sight = machine.sights()[0]
    assert (sight.state, sight.mismatches) == ("held", 1)
    assert "own quotes at update 14" in sight.reason


def test_a_quote_that_came_first_judges_as_well():
    machine = following()
    machine.receive(quote(14, ("100", "4"), ("101", "2")), 3)
    assert machine.receive(diff(13, 14, bids=[("100", "3")]), 4) == []
    assert machine.sights()[0].mismatches == 1


def test_between_two_quotes_a_book_may_differ_for_a_moment_but_not_for_a_second():
    machine = following()
    machine.receive(quote(12, ("100", "1"), ("101", "2")), 3)
    for tenth in range(1, 9):
        machine.receive(diff(11 + 2 * tenth, 12 + 2 * tenth, bids=[("100", "3")]), tenth * 100 * MS)
    machine.receive(quote(29, ("100", "1"), ("101", "2")), 850 * MS)
    assert machine.sights()[0].state == "live"
    for tenth in range(9, 30):
        machine.receive(diff(11 + 2 * tenth, 12 + 2 * tenth, bids=[("100", "3")]), tenth * 100 * MS)
        machine.receive(quote(13 + 2 * tenth, ("100", "1"), ("101", "2")), tenth * 100 * MS + 1)
    assert machine.sights()[0].mismatches == 1


def test_diffs_that_stay_behind_the_quotes_prove_nothing():
    machine = following()
    machine.receive(quote(30, ("100", "4"), ("101", "2")), 1)
    told = [message for tenth in range(1, 30) for message in late(machine, tenth)]
    assert [one.bids for one in told if isinstance(one, DepthSnapshot)] == [[]]
    assert machine.sights()[0].state == "stale"
    machine.receive(diff(30, 30, bids=[("100", "4")]), 4 * S)
    machine.tick(4 * S)
    assert gets(machine) == [GET]
    (whole,) = machine.answered(GET, snapshot(30, bids=[("100", "4")]), 4 * S)
    assert whole.bids == [(1000, 4000)]


def late(machine, tenth):
    machine.receive(
        '{"result":["btcusdt@depth@100ms","btcusdt@bookTicker","btcusdt@trade"],"id":1}', tenth * 100 * MS
    )
    return [*machine.receive(diff(12, 12), tenth * 100 * MS), *machine.tick(tenth * 100 * MS)] + (
        machine.receive(diff(13, 29), tenth * 100 * MS) if tenth == 5 else []
    )


def test_it_asks_often_what_it_is_subscribed_to_and_the_answer_proves_a_quiet_book():
    machine = following()
    for second in range(1, 6):
        machine.tick(second * S)
        asked = [json.loads(one.text) for one in machine.take_requests() if isinstance(one, Send)]
        assert [one["method"] for one in asked] == ["LIST_SUBSCRIPTIONS"]
        answer = {"result": machine.streams, "id": asked[0]["id"]}
        machine.receive(json.dumps(answer), second * S + 1)
    assert machine.sights()[0].staled == 0


def test_a_stream_that_is_missing_there_ends_the_connection():
    machine = following()
    machine.receive('{"result":["btcusdt@depth@100ms"],"id":1}', S)
    assert machine.take_requests() == [HangUp("the venue does not send btcusdt@bookTicker, btcusdt@trade")]


def test_a_venue_that_is_about_to_shut_down_is_left():
    machine = following()
    machine.receive('{"e":"serverShutdown","E":1770123456789}', 3)
    assert machine.take_requests() == [HangUp("the venue is about to shut down")]


def test_beyond_a_cut_snapshot_nothing_is_known_and_nothing_is_kept():
    machine = opened()
    machine.receive(diff(9, 12, bids=[("1", "7")], asks=[("1200", "7")]), 1)
    bids = [(str(1000 - n), "1") for n in range(DEPTH - 500)]
    asks = [(f"{1001 + n / 10:.1f}", "1") for n in range(DEPTH)]
    (told,) = machine.answered(GET, snapshot(10, bids, asks), 2)
    assert told.bids[-1] == (10, 7000)  # this side was whole
    assert (len(told.asks), told.asks[-1]) == (DEPTH, (11_009, 1000))
    (update,) = machine.receive(diff(13, 13, asks=[("2000", "5"), ("1050", "6")]), 3)
    assert update.asks == [(10_500, 6000)]


def test_a_range_that_is_used_up_is_asked_for_again():
    machine = opened()
    asks = [(f"{1001 + n / 10:.1f}", "1") for n in range(DEPTH)]
    machine.answered(GET, snapshot(10, [("1000", "1")], asks), 2)
    machine.take_requests()
    machine.receive(diff(11, 11, asks=[(price, "0") for price, _ in asks[: DEPTH - 50]]), 3)
    assert machine.sights()[0].reason == "the snapshot's range of prices is used up"
    machine.tick(4)
    assert gets(machine) == [GET]


def test_a_number_off_the_grid_and_sides_that_cross_break_one_book():
    for wrong in (diff(13, 14, bids=[("100.05", "3")]), diff(13, 14, bids=[("102", "3")])):
        machine = following()
        assert machine.receive(wrong, 3) == []
        assert machine.sights()[0].state == "held"
        machine.tick(4)
        assert gets(machine) == [GET]


def test_trades_of_spot_and_of_futures():
    machine = following()
    made = {"e": "trade", "t": 5, "p": "100.1", "q": "0.002", "T": 8, "m": True}
    (told,) = machine.receive(stream("trade", made), 3)
    assert isinstance(told, VenueTrade)
    assert (told.trade_id, told.aggressor_side, told.price, told.qty, told.ts_event) == (
        5,
        Side.ASK,
        1001,
        2,
        8 * MS,
    )
    assert machine.receive(stream("trade", made), 4) == []
    futures = BinanceMachine([BTC], "/fapi/v1/depth", TRADE_STREAMS)
    futures.opened(0, 50 * S)
    both = {"e": "aggTrade", "a": 1, "f": 5, "l": 7, "p": "100.1", "q": "0.002", "T": 8, "m": False}
    (told,) = futures.receive(stream("aggTrade", both), 3)
    assert (told.trade_id, told.aggressor_side) == (7, Side.BID)
    futures.receive(stream("aggTrade", {**both, "f": 10, "l": 10}), 4)
    assert futures.statistics().trades_lost == 2


def test_a_trade_or_quote_off_the_grid_is_counted_and_the_book_goes_on():
    machine = following()
    made = {"e": "trade", "t": 5, "p": "100.15", "q": "0.002", "T": 8, "m": True}
    assert machine.receive(stream("trade", made), 3) == []
    assert machine.receive(quote(13, ("100.05", "1"), ("101", "2")), 3) == []
    assert (machine.sights()[0].state, machine.sights()[0].unreadable) == ("live", 2)
    machine.receive(stream("trade", {**made, "t": 6, "p": "100.1"}), 4)
    machine.receive(stream("trade", {**made, "t": 8, "p": "100.1"}), 4)
    assert machine.statistics().trades_lost == 1


def test_a_connection_for_trades_alone_asks_for_no_book_and_shows_none():
    futures = BinanceMachine([BTC], "/fapi/v1/depth", TRADE_STREAMS)
    futures.opened(0, 50 * S)
    futures.tick(1)
    assert (gets(futures), futures.sights()) == ([], [])
    assert BinanceMachine([BTC], "/fapi/v1/depth", BOOK_STREAMS).keeps_books


@pytest.mark.parametrize("payload", ["[]", "{", '{"stream":"btcusdt@depth@100ms","data":{"s":1}}', b"\xff"])
def test_what_is_no_message_of_binance_is_counted(payload):
    machine = following()
    assert machine.receive(payload, 3) == []
    assert (machine.statistics().malformed, machine.sights()[0].state) == (1, "live")


def test_refusals_and_what_is_not_known_are_counted():
    machine = following()
    machine.receive('{"code":2,"msg":"Invalid request"}', 3)
    machine.receive('{"error":{"code":-1,"msg":"x"},"id":4}', 3)
    machine.receive(stream("news", {}), 3)
    machine.receive(stream("trade", {}, name="dogeusdt"), 3)
    machine.receive("{}", 3)
    machine.receive('{"result":null,"id":1}', 3)
    assert (machine.statistics().refused, machine.statistics().unknown) == (2, 3)
