import numpy as np
import pytest
from bokeh.models import BasicTickFormatter, DatetimeTickFormatter, Scatter

from rtlab.views.dense import MARK_PX, dense_figure, paint
from rtlab.views.pyramid import Pyramid
from rtlab.views.theme import DARK, LIGHT
from rtlab.views.viewport import window


def built(**changes):
    x = np.arange(1000.0)
    first = window(Pyramid(x, np.sin(x)), 0.0, 1000.0, 100)
    settings = {"title": "BTC-USD", "y_label": "USD", "time_axis": True, **changes}
    return first, dense_figure(first, "canvas", LIGHT, **settings)


def test_the_figure_shows_the_first_columns():
    first, plot = built()
    source = plot.renderers[0].data_source
    assert plot.renderers[0].name == "dense"
    assert np.array_equal(source.data["x"], first.lines[0].x)
    assert (plot.x_range.start, plot.x_range.end) == (0.0, 1000.0)
    assert (plot.y_range.start, plot.y_range.end) == (first.y0, first.y1)


def test_no_tool_of_bokeh_can_repaint_it():
    _, plot = built()
    assert plot.toolbar_location is None
    assert plot.tools == []


@pytest.mark.parametrize("backend", ["webgl", "canvas"])
def test_the_backend_is_the_asked_one(backend):
    first, _ = built()
    plot = dense_figure(first, backend, LIGHT, title="", y_label="", time_axis=False)
    assert plot.output_backend == backend


def test_times_and_numbers_have_their_own_axis():
    assert isinstance(built()[1].xaxis[0].formatter, DatetimeTickFormatter)
    assert not isinstance(built(time_axis=False)[1].xaxis[0].formatter, DatetimeTickFormatter)


@pytest.mark.parametrize(("decimals", "expected"), [(0, "0,0"), (1, "0,0.0"), (3, "0,0.000")])
def test_an_axis_of_known_decimals_writes_them_all(decimals, expected):
    assert built(decimals=decimals)[1].yaxis[0].formatter.format == expected


def test_an_axis_of_unknown_decimals_writes_as_many_as_it_needs():
    assert isinstance(built()[1].yaxis[0].formatter, BasicTickFormatter)


def test_paint_changes_the_colours():
    _, plot = built()
    assert plot.background_fill_color == LIGHT.surface
    assert plot.renderers[0].glyph.line_color == LIGHT.accent
    paint(plot, DARK)
    assert plot.background_fill_color == DARK.surface
    assert plot.renderers[0].glyph.line_color == DARK.accent
    assert plot.xgrid[0].grid_line_color == DARK.grid
    assert plot.title.text_color == DARK.text


def test_a_scatter_has_marks_and_wears_the_same_colours():
    first, plot = built(kind="scatter")
    glyph = plot.renderers[0].glyph
    assert isinstance(glyph, Scatter)
    assert (glyph.size, plot.renderers[0].name) == (MARK_PX, "dense")
    assert glyph.fill_color == LIGHT.accent
    paint(plot, DARK)
    assert glyph.fill_color == DARK.accent
    assert glyph.line_color is None
    assert np.array_equal(plot.renderers[0].data_source.data["x"], first.lines[0].x)
