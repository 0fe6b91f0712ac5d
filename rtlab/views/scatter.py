"""What a scatter must draw of a window: at most so many marks a cell, of lines that share the heights."""

import math
from typing import NamedTuple

import numpy as np

from rtlab.views.cells import Grid
from rtlab.views.m4 import Floats
from rtlab.views.pyramid import Drawing, Pyramid

CELL_PX = 2
"""The width and the height of a cell, in pixels; a mark is larger."""
Shown = frozenset[int] | None
_NOTHING = Drawing(np.empty(0), np.empty(0), 0.0, 1.0, 0)


class Scatter(NamedTuple):
    """A window of about `rows` cells in height, with at most `most` marks in each."""

    rows: int
    most: int = 1

    def grid(self, pyramid: Pyramid, x0: float, x1: float, shown: Shown) -> Grid:
        """Give the cells for the window [x0, x1). Their heights are powers of two, so that they seldom change."""
        ranges = [(line.low, line.high) for _, line in _ranges(pyramid, x0, x1, shown) if len(line.x)]
        low = min((low for low, _ in ranges), default=0.0)
        high = max((high for _, high in ranges), default=1.0)
        least = max(abs(low), abs(high)) * 2.0**-40  # of heights that floats can tell apart
        height = 2.0 ** math.floor(math.log2(max((high - low) / self.rows, least) or 1.0))
        y0 = math.floor(low / height) * height
        return Grid(y0, height, int((high - y0) / height) + 2, self.most)

    def cut(self, pyramid: Pyramid, edges: Floats, grid: Grid, shown: Shown) -> list[Drawing]:
        """Give the marks of each line between the edges, with the range of all its points there."""
        lines = [_NOTHING] * len(pyramid.names)
        for i, line in _ranges(pyramid, float(edges[0]), float(edges[-1]), shown):
            marks = pyramid.marks(edges, grid, column=i)
            lines[i] = marks._replace(low=line.low, high=line.high)
        return lines


def _ranges(pyramid: Pyramid, x0: float, x1: float, shown: Shown) -> list[tuple[int, Drawing]]:
    ends = np.array([x0, x1])
    numbers = range(len(pyramid.names))
    return [(i, pyramid.draw(ends, column=i)) for i in numbers if shown is None or i in shown]
