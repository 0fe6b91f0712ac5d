import re

import msgspec
import pytest
from bokeh.document import Document
from bokeh.plotting import figure

from rtlab.errors import ConfigError
from rtlab.views.theme import DARK, LIGHT, Colours, attributes, bokeh_theme, colours, css, dress

BOTH = pytest.mark.parametrize("wearing", [LIGHT, DARK], ids=lambda wearing: wearing.name)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def as_seen_without_red_receptors(colour: str) -> tuple[float, ...]:
    # Viénot, Brettel and Mollon 1999, protanopia, on linear RGB
    red, green, blue = ((int(colour[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5))
    seen = 0.11238 * red + 0.88762 * green
    return seen, seen, 0.00401 * red - 0.00401 * green + blue


def distance(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5


@BOTH
def test_every_colour_is_a_full_hex_colour(wearing: Colours) -> None:
    for name, value in msgspec.structs.asdict(wearing).items():
        assert name == "name" or re.fullmatch(r"#[0-9a-f]{6}", value), name


@BOTH
@pytest.mark.parametrize("role", ["text", "muted", "bid", "ask", "accent", "good", "warn", "bad"])
def test_whatever_is_written_reads_at_wcag_aa_on_both_grounds(wearing: Colours, role: str) -> None:
    assert contrast(getattr(wearing, role), wearing.surface) >= 4.5
    assert contrast(getattr(wearing, role), wearing.background) >= 4.5


@BOTH
def test_text_over_a_bar_still_reads_at_wcag_aa(wearing: Colours) -> None:
    for bar, side in ((wearing.bid_soft, wearing.bid), (wearing.ask_soft, wearing.ask)):
        assert contrast(wearing.text, bar) >= 4.5
        assert contrast(side, bar) >= 4.5


@BOTH
def test_bid_and_ask_differ_without_red_receptors(wearing: Colours) -> None:
    seen = [as_seen_without_red_receptors(side) for side in (wearing.bid, wearing.ask)]
    assert distance(*seen) > 0.25


def test_a_red_green_pair_would_fail_the_test_of_colour_blindness() -> None:
    seen = [as_seen_without_red_receptors(side) for side in ("#2e7d32", "#a05a2c")]
    assert distance(*seen) < 0.25


def test_colours_are_asked_for_by_name() -> None:
    assert colours("light") is LIGHT
    assert colours("dark") is DARK


@pytest.mark.parametrize("name", ["Dark", "", "sepia", "default"])
def test_an_unknown_theme_says_what_was_expected(name: str) -> None:
    with pytest.raises(ConfigError, match='expected "light" or "dark"'):
        colours(name)


@BOTH
def test_css_sets_one_variable_for_each_colour(wearing: Colours) -> None:
    rule = css(wearing, ".panel")
    assert rule.startswith(".panel{")
    assert rule.endswith("}")
    found = dict(re.findall(r"--rt-([a-z-]+):([^;]+);", rule))
    for name, value in msgspec.structs.asdict(wearing).items():
        assert found[name.replace("_", "-")] == value
    assert f"color-scheme:{wearing.name};" in rule


def test_css_names_no_font_that_would_have_to_be_fetched() -> None:
    assert "url(" not in css(LIGHT)
    assert "@" not in css(LIGHT)
    assert "system-ui" in css(LIGHT)


@BOTH
def test_bokeh_theme_reaches_a_figure_of_its_document(wearing: Colours) -> None:
    plot = figure()
    document = Document(theme=bokeh_theme(wearing))
    document.add_root(plot)
    assert plot.background_fill_color == wearing.surface
    assert plot.xaxis[0].major_label_text_color == wearing.muted
    assert plot.ygrid[0].grid_line_color == wearing.grid


def test_dress_changes_a_figure_that_already_wears_a_theme() -> None:
    plot = figure(title="trades")
    plot.line([1, 2], [3, 4], legend_label="price")
    for wearing in (LIGHT, DARK, LIGHT):
        dress(plot, wearing)
        assert plot.border_fill_color == wearing.surface
        assert plot.title.text_color == wearing.text
        assert plot.legend[0].label_text_color == wearing.text
        assert {axis.axis_line_color for axis in plot.axis} == {wearing.border}


def test_a_figure_that_is_not_filled_shows_what_is_behind_it() -> None:
    plot = figure()
    dress(plot, DARK, filled=False)
    assert (plot.background_fill_color, plot.border_fill_color) == (None, None)
    assert plot.xaxis[0].major_label_text_color == DARK.muted
    dress(plot, DARK)
    assert plot.border_fill_color == DARK.surface


def test_dress_leaves_the_glyphs_to_their_owner() -> None:
    plot = figure()
    line = plot.line([1, 2], [3, 4], line_color="#123456")
    dress(plot, DARK)
    assert line.glyph.line_color == "#123456"


def test_dress_takes_a_figure_without_title_and_legend() -> None:
    plot = figure()
    plot.title = None
    dress(plot, DARK)
    assert plot.title is None


@BOTH
def test_attributes_name_only_properties_that_bokeh_has(wearing: Colours) -> None:
    from bokeh.models import Axis, Grid, Plot
    from bokeh.models.annotations import Legend, Title

    models = {"Plot": Plot, "Grid": Grid, "Axis": Axis, "Title": Title, "Legend": Legend}
    for name, properties in attributes(wearing).items():
        assert set(properties) <= set(models[name].properties()), name
