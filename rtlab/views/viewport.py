"""What a chart must draw: the points of one window, and of a window that moves with the newest point.

Theory of operation of the moving window. x is cut into columns of one pixel each, counted from an origin
that stays: column k is [origin + k * column, origin + (k + 1) * column). The window is always a whole
number of columns and ends with the one that holds the newest point, the *open* one. All columns before
it are closed: x never decreases, so nothing can be added to them. Hence the M4 points of a column are
sent once, when it closes, and only those of the open one again and again.
"""

from typing import NamedTuple

import numpy as np

from rtlab.views.m4 import Floats
from rtlab.views.pyramid import Pyramid, edges_of

MARGIN = 0.06
"""Of the height of the visible line, above and below it."""


class Columns(NamedTuple):
    """The points of a window [x0, x1) and the range [y0, y1] that shows the line within it."""

    x0: float
    x1: float
    x: Floats
    y: Floats
    y0: float
    y1: float


class News(NamedTuple):
    """What the moving window needs: points to keep, and those of the open column, to be replaced next time.

    `whole` says that `closed_x` and `closed_y` are all there is to keep, not something to add.
    """

    x0: float
    x1: float
    closed_x: Floats
    closed_y: Floats
    open_x: Floats
    open_y: Floats
    y0: float
    y1: float
    whole: bool


def fitted(low: float, high: float) -> tuple[float, float]:
    """Widen [low, high] to a range that shows it with a margin, also when it is a single value."""
    middle, half = (low + high) / 2, (high - low) / 2 * (1 + 2 * MARGIN)
    # a range narrower than floats can divide has no ticks
    least = abs(middle) * 1e-9
    if half <= least:
        half = abs(middle) * 0.01 or 1.0
    return middle - half, middle + half


def window(pyramid: Pyramid, x0: float, x1: float, width: int) -> Columns:
    """Give what draws [x0, x1) on `width` pixels; LocalError as of `Pyramid.view`."""
    x, y, low, high = pyramid.draw(edges_of(x0, x1, width), outside=True)
    return Columns(x0, x1, x, y, *_range(len(x), low, high))


def _range(points: int, low: float, high: float) -> tuple[float, float]:
    return fitted(low, high) if points else (low, high)


class Moving:
    """A window of `width` pixels and about `span` long that ends with the newest point of a pyramid.

    `now` is where it ends as long as there is no point.
    """

    def __init__(self, pyramid: Pyramid, span: float, width: int, *, now: float = 0.0) -> None:
        self.column = span / width
        self._pyramid, self._width, self._now = pyramid, width, now
        self._seen = -1
        self._origin = 0.0
        self._open: int | None = None

    def whole(self) -> News:
        """Give all of the window, with the nearest point before it."""
        x = self._pyramid.x
        self._seen = len(x)
        newest = float(x[-1]) if len(x) else self._now
        # the newest point in the middle of the open column
        self._origin = newest - (self._width - 0.5) * self.column
        self._open = self._width - 1 if len(x) else None
        return self._cut(0, self._width - 1, whole=True)

    def news(self) -> News | None:
        """Give what has come since the last call of either; None if nothing has."""
        x = self._pyramid.x
        if self._open is None:
            return self.whole() if len(x) else None
        if len(x) == self._seen:
            return None
        first, last = self._open, self._holding(float(x[-1]))
        if last - first >= self._width:
            return self.whole()
        self._seen, self._open = len(x), last
        return self._cut(first, last, whole=False)

    def _holding(self, value: float) -> int:
        k = int((value - self._origin) // self.column)
        while self._edge(k + 1) <= value:
            k += 1
        while self._edge(k) > value:
            k -= 1
        return k

    def _edge(self, k: int) -> float:
        return self._origin + k * self.column

    def _cut(self, first: int, last: int, *, whole: bool) -> News:
        edges: Floats = self._origin + np.arange(first, last + 2, dtype=np.float64) * self.column
        x, y, low, high = self._pyramid.draw(edges, outside=whole)
        closed = int(np.searchsorted(x, edges[-2]))
        # what came behind the open column since it was found is for the next time
        end = int(np.searchsorted(x, edges[-1]))
        x0, x1 = self._edge(last + 1 - self._width), float(edges[-1])
        y0, y1 = _range(len(x), low, high) if whole else self._visible(x0, x1)
        return News(x0, x1, x[:closed], y[:closed], x[closed:end], y[closed:end], y0, y1, whole)

    def _visible(self, x0: float, x1: float) -> tuple[float, float]:
        # the least and greatest of all columns are those of one wide one
        x, _, low, high = self._pyramid.draw(np.array([x0, x1]), outside=True)
        return _range(len(x), low, high)
