import json

import pytest
from support.venues.all_venues import pair
from support.venues.truth import TruthBook
from support.venues.virtual import Virtual

from rtlab.model import DepthSnapshot, DepthUpdate, Instrument, Side, VenueTrade
from rtlab.sources.venues.kept import KeptBook, Listing
from rtlab.sources.venues.kraken import KrakenMachine, checksum
from rtlab.sources.venues.machine import Send

S = 1_000_000_000
BTC = Listing("BTC/USD", Instrument("BTC/USD", "0.1", "0.00000001"), 1, 8)
ETH = Listing("ETH/USD", Instrument("ETH/USD", "0.1", "0.00000001"), 1, 8)

# the worked examples of Kraken's own guides to the checksum, v2 and v1
GUIDE_ASKS = (
    "45285.2 0.00100000, 45286.4 1.54571953, 45286.6 1.54571109, 45289.6 1.54560911, 45290.2 0.15890660,"
    "45291.8 1.54553491, 45294.7 0.04454749, 45296.1 0.35380000, 45297.5 0.09945542, 45299.5 0.18772827"
)
GUIDE_BIDS = (
    "45283.5 0.10000000, 45283.4 1.54582015, 45282.1 0.10000000, 45281.0 0.10000000, 45280.3 1.54592586,"
    "45279.0 0.07990000, 45277.6 0.03310103, 45277.5 0.30000000, 45277.3 1.54602737, 45276.6 0.15445238"
)
GUIDE_CHECKSUM = 3310070434


def rows(text):
    return [tuple(row.split()) for row in text.split(",")]


def book(kind, bids, asks, check, name="BTC/USD", **more):
    sides = (
        "[" + ",".join(f'{{"price":{price},"qty":{qty}}}' for price, qty in side) + "]"
        for side in (bids, asks)
    )
    bid_text, ask_text = sides
    extra = "".join(f',"{key}":{json.dumps(value)}' for key, value in more.items())
    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{name}","bids":{bid_text},"asks":{ask_text},'
        f'"checksum":{check}{extra}}}]}}'
    )


def opened():
    machine = KrakenMachine([BTC, ETH])
    machine.opened(0, 50 * S)
    return machine


def following():
    machine = opened()
    machine.receive(book("snapshot", rows(GUIDE_BIDS), rows(GUIDE_ASKS), GUIDE_CHECKSUM), 1)
    machine.take_requests()
    return machine


def test_the_checksum_is_that_of_krakens_guide():
    kept = KeptBook(BTC)
    kept.load(kept.levels(rows(GUIDE_BIDS)), kept.levels(rows(GUIDE_ASKS)), 0)
    assert checksum(kept) == GUIDE_CHECKSUM


def test_the_checksum_is_that_of_the_older_guide_too():
    kept = KeptBook(Listing("X", Instrument("X", "0.00005", "0.00000001"), 5, 8))
    asks = [(f"0.0{5005 + 5 * n}", "0.00000500") for n in range(10)]
    bids = [(f"0.0{n}", "0.00000500") for n in (5000, 4995, 4990, 4980, 4975, 4970, 4965, 4960, 4955, 4950)]
    kept.load(kept.levels(bids), kept.levels(asks), 0)
    assert checksum(kept) == 974947235


def test_it_subscribes_to_trades_and_to_ten_levels_of_each_book():
    sent = [json.loads(request.text) for request in opened().take_requests()]
    names = ["BTC/USD", "ETH/USD"]
    assert sent == [
        {"method": "subscribe", "params": {"channel": "trade", "symbol": names, "snapshot": True}},
        {
            "method": "subscribe",
            "params": {"channel": "book", "symbol": names, "depth": 10, "snapshot": True},
        },
    ]


def test_a_snapshot_that_its_checksum_proves_is_given_on():
    machine = opened()
    (told,) = machine.receive(book("snapshot", rows(GUIDE_BIDS), rows(GUIDE_ASKS), GUIDE_CHECKSUM), 1)
    assert isinstance(told, DepthSnapshot)
    assert (told.bids[0], told.asks[0], len(told.bids)) == ((452_835, 10_000_000), (452_852, 100_000), 10)
    assert machine.sights()[0].state == "live"
    assert machine.sights()[1].state == "waiting"


def test_a_wrong_checksum_gives_nothing_and_subscribes_that_book_again_alone():
    machine = following()
    assert machine.receive(book("update", [("45283.5", "0.2")], [], 5), 2) == []
    machine.tick(3)
    sent = [json.loads(one.text) for one in machine.take_requests() if isinstance(one, Send)]
    assert [(one["method"], one["params"]["symbol"]) for one in sent] == [
        ("unsubscribe", ["BTC/USD"]),
        ("subscribe", ["BTC/USD"]),
    ]
    sight = machine.sights()[0]
    assert (sight.state, sight.mismatches) == ("held", 1)
    assert machine.receive(book("update", [("45283.5", "0.3")], [], 6), 4) == []  # waits for the snapshot
    (told,) = machine.receive(book("snapshot", rows(GUIDE_BIDS), rows(GUIDE_ASKS), GUIDE_CHECKSUM), 5)
    assert (isinstance(told, DepthSnapshot), machine.sights()[0].resyncs) == (True, 2)


