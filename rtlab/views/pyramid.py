"""Level of detail: a series of any length, and the points that a chart of some pixels must draw."""

from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtlab.errors import LocalError
from rtlab.views import m4

_SMALLEST = 1 << 16


class PyramidStatistics(NamedTuple):
    """What a `Pyramid` holds and what it has cost. `grown` counts how often its arrays were doubled."""

    points: int
    capacity: int
    levels: int
    level_bytes: int
    grown: int


class Drawing(NamedTuple):
    """A line: its points, and the least and the greatest y of it within the window (0 and 1 without any)."""

    x: m4.Floats
    y: m4.Floats
    low: float
    high: float


class _Held(NamedTuple):
    x: m4.Floats
    y: m4.Floats
    levels: m4.Levels
    points: int


def _allocate(capacity: int) -> _Held:
    # np.empty: pages that no point has reached yet cost no memory
    return _Held(np.empty(capacity), np.empty(capacity), m4.allocate(capacity), 0)


class _Move:
    """Arrays twice as large, filled a little with each append, so that no append has to wait for all of it."""

    def __init__(self, held: _Held, needed: int) -> None:
        capacity = max(_SMALLEST, len(held.x))
        while capacity < needed:
            capacity *= 2
        self.capacity = capacity
        self._to, self._copied = _allocate(capacity), 0

    def advance(self, held: _Held, count: int) -> None:
        """Copy the next `count` points."""
        some = slice(self._copied, min(held.points, self._copied + count))
        self._to.x[some], self._to.y[some] = held.x[some], held.y[some]
        self._copied = some.stop

    def finish(self, held: _Held) -> _Held:
        """Copy the rest, and the levels."""
        self.advance(held, held.points)
        size, old, new = m4.BASE, held.levels, self._to.levels
        # a level that the old capacity had no bucket of has none that is whole yet
        for old_at, new_at in zip(old.offsets[:-1], new.offsets, strict=False):
            whole = held.points // size
            new.values[new_at : new_at + whole] = old.values[old_at : old_at + whole]
            new.places[new_at : new_at + whole] = old.places[old_at : old_at + whole]
            size *= m4.FACTOR
        return self._to._replace(points=held.points)


