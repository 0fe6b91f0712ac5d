"""The as-of join: each trade with the newest quote of its time or before."""

from typing import NamedTuple

import numpy as np

from rtlab.pipelines.analytics.align import LIMIT, Aligner, Released, Saved
from rtlab.pipelines.analytics.memory import Memory, SavedFold
from rtlab.pipelines.frame import Integers

QUOTE, TRADE = 0, 1  # of one time, the quote comes first
_WIDTH = 6


class JoinedColumns(NamedTuple):
    """Trades, each with the quote that stood; before the first quote both sides are empty (0 lots, `since` 0)."""

    ts: Integers
    seq: Integers
    ticks: Integers
    lots: Integers
    side: Integers
    since: Integers  # time of the quote
    bid: Integers
    bid_lots: Integers
    ask: Integers
    ask_lots: Integers


class _Memory(Memory, kw_only=True):
    aligner: Saved
    quote: tuple[int, ...] = (0, 0, 0, 0, 0)


class AsofFold(SavedFold[_Memory]):
    """Joins trades with quotes. A trade waits until the quotes have passed its time (see align)."""

    KIND, FORM, PARAMETERS = "asof", _Memory, ("aligner.lateness_ns", "aligner.limit")

    def __init__(self, lateness_ns: int = 0, limit: int = LIMIT) -> None:
        super().__init__(_Memory(aligner=Aligner(2, _WIDTH, lateness_ns, limit).saved()))

    @property
    def forced(self) -> int:
        """Rows that went out before the other side had come so far, since too many waited."""
        return self.memory.aligner.forced

    def fold_quotes(
        self, ts: Integers, bid: Integers, bid_lots: Integers, ask: Integers, ask_lots: Integers
    ) -> JoinedColumns:
        """Take quotes (prices in ticks, empty sides with 0 lots); give the trades that need wait no longer."""
        return self._take(QUOTE, ts, bid, bid_lots, ask, ask_lots, np.zeros_like(ts))

    def fold_trades(
        self, ts: Integers, seq: Integers, ticks: Integers, lots: Integers, side: Integers
    ) -> JoinedColumns:
        """Take trades; give those that need wait no longer."""
        return self._take(TRADE, ts, seq, ticks, lots, side, np.zeros_like(ts))

    def finish(self) -> JoinedColumns:
        """Give the trades that still wait: nothing more is to come."""
        aligner = Aligner.of(self.memory.aligner)
        return self._join(aligner, aligner.finish())

    def _take(self, leg: int, *columns: Integers) -> JoinedColumns:
        aligner = Aligner.of(self.memory.aligner)
        return self._join(aligner, aligner.take(leg, np.stack(columns, axis=1).astype(np.int64)))

    def _join(self, aligner: Aligner, released: Released) -> JoinedColumns:
        memory = self.memory
        memory.aligner, memory.left_out = aligner.saved(), aligner.late
        leg, rows = released
        quotes = np.concatenate([[memory.quote], rows[leg == QUOTE][:, :5]]).astype(np.int64)
        standing = quotes[np.cumsum(leg == QUOTE)[leg == TRADE]]
        memory.quote = tuple(quotes[-1].tolist())
        return JoinedColumns(*rows[leg == TRADE][:, :5].T.copy(), *standing.T.copy())
