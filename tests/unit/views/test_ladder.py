from decimal import Decimal

import pytest
from support.looker import PaintingLooker, looking_at
from support.random_market import BTC, RandomMarket

from rtlab.engine import Engine, QueuePosition
from rtlab.errors import ConfigError
from rtlab.model import Instrument, NewOrder, Side
from rtlab.views.ladder import FULL, Ladder


def rows(flat: list) -> list[tuple]:
    return [tuple(flat[i : i + 3]) for i in range(0, len(flat), 3)]


def shown(ladder: Ladder, **book: object) -> dict:
    with looking_at(ladder) as looker:
        ladder.update(**book)
        return looker.last(ladder.visual)


def test_prices_and_sizes_are_written_exactly_on_the_grid() -> None:
    message = shown(Ladder(BTC), bids=[(612_344, 1), (612_343, 250)], asks=[(612_345, 1_000)])
    assert [row[:2] for row in rows(message["bids"])] == [("61,234.4", "0.001"), ("61,234.3", "0.250")]
    assert [row[:2] for row in rows(message["asks"])] == [("61,234.5", "1.000")]


def test_written_levels_are_the_levels_that_were_given() -> None:
    market, ladder = RandomMarket(), Ladder(BTC, 60)
    bids, asks = market.levels()
    message = shown(ladder, bids=bids, asks=asks)
    for given, side in ((bids, "bids"), (asks, "asks")):
        told = [
            (BTC.ticks(price.replace(",", "")), BTC.lots(size.replace(",", "")))
            for price, size, _ in rows(message[side])
        ]
        assert told == given


def test_no_more_than_depth_levels_travel() -> None:
    bids, asks = RandomMarket().levels()
    message = shown(Ladder(BTC, 15), bids=bids, asks=asks)
    assert len(rows(message["bids"])) == len(rows(message["asks"])) == 15


