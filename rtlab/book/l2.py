"""L2: price levels of one instrument, as a source (L2Book) and as a reader's view (BookView)."""

from collections.abc import Iterable, Sequence
from itertools import chain
from struct import pack
from zlib import crc32

import numpy as np

from rtlab.book.side import SortedSide
from rtlab.book.table import KeyedTable
from rtlab.book.update import WHOLE, AnyUpdate
from rtlab.model import Level, Side

_SIGNS = (-1, 1)  # by Side: bids from the highest price, asks from the lowest
_LAST_ONLY = 256  # from this many changes on, it pays to fold only the last of each price


def pack_levels(sides: Iterable[SortedSide[int]], depth: int) -> bytes:
    """Give the best `depth` of each side as little-endian int64 (price, qty), bids then asks, best first."""
    flat: list[int] = []
    for side in sides:
        keys = side.keys[:depth]
        rows = [0] * (2 * len(keys))
        rows[::2] = keys if side.sign == 1 else [-k for k in keys]
        rows[1::2] = [side.rows[k] for k in keys]
        flat += rows
    return pack(f"<{len(flat)}q", *flat)


def pack_rows(bids: Sequence[Level], asks: Sequence[Level]) -> bytes:
    """Give levels (price, qty) as they stand as little-endian int64, bids then asks."""
    flat = [n for row in chain(bids, asks) for n in row]
    return pack(f"<{len(flat)}q", *flat)


class L2Book(KeyedTable[int]):
    """Price levels in ticks -> total quantity in lots; `seq` counts level changes."""

    def __init__(self, *, epoch: int = 1, tombstones: int = 4096) -> None:
        super().__init__(_SIGNS, 0, epoch=epoch, tombstones=tombstones)
        self.told: list[tuple[int, int, int]] | None = (
            None  # where to note (side, price, qty) of each `change`
        )

    def change(self, side: int, key: int, row: int, ts: int) -> None:
        """Set one level, or remove it by quantity 0, as the next change."""
        super().change(side, key, row, ts)
        if self.told is not None:
            self.told.append((side, key, row))

    def apply_levels(self, rows: np.ndarray) -> None:
        """Fold LEVEL rows (EVENT) of this one instrument; each is one change."""
        if len(rows):
            self.fold(
                rows["side"].tolist(), rows["price"].tolist(), rows["qty"].tolist(), int(rows["ts"][-1])
            )

    def fold(self, sides: Sequence[int], prices: Sequence[int], qtys: Sequence[int], ts: int) -> None:
        """Fold changes given as columns, the last of them made at `ts` (ns)."""
        seq, both = self.seq, self.sides
        self.ts = ts
        self.seq = seq + len(sides)
        if len(sides) < _LAST_ONLY:
            for side, price, qty in zip(sides, prices, qtys, strict=True):
                seq += 1
                both[side].change(seq, price, qty)
            return
        last = dict(zip(zip(sides, prices, strict=True), range(len(sides)), strict=True))
        for index in sorted(last.values()):
            both[sides[index]].change(seq + index + 1, prices[index], qtys[index])

    def set_level(self, side: Side, price: int, qty: int, ts: int) -> bool:
        """Make a level hold `qty` (0 removes it) as of `ts` (ns); False when it did so already: no change."""
        if self.sides[side].get(price) == (qty or None):
            return False
        self.change(side, price, qty, ts)
        return True

    def replace_all(self, bids: Sequence[Level], asks: Sequence[Level], ts: int) -> int:
        """Make the book hold exactly these levels, by the least changes within its epoch; give their number."""
        changes = 0
        for side, levels in ((Side.BID, bids), (Side.ASK, asks)):
            wanted = {price: qty for price, qty in levels if qty}
            for price, _ in self.sides[side].top(WHOLE):
                if price not in wanted:
                    changes += self.set_level(side, price, 0, ts)
            for price, qty in wanted.items():
                changes += self.set_level(side, price, qty, ts)
        return changes

    def clear(self, ts: int) -> int:
        """Remove every level, within the epoch; give their number."""
        return self.replace_all((), (), ts)

    def bids(self, depth: int = WHOLE) -> list[Level]:
        """Give the best `depth` bids as (price, qty), best first."""
        return self.sides[0].top(depth)

    def asks(self, depth: int = WHOLE) -> list[Level]:
        """Give the best `depth` asks as (price, qty), best first."""
        return self.sides[1].top(depth)

    def digest(self, depth: int) -> bytes:
        """Give the cut at `depth` as the checksum reads it."""
        return pack_levels(self.sides, depth)

    def checksum(self, depth: int = WHOLE) -> int:
        """Give the CRC32 of the cut at `depth`."""
        return crc32(pack_levels(self.sides, depth))


class BookView:
    """A reader's book: levels cut to `held`, the truth at (epoch, seq)."""

    def __init__(self) -> None:
        self.epoch, self.seq, self.held, self.ts = 0, 0, 0, 0
        self._sides: tuple[SortedSide[int], SortedSide[int]] = (SortedSide(-1), SortedSide(1))

    def load(self, update: AnyUpdate) -> None:
        """Replace everything by a snapshot: body (bids, asks), each (price, qty)."""
        for side, levels in zip(self._sides, update.body, strict=True):
            side.load(levels)
        self._stand_at(update)

    def apply(self, update: AnyUpdate) -> None:
        """Fold an increment in: body (side, price, qty), quantity 0 removes; then cut to its depth."""
        sides = self._sides
        for code, price, qty in update.body:
            sides[code].put(price, qty)
        depth = update.depth
        for side in sides:
            if len(side.keys) > depth:
                side.cut(depth)
        self._stand_at(update)

    def _stand_at(self, update: AnyUpdate) -> None:
        self.epoch, self.seq, self.held, self.ts = (
            update.epoch,
            update.last_seq,
            update.depth,
            update.ts_event,
        )

    def bids(self, depth: int = WHOLE) -> list[Level]:
        """Give the best `depth` bids as (price, qty), best first."""
        return self._sides[0].top(depth)

    def asks(self, depth: int = WHOLE) -> list[Level]:
        """Give the best `depth` asks as (price, qty), best first."""
        return self._sides[1].top(depth)

    def digest(self, depth: int) -> bytes:
        """Give the cut at `depth` as the checksum reads it."""
        return pack_levels(self._sides, depth)

    def checksum(self, depth: int = WHOLE) -> int:
        """Give the CRC32 of the cut at `depth`."""
        return crc32(pack_levels(self._sides, depth))
