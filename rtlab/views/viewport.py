"""What a chart must draw: the points of one window, and of a window that moves with the newest point.

Theory of operation of the moving window. x is cut into columns of one pixel each, counted from 0: column k is
[k * column, (k + 1) * column). The window is always a whole number of columns and ends with the one that holds
the newest point, the *open* one. All columns before it are closed: x never decreases, so nothing can be added
to them. Hence the M4 points of a column are sent once, when it closes, and only those of the open one again and
again. Windows of the same span and width have the same columns, whenever they were opened: what one of them
needs is cut once for all that look at the same pyramid (`Cuts`).
"""

from base64 import b64encode
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from rtlab.views.cells import Grid
from rtlab.views.m4 import Floats
from rtlab.views.pyramid import Drawing, Pyramid, edges_of
from rtlab.views.scatter import Scatter, Shown

_NOTHING = Drawing(np.empty(0), np.empty(0), 0.0, 1.0, 0)

MARGIN = 0.06
"""Of the height of the visible line, above and below it."""


class Points(NamedTuple):
    """Some points of one line."""

    x: Floats
    y: Floats


class Columns(NamedTuple):
    """The points of each line in a window [x0, x1) and the range [y0, y1] that shows the lines within it.

    `merged` pixel columns hold more gaps than are told apart; without any the drawing is exact. Of a scatter these are
    the points that others in their cells stand for.
    """

    x0: float
    x1: float
    lines: tuple[Points, ...]
    y0: float
    y1: float
    merged: int


@dataclass(frozen=True)
class News:
    """What the moving window needs of each line: points to keep, and the open column, to be replaced next time.

    `whole` says that `closed` is all there is to keep, not something to add. `merged` as of `Columns`.
    """

    x0: float
    x1: float
    closed: tuple[Points, ...]
    open: tuple[Points, ...]
    y0: float
    y1: float
    whole: bool
    merged: int

    @cached_property
    def points(self) -> Floats:
        """All x, then all y: of each line the closed columns and the open one."""
        parts = list(zip(self.closed, self.open, strict=True))
        return np.concatenate([part[i] for i in (0, 1) for pair in parts for part in pair])

    @cached_property
    def text(self) -> str:
        """`points` in base64."""
        return b64encode(self.points.tobytes()).decode()


def fitted(low: float, high: float) -> tuple[float, float]:
    """Widen [low, high] to a range that shows it with a margin, also when it is a single value."""
    middle, half = (low + high) / 2, (high - low) / 2 * (1 + 2 * MARGIN)
    # a range narrower than floats can divide has no ticks
    least = abs(middle) * 1e-9
    if half <= least:
        half = abs(middle) * 0.01 or 1.0
    return middle - half, middle + half


def window(
    pyramid: Pyramid, x0: float, x1: float, width: int, shown: Shown = None, scatter: Scatter | None = None
) -> Columns:
    """Give what draws [x0, x1) on `width` pixels, as lines or as marks; LocalError as of `Pyramid.view`.

    The lines that are not `shown` (None: all are) have no points.
    """
    now, edges = pyramid.now(), edges_of(x0, x1, width)
    if scatter is None:
        lines = _lines(now, edges, shown, outside=True)
    else:
        edges[-1] = np.nextafter(x1, np.inf)  # no line leads to a point on the edge
        lines = scatter.cut(now, edges, scatter.grid(now, x0, float(edges[-1]), shown), shown)
    return Columns(x0, x1, tuple(Points(x, y) for x, y, *_ in lines), *_range(lines), _merged(lines))


def joined(older: Columns, newer: Columns) -> Columns:
    """Give the columns of one window of which an older and a newer part of the same lines were cut apart."""
    if not any(len(x) for x, _ in older.lines):
        return newer
    if not any(len(x) for x, _ in newer.lines):
        return older
    lines = tuple(
        Points(np.concatenate([a.x, b.x]), np.concatenate([a.y, b.y]))
        for a, b in zip(older.lines, newer.lines, strict=True)
    )
    y0, y1 = min(older.y0, newer.y0), max(older.y1, newer.y1)
    return Columns(newer.x0, newer.x1, lines, y0, y1, older.merged + newer.merged)


def _lines(pyramid: Pyramid, edges: Floats, shown: Shown, *, outside: bool) -> list[Drawing]:
    return [
        pyramid.draw(edges, outside=outside, column=i) if shown is None or i in shown else _NOTHING
        for i in range(len(pyramid.names))
    ]


def _range(lines: list[Drawing]) -> tuple[float, float]:
    drawn = [(line.low, line.high) for line in lines if np.isfinite(line.y).any()]
    if not drawn:
        return 0.0, 1.0
    return fitted(min(low for low, _ in drawn), max(high for _, high in drawn))


