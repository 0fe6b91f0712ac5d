import itertools

import numpy as np
import pytest
from bokeh.document.events import ColumnDataChangedEvent, ColumnsPatchedEvent, ColumnsStreamedEvent
from support.looker import PaintingLooker, looking_at
from support.random_market import BTC, NOON, SECOND, RandomMarket

from rtlab.errors import ConfigError
from rtlab.pipelines import Frame
from rtlab.views.candles import COLUMNS, FINAL_ALPHA, OPEN_ALPHA, Candles
from rtlab.views.indicators import OFFERED
from rtlab.views.theme import DARK, LIGHT


def bar(second: int, close: int = 100, *, volume: int = 1) -> tuple[int, ...]:
    return (NOON + second * SECOND, 100, max(100, close), min(100, close), close, volume, 1)


def held(candles: Candles) -> list[tuple]:
    data = candles._table.source.data
    return list(zip(*(data[name] for name in COLUMNS), strict=True))


def redrawn(candles: Candles, looker: PaintingLooker) -> None:
    candles.beat.pace._due.clear()
    looker.paint()


def kinds(looker: PaintingLooker) -> list[type]:
    wanted = (ColumnDataChangedEvent, ColumnsPatchedEvent, ColumnsStreamedEvent)
    events = [event for event in looker.events if isinstance(event, wanted)]
    # without the one number that says where the newest is
    return [type(event) for event in events if "interval" not in event.model.data]


def test_bars_in_ticks_and_lots_become_candles_in_units() -> None:
    candles = Candles(BTC, SECOND)
    with looking_at(candles):
        candles.update([(NOON, 100, 120, 90, 110, 2_500, 7)])
    middle = (NOON + SECOND / 2) / 1e6
    assert held(candles) == [(middle, 10.0, 12.0, 9.0, 11.0, 2.5, "up", OPEN_ALPHA, 10.5, 1.0, 720.0, 1.25)]


def test_times_are_written_on_one_line_within_the_chart() -> None:
    (axis,) = Candles(BTC, SECOND)._figure.xaxis
    assert axis.formatter.context is None


def test_a_frame_of_bars_gives_the_same_candles() -> None:
    rows, frames = Candles(BTC, SECOND), Candles(BTC, SECOND)
    bars = RandomMarket()
    bars.trades(500)
    newest = bars.newest_bars(20)
    ordered = np.array(newest[::-1])
    names = ("open", "high", "low", "close")
    columns = {name: ordered[:, 1 + i] * 0.1 for i, name in enumerate(names)}
    frame = Frame(
        "bars", BTC, {"start": ordered[:, 0], **columns, "volume": ordered[:, 5] * 0.001}, key="start"
    )
    with looking_at(rows), looking_at(frames):
        rows.update(newest)
        frames.update(frame)
        for one, other in zip(held(rows), held(frames), strict=True):
            assert one[0] == other[0]
            assert one[1:6] == pytest.approx(other[1:6])
            assert one[6:8] == other[6:8]
            assert one[8:] == pytest.approx(other[8:])


@pytest.mark.parametrize(("close", "way"), [(101, "up"), (100, "up"), (99, "down")])
def test_way_is_up_unless_it_closed_below_its_open(close: int, way: str) -> None:
    candles = Candles(BTC, SECOND)
    with looking_at(candles):
        candles.update([bar(0, close)])
    assert held(candles)[0][6] == way


def test_a_candle_that_closed_where_it_opened_has_a_body_too() -> None:
    candles = Candles(BTC, SECOND)
    with looking_at(candles):
        candles.update([bar(0, 100)])
    assert 0 < held(candles)[0][9] < 0.001


def test_only_the_newest_candle_is_open() -> None:
    candles = Candles(BTC, SECOND)
    looker = PaintingLooker(candles)
    for second in range(5):
        candles.update([bar(second)])
        redrawn(candles, looker)
    assert [row[7] for row in held(candles)] == [FINAL_ALPHA] * 4 + [OPEN_ALPHA]
    looker.leave()


