"""Colours of the views, light and dark, and what Bokeh and CSS need to wear them.

Bid and ask are blue and orange: told apart with every common colour blindness, and as text
at least 4.5 : 1 against their surface. No state is told by colour alone.
"""

from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec

from rtlab.errors import ConfigError

if TYPE_CHECKING:
    from bokeh.models import Plot
    from bokeh.themes import Theme

ThemeName = Literal["light", "dark"]


class Colours(msgspec.Struct, frozen=True):
    """What each part of a view is painted with; every field but `name` is `#rrggbb`."""

    name: ThemeName
    background: str
    """behind the panels"""
    surface: str
    """of a panel"""
    text: str
    muted: str
    """labels and units; still readable on the surface"""
    border: str
    grid: str
    bid: str
    ask: str
    bid_soft: str
    """behind text: bars of the ladder, areas of the depth chart"""
    ask_soft: str
    accent: str
    """the price line and what can be pressed"""
    good: str
    warn: str
    bad: str


LIGHT = Colours(
    name="light",
    background="#f3f5f8",
    surface="#ffffff",
    text="#131922",
    muted="#566170",
    border="#d9dee5",
    grid="#eaedf1",
    bid="#0a64ad",
    ask="#b04400",
    bid_soft="#d3e7f8",
    ask_soft="#fde0c8",
    accent="#4a4dc4",
    good="#0d7559",
    warn="#8a5a00",
    bad="#b3261e",
)

DARK = Colours(
    name="dark",
    background="#0b0f14",
    surface="#131920",
    text="#e6ebf1",
    muted="#98a5b3",
    border="#2a333d",
    grid="#1e262f",
    bid="#62b5ff",
    ask="#ff9e57",
    bid_soft="#17344f",
    ask_soft="#4a2c14",
    accent="#a3a7ff",
    good="#41cf9f",
    warn="#f0b84a",
    bad="#ff8078",
)

_SERIES = {
    "light": ("#4a4dc4", "#b04400", "#0d7559", "#a3307c", "#7a5c00", "#0a7ea4", "#566170", "#8b1a1a"),
    "dark": ("#a3a7ff", "#ff9e57", "#41cf9f", "#f08fcb", "#e5c34a", "#62c8ff", "#b9c2cc", "#ff8078"),
}

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif'
"""The reader's own font: nothing is fetched."""


def colours(theme: str) -> Colours:
    """Give the colours of `theme`, "light" or "dark"; ConfigError for any other."""
    if theme not in ("light", "dark"):
        raise ConfigError("the caller's theme is unknown", expected='"light" or "dark"', got=theme)
    return DARK if theme == "dark" else LIGHT


def series(colours: Colours) -> tuple[str, ...]:
    """Give the colours of several lines, the accent first; neighbours differ in lightness or in hue for all eyes."""
    return _SERIES[colours.name]


def css(colours: Colours, selector: str = ":host") -> str:
    """Give a CSS rule that sets `--rt-…` variables (`bid_soft` is `--rt-bid-soft`) on `selector`."""
    fields = msgspec.structs.asdict(colours)
    variables = "".join(f"--rt-{name.replace('_', '-')}:{value};" for name, value in fields.items())
    return f"{selector}{{{variables}--rt-font:{FONT};color-scheme:{colours.name};}}"


def attributes(colours: Colours) -> dict[str, dict[str, object]]:
    """Give what figures wear: Bokeh model name -> property -> value."""
    text = {"text_color": colours.muted, "text_font": FONT}
    return {
        "Plot": {
            "background_fill_color": colours.surface,
            "border_fill_color": colours.surface,
            "outline_line_color": None,
        },
        "Grid": {"grid_line_color": colours.grid},
        "Axis": {
            "axis_line_color": colours.border,
            "major_tick_line_color": colours.border,
            "minor_tick_line_color": None,
            "major_label_text_color": colours.muted,
            "major_label_text_font": FONT,
            "major_label_text_font_size": "11px",
            "axis_label_text_color": colours.muted,
            "axis_label_text_font": FONT,
            "axis_label_text_font_size": "11px",
            "axis_label_text_font_style": "normal",
        },
        "Title": {**text, "text_color": colours.text, "text_font_size": "13px"},
        "Legend": {
            "label_text_color": colours.text,
            "label_text_font": FONT,
            "background_fill_color": colours.surface,
            "border_line_color": colours.border,
        },
    }


def bokeh_theme(colours: Colours) -> "Theme":
    """Give a theme for documents whose figures set no colours of their own."""
    from bokeh.themes import Theme

    return Theme(json={"attrs": cast(Any, attributes(colours))})


def dress(plot: "Plot", colours: Colours, *, filled: bool = True) -> None:
    """Paint one figure, its axes, grids, title and legends; call again to change the theme.

    Unless `filled` the figure shows what is behind it.
    """
    from bokeh.models.annotations import Title

    wear = attributes(colours)
    plot.update(**wear["Plot"])
    if not filled:
        plot.update(background_fill_color=None, border_fill_color=None)
    for kind, parts in (("Grid", plot.grid), ("Axis", plot.axis), ("Legend", plot.legend)):
        for part in parts:  # by name: `select` would walk all that the figure holds
            part.update(**wear[kind])
    if isinstance(plot.title, Title):
        plot.title.update(**wear["Title"])
