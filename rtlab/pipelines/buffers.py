"""What waits for the next frame: bounded rows of integers, which say what they had to give up."""

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import LocalError
from rtlab.model import Instrument
from rtlab.pipelines.frame import Frame, Integers, quote_frame, trade_frame

TradeRow = tuple[int, int, int, int]
"""ts_event in ns, price in ticks, quantity in lots, aggressor side"""


class TradeBuffer:
    """Trades by sequence. Trades cannot be merged: beyond a limit the oldest are dropped.

    `dropped` counts those; `missed` the sequence numbers that never came; `repeated` rows that were known.
    """

    def __init__(self) -> None:
        self.rows = self.dropped = self.missed = self.repeated = 0
        self._epoch = 0
        self._last: int | None = None
        self._blocks: deque[tuple[int, Integers]] = deque()

    def add(self, rows: Sequence[TradeRow] | Integers, first_seq: int, epoch: int) -> None:
        """Append trades number `first_seq` on; a new `epoch` counts from anew. LocalError for other rows."""
        block = _integers(rows, 4)
        if not len(block):
            return
        if epoch != self._epoch:
            self._epoch, self._last = epoch, None
        if self._last is not None:
            known = min(max(0, self._last + 1 - first_seq), len(block))
            self.repeated += known
            self.missed += max(0, first_seq - self._last - 1)
            block, first_seq = block[known:], first_seq + known
        if len(block):
            self._last = first_seq + len(block) - 1
            self._blocks.append((first_seq, block))
            self.rows += len(block)

    def cut(self, limit: int) -> None:
        """Drop the oldest rows beyond `limit`."""
        excess = max(0, self.rows - limit)
        self._remove(excess)
        self.dropped += excess

    def take(self, limit: int, instrument: Instrument, channel: str) -> Frame:
        """Remove up to `limit` rows, oldest first, and give them as a frame."""
        parts = self._remove(min(limit, self.rows))
        rows = np.concatenate([block for _, block in parts] or [np.empty((0, 4), np.int64)])
        return trade_frame(instrument, _sequence(parts), rows, channel)

    def _remove(self, count: int) -> list[tuple[int, Integers]]:
        removed = []
        self.rows -= count
        while count:
            first, block = self._blocks.popleft()
            if len(block) > count:
                self._blocks.appendleft((first + count, block[count:]))
                block = block[:count]
            removed.append((first, block))
            count -= len(block)
        return removed


def _sequence(parts: list[tuple[int, Integers]]) -> Integers:
    first, last = (parts[0][0], parts[-1][0] + len(parts[-1][1])) if parts else (0, 0)
    if last - first == sum(len(block) for _, block in parts):  # nothing is missing between them
        return np.arange(first, last, dtype=np.int64)
    return np.concatenate([np.arange(start, start + len(block), dtype=np.int64) for start, block in parts])


class QuoteBuffer:
    """Quotes, each the whole of the best prices: beyond a limit the newest are kept; `merged` counts the rest."""

    def __init__(self) -> None:
        self.merged = 0
        self._quotes: deque[tuple[int, int, int, int, int, int]] = deque()

    @property
    def rows(self) -> int:
        """Number of quotes that wait."""
        return len(self._quotes)

    def add(self, ts: int, seq: int, bid: int | None, bid_qty: int, ask: int | None, ask_qty: int) -> None:
        """Append a quote; a price of None, or a quantity of 0, is an empty side."""
        bid, bid_qty = (bid, bid_qty) if bid is not None and bid_qty else (0, 0)
        ask, ask_qty = (ask, ask_qty) if ask is not None and ask_qty else (0, 0)
        self._quotes.append((ts, seq, bid, bid_qty, ask, ask_qty))

    def cut(self, limit: int) -> None:
        """Keep the newest `limit` quotes."""
        while len(self._quotes) > limit:
            self._quotes.popleft()
            self.merged += 1

    def take(self, limit: int, instrument: Instrument, channel: str) -> Frame:
        """Remove up to `limit` quotes, oldest first, and give them as a frame."""
        rows = [self._quotes.popleft() for _ in range(min(limit, len(self._quotes)))]
        return quote_frame(instrument, _integers(rows, 6), channel)


def _integers(rows: object, width: int) -> NDArray[np.int64]:
    try:
        block = np.array(rows, dtype=np.int64)
    except (TypeError, ValueError, OverflowError) as error:
        raise LocalError(
            "rows are not whole numbers", expected=f"{width} int64 each", got=str(error)
        ) from None
    if not block.size:
        return np.empty((0, width), np.int64)
    if block.ndim != 2 or block.shape[1] != width:
        raise LocalError("rows are of the wrong form", expected=f"{width} int64 each", got=block.shape)
    return block