def test_a_moving_candle_travels_as_a_patch_of_one_row() -> None:
    candles = Candles(BTC, SECOND)
    looker = PaintingLooker(candles)
    candles.update([bar(second) for second in range(50)])
    redrawn(candles, looker)
    looker.forget()
    candles.update([bar(49, 105, volume=9)])
    redrawn(candles, looker)
    assert kinds(looker) == [ColumnsPatchedEvent]
    patch = next(event for event in looker.events if isinstance(event, ColumnsPatchedEvent))
    assert {index for rows in patch.patches.values() for index, _ in rows} == {49}
    assert held(candles)[-1][4:6] == (10.5, 0.009)
    looker.leave()


def test_a_new_candle_travels_as_a_stream_of_one_row() -> None:
    candles = Candles(BTC, SECOND, keep=10)
    looker = PaintingLooker(candles)
    candles.update([bar(second) for second in range(10)])
    redrawn(candles, looker)
    looker.forget()
    candles.update([bar(10)])
    redrawn(candles, looker)
    assert kinds(looker) == [ColumnsPatchedEvent, ColumnsStreamedEvent]
    stream = next(event for event in looker.events if isinstance(event, ColumnsStreamedEvent))
    assert {len(column) for column in stream.data.values()} == {1}
    assert stream.rollover == 10
    looker.leave()


def test_what_is_told_again_does_not_travel_again() -> None:
    candles = Candles(BTC, SECOND)
    looker = PaintingLooker(candles)
    candles.update([bar(0), bar(1)])
    redrawn(candles, looker)
    looker.forget()
    candles.update([bar(1), bar(0)])
    redrawn(candles, looker)
    assert kinds(looker) == []
    looker.leave()


@pytest.mark.parametrize("keep", [1, 30, 300])
def test_the_browser_holds_the_newest_candles_after_any_flow(keep: int) -> None:
    market, candles = RandomMarket(keep), Candles(BTC, SECOND, keep=keep)
    looker = PaintingLooker(candles)
    for _ in range(60):
        market.trades(market.random.choice((1, 5, 40)))
        candles.update(market.newest_bars(market.random.choice((3, 60))))
        if market.random.random() < 0.6:
            redrawn(candles, looker)
    candles.update(market.newest_bars(10_000))
    redrawn(candles, looker)
    expected = Candles(BTC, SECOND, keep=keep)
    with looking_at(expected):
        expected.update(market.newest_bars(10_000))
        assert held(candles) == held(expected)
    assert len(held(candles)) <= keep
    looker.leave()


def test_an_older_table_that_a_browser_sends_back_is_replaced() -> None:
    candles = Candles(BTC, SECOND)
    looker = PaintingLooker(candles)
    candles.update([bar(0), bar(1)])
    redrawn(candles, looker)
    old = {name: list(column) for name, column in candles._table.source.data.items()}
    candles.update([bar(2)])
    redrawn(candles, looker)
    candles._table.source.data = old  # as an echo of the first drawing does
    candles.update([bar(2, 105)])
    redrawn(candles, looker)
    assert [row[4] for row in held(candles)] == [10.0, 10.0, 10.5]
    looker.leave()


def test_memory_is_bounded_by_keep() -> None:
    candles = Candles(BTC, SECOND, keep=20)
    for second in range(1000):
        candles.update([bar(second)])
    assert len(candles.bars) == 20
    assert sum(scale._rows.nbytes for scale in candles.bars._scales) < 50_000


def test_bars_older_than_what_is_kept_change_nothing() -> None:
    candles = Candles(BTC, SECOND, keep=3)
    candles.update([bar(second) for second in range(10)])
    before = candles.bars.rows().copy()
    assert before[:, 0].tolist() == [NOON + second * SECOND for second in (7, 8, 9)]
    for second in range(10, 200):
        candles.update([bar(second)])
    before = candles.bars.rows().copy()
    candles.update([bar(1, 999)])
    assert np.array_equal(candles.bars.rows(), before)


