from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.looker import PaintingLooker, looking_at
from support.random_market import BTC, RandomMarket

from rtlab.model import Instrument
from rtlab.views.depth import MOST_STEPS, NOTHING, DepthChart, cumulated, reach, steady, within
from rtlab.views.theme import DARK, LIGHT

LEVELS = st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 10**6)), max_size=50)


WHOLE = Instrument("ONE", Decimal(1), Decimal(1))


def redrawn(chart: DepthChart, looker: PaintingLooker) -> None:
    chart.beat.pace._due.clear()
    looker.paint()


@given(LEVELS)
def test_sums_are_what_a_loop_gives(levels: list[tuple[int, int]]) -> None:
    prices, sums = cumulated(levels, BTC)
    total = 0
    for i, (ticks, lots) in enumerate(levels):
        total += lots
        assert (prices[i], sums[i]) == (float(BTC.price(ticks)), float(BTC.quantity(total)))
    assert len(prices) == len(levels)


@given(st.lists(st.integers(1, 1_000), max_size=60, unique=True), st.integers(0, 1_200), st.integers(2, 10))
def test_within_keeps_both_ends_and_one_point_beyond(away: list[int], across: int, most: int) -> None:
    levels = [(5_000 + distance, 1) for distance in sorted(away)]
    prices, sums = within(cumulated(levels, WHOLE), 5_000, across, most)
    inside = [n for n in sorted(away) if n <= across]
    beyond = [n for n in sorted(away) if n > across][:1]
    expected = [5_000.0 + n for n in inside + beyond]
    assert len(prices) == min(most, len(expected))
    assert set(prices.tolist()) <= set(expected)
    assert prices.tolist() == sorted(prices.tolist())
    if expected:
        assert (prices[0], prices[-1]) == (expected[0], expected[-1])
        assert sums[-1] == len(expected)


@given(st.lists(st.tuples(st.integers(1, 1_000), st.integers(1, 50)), min_size=1, max_size=60))
def test_reach_is_the_first_price_at_which_the_share_is_there(levels: list[tuple[int, int]]) -> None:
    levels = sorted({5_000 + away: lots for away, lots in levels}.items())
    total = sum(lots for _, lots in levels)
    far = reach(cumulated(levels, WHOLE), 5_000)
    held = sum(lots for price, lots in levels if price <= 5_000 + far)
    assert held >= 0.9 * total
    assert sum(lots for price, lots in levels if price < 5_000 + far) < 0.9 * total


def test_a_stray_level_far_away_does_not_squeeze_the_chart() -> None:
    chart = DepthChart(BTC)
    bids = [(100_000 - i, 1_000) for i in range(50)]
    with looking_at(chart):
        chart.update([*bids, (1, 5)], [(100_001 + i, 1_000) for i in range(50)])
    assert chart._view.data["x1"][0] - chart._view.data["x0"][0] < 11


@pytest.mark.parametrize(
    ("wanted", "held", "given"),
    [(1.0, 1.0, 1.0), (0.95, 1.0, 1.0), (0.5, 1.0, 0.5), (1.2, 1.0, 1.2), (3.0, 0.0, 3.0)],
)
def test_an_axis_stands_still_while_it_fits(wanted: float, held: float, given: float) -> None:
    assert steady(wanted, held, 0.9, 1.1) == given


def test_steps_begin_at_nothing_at_the_best_price_and_end_with_all_that_is_seen() -> None:
    chart = DepthChart(BTC)
    with looking_at(chart):
        chart.update([(100, 1_000), (99, 2_000)], [(102, 3_000), (103, 1_000)])
    bids, asks = (source.data for source in chart._sources)
    assert bids == {"x": [9.9, 10.0, 10.0], "y": [3.0, 1.0, 0.0]}
    assert asks == {"x": [10.2, 10.2, 10.3], "y": [0.0, 3.0, 4.0]}


def test_the_window_is_around_the_middle_and_holds_nearly_all_of_both_sides() -> None:
    chart = DepthChart(BTC)
    with looking_at(chart):
        chart.update([(100, 1), (90, 1)], [(102, 1), (132, 1)])
    window = {name: column[0] for name, column in chart._view.data.items()}
    assert (window["x0"] + window["x1"]) / 2 == pytest.approx(10.1)
    assert window["x1"] == pytest.approx(13.2)
    assert window["y1"] == pytest.approx(0.002 * 1.15)


def test_a_side_that_reaches_further_than_the_window_leaves_the_frame() -> None:
    chart = DepthChart(BTC)
    bids = [(100_000 - i, 1_000) for i in range(50)]
    with looking_at(chart):
        chart.update([*bids, (5, 5)], [(100_001, 1)])
    assert chart._sources[0].data["x"][0] < chart._view.data["x0"][0]


