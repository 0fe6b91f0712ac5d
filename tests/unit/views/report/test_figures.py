import numpy as np
import pytest
from bokeh.models import HoverTool, Label, Plot, Span, WheelZoomTool
from support.report import BEGIN_MS, BTC, HOUR_MS, note, part, walk

from rtlab.model import Instrument
from rtlab.views.pyramid import edges_of
from rtlab.views.report import Series
from rtlab.views.report.figures import DRAWN, figures_of, thinned
from rtlab.views.theme import LIGHT


def plots(notes=(), **changes):
    return figures_of(part()._replace(**changes), notes).children


def test_five_figures_of_which_the_first_four_share_their_time():
    price, candles, spread, flow, book = plots()
    assert len({one.x_range.id for one in (price, candles, spread, flow)}) == 1
    assert book.x_range is not price.x_range
    assert price.x_range.start == BEGIN_MS
    assert price.x_range.end >= BEGIN_MS + HOUR_MS


def test_a_long_line_is_the_m4_points_of_its_columns():
    series = walk(60_000)
    drawn = thinned(series)
    assert len(drawn.x) <= 4 * DRAWN + 2
    edges = edges_of(float(series.x[0]), float(series.x[-1]) + 1e-3, DRAWN)
    columns = np.searchsorted(edges, series.x, "right")
    kept = np.searchsorted(edges, drawn.x, "right")
    for column in (1, 77, DRAWN):
        whole, few = series.y[columns == column], drawn.y[kept == column]
        assert (few.min(), few.max(), few[0], few[-1]) == (whole.min(), whole.max(), whole[0], whole[-1])


def test_a_short_line_is_drawn_as_it_is():
    series = walk(100)
    assert thinned(series) is series


def test_notes_are_marked_by_their_number_where_they_belong():
    notes = [note(10, "all"), note(20, "other", "ETH-USD"), note(50, "mine", "BTC-USD")]
    price = plots(notes)[0]
    labels = {one.text.strip(): one for one in price.select({"type": Label})}
    assert sorted(labels) == ["1", "3"]
    assert labels["3"].x == BEGIN_MS + 50 * 60_000
    assert (labels["1"].text_align, labels["3"].text_align) == ("left", "right")
    assert (
        len([one for one in price.select({"type": Span}) if one.location in (labels["1"].x, labels["3"].x)])
        == 2
    )


def test_rising_and_falling_candles_have_their_colours_and_a_tag_that_names_them():
    candles = plots()[1]
    bars = part().bars
    by_colour = {}
    for renderer in candles.renderers:
        for tag in renderer.glyph.tags:
            by_colour.setdefault(tag, []).append(len(renderer.data_source.data["x"]))
    rising = int((bars["close"] >= bars["open"]).sum())
    assert by_colour["fill_color=bid"] == [rising, rising]
    assert by_colour["fill_color=ask"] == [bars.rows - rising] * 2


def test_every_line_wears_a_colour_of_the_theme():
    worn = set()
    for plot in plots():
        for renderer in plot.renderers:
            for tag in renderer.glyph.tags:
                name, colour = tag.split("=")
                assert getattr(renderer.glyph, name) == getattr(LIGHT, colour)
                worn.add(colour)
    assert worn == {"accent", "bid", "ask", "warn", "good"}


def test_the_last_book_is_summed_from_the_best_price_on():
    book = plots()[4]
    bids, asks = book.renderers[0].data_source.data, book.renderers[2].data_source.data
    assert bids["x"][-1] == 100.0
    assert bids["y"][-1] == 0.010
    assert bids["y"][-2] == pytest.approx(0.021)
    assert asks["x"][0] == 100.01
    assert asks["y"].tolist() == sorted(asks["y"].tolist())


def test_an_instrument_of_which_nothing_is_known_is_drawn_empty():
    nothing = Series(np.zeros(0), np.zeros(0))
    shown = plots(price=nothing, spread=nothing, flow=nothing, bars=None, bids=[], asks=[])
    assert len(shown) == 5
    assert all(isinstance(one, Plot) for one in shown)


def test_prices_have_the_decimals_of_their_tick():
    whole = part(instrument=Instrument("JPY", "5", "1"))
    price = figures_of(whole, []).children[0]
    assert price.yaxis[0].formatter.format == "0,0.[00]"
    assert plots()[0].yaxis[0].formatter.format == "0,0.00"
    assert whole.instrument != BTC


@pytest.mark.parametrize("at", [0, 3])
def test_who_points_at_a_line_is_told_time_and_value(at):
    plot = plots()[at]
    (hover,) = plot.select({"type": HoverTool})
    assert hover.mode == "vline"
    assert hover.formatters == {"@x": "datetime"}
    assert hover.tooltips[0][1] == "@x{%F %T.%3N}"
    assert hover.renderers == plot.renderers


def test_a_finger_scrolls_the_page_and_no_figure_takes_it():
    for plot in plots():
        assert plot.toolbar.active_drag is None
        assert plot.toolbar.logo is None
        assert not plot.select({"type": WheelZoomTool})