def test_no_bars_at_all_leave_the_note_of_what_is_awaited() -> None:
    candles = Candles(BTC, SECOND)
    with looking_at(candles):
        candles.update([])
        assert "BTC-USD" in candles._waiting.text
        assert held(candles) == []


def test_the_first_picture_needs_no_browser_script() -> None:
    market, candles = RandomMarket(), Candles(BTC, SECOND)
    market.trades(3000)
    candles.update(market.newest_bars(200))
    candles.__panel__()
    plot = candles._figure
    visible = [row for row in held(candles) if plot.x_range.start <= row[0] <= plot.x_range.end]
    assert len(visible) == 60
    assert all(plot.y_range.start < row[3] <= row[2] < plot.y_range.end for row in visible)
    assert plot.extra_y_ranges["volume"].end >= 5 * max(row[5] for row in visible)


def test_a_single_flat_candle_has_a_range_with_room() -> None:
    candles = Candles(BTC, SECOND)
    candles.update([bar(0)])
    candles.__panel__()
    plot = candles._figure
    assert plot.y_range.start < 10.0 < plot.y_range.end
    assert plot.x_range.start < plot.x_range.end


def test_with_a_browser_python_never_sets_a_range() -> None:
    candles = Candles(BTC, SECOND)
    with looking_at(candles):
        candles.update([bar(0), bar(1)])
        assert (candles._figure.x_range.start, candles._figure.x_range.end) == (0, 1)


@pytest.mark.parametrize(("interval", "keep"), [(0, 10), (-1, 10), (SECOND, 0)])
def test_senseless_settings_are_refused(interval: int, keep: int) -> None:
    with pytest.raises(ConfigError, match="above 0"):
        Candles(BTC, interval, keep=keep)


def test_theme_paints_figure_and_candles() -> None:
    candles = Candles(BTC, SECOND, theme="dark")
    assert candles._mapper.palette == [DARK.ask, DARK.bid]
    candles.theme = "light"
    assert candles._mapper.palette == [LIGHT.ask, LIGHT.bid]
    assert candles._figure.background_fill_color == LIGHT.surface


def shown_lines(candles: Candles, name: str) -> dict[str, list[float]]:
    return candles._lines[name].table.source.data


def test_indicators_that_are_asked_for_are_drawn_over_the_candles_and_move_with_the_open_one() -> None:
    candles = Candles(BTC, SECOND, indicators=["EMA 3", "vwap"])
    assert candles.indicators == ("ema 3", "vwap")
    looker = PaintingLooker(candles)
    candles.update([bar(second, 100 + second) for second in range(6)])
    redrawn(candles, looker)
    before = {name: list(column) for name, column in shown_lines(candles, "ema 3").items()}
    assert before["x"] == [row[0] for row in held(candles)][2:]
    assert shown_lines(candles, "ema 20")["x"] == []  # offered, and not chosen
    looker.forget()
    candles.update([bar(5, 140)])
    redrawn(candles, looker)
    after = shown_lines(candles, "ema 3")["average"]
    assert after[:-1] == before["average"][:-1]
    assert after[-1] == pytest.approx(before["average"][-1] + 3.5 * 0.5)
    assert kinds(looker) == [ColumnsPatchedEvent] * 3  # one row of the candles, and of each indicator
    looker.leave()


