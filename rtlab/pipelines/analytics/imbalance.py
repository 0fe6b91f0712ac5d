"""Order flow imbalance of the best bid and ask.

Cont, Kukanov and Stoikov (2014), The Price Impact of Order Book Events, Journal of Financial Econometrics
12(1), 47-88: from one quote (P_b, q_b, P_a, q_a) to the next, supply and demand change by

    e = q_b [P_b >= P_b'] - q_b' [P_b <= P_b'] - q_a [P_a <= P_a'] + q_a' [P_a >= P_a']   (' the quote before)

and the imbalance of a window is the sum of its e. Of an empty side the quantity is 0 and the price the worst
there is, so that a side that appears or vanishes counts with its whole quantity. The sum is over the quotes
that are seen: where a feed leaves quotes out, so does this.
"""

from typing import NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from rtlab.pipelines.analytics.exact import LIMIT, Whole, running, widen
from rtlab.pipelines.analytics.kernels import quote_changes, running_sums
from rtlab.pipelines.analytics.windows import Windows
from rtlab.pipelines.frame import Integers
from rtlab.pipelines.state import pack, unpack

KIND = "order_flow_imbalance"

Quote = tuple[int, int, int, int]
"""bid in ticks, its lots, ask in ticks, its lots; an empty side has 0 lots"""

_WORST = np.iinfo(np.int64)


class ImbalanceColumns(NamedTuple):
    """A row for each quote that is not late: its own `change` and the window's sum with it, in lots, exact.

    `kept` picks those quotes from the batch; `start` is the window's, in ns. The first quote ever changes 0.
    """

    kept: NDArray[np.bool_] | slice
    start: Integers
    change: Whole
    imbalance: Whole


class _State(msgspec.Struct, array_like=True):
    interval_ns: int
    newest: int | None
    left_out: int
    last: Quote | None
    total: str  # decimal text: a sum may be wider than 64 bits


class ImbalanceFold:
    """Folds quotes into the imbalance since the beginning, or since the start of windows of `interval_ns`.

    A late quote's change is in no window (see windows), but the next change is measured from it.
    """

    def __init__(self, interval_ns: int = 0) -> None:
        self._windows = Windows(interval_ns)
        self._last: Quote | None = None
        self._total = 0

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
        """Quotes that came too late to be in any window."""
        return self._windows.left_out

    def fold(
        self, ts: Integers, bid: Integers, bid_lots: Integers, ask: Integers, ask_lots: Integers
    ) -> ImbalanceColumns:
        """Take quotes in order of arrival (prices in ticks, empty sides with 0 lots); give the sums at each."""
        if not ts.size:
            return ImbalanceColumns(slice(None), ts, ts, ts)
        change = changes(self._last, bid, bid_lots, ask, ask_lots)
        self._last = int(bid[-1]), int(bid_lots[-1]), int(ask[-1]), int(ask_lots[-1])
        if change.dtype != object and abs(self._total) < LIMIT // 4:
            return self._run(ts, change)
        kept, start, begins = self._windows.place(ts)
        change = change[kept]
        total = running(change, begins, self._total)
        if start.size:
            self._total = int(total[-1])
        return ImbalanceColumns(kept, start, change, total)

    def _run(self, ts: Integers, change: Whole) -> ImbalanceColumns:
        windows = self._windows
        state = np.array((windows.newest is not None, windows.newest or 0, self._total, 0), np.int64)
        out = np.empty((4, ts.size), np.int64)
        count = running_sums(ts, change, np.ones_like(change), windows.interval_ns, state, out)
        kept: NDArray[np.bool_] | slice = slice(None)
        if count < ts.size:
            kept = np.zeros(ts.size, np.bool_)
            kept[out[3, :count]] = True
            windows.left_out += ts.size - count
            change = change[kept]
        _, windows.newest, self._total, _ = state.tolist()
        return ImbalanceColumns(kept, out[0, :count], change, out[1, :count])

    def state(self) -> bytes:
        """Give everything that a fold needs to go on from here."""
        windows = self._windows
        state = _State(windows.interval_ns, windows.newest, windows.left_out, self._last, str(self._total))
        return pack(KIND, state)

    @classmethod
    def restore(cls, state: bytes) -> Self:
        """Go on exactly from `state`; SourceError when it is damaged or of another kind."""
        saved = unpack(KIND, state, _State)
        fold = cls(saved.interval_ns)
        fold._windows = Windows(saved.interval_ns, saved.newest, saved.left_out)
        fold._last, fold._total = saved.last, int(saved.total)
        return fold


def changes(
    before: Quote | None, bid: Integers, bid_lots: Integers, ask: Integers, ask_lots: Integers
) -> Whole:
    """Give e of each quote in lots, the first against `before`; with no quote before it, it is 0."""
    if before is None or max(map(abs, before)) < LIMIT:
        out = np.empty(bid.size, np.int64)
        last = np.array(before or (bid[0], bid_lots[0], ask[0], ask_lots[0]), np.int64)
        if quote_changes(bid, bid_lots, ask, ask_lots, last, out):
            return out
    first = before or (int(bid[0]), int(bid_lots[0]), int(ask[0]), int(ask_lots[0]))
    bids, bid_qty, asks, ask_qty = (
        np.concatenate([[value], column])
        for value, column in zip(first, (bid, bid_lots, ask, ask_lots), strict=True)
    )
    bids = np.where(bid_qty > 0, bids, _WORST.min)
    asks = np.where(ask_qty > 0, asks, _WORST.max)
    bid_qty, ask_qty = widen(bid_qty, 4), widen(ask_qty, 4)
    demand = bid_qty[1:] * (bids[1:] >= bids[:-1]) - bid_qty[:-1] * (bids[1:] <= bids[:-1])
    supply = ask_qty[1:] * (asks[1:] <= asks[:-1]) - ask_qty[:-1] * (asks[1:] >= asks[:-1])
    change: Whole = demand - supply
    return change


def order_flow_imbalance(
    ts: Integers,
    bid: Integers,
    bid_lots: Integers,
    ask: Integers,
    ask_lots: Integers,
    interval_ns: int = 0,
) -> ImbalanceColumns:
    """Fold all quotes at once. Times in ns, in order of arrival; prices in ticks."""
    return ImbalanceFold(interval_ns).fold(ts, bid, bid_lots, ask, ask_lots)