def test_the_longest_bar_is_full_and_the_others_in_proportion() -> None:
    message = shown(Ladder(BTC), bids=[(10, 50), (9, 1)], asks=[(11, 200), (12, 100)])
    assert [row[2] for row in rows(message["bids"])] == [FULL // 4, 5]
    assert [row[2] for row in rows(message["asks"])] == [FULL, FULL // 2]


def test_the_smallest_size_still_has_a_bar() -> None:
    message = shown(Ladder(BTC), bids=[(10, 1)], asks=[(11, 10**15)])
    assert rows(message["bids"])[0][2] == 1


def test_levels_below_the_depth_do_not_scale_the_bars() -> None:
    message = shown(Ladder(BTC, 1), bids=[(10, 5), (9, 10**6)], asks=[(11, 5)])
    assert rows(message["bids"])[0][2] == FULL


@pytest.mark.parametrize(
    ("bids", "asks", "spread"),
    [
        ([(100, 1)], [(103, 1)], ["0.3", 3]),
        ([(100, 1)], [], None),
        ([], [(100, 1)], None),
        ([], [], None),
    ],
)
def test_spread_is_told_in_price_and_ticks_where_both_sides_are(
    bids: list, asks: list, spread: object
) -> None:
    assert shown(Ladder(BTC), bids=bids, asks=asks)["spread"] == spread


def test_last_price_goes_up_and_down_and_stays_where_it_went() -> None:
    ladder = Ladder(BTC)
    with looking_at(ladder) as looker:
        ways = []
        for last in (100, 101, 101, None, 99, 99):
            ladder.update([], [], last)
            looker.say(ladder.beat, {"painted": 10**6})
            ladder.beat.pace._due.clear()
            ladder.beat.flush()
            ways.append((looker.last(ladder.visual)["last"], looker.last(ladder.visual)["way"]))
    assert ways == [("10.0", 0), ("10.1", 1), ("10.1", 1), ("10.1", 1), ("9.9", -1), ("9.9", -1)]


def test_a_book_that_changes_after_the_call_does_not_change_what_is_shown() -> None:
    ladder, bids = Ladder(BTC), [(100, 1)]
    ladder.update(bids, [])
    bids[0] = (1, 1)
    assert "bid=10.0" in repr(ladder)


def test_a_browser_that_appears_gets_the_newest_book() -> None:
    ladder = Ladder(BTC)
    for price in range(100, 200):
        ladder.update([(price, 1)], [])
    with looking_at(ladder) as looker:
        looker.say(ladder.visual, {"ready": True})
        assert rows(looker.last(ladder.visual)["bids"])[0][0] == "19.9"


def test_an_empty_ladder_has_nothing_to_say() -> None:
    ladder = Ladder(BTC)
    with looking_at(ladder) as looker:
        looker.say(ladder.visual, {"ready": True})
        assert looker.messages(ladder.visual) == []


def test_a_burst_of_updates_is_one_message_with_the_newest() -> None:
    ladder = Ladder(BTC)
    looker = PaintingLooker(ladder)
    ladder.update([(1, 1)], [])
    for price in range(2, 500):
        ladder.update([(price, 1)], [])
    assert len(looker.messages(ladder.visual)) < 50
    ladder.beat.pace._due.clear()
    looker.paint()
    assert rows(looker.last(ladder.visual)["bids"])[0][0] == "49.9"
    looker.leave()


def test_quantities_beyond_floats_are_written_exactly() -> None:
    wei = Instrument("ETH-WEI", Decimal("0.01"), Decimal("0.000000000000000001"))
    lots = 123_456_789_012_345_678_901
    message = shown(Ladder(wei), bids=[(1, lots)], asks=[])
    assert rows(message["bids"])[0][1] == "123.456789012345678901"


def test_theme_reaches_the_browser_and_is_checked() -> None:
    ladder = Ladder(BTC, theme="dark")
    assert ladder.visual.theme == "dark"
    ladder.theme = "light"
    assert ladder.visual.theme == "light"
    with pytest.raises(ConfigError, match="theme"):
        ladder.theme = "blue"
    assert ladder.theme == "light"


def test_repr_tells_instrument_depth_and_best_prices() -> None:
    ladder = Ladder(BTC, 5)
    assert repr(ladder) == "Ladder(BTC-USD, depth=5, bid=none, ask=none)"
    ladder.update([(100, 1)], [(102, 1)])
    assert repr(ladder) == "Ladder(BTC-USD, depth=5, bid=10.0, ask=10.2)"


def positions(owner: int = 7) -> list[QueuePosition]:
    """Two of an owner's orders at one price, one at another: as an engine tells them."""
    engine = Engine([BTC])
    rows = [
        (1, 5, 100, 40),
        (2, owner, 100, 250),
        (3, 5, 100, 30),
        (4, owner, 100, 50),
        (5, owner, 99, 1_000),
    ]
    for order_id, who, price, qty in rows:
        order = {"ts": order_id, "instrument": "BTC-USD", "order_id": order_id, "owner": who}
        engine.submit(NewOrder(**order, side=Side.BID, price=price, qty=qty))
    return engine.book("BTC-USD", owner=owner)


def test_own_orders_stand_at_their_price_with_what_is_ahead_of_them() -> None:
    ladder = Ladder(BTC)
    book = {"bids": [(101, 5), (100, 370), (99, 1_000)], "asks": [(103, 1)]}
    assert shown(Ladder(BTC), **book)["own"] == []
    ladder.own(positions())
    own = shown(ladder, **book)["own"]
    assert own == [["bid", 1, "0.300 own, 0.040 ahead"], ["bid", 2, "1.000 own, first"]]


def test_own_orders_move_with_the_levels_and_go_when_they_are_done() -> None:
    ladder = Ladder(BTC)
    ladder.own(positions())
    assert [row[:2] for row in shown(ladder, bids=[(99, 1_000)], asks=[])["own"]] == [["bid", 0]]
    ladder.own([])
    ladder.beat.pace.forget(ladder)  # or its next drawing is due only a thirtieth of a second after this one
    assert shown(ladder, bids=[(99, 1_000)], asks=[])["own"] == []


def test_a_price_that_a_reader_chooses_is_told_in_ticks_and_nonsense_is_not() -> None:
    ladder, chosen = Ladder(BTC), []
    with looking_at(ladder) as looker:
        ladder.update([(101, 5), (100, 1)], [(103, 1)])
        looker.say(ladder.visual, {"chosen": ["bid", 1]})  # nobody listens
        ladder.on_choose = lambda side, ticks: chosen.append((side, ticks))
        for told in (
            ["bid", 1],
            ["ask", 0],
            ["ask", 1],
            ["bid", -1],
            ["mid", 0],
            ["bid"],
            "bid",
            ["bid", "0"],
        ):
            looker.say(ladder.visual, {"chosen": told})
    assert chosen == [(Side.BID, 100), (Side.ASK, 103)]