def test_a_reader_switches_indicators_on_and_off() -> None:
    candles = Candles(BTC, SECOND)
    looker = PaintingLooker(candles)
    candles.update([bar(second) for second in range(30)])
    lines = candles._lines["bollinger 20"]
    for shown in (True, True, False):
        looker.say(candles.visual, {"indicator": "bollinger 20", "shown": shown})
        redrawn(candles, looker)
        assert candles.indicators == (("bollinger 20",) if shown else ())
        assert [renderer.visible for renderer in lines.renderers] == [shown] * 3
        assert len(lines.table.source.data["upper"]) == (11 if shown else 0)
    for senseless in (
        {"indicator": "macd", "shown": True},
        {"indicator": "vwap", "shown": 1},
        {"indicator": 3},
    ):
        looker.say(candles.visual, senseless)
    assert candles.indicators == ()
    looker.leave()


def test_a_browser_that_appears_gets_candles_and_lines_whole() -> None:
    candles = Candles(BTC, SECOND, indicators=["ema 2"])
    looker = PaintingLooker(candles)
    candles.update([bar(second) for second in range(5)])
    redrawn(candles, looker)
    looker.forget()
    looker.say(candles.beat, {"ready": "again"})
    redrawn(candles, looker)
    assert set(kinds(looker)) == {ColumnDataChangedEvent}
    assert len(shown_lines(candles, "ema 2")["x"]) == 4
    looker.leave()


@pytest.mark.parametrize("name", ["macd", "", "ema -1", "ema x", "vwap 20", "ema 0", "bollinger 1"])
def test_an_indicator_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        Candles(BTC, SECOND, indicators=[name])


def test_lines_wear_the_colours_of_their_switches_in_either_theme() -> None:
    candles = Candles(BTC, SECOND, indicators=["ema 50"])
    for theme in ("dark", "light"):
        candles.theme = theme
        offered = dict(candles.visual.offered)
        assert list(offered) == ["ema 50", *OFFERED]
        assert len(set(offered.values())) == len(offered)
        for name, lines in candles._lines.items():
            assert {renderer.glyph.line_color for renderer in lines.renderers} == {offered[name]}


def look(candles: Candles, looker: PaintingLooker, first: float, last: float, **more: object) -> None:
    """Say that the browser shows what lies between two seconds after noon."""
    window = {"x0": NOON / 1e6 + first * 1000, "x1": NOON / 1e6 + last * 1000, "most": 100, "live": False}
    looker.say(candles.visual, {"look": {**window, **more}})
    redrawn(candles, looker)