def _column(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.atleast_1d(np.asarray(values))
    if array.dtype.kind not in "biuf" or array.ndim != 1:
        raise LocalError(
            f"the caller's {name} cannot be drawn",
            expected="numbers in one dimension",
            got=f"{array.dtype} of shape {array.shape}",
        )
    return np.ascontiguousarray(array, dtype=np.float64)


def milliseconds(times: ArrayLike) -> NDArray[np.float64]:
    """Turn integer nanoseconds since 1970, or datetime64, into the milliseconds that a time axis counts."""
    array = np.atleast_1d(np.asarray(times))
    if array.dtype.kind == "M":
        array = array.astype("datetime64[ns]").astype(np.int64)
    if array.dtype.kind not in "iu":
        raise LocalError(
            "the caller's times cannot be converted",
            expected="integer nanoseconds or datetime64",
            got=str(array.dtype),
        )
    # whole and rest apart: 1.7e18 ns is beyond the integers that a float64 holds exactly
    whole, rest = np.divmod(array, 1_000_000)
    return whole.astype(np.float64) + rest / 1e6


def edges_of(x0: float, x1: float, width: int) -> m4.Floats:
    """Give the `width` + 1 edges of equal columns of [x0, x1]; LocalError if these cannot be columns."""
    span = x1 - x0
    if not (np.isfinite(span) and span >= 0 and width >= 1):
        raise LocalError(
            "the caller's window cannot be drawn",
            expected="finite x0 <= x1 and width >= 1",
            got=f"x0={x0}, x1={x1}, width={width}",
        )
    return m4.divide(float(x0), float(x1), int(width))


class Pyramid:
    """An append-only series that any window of can be drawn from at the cost of the pixels, not the points.

    `x` (not decreasing) and `y` are finite numbers of equal length. `view` gives exactly the points that
    M4 over all points of the window would give, so that the drawing is the same.

    An append costs what its own points cost (about 15 ns each) and, once the arrays are three quarters full,
    the copying of five times as many into arrays twice as large: over a life one to two copies a point, and
    never all of them at once. Besides x and y the levels take 37 bytes per 64 points (4 %).

    Any number of threads may read while one appends: each read sees all points up to some moment, and
    none after it.
    """

    def __init__(self, x: ArrayLike | None = None, y: ArrayLike | None = None) -> None:
        m4.compile_all()
        self._held = _allocate(0)
        self._appending = Lock()
        self._grown = 0
        self._move: _Move | None = None
        if x is not None or y is not None:
            self.append(() if x is None else x, () if y is None else y)

    def __len__(self) -> int:
        return self._held.points

    def __repr__(self) -> str:
        x = self.x
        extent = f", x from {x[0]:g} to {x[-1]:g}" if len(x) else ""
        return f"Pyramid({len(x):,} points{extent})"

    @property
    def x(self) -> NDArray[np.float64]:
        """All x so far, as a view that cannot be written to."""
        held = self._held
        return _prefix(held.x, held.points)

    @property
    def y(self) -> NDArray[np.float64]:
        """All y so far, as a view that cannot be written to."""
        held = self._held
        return _prefix(held.y, held.points)

    def append(self, x: ArrayLike, y: ArrayLike) -> None:
        """Add points behind the last one; all of them, or none and LocalError with the faulty position."""
        xs, ys = _column(x, "x"), _column(y, "y")
        if len(xs) != len(ys):
            raise LocalError(
                "the caller's x and y belong together",
                expected="as many x as y",
                got=f"{len(xs)} and {len(ys)}",
            )
        with self._appending:
            held = self._held
            n, new = held.points, held.points + len(xs)
            _check(xs, ys, float(held.x[n - 1]) if n else -np.inf)
            held = self._with_room(held, new)
            held.x[n:new], held.y[n:new] = xs, ys
            m4.fold(held.y, held.levels, n, new)
            self._held = held._replace(points=new)

    def _with_room(self, held: _Held, needed: int) -> _Held:
        if needed <= len(held.x):
            if needed > len(held.x) // 4 * 3:
                self._move = self._move or _Move(held, len(held.x) + 1)
                self._move.advance(held, 5 * (needed - held.points))
            return held
        if self._move is None or self._move.capacity < needed:
            self._move = _Move(held, needed)
        held, self._move = self._move.finish(held), None
        self._grown += held.points > 0
        return held

    def view(self, x0: float, x1: float, width: int) -> NDArray[np.int64]:
        """Give the indices to draw [x0, x1) on `width` pixel columns, ascending, each once.

        Column c holds the points with edge c <= x < edge c + 1, where edge c is x0 + (x1 - x0) * c / width.
        Of each column that holds any: the first, the first least, the first greatest, the last. Before
        and behind them the nearest point outside, where there is one, so that the line leaves the frame
        in its own direction. At most 4 * width + 2 indices.
        """
        return self.columns(edges_of(x0, x1, width), outside=True)

    def columns(self, edges: NDArray[np.float64], *, outside: bool = False) -> NDArray[np.int64]:
        """Give the M4 indices of the columns between neighbouring `edges`, as `view` does for equal widths.

        `edges` are at least two and do not decrease. With `outside`, the nearest points before the first
        edge and from the last one on are added.
        """
        held = self._held
        return m4.draw(held.x, held.y, held.levels, held.points, edges, outside)[0]

    def draw(self, edges: NDArray[np.float64], *, outside: bool = False) -> Drawing:
        """Give the points whose indices are those of `columns`, and the range of the line through them.

        The points outside count in the range only where the line crosses the sides.
        """
        held = self._held
        return Drawing(*m4.draw(held.x, held.y, held.levels, held.points, edges, outside)[1:])

    def statistics(self) -> PyramidStatistics:
        """Say what is held."""
        held = self._held
        level_bytes = sum(part.nbytes for part in held.levels)
        return PyramidStatistics(
            held.points, len(held.x), len(held.levels.offsets) - 1, level_bytes, self._grown
        )


def _prefix(values: m4.Floats, points: int) -> m4.Floats:
    view = values[:points]
    view.flags.writeable = False
    return view


def _check(x: NDArray[np.float64], y: NDArray[np.float64], before: float) -> None:
    at, fault = m4.first_fault(x, y, before)
    if fault == m4.UNORDERED:
        last = float(x[at - 1]) if at else before
        raise LocalError(
            f"the caller's x decreases at position {at}", expected=f"x >= {last!r}", got=float(x[at])
        )
    if fault != m4.SOUND:
        name, value = ("x", x[at]) if fault == m4.NOT_FINITE_X else ("y", y[at])
        raise LocalError(
            f"the caller's {name} at position {at} cannot be drawn",
            expected="a finite number",
            got=float(value),
        )
