"""A picture of a chart that stays in a saved notebook, for those who read it without a kernel.

A live chart is drawn by a browser from what a kernel sends: a reader of the saved file would see nothing. So a cell
first gets an SVG of its lines, which the live chart hides (see overlay.js), and which is renewed ever more seldom
while somebody looks, so that the file shows what was seen and the kernel is not kept busy by it.
"""

import html
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol, cast

import numpy as np

from rtlab.views.m4 import Floats
from rtlab.views.theme import FONT, Colours, series
from rtlab.views.viewport import Columns, Points

WIDTH, HEIGHT = 900, 320  # px
FRAME = (8, 34, WIDTH - 82, HEIGHT - 30)  # left, top, right, bottom
STILL_PX = 450  # columns: a file of tens of kB
FIRST_S, SELDOM_S = 3.0, 600.0
TICKS = 4


class _Handle(Protocol):
    def update(self, bundle: Mapping[str, str], *, raw: bool) -> object: ...


class Still:
    """The picture of one chart in a cell; `draw` gives it as SVG and in words. Outside of a notebook it is nothing."""

    def __init__(self, draw: Callable[[], tuple[str, str]]) -> None:
        self._draw, self._handle = draw, None  # type: Callable[[], tuple[str, str]], _Handle | None
        self._wait, self._due, self._shown = FIRST_S, 0.0, ""

    def publish(self, now: float) -> None:
        """Put the picture into the cell that runs, at `now` (s)."""
        from IPython.display import display

        made = cast(Any, display)(self._bundle(), raw=True, display_id=True)
        self._handle, self._wait, self._due = cast("_Handle | None", made), FIRST_S, now + FIRST_S

    def renew(self, now: float) -> None:
        """Bring the picture up to date, if it is time for it and there is news."""
        if self._handle is None or now < self._due:
            return
        self._wait = min(2 * self._wait, SELDOM_S)
        self._due, before = now + self._wait, self._shown
        bundle = self._bundle()
        if self._shown != before:
            self._handle.update(bundle, raw=True)

    def _bundle(self) -> Mapping[str, str]:
        self._shown, words = self._draw()
        return {"image/svg+xml": self._shown, "text/plain": words}


def picture(seen: Columns, colours: Colours, *, title: str, time_axis: bool, dots: bool = False) -> str:
    """Draw lines, or their points as dots, in their window as SVG, with a few numbers at the axes."""
    left, top, right, bottom = FRAME
    parts = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{colours.surface}"/>',
        _text(left, 20, title, colours.text),
    ]
    for at in np.linspace(seen.y0, seen.y1, TICKS + 2)[1:-1]:
        y = bottom - (at - seen.y0) / (seen.y1 - seen.y0) * (bottom - top)
        parts.append(_rule(left, y, right, y, colours.grid))
        parts.append(_text(right + 6, y + 4, f"{at:,.6g}", colours.muted))
    for at in np.linspace(seen.x0, seen.x1, TICKS + 2)[1:-1]:
        x = left + (at - seen.x0) / (seen.x1 - seen.x0) * (right - left)
        parts.append(_rule(x, top, x, bottom, colours.grid))
        parts.append(_text(x, bottom + 18, told(at, time_axis=time_axis), colours.muted, "middle"))
    for points, colour in zip(seen.lines, series(colours), strict=False):
        parts += [(_dots if dots else _path)(one, colour) for one in _runs(points, seen)]
    place = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" style="max-width:{WIDTH}px"'
    font = f'font-family="{html.escape(FONT)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {place} {font}>{"".join(parts)}</svg>'


def told(x: float, *, time_axis: bool) -> str:
    """Write a value of x: a number, or the time of day that so many ms since 1970 are (UTC)."""
    return f"{datetime.fromtimestamp(x / 1000, UTC):%H:%M:%S}" if time_axis else f"{x:,.6g}"


def _runs(points: Points, seen: Columns) -> list[Floats]:
    left, top, right, bottom = FRAME
    x = left + np.clip((points.x - seen.x0) / (seen.x1 - seen.x0), 0, 1) * (right - left)
    y = bottom - (points.y - seen.y0) / (seen.y1 - seen.y0) * (bottom - top)
    both = np.column_stack([x, y])
    gaps = np.flatnonzero(np.isnan(points.y))
    return [run[np.isfinite(run[:, 1])] for run in np.split(both, gaps)]


def _path(run: Floats, colour: str) -> str:
    if not len(run):
        return ""
    if len(run) == 1:
        return f'<circle cx="{run[0, 0]:.1f}" cy="{run[0, 1]:.1f}" r="2" fill="{colour}"/>'
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in run)
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-linejoin="round"/>'


def _dots(run: Floats, colour: str) -> str:
    places = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in run)
    return f'<path d="{places}" stroke="{colour}" stroke-width="3" stroke-linecap="round"/>' if places else ""


def _rule(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, words: str, colour: str, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} font-size="11" fill="{colour}">{html.escape(words)}</text>'
