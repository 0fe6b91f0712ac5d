"""What lies over a chart: lines, markers, events, ranges and notes."""

from typing import Literal

import msgspec


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A horizontal line: an order, an alert. `colour` is of the theme ("bid", "ask", "accent", ...) or `#rrggbb`.

    One that has a `name` can be dragged.
    """

    y: float
    label: str = ""
    colour: str = "accent"
    dashed: bool = True
    name: str = ""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Words at a point, which a reader may write, change and take away. Each has a `name` of its own."""

    name: str
    x: float
    y: float
    text: str


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """A point of its own: a fill, an event. `colour` as of `Line`."""

    x: float
    y: float
    shape: Literal["circle", "up", "down"] = "circle"
    label: str = ""
    colour: str = "accent"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened at x: a thin line over the whole height, with a flag where it has a label."""

    x: float
    label: str = ""
    colour: str = "muted"


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """What lasted from x0 to x1: a pale strip over the whole height. `colour` as of `Line`."""

    x0: float
    x1: float
    label: str = ""
    colour: str = "accent"
