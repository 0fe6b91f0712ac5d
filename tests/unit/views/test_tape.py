from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.looker import PaintingLooker, looking_at
from support.random_market import BTC, NOON, SECOND, RandomMarket

from rtlab.model import Side
from rtlab.pipelines import Frame
from rtlab.views.tape import TradeTape, clock, columns_of


class Sheet:
    """What the browser's tape holds after the messages so far: tape.js in Python, newest first."""

    def __init__(self, bound: int) -> None:
        self.rows: list[tuple] = []
        self.next, self.bound = 0, bound

    def hear(self, message: dict) -> None:
        rows = [tuple(message["rows"][i : i + 4]) for i in range(0, len(message["rows"]), 4)]
        known = max(0, self.next - message["first"])
        self.next = max(self.next, message["first"] + len(rows))
        for row in rows[known:]:
            self.rows = [row, *self.rows][: self.bound]


def columns(*trades: tuple[int, int, int, int]) -> dict[str, list[int]]:
    return {name: [row[i] for row in trades] for i, name in enumerate(("ts", "ticks", "lots", "side"))}


@given(st.integers(0, 2**62))
def test_clock_is_the_utc_time_of_day(ts: int) -> None:
    moment = datetime.fromtimestamp(ts // SECOND, UTC)
    assert clock(ts) == f"{moment:%H:%M:%S}.{ts % SECOND // 1_000_000:03d}"


def test_clock_takes_numpy_integers() -> None:
    assert clock(np.int64(0)) == "00:00:00.000"


def test_rows_are_time_price_size_and_side() -> None:
    tape = TradeTape(BTC)
    with looking_at(tape) as looker:
        tape.append(columns((NOON, 612_345, 250, Side.ASK), (NOON + 1_000_000, 612_346, 1, Side.BID)))
        message = looker.last(tape.visual)
    assert message["first"] == 0
    assert message["rows"] == [
        clock(NOON),
        "61,234.5",
        "0.250",
        1,
        clock(NOON + 1_000_000),
        "61,234.6",
        "0.001",
        0,
    ]


def test_a_frame_of_trades_is_taken_as_it_is() -> None:
    trades = {name: np.array(column) for name, column in RandomMarket().trades(3).items()}
    frame = Frame("trades", BTC, trades)
    assert columns_of(frame) is frame.columns
    tape = TradeTape(BTC)
    tape.append(frame)
    assert tape.statistics().trades == 3


@pytest.mark.parametrize("bound", [1, 7, 50])
def test_the_browser_holds_the_newest_rows_whatever_the_batches(bound: int) -> None:
    market, tape, sheet = RandomMarket(3), TradeTape(BTC, bound), Sheet(bound)
    looker = PaintingLooker(tape)
    everything: list[tuple] = []
    for _ in range(60):
        trades = market.trades(market.random.choice((0, 1, 2, 5, 80)))
        everything += zip(*trades.values(), strict=True)
        tape.append(trades)
        if market.random.random() < 0.5:
            tape.beat.pace._due.clear()
        looker.paint()
    tape.beat.pace._due.clear()
    looker.paint()
    for message in looker.messages(tape.visual):
        sheet.hear(message)
    newest = [tape._texts([trade]) for trade in reversed(everything[-bound:])]
    assert [list(row) for row in sheet.rows] == newest
    looker.leave()


def test_a_message_never_holds_more_than_the_bound() -> None:
    tape = TradeTape(BTC, 10)
    with looking_at(tape) as looker:
        tape.append(RandomMarket().trades(1000))
        message = looker.last(tape.visual)
    assert len(message["rows"]) == 40
    assert message["first"] == 990


def test_trades_that_came_and_went_between_two_drawings_are_counted() -> None:
    tape = TradeTape(BTC, 10)
    with looking_at(tape):
        tape.append(RandomMarket().trades(1000))
    assert tape.statistics() == (1000, 990)


def test_nothing_is_skipped_when_all_fit() -> None:
    tape = TradeTape(BTC, 10)
    with looking_at(tape):
        tape.append(RandomMarket().trades(10))
    assert tape.statistics() == (10, 0)


def test_a_browser_that_appears_gets_the_whole_tail_and_shows_no_row_twice() -> None:
    tape, sheet, market = TradeTape(BTC, 5), Sheet(5), RandomMarket()
    looker = PaintingLooker(tape)
    tape.append(market.trades(3))
    looker.say(tape.visual, {"ready": True})
    tape.beat.pace._due.clear()
    looker.paint()
    messages = looker.messages(tape.visual)
    assert messages[-1]["first"] == 0
    for message in messages:
        sheet.hear(message)
    assert len(sheet.rows) == 3
    looker.leave()


def test_an_empty_tape_has_nothing_to_say() -> None:
    tape = TradeTape(BTC)
    with looking_at(tape) as looker:
        looker.say(tape.visual, {"ready": True})
        assert looker.messages(tape.visual) == []


def test_columns_of_unequal_length_are_refused_whole() -> None:
    tape = TradeTape(BTC)
    with pytest.raises(ValueError, match="zip"):
        tape.append({"ts": [1, 2], "ticks": [1], "lots": [1, 1], "side": [0, 0]})
    assert tape.statistics().trades == 0
    assert not tape._tail


def test_a_missing_column_is_named() -> None:
    with pytest.raises(KeyError, match="lots"):
        TradeTape(BTC).append({"ts": [1], "ticks": [1], "side": [0]})


def test_theme_reaches_the_browser() -> None:
    tape = TradeTape(BTC)
    tape.theme = "dark"
    assert tape.visual.theme == "dark"


def test_repr_tells_how_many_and_the_last_price() -> None:
    tape = TradeTape(BTC, 9)
    assert repr(tape) == "TradeTape(BTC-USD, rows=9, trades=0)"
    tape.append(columns((NOON, 100, 1, 0)))
    assert repr(tape) == "TradeTape(BTC-USD, rows=9, trades=1, last=10.0)"