def test_a_deep_book_is_drawn_with_a_bounded_number_of_steps() -> None:
    chart = DepthChart(BTC)
    bids, asks = RandomMarket(depth=5_000).levels()
    with looking_at(chart):
        chart.update(bids, asks)
    for source in chart._sources:
        assert len(source.data["x"]) == MOST_STEPS + 1


@pytest.mark.parametrize("side", [0, 1])
def test_a_book_with_one_side_is_drawn(side: int) -> None:
    chart = DepthChart(BTC)
    levels = [[(100, 5)], []] if side == 0 else [[], [(100, 5)]]
    with looking_at(chart):
        chart.update(*levels)
    assert len(chart._sources[side].data["x"]) == 2
    assert chart._sources[1 - side].data == NOTHING
    assert chart._view.data["x0"][0] < 10.0 < chart._view.data["x1"][0]


def test_a_book_that_was_emptied_is_not_shown_any_more_and_one_that_comes_back_is() -> None:
    chart = DepthChart(BTC)
    looker = PaintingLooker(chart)
    for bids, asks, is_shown in ([(9, 4)], [(11, 4)], True), ([], [], False), ([(8, 4)], [], True):
        chart.update(bids, asks)
        redrawn(chart, looker)
        assert any(source.data != NOTHING for source in chart._sources) is is_shown
        assert bool(chart._waiting.text) is not is_shown
        assert all(axis.visible is is_shown for axis in chart._figure.axis)
    looker.leave()


def test_no_side_is_ever_without_points_which_the_browser_would_not_survive() -> None:
    chart = DepthChart(BTC)
    looker = PaintingLooker(chart)
    for bids, asks in ([], []), ([(1, 1)], []), ([], [(1, 1)]), ([], []):
        chart.update(bids, asks)
        redrawn(chart, looker)
        assert all(len(source.data["x"]) == len(source.data["y"]) >= 2 for source in chart._sources)
    looker.leave()


def test_an_empty_book_says_what_it_waits_for_and_keeps_the_last_picture() -> None:
    chart = DepthChart(BTC)
    looker = PaintingLooker(chart)
    assert "BTC-USD" in chart._waiting.text
    chart.update([(100, 1)], [(102, 1)])
    redrawn(chart, looker)
    assert not chart._waiting.text
    chart.update([], [])
    redrawn(chart, looker)
    assert chart._sources[0].data["x"]
    looker.leave()


def test_a_hundred_updates_between_two_answers_draw_few_times() -> None:
    chart, market = DepthChart(BTC), RandomMarket()
    looker = PaintingLooker(chart)
    for _ in range(100):
        chart.update(*market.levels())
    assert chart.beat.pace.statistics().drawn < 20
    redrawn(chart, looker)
    best = chart._levels[0][0][0] * 0.1
    assert chart._sources[0].data["x"][-1] == pytest.approx(best)
    looker.leave()


def test_a_drawing_sends_both_sides_and_the_window_as_text() -> None:
    chart = DepthChart(BTC)
    with looking_at(chart) as looker:
        chart.update(*RandomMarket().levels())
        assert all(isinstance(column, list) for source in chart._sources for column in source.data.values())
        assert not any(isinstance(n, np.generic) for n in chart._sources[0].data["x"])
        assert looker.messages(chart.beat) == [{"sent": 1}]


def test_the_first_picture_needs_no_browser_script() -> None:
    chart = DepthChart(BTC)
    chart.update(*RandomMarket().levels())
    chart.__panel__()
    assert chart._sources[0].data["x"]
    assert chart._figure.x_range.start == pytest.approx(chart._view.data["x0"][0])
    assert chart._figure.y_range.end == pytest.approx(chart._view.data["y1"][0])


def test_with_a_browser_python_never_sets_a_range() -> None:
    chart, market = DepthChart(BTC), RandomMarket()
    with looking_at(chart):
        chart.update(*market.levels())
        assert (chart._figure.x_range.start, chart._figure.x_range.end) == (0, 1)


def test_theme_paints_figure_and_sides() -> None:
    chart = DepthChart(BTC, theme="dark")
    assert chart._figure.background_fill_color == DARK.surface
    chart.theme = "light"
    assert [area.fill_color for area in chart._areas] == [LIGHT.bid, LIGHT.ask]
    assert [edge.line_color for edge in chart._edges] == [LIGHT.bid, LIGHT.ask]


def test_repr_tells_the_best_prices() -> None:
    chart = DepthChart(BTC)
    assert repr(chart) == "DepthChart(BTC-USD, bid=none, ask=none)"
    chart.update([(100, 1)], [])
    assert repr(chart) == "DepthChart(BTC-USD, bid=10.0, ask=none)"
