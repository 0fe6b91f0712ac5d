"""Open, high, low, close, volume, notional and count of trades per window of event time."""

from typing import NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from rtlab.pipelines.analytics.exact import Whole, product, sums
from rtlab.pipelines.analytics.kernels import fits, grow_bars
from rtlab.pipelines.analytics.windows import Windows
from rtlab.pipelines.frame import Integers
from rtlab.pipelines.state import pack, unpack

KIND = "bars"


class Bar(NamedTuple):
    """One bar: prices in ticks, `lots` the volume, `notional` the sum of ticks x lots. `start` in ns."""

    start: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    notional: int
    trades: int

    def then(self, later: "Bar") -> "Bar":
        """Give the bar of both, `later` having come after this one in the same window."""
        return Bar(
            self.start,
            self.open,
            max(self.high, later.high),
            min(self.low, later.low),
            later.close,
            self.lots + later.lots,
            self.notional + later.notional,
            self.trades + later.trades,
        )


class BarColumns(NamedTuple):
    """Bars as columns, ascending by start. `final`: a later bar exists, this one will not change again.

    `lots` and `notional` are exact: int64, or Python integers (dtype object) where int64 would overflow.
    """

    start: Integers
    open: Integers
    high: Integers
    low: Integers
    close: Integers
    lots: Whole
    notional: Whole
    trades: Integers
    final: NDArray[np.bool_]


class _State(msgspec.Struct, array_like=True):
    interval_ns: int
    newest: int | None
    left_out: int
    bar: tuple[str, ...]  # as decimal texts: a sum may be wider than 64 bits


class BarsFold:
    """Folds trades into bars of `interval_ns`; the last one is open. A late trade is in no bar (see windows)."""

    def __init__(self, interval_ns: int) -> None:
        self._windows = Windows(interval_ns)
        self._open: Bar | None = None

    @property
    def interval_ns(self) -> int:
        """Length of a bar."""
        return self._windows.interval_ns

    @property
    def parameters(self) -> dict[str, object]:
        """What the fold was made with."""
        return {"interval_ns": self.interval_ns}

    @property
    def left_out(self) -> int:
        """Rows that came too late to be in any bar."""
        return self._windows.left_out

    def fold(self, ts: Integers, ticks: Integers, lots: Integers) -> BarColumns:
        """Take trades in order of arrival; give the bars that they changed or made final, the open one last."""
        if not ts.size:
            return bar_columns([])
        if fits(ticks, lots, 0.0 if self._open is None else float(self._open.notional)):
            return self._grown(ts, ticks, lots)
        placed = self._windows.place(ts)
        if not placed.start.size:
            return bar_columns([])
        changed = grouped(placed.start, placed.begins, ticks[placed.kept], lots[placed.kept])
        if self._open is not None:
            if placed.begins[0]:
                changed.insert(0, self._open)
            else:
                changed[0] = self._open.then(changed[0])
        self._open = changed[-1]
        return bar_columns(changed)

    def _grown(self, ts: Integers, ticks: Integers, lots: Integers) -> BarColumns:
        windows, opened = self._windows, self._open
        state = np.array((0,) * 9 if opened is None else (1, *opened), np.int64)
        out = np.empty((ts.size + 1, 8), np.int64)
        count, late = grow_bars(ts, ticks, lots, windows.interval_ns, state, out)
        windows.left_out += late
        if not count:
            return bar_columns([])
        self._open = Bar(*state[1:].tolist())
        windows.newest = self._open.start
        final = np.ones(count, np.bool_)
        final[-1] = False
        columns = np.ascontiguousarray(out[:count].T)
        return BarColumns(*columns, final)  # type: ignore[call-arg]

    def state(self) -> bytes:
        """Give everything that a fold needs to go on from here."""
        bar = tuple(map(str, self._open or ()))
        return pack(KIND, _State(self.interval_ns, self._windows.newest, self._windows.left_out, bar))

    @classmethod
    def restore(cls, state: bytes) -> Self:
        """Go on exactly from `state`; SourceError when it is damaged or of another kind."""
        saved = unpack(KIND, state, _State)
        fold = cls(saved.interval_ns)
        fold._windows = Windows(saved.interval_ns, saved.newest, saved.left_out)
        fold._open = Bar(*map(int, saved.bar)) if saved.bar else None
        return fold


def grouped(start: Integers, begins: NDArray[np.bool_], ticks: Integers, lots: Integers) -> list[Bar]:
    """Give a bar for each group of rows: the first row begins one, and each where `begins` another."""
    heads = np.flatnonzero(begins)
    if not begins[0]:
        heads = np.concatenate([[0], heads])
    ends = np.append(heads[1:], start.size)
    columns = (
        start[heads].tolist(),
        ticks[heads].tolist(),
        np.maximum.reduceat(ticks, heads).tolist(),
        np.minimum.reduceat(ticks, heads).tolist(),
        ticks[ends - 1].tolist(),
        sums(lots, heads),
        sums(product(ticks, lots), heads),
        (ends - heads).tolist(),
    )
    return [Bar(*values) for values in zip(*columns, strict=True)]


def bar_columns(bars: list[Bar]) -> BarColumns:
    """Give bars as columns, all but the last final."""
    columns = (
        dict(zip(Bar._fields, zip(*bars, strict=True), strict=True))
        if bars
        else dict.fromkeys(Bar._fields, ())
    )
    final = np.ones(len(bars), np.bool_)
    final[-1:] = False
    return BarColumns(**{name: _whole(column) for name, column in columns.items()}, final=final)


def _whole(values: tuple[int, ...]) -> Whole:
    fits = all(-(2**63) <= value < 2**63 for value in values)
    return np.array(values, np.int64 if fits else object)


def bars(ts: Integers, ticks: Integers, lots: Integers, interval_ns: int) -> BarColumns:
    """Fold all trades at once into bars of `interval_ns`. Times in ns, in order of arrival; the last is open."""
    return BarsFold(interval_ns).fold(ts, ticks, lots)