def test_zoomed_out_candles_are_joined_and_the_chart_says_so() -> None:
    candles = Candles(BTC, SECOND, indicators=["ema 3"])
    looker = PaintingLooker(candles)
    candles.update([bar(second, 100 + second % 7) for second in range(-NOON // SECOND % 60, 6000)])
    redrawn(candles, looker)
    assert candles.visual.told == ""
    look(candles, looker, 3000, 4200)
    rows = held(candles)
    assert {row[10] for row in rows} == {10_800.0}
    assert candles.visual.told == "15 s each"
    assert all(after[0] - before[0] == 15_000 for before, after in itertools.pairwise(rows))
    assert 80 < len(rows) <= 400
    assert {row[7] for row in rows} == {FINAL_ALPHA}  # the open one is not among them
    assert {row[5] for row in rows} == {0.015}
    assert (
        shown_lines(candles, "ema 3")["x"]
        == [row[0] for row in rows][-len(shown_lines(candles, "ema 3")["x"]) :]
    )
    look(candles, looker, 5990, 6000, live=True)
    assert held(candles)[-1][7] == OPEN_ALPHA
    assert candles.visual.told == ""
    assert len(held(candles)) == 300
    looker.leave()


def test_a_window_that_moves_a_little_is_not_sent_again() -> None:
    candles = Candles(BTC, SECOND)
    looker = PaintingLooker(candles)
    candles.update([bar(second) for second in range(3000)])
    look(candles, looker, 1000, 1090)
    looker.forget()
    look(candles, looker, 1001, 1091)
    assert kinds(looker) == []
    assert held(candles)[0][0] <= NOON / 1e6 + 1_001_000
    candles.update([bar(3000), bar(3001)])
    redrawn(candles, looker)
    assert candles._edge.data["x"] == [NOON / 1e6 + 3_001_500]  # where the newest is, which is not seen
    assert kinds(looker) == []
    looker.leave()


def test_who_is_shown_it_anew_begins_with_the_newest() -> None:
    candles = Candles(BTC, SECOND)
    looker = PaintingLooker(candles)
    candles.update([bar(second) for second in range(3000)])
    look(candles, looker, 100, 2000)
    assert len(held(candles)) < 1000
    looker.leave()
    with looking_at(candles):
        assert [row[0] for row in held(candles)] == [NOON / 1e6 + 1000 * i + 500 for i in range(2700, 3000)]


@pytest.mark.parametrize(
    "senseless",
    [{"x0": 1}, {"x0": 1, "x1": 0, "most": 9, "live": False}, {"x0": 0, "x1": 9, "most": 0, "live": True}, 3],
)
def test_a_window_that_makes_no_sense_is_counted_and_left(senseless: object) -> None:
    candles = Candles(BTC, SECOND)
    looker = PaintingLooker(candles)
    candles.update([bar(0)])
    looker.say(candles.visual, {"look": senseless})
    redrawn(candles, looker)
    assert candles.refused == 1
    assert len(held(candles)) == 1
    looker.leave()


def test_time_without_a_candle_is_marked() -> None:
    candles = Candles(BTC, SECOND)
    looker = PaintingLooker(candles)
    candles.update([bar(second) for second in (0, 1, 5, 6, 20)])
    redrawn(candles, looker)
    noon = NOON / 1e6
    assert candles._holes.data == {"left": [noon + 2000, noon + 7000], "right": [noon + 5000, noon + 20_000]}
    assert candles.visual.told == "2 gaps without a trade"
    candles.update([bar(second) for second in range(20)])
    redrawn(candles, looker)
    assert candles._holes.data == {"left": [], "right": []}
    assert candles.visual.told == ""
    looker.leave()


def test_what_is_no_price_has_a_pane_that_is_seen_while_it_is_chosen() -> None:
    candles = Candles(BTC, SECOND, indicators=["rsi 3"])
    looker = PaintingLooker(candles)
    candles.update([bar(second, 100 + second % 5) for second in range(60)])
    redrawn(candles, looker)
    panes = {name: pane.figure.visible for name, pane in candles._panes.items()}
    assert panes == {"rsi 3": True, "rsi 14": False, "atr 14": False}
    assert not candles._figure.xaxis[0].visible
    assert candles._panes["rsi 3"].figure.xaxis[0].visible
    assert all(0 <= value <= 100 for value in shown_lines(candles, "rsi 3")["rsi"])
    assert len(shown_lines(candles, "rsi 3")["rsi"]) == 57
    looker.say(candles.visual, {"indicator": "rsi 3", "shown": False})
    looker.say(candles.visual, {"indicator": "atr 14", "shown": True})
    redrawn(candles, looker)
    panes = {name: pane.figure.visible for name, pane in candles._panes.items()}
    assert panes == {"rsi 3": False, "rsi 14": False, "atr 14": True}
    looker.leave()


def test_repr_tells_interval_number_and_close() -> None:
    candles = Candles(BTC, SECOND // 10)
    assert repr(candles) == "Candles(BTC-USD, 0.1 s, candles=0)"
    candles.update([bar(0, 105)])
    assert repr(candles) == "Candles(BTC-USD, 0.1 s, candles=1, close=10.5)"


def test_the_candles_of_another_tab_have_what_came_and_what_comes() -> None:
    first = Candles(BTC, SECOND, indicators=["rsi 14"])
    first.update([bar(0), bar(1)])
    second = first.another()
    first.update([bar(1, 105), bar(2)])
    assert np.array_equal(first.bars.rows(), second.bars.rows())
    assert second.indicators == first.indicators == ("rsi 14",)
