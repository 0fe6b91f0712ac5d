"""Level of detail: a series of any length, and the points that a chart of some pixels must draw."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtlab.errors import LocalError
from rtlab.views import cells, checked, m4, spooled, stored
from rtlab.views import late as lateness
from rtlab.views.column import SMALLEST, Column, Held, Move, allocate
from rtlab.views.gaps import added

_PER_POINT = 1.04 * 8  # bytes of a number, and of its share of the levels


class PyramidStatistics(NamedTuple):
    """What a `Pyramid` holds and what it has cost.

    `grown` counts how often its arrays were made anew, `evicted` the points that were too old and are gone,
    `late` those that were put in before others, and `refused` those that came too late for that.
    """

    points: int
    capacity: int
    levels: int
    level_bytes: int
    grown: int
    evicted: int = 0
    late: int = 0
    refused: int = 0


class Drawing(NamedTuple):
    """A line: its points, and the least and the greatest y of it within the window (0 and 1 without any).

    A y that is nan is a gap in it. `merged` columns had more gaps than can be told apart, and are not exact.
    """

    x: m4.Floats
    y: m4.Floats
    low: float
    high: float
    merged: int


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

    `x` (not decreasing) and `y` are numbers of equal length; a y that is nan is a gap in the line. Several
    value columns over one x have `names`: then y is of shape (points, columns), or a mapping of name to values.
    `view` gives exactly the points that M4 over all points of the window would give, so that the drawing is
    the same.

    An append costs what its own points cost (about 15 ns each) and, once the arrays are three quarters full,
    the copying of five times as many into arrays twice as large: over a life one to two copies a point, and
    never all of them at once. Besides x and y the levels take 37 bytes per 64 points of a column (4 %).

    Everything is kept, unless `age` (in x) or `most_bytes` says when the oldest points may go: once they are
    half of all, they do, and indices then count from the oldest that is left (`draw` gives points instead).

    With `late` a point may come behind others whose x is up to that much greater, and is put where it belongs;
    one that comes later still is left out and counted. That costs what is held from its place on.

    Any number of threads may read while one appends: each read sees all points up to some moment, and
    none after it; where points come late, `x`, `values` and `now` may see their places change.
    """

    def __init__(
        self,
        x: ArrayLike | None = None,
        y: ArrayLike | Mapping[str, ArrayLike] | None = None,
        *,
        names: Sequence[str] = ("y",),
        age: float | None = None,
        most_bytes: int | None = None,
        late: float = 0.0,
    ) -> None:
        m4.compile_all()
        self.names = tuple(y) if isinstance(y, Mapping) else tuple(names)
        if not self.names or len(set(self.names)) < len(self.names):
            raise LocalError(
                "the caller's value columns need names",
                expected="at least one, all different",
                got=self.names,
            )
        most = None if most_bytes is None else int(most_bytes / (_PER_POINT * (1 + len(self.names))))
        if (age is not None and not age > 0) or (most is not None and most < SMALLEST):
            raise LocalError(
                "the caller's pyramid can keep nothing",
                expected=f"age > 0, and bytes for {SMALLEST:,} points",
                got=f"age={age}, most_bytes={most_bytes}",
            )
        if not late >= 0:
            raise LocalError(
                "the caller's pyramid cannot wait for late points", expected="late >= 0", got=late
            )
        self._age, self._most, self._late = age, most, late
        self._rewriting: AbstractContextManager[object] = Lock() if late else nullcontext()
        self._touched, self._came_late, self._refused = lateness.Touched(), 0, 0
        self._held = allocate(0, len(self.names))
        self._appending = Lock()
        self._grown = self._evicted = 0
        self._move: Move | None = None
        if x is not None or y is not None:
            self.append(() if x is None else x, () if y is None else y)

    def __len__(self) -> int:
        return self._held.points

    def __repr__(self) -> str:
        x = self.x
        extent = f", x from {x[0]:g} to {x[-1]:g}" if len(x) else ""
        several = f" of {', '.join(self.names)}" if len(self.names) > 1 else ""
        return f"Pyramid({len(x):,} points{several}{extent})"

    @property
    def x(self) -> NDArray[np.float64]:
        """All x so far, as a view that cannot be written to."""
        held = self._held
        return _prefix(held.x, held.points)

    @property
    def y(self) -> NDArray[np.float64]:
        """All y of the first column so far, as a view that cannot be written to."""
        return self.values(0)

    def values(self, column: int) -> NDArray[np.float64]:
        """Give all y of a column so far, as a view that cannot be written to."""
        held = self._held
        return _prefix(held.columns[column].y, held.points)

    @property
    def total(self) -> int:
        """How many points were ever appended."""
        return self._evicted + self._held.points

    def append(self, x: ArrayLike, y: ArrayLike | Mapping[str, ArrayLike]) -> None:
        """Add points behind the last one; all of them, or none and LocalError with the faulty position."""
        xs, ys = checked.numbers(x, "x"), checked.columns(y, self.names)
        with self._appending:
            before = float(self._held.x[self._held.points - 1]) if self._held.points else -np.inf
            checked.check(xs, ys, self.names, before, is_ordered=not self._late)
            if self._late and len(xs):
                self._put_in(xs, ys)
            else:
                held = self._with_room(self._held, len(xs))
                self._held = _written(held, xs, ys, held.points)

    def _put_in(self, xs: m4.Floats, ys: list[m4.Floats]) -> None:
        xs, ys, start, late, refused = lateness.put_in_order(self._held, xs, ys, self._late)
        came, evicted = start + len(xs) - self._held.points, self._evicted
        is_anew = start < self._held.points
        held = self._with_room(self._held, came)
        start -= self._evicted - evicted
        if start < 0:  # what is older was given up just now
            xs, ys, start = xs[-start:], [values[-start:] for values in ys], 0
        with self._rewriting:
            if is_anew:
                if self._move is not None:
                    self._move.again_from(start)
                held = held._replace(columns=tuple(lateness.cut(column, start) for column in held.columns))
            self._held = _written(held, xs, ys, start)
        if is_anew:
            self._touched.add(self.total, float(xs[0]))
        self._came_late += late
        self._refused += refused

    def touched_since(self, total: int) -> float:
        """Give the least x from which on points came late since there were `total` ever; inf if none did."""
        return self._touched.since(total)

    def _with_room(self, held: Held, count: int) -> Held:
        needed, size = held.points + count, len(held.x)
        if self._move is None:
            start = self._too_old(held)
            if start or needed > size // 4 * 3:
                self._move = Move(held, needed if start or needed > size else size + 1, start)
        if self._move is None:
            return held
        is_copied = self._move.advance(held, 5 * count)
        if needed <= size and not (is_copied and self._move.start):
            return held
        if self._move.capacity < needed - self._move.start:
            self._move = Move(held, needed, self._move.start)
        start = self._move.start
        held, self._move = self._move.finish(held), None
        self._grown += size > 0
        self._evicted += start
        return held

    def _too_old(self, held: Held) -> int:
        """How many of the oldest points may go; 0 while they are less than half of all."""
        n, start = held.points, 0
        if n < 2 * SMALLEST:
            return 0
        if self._most is not None and n > self._most:
            start = n - self._most // 2
        if self._age is not None:
            start = max(start, int(np.searchsorted(held.x[:n], held.x[n - 1] - self._age)))
        return start if start >= n // 2 else 0

    def view(self, x0: float, x1: float, width: int, column: int = 0) -> NDArray[np.int64]:
        """Give the indices to draw [x0, x1) on `width` pixel columns, ascending, each once.

        Column c holds the points with edge c <= x < edge c + 1, where edge c is x0 + (x1 - x0) * c / width.
        Of each column that holds any: the first, the first least, the first greatest, the last; of a gap
        one point, and its column is divided by it. Before and behind them the nearest point outside, where
        there is one, so that the line leaves the frame in its own direction. Without gaps at most
        4 * width + 2 indices.
        """
        return self.columns(edges_of(x0, x1, width), outside=True, column=column)

    def columns(
        self, edges: NDArray[np.float64], *, outside: bool = False, column: int = 0
    ) -> NDArray[np.int64]:
        """Give the M4 indices of the columns between neighbouring `edges`, as `view` does for equal widths.

        `edges` are at least two and do not decrease. With `outside`, the nearest points before the first
        edge and from the last one on are added.
        """
        return self._drawn(edges, outside, column)[0]

    def draw(self, edges: NDArray[np.float64], *, outside: bool = False, column: int = 0) -> Drawing:
        """Give the points whose indices are those of `columns`, and the range of the line through them.

        The points outside count in the range only where the line crosses the sides.
        """
        return Drawing(*self._drawn(edges, outside, column)[1:])

    def marks(self, edges: NDArray[np.float64], grid: cells.Grid, column: int = 0) -> Drawing:
        """Give the points of a scatter between the edges: of each cell the first few. `merged` are the others."""
        with self._rewriting:
            held = self._held
            x, (y, levels, gaps) = held.x[: held.points], held.columns[column]
            indices, points = cells.marks(y, levels, gaps, np.searchsorted(x, edges), grid)
            some_x, some_y = x[indices], y[indices]
        low, high = (float(some_y.min()), float(some_y.max())) if len(some_y) else (0.0, 1.0)
        return Drawing(some_x, some_y, low, high, points - len(indices))

    def _drawn(
        self, edges: m4.Floats, outside: bool, column: int
    ) -> tuple[m4.Places, m4.Floats, m4.Floats, float, float, int]:
        with self._rewriting:
            held = self._held
            y, levels, gaps = held.columns[column]
            return m4.draw(held.x, y, levels, gaps, held.points, edges, outside)

    def save(self, folder: str | Path) -> None:
        """Write what is held at this moment into a folder, as plain files."""
        stored.save(self._held, self.names, Path(folder))

    @classmethod
    def write(
        cls,
        folder: str | Path,
        parts: Iterable[tuple[ArrayLike, ArrayLike | Mapping[str, ArrayLike]]],
        *,
        names: Sequence[str] = ("y",),
    ) -> "Pyramid":
        """Write a series that is larger than memory into a folder, part by part as `append` takes them; open it.

        Of all that is written only the levels (4 %) are held. LocalError where a part cannot follow the one before.
        """
        m4.compile_all()
        spooled.write(Path(folder), tuple(names), parts)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: str | Path) -> "Pyramid":
        """Give the pyramid of a folder: its files are mapped, and only what a drawing needs is read.

        Points may be appended, which copies them all into memory; the files stay. SourceError where it is not whole.
        """
        held, names = stored.load(Path(folder))
        opened = cls(names=names)
        opened._held = held
        return opened

    def now(self) -> "Pyramid":
        """Give what is held at this moment: to be read as a whole while others append to this one."""
        still = object.__new__(Pyramid)
        still.__dict__.update(self.__dict__, _appending=Lock(), _move=None)
        return still

    def statistics(self) -> PyramidStatistics:
        """Say what is held."""
        held = self._held
        level_bytes = sum(part.nbytes for column in held.columns for part in column.levels)
        levels = len(held.columns[0].levels.offsets) - 1
        return PyramidStatistics(
            held.points,
            len(held.x),
            levels,
            level_bytes,
            self._grown,
            self._evicted,
            self._came_late,
            self._refused,
        )


def _written(held: Held, xs: m4.Floats, ys: list[m4.Floats], start: int) -> Held:
    """Write points from point `start` on."""
    end = start + len(xs)
    held.x[start:end] = xs
    columns = tuple(_extended(*pair, start, end) for pair in zip(held.columns, ys, strict=True))
    return Held(held.x, columns, end)


def _extended(column: Column, y: m4.Floats, n: int, new: int) -> Column:
    column.y[n:new] = y
    m4.fold(column.y, column.levels, n, new)
    return column._replace(gaps=added(column.gaps, y, n))


def _prefix(values: m4.Floats, points: int) -> m4.Floats:
    view = values[:points]
    view.flags.writeable = False
    return view
