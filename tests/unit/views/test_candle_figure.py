import pytest
from bokeh.models import CategoricalColorMapper, ColumnDataSource, CrosshairTool
from bokeh.plotting import figure
from support.random_market import BTC

from rtlab.views.candle_figure import AXIS_HEIGHT_PX, PANE_PX, Pane, arrange, join_crosshair, price_figure
from rtlab.views.dense import AXIS_PX
from rtlab.views.indicators import Indicator
from rtlab.views.live import OURS
from rtlab.views.theme import DARK


def price(decimals: int = 1):
    columns = ("x", "high", "low", "middle", "height", "width", "half", "volume", "way", "alpha")
    source = ColumnDataSource({name: [] for name in columns})
    mapper = CategoricalColorMapper(factors=["down", "up"], palette=["#000000", "#ffffff"])
    return price_figure(source, ColumnDataSource({"left": [], "right": []}), mapper, decimals)


def pane(name: str, main: figure | None = None) -> Pane:
    return Pane(Indicator(name, BTC), main or price())


@pytest.mark.parametrize(("decimals", "written"), [(0, "0,0"), (1, "0,0.0"), (3, "0,0.000")])
def test_prices_have_the_decimals_of_the_tick(decimals: int, written: str) -> None:
    assert price(decimals).yaxis[0].formatter.format == written


def test_panes_share_the_window_and_stand_below_the_frame_of_the_prices() -> None:
    plot = price()
    below = [pane(name, plot) for name in ("rsi 14", "atr 14")]
    for one in below:
        assert one.figure.x_range is plot.x_range
        assert one.figure.xaxis[0].ticker is plot.xaxis[0].ticker
        assert one.figure.y_range is not plot.y_range
        assert one.figure.min_border_right == plot.min_border_right == AXIS_PX
        assert (one.figure.height, one.figure.visible, one.figure.tags) == (PANE_PX, False, [OURS])


def test_rsi_goes_from_0_to_100_with_its_marks_and_atr_as_high_as_it_is() -> None:
    rsi, atr = pane("rsi 7"), pane("atr")
    assert (rsi.fixed, rsi.y.start, rsi.y.end) == (True, 0, 100)
    assert rsi.figure.yaxis[0].ticker.ticks == [30.0, 70.0]
    assert not atr.fixed
    assert [one._label.text for one in (rsi, atr)] == ["RSI 7", "ATR 14"]


def test_only_the_lowest_that_is_seen_tells_the_times() -> None:
    plot, below = price(), [pane("rsi").figure, pane("atr").figure]
    for seen, expected in (
        ([], [True, False, False]),
        ([0], [False, True, False]),
        ([0, 1], [False, False, True]),
    ):
        for i, one in enumerate(below):
            one.visible = i in seen
        arrange(plot, below)
        assert [one.xaxis[0].visible for one in (plot, *below)] == expected
        frames = [one.height - AXIS_HEIGHT_PX * one.xaxis[0].visible for one in below]
        assert frames == [PANE_PX, PANE_PX]


def test_one_crosshair_goes_through_all() -> None:
    figures = [price(), pane("rsi").figure]
    line = join_crosshair(figures)
    assert [one.select_one(CrosshairTool).overlay for one in figures] == [line, line]


def test_a_pane_wears_a_theme() -> None:
    one = pane("rsi")
    one.wear(DARK, filled=True)
    assert one.figure.background_fill_color == DARK.surface
    assert one._label.text_color == DARK.muted
    one.wear(DARK, filled=False)
    assert one.figure.background_fill_color is None