def test_a_level_that_falls_out_of_the_depth_is_removed_for_those_who_follow():
    machine = following()
    kept = KeptBook(BTC)
    kept.load(kept.levels(rows(GUIDE_BIDS)), kept.levels(rows(GUIDE_ASKS)), 0)
    kept.apply(kept.levels([("45284.0", "1")]), [], 0)
    payload = book(
        "update", [("45284.0", "1.0")], [], checksum(kept), timestamp="2023-10-06T17:35:55.440295Z"
    )
    (told,) = machine.receive(payload, 2)
    assert isinstance(told, DepthUpdate)
    assert told.bids == [(452_840, 100_000_000), (452_766, 0)]
    assert told.ts_event == 1_696_613_755_440_295_000


def test_a_number_off_the_grid_breaks_that_book_alone():
    machine = following()
    assert machine.receive(book("update", [("45283.55", "1")], [], 5), 2) == []
    sight = machine.sights()[0]
    assert (sight.state, sight.unreadable) == ("held", 1)
    assert "off the grid" in sight.reason


def test_heartbeats_and_pongs_prove_a_quiet_book_and_a_status_does_not():
    machine = following()
    for second in range(1, 5):
        machine.receive(('{"channel":"heartbeat"}', '{"method":"pong"}')[second % 2], second * S)
        assert machine.tick(second * S) == []
    machine.receive('{"channel":"status","type":"update","data":[]}', 6 * S)
    assert [one.instrument for one in machine.tick(6 * S)] == ["BTC/USD"]
    assert machine.statistics().unknown == 0


def test_a_refused_subscription_is_told_and_tried_again_later():
    machine = following()
    refused = (
        '{"method":"subscribe","success":false,"error":"Currency pair not supported","symbol":"ETH/USD"}'
    )
    machine.receive(refused, S)
    assert "refused: Currency pair not supported" in machine.sights()[1].reason
    machine.tick(S + 1)
    assert not any("ETH" in one.text for one in machine.take_requests() if isinstance(one, Send))
    machine.tick(2 * S)
    assert any("ETH" in one.text for one in machine.take_requests() if isinstance(one, Send))
    machine.receive('{"method":"unsubscribe","success":false,"error":"Subscription Not Found"}', 2 * S)
    assert machine.statistics().refused == 1


def test_trades_are_of_the_takers_side_once_each_and_the_first_snapshot_is_past():
    machine = following()
    first = trade("snapshot", (7, "buy"), (6, "sell"))
    assert machine.receive(first, 2) == []
    (told,) = machine.receive(trade("update", (8, "sell")), 3)
    assert isinstance(told, VenueTrade)
    assert (told.trade_id, told.aggressor_side, told.price, told.qty) == (8, Side.ASK, 452_834, 50_000)
    again = machine.receive(trade("snapshot", (10, "buy"), (9, "buy"), (8, "sell")), 4)
    assert [(one.trade_id, one.aggressor_side) for one in again] == [(9, Side.BID), (10, Side.BID)]
    assert machine.statistics().trades_lost == 0
    machine.receive(trade("update", (13, "buy")), 5)
    assert machine.statistics().trades_lost == 2


def trade(kind, *made):
    data = ",".join(
        f'{{"symbol":"BTC/USD","side":"{side}","price":45283.4,"qty":0.0005,"ord_type":"market",'
        f'"trade_id":{number},"timestamp":"2023-10-06T17:35:55.440295Z"}}'
        for number, side in made
    )
    return f'{{"channel":"trade","type":"{kind}","data":[{data}]}}'


@pytest.mark.parametrize("payload", ["[]", "{", '{"channel":"book","data":[{"symbol":1}]}', b"\xff"])
def test_what_is_no_message_of_kraken_is_counted(payload):
    machine = following()
    assert machine.receive(payload, 2) == []
    assert machine.statistics().malformed == 1


def test_what_is_not_known_is_counted_and_changes_nothing():
    machine = following()
    machine.receive('{"channel":"news","data":[]}', 2)
    machine.receive(book("update", [], [], 1, name="DOGE/USD"), 3)
    assert machine.statistics().unknown == 2
    assert machine.sights()[0].state == "live"


def test_against_the_loopback_every_update_is_proved():
    venue, lanes = pair("kraken", 3)
    virtual = Virtual(venue, lanes)
    virtual.run(5)
    assert [sight.mismatches for sight in lanes[0].machine.sights()] == [0, 0]
    assert all(isinstance(one, TruthBook) for one in venue.books.values())
    assert virtual.follower.levels("BTC/USD") == venue.books["BTC/USD"].levels(10)
