"""Bars: open, high, low, close and volume of one instrument by event time, a table newest first."""

from collections.abc import Iterable, Sequence
from struct import pack
from typing import NamedTuple

from rtlab.book.side import SortedSide
from rtlab.book.table import KeyedTable
from rtlab.book.tape import Tape, TapeRow
from rtlab.book.update import AnyUpdate

INTERVALS_NS: dict[str, int] = {
    "100ms": 100_000_000,
    "1s": 1_000_000_000,
    "5s": 5_000_000_000,
    "15s": 15_000_000_000,
    "1m": 60_000_000_000,
    "5m": 300_000_000_000,
    "15m": 900_000_000_000,
    "1h": 3_600_000_000_000,
}
"""The intervals that a market keeps bars of, by name, in ns."""


class Bar(NamedTuple):
    """Trades with `start` <= ts_event < start + interval. Prices in ticks, volume in lots, times in ns."""

    start: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    trades: int


def _packed(rows: Iterable[Bar]) -> bytes:
    flat = [n for row in rows for n in row]
    return pack(f"<{len(flat)}q", *flat)


class Bars(KeyedTable[tuple[int, ...]]):
    """The newest `keep` bars; `seq` is the last trade folded in. Every bar but the newest is final.

    A trade that is older than the open bar counts in the open one (`late` says how many did): the final
    stay final, and all volume is in.
    """

    def __init__(self, interval_ns: int, *, epoch: int = 1, keep: int = 1024) -> None:
        super().__init__((-1,), (), epoch=epoch)
        self.interval_ns, self.keep, self.late = interval_ns, keep, 0

    @classmethod
    def of(cls, tape: Tape, interval_ns: int, *, keep: int = 1024) -> "Bars":
        """Give the bars of what a tape still holds, without a first one that it holds only in part."""
        bars = cls(interval_ns, epoch=tape.epoch, keep=keep)
        bars.seq = tape.seq - len(tape.rows)
        rows: Sequence[TapeRow] = list(tape.rows)
        bars.fold(rows)
        side = bars.sides[0]
        if tape.seq > len(rows) and len(side) > 1:
            side.forget(len(side) - 1)
        return bars

    def fold(self, rows: Sequence[TapeRow]) -> None:
        """Fold trades in, oldest first; each is one change."""
        side, interval = self.sides[0], self.interval_ns
        bar = self._newest()
        for ts, price, qty, _ in rows:
            self.seq += 1
            start = ts - ts % interval
            if bar is None or start > bar.start:
                if bar is not None:
                    side.change(self.seq - 1, bar.start, bar)
                bar = Bar(start, price, price, price, price, qty, 1)
                continue
            self.late += start < bar.start
            newest, first, high, low, _, volume, trades = bar
            high, low = price if price > high else high, price if price < low else low
            bar = Bar(newest, first, high, low, price, volume + qty, trades + 1)
        if bar is not None and rows:
            side.change(self.seq, bar.start, bar)
            self.ts = rows[-1][0]
        if len(side) > self.keep:
            side.forget(self.keep)

    def _newest(self) -> Bar | None:
        top = self.sides[0].top(1)
        return Bar(*top[0][1]) if top else None

    def since(self, epoch: int, seq: int, depth: int, held: int) -> AnyUpdate | None:
        """Tell a reader what it lacks, of the newest `keep` bars at most."""
        return super().since(epoch, seq, min(depth, self.keep), held)

    def rows(self, depth: int) -> list[Bar]:
        """Give the newest `depth` bars, newest first."""
        return [Bar(*row) for _, row in self.sides[0].top(depth)]

    def digest(self, depth: int) -> bytes:
        """Give the bars of the cut."""
        return _packed(self.rows(depth))


class BarsView:
    """A reader's bars."""

    def __init__(self) -> None:
        self.epoch, self.seq, self.held = 0, 0, 0
        self._side: SortedSide[Bar] = SortedSide(-1)

    def load(self, update: AnyUpdate) -> None:
        """Replace everything: body ((start, bar) ...,)."""
        self._side.load([(start, Bar(*row)) for start, row in update.body[0]])
        self._stand_at(update)

    def apply(self, update: AnyUpdate) -> None:
        """Fold changed bars in: body (0, start, bar); then cut to its depth."""
        for _, start, row in update.body:
            self._side.put(start, Bar(*row))
        self._side.cut(update.depth)
        self._stand_at(update)

    def _stand_at(self, update: AnyUpdate) -> None:
        self.epoch, self.seq, self.held = update.epoch, update.last_seq, update.depth

    def rows(self, depth: int | None = None) -> list[Bar]:
        """Give the newest `depth` bars (None: all), newest first."""
        return [row for _, row in self._side.top(len(self._side) if depth is None else depth)]

    def final(self) -> list[Bar]:
        """Give the bars that will not change any more, newest first."""
        return self.rows()[1:]

    def digest(self, depth: int) -> bytes:
        """Give the bars of the cut."""
        return _packed(self.rows(depth))
