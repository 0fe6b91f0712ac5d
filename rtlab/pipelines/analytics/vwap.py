"""Volume-weighted average price: sum of price x quantity over sum of quantity, running or per window."""

from typing import NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from rtlab.pipelines.analytics.exact import Whole, product, running
from rtlab.pipelines.analytics.kernels import fits, running_sums
from rtlab.pipelines.analytics.windows import Windows
from rtlab.pipelines.frame import Floats, Integers
from rtlab.pipelines.state import pack, unpack

KIND = "vwap"


class VwapColumns(NamedTuple):
    """A row for each trade that counts: sums since its window's `start` (ns), that trade included, both exact.

    `kept` picks those trades from the batch; `vwap` is in ticks.
    """

    kept: NDArray[np.bool_] | slice
    start: Integers
    notional: Whole
    lots: Whole

    @property
    def vwap(self) -> Floats:
        """Average price in ticks: a function of the two exact sums alone."""
        return self.notional.astype(np.float64) / self.lots.astype(np.float64)


class _State(msgspec.Struct, array_like=True):
    interval_ns: int
    newest: int | None
    left_out: int
    notional: str  # decimal text: a sum may be wider than 64 bits
    lots: str


class VwapFold:
    """Folds trades into the average price since the beginning, or since the start of windows of `interval_ns`.

    A late trade is in no window (see windows); a trade of no quantity weighs nothing. Neither makes a row.
    """

    def __init__(self, interval_ns: int = 0) -> None:
        self._windows = Windows(interval_ns)
        self._notional = self._lots = 0

    @property
    def interval_ns(self) -> int:
        """Length of a window; 0: there is one, which never ends."""
        return self._windows.interval_ns

    @property
    def parameters(self) -> dict[str, object]:
        """What the fold was made with."""
        return {"interval_ns": self.interval_ns}

    @property
    def left_out(self) -> int:
        """Rows that were late or had no quantity."""
        return self._windows.left_out

    def fold(self, ts: Integers, ticks: Integers, lots: Integers) -> VwapColumns:
        """Take trades in order of arrival; give the sums at each of them that counts."""
        if ts.size and fits(ticks, lots, float(self._notional)):
            return self._run(ts, ticks, lots)
        weighing = lots > 0
        if not weighing.all():
            self._windows.left_out += int(np.count_nonzero(~weighing))
            part = self.fold(ts[weighing], ticks[weighing], lots[weighing])
            kept = np.zeros(ts.size, np.bool_)
            kept[np.flatnonzero(weighing)[part.kept]] = True
            return part._replace(kept=kept)
        if not ts.size:
            return VwapColumns(slice(None), ts, ticks, lots)
        kept_, start, begins = self._windows.place(ts)
        ticks, lots = ticks[kept_], lots[kept_]
        notional = running(product(ticks, lots), begins, self._notional)
        volume = running(lots, begins, self._lots)
        if start.size:
            self._notional, self._lots = int(notional[-1]), int(volume[-1])
        return VwapColumns(kept_, start, notional, volume)

    def _run(self, ts: Integers, ticks: Integers, lots: Integers) -> VwapColumns:
        windows = self._windows
        begun = windows.newest is not None
        state = np.array((begun, windows.newest or 0, self._notional, self._lots), np.int64)
        out = np.empty((4, ts.size), np.int64)
        count = running_sums(ts, ticks, lots, windows.interval_ns, state, out)
        kept: NDArray[np.bool_] | slice = slice(None)
        if count < ts.size:
            kept = np.zeros(ts.size, np.bool_)
            kept[out[3, :count]] = True
            windows.left_out += ts.size - count
        _, windows.newest, self._notional, self._lots = state.tolist()
        return VwapColumns(kept, out[0, :count], out[1, :count], out[2, :count])

    def state(self) -> bytes:
        """Give everything that a fold needs to go on from here."""
        windows = self._windows
        sums = str(self._notional), str(self._lots)
        return pack(KIND, _State(windows.interval_ns, windows.newest, windows.left_out, *sums))

    @classmethod
    def restore(cls, state: bytes) -> Self:
        """Go on exactly from `state`; SourceError when it is damaged or of another kind."""
        saved = unpack(KIND, state, _State)
        fold = cls(saved.interval_ns)
        fold._windows = Windows(saved.interval_ns, saved.newest, saved.left_out)
        fold._notional, fold._lots = int(saved.notional), int(saved.lots)
        return fold


def vwap(ts: Integers, ticks: Integers, lots: Integers, interval_ns: int = 0) -> VwapColumns:
    """Fold all trades at once. Times in ns, in order of arrival."""
    return VwapFold(interval_ns).fold(ts, ticks, lots)