def _merged(lines: list[Drawing]) -> int:
    return sum(line.merged for line in lines)


class Cuts:
    """What was cut of a pyramid as it is now, for all windows that need the same.

    Only what was cut since its newest point came is kept, and of that at most `most` pieces. Any thread may ask.
    """

    def __init__(self, most: int = 256) -> None:
        self._most, self._total = most, -1
        self._kept: dict[Hashable, News] = {}
        self._lock = Lock()
        self.made = self.shared = 0

    def get(self, total: int, key: Hashable, cut: Callable[[], News]) -> News:
        """Give what `cut` gives for `key` while the pyramid has `total` points; called where it is not known."""
        with self._lock:
            if total != self._total or len(self._kept) >= self._most:
                self._kept, self._total = {}, total
            known = self._kept.get(key)
            self.shared += known is not None
            if known is None:
                known = self._kept[key] = cut()
                self.made += 1
            return known


_CUTS: WeakKeyDictionary[Pyramid, Cuts] = WeakKeyDictionary()


def cuts_of(pyramid: Pyramid) -> Cuts:
    """Give what all windows on a pyramid share."""
    return _CUTS.setdefault(pyramid, Cuts())


class Moving:
    """A window of `width` pixels and about `span` long that ends with the newest point of a pyramid.

    `now` is where it ends as long as there is no point. The lines that are not `shown` have no points.
    """

    def __init__(
        self,
        pyramid: Pyramid,
        span: float,
        width: int,
        *,
        now: float = 0.0,
        shown: Shown = None,
        scatter: Scatter | None = None,
    ) -> None:
        self.column = span / width
        self._pyramid, self._width, self._now, self._shown = pyramid, width, now, shown
        self._cuts, self._scatter, self._height = cuts_of(pyramid), scatter, 0.0
        self._seen = -1
        self._open: int | None = None

    def whole(self) -> News:
        """Give all of the window, with the nearest point before it."""
        x, self._seen = self._pyramid.x, self._pyramid.total
        last = self._holding(float(x[-1]) if len(x) else self._now)
        self._open = last if len(x) else None
        return self._cut(last + 1 - self._width, last, whole=True)

    def news(self) -> News | None:
        """Give what has come since the last call of either; None if nothing has."""
        x = self._pyramid.x
        if self._open is None:
            return self.whole() if len(x) else None
        total = self._pyramid.total
        if total == self._seen:
            return None
        first, last = self._open, self._holding(float(x[-1]))
        came_late = self._pyramid.touched_since(self._seen) < first * self.column
        grid = self._grid(self._pyramid, last)
        if came_late or last - first >= self._width or (grid is not None and grid.height != self._height):
            return self.whole()
        self._seen, self._open = total, last
        return self._cut(first, last, whole=False)

    def _holding(self, value: float) -> int:
        k = int(value // self.column)
        while (k + 1) * self.column <= value:
            k += 1
        while k * self.column > value:
            k -= 1
        return k

    def _grid(self, now: Pyramid, last: int) -> Grid | None:
        if self._scatter is None:
            return None
        return self._scatter.grid(now, *self._ends(last), self._shown)

    def _ends(self, last: int) -> tuple[float, float]:
        return (last + 1 - self._width) * self.column, (last + 1) * self.column

    def _cut(self, first: int, last: int, *, whole: bool) -> News:
        now = self._pyramid.now()
        grid = self._grid(now, last)
        self._height = grid.height if grid is not None else 0.0
        key = self.column, self._width, self._shown, grid, first, last, whole
        return self._cuts.get(now.total, key, lambda: self._cut_now(now, first, last, grid, whole=whole))

    def _cut_now(self, now: Pyramid, first: int, last: int, grid: Grid | None, *, whole: bool) -> News:
        edges: Floats = np.arange(first, last + 2, dtype=np.float64) * self.column
        if self._scatter is None or grid is None:
            lines = _lines(now, edges, self._shown, outside=whole)
        else:
            lines = self._scatter.cut(now, edges, grid, self._shown)
        parts = [(int(np.searchsorted(x, edges[-2])), int(np.searchsorted(x, edges[-1]))) for x, *_ in lines]
        pairs = list(zip(lines, parts, strict=True))
        closed = tuple(Points(x[:end], y[:end]) for (x, y, *_), (end, _) in pairs)
        # what came behind the open column since it was found is for the next time
        opened = tuple(Points(x[start:end], y[start:end]) for (x, y, *_), (start, end) in pairs)
        x0, x1 = self._ends(last)
        # the least and greatest of all columns are those of one wide one
        seen = lines if whole else _lines(now, np.array([x0, x1]), self._shown, outside=True)
        return News(x0, x1, closed, opened, *_range(seen), whole, _merged(lines))
