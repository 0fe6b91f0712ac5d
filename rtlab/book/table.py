"""A keyed table as a source: sides of rows by key that can tell any reader what it lacks."""

from collections.abc import Sequence
from typing import Generic

from rtlab.book.side import KeyedSide, Row
from rtlab.book.update import AnyUpdate, Update
from rtlab.errors import LocalError


class KeyedTable(Generic[Row]):
    """Sides of (key, row), best first: two of them are a book, one keyed by start and newest first is bars.

    `signs` as in SortedSide, one per side. `empty` is the row that says removed. The table remembers nothing
    about any reader; the last `tombstones` removals of a side are told as increments, older ones by a snapshot.
    """

    def __init__(self, signs: Sequence[int], empty: Row, *, epoch: int = 1, tombstones: int = 4096) -> None:
        self.epoch, self.seq, self.ts = epoch, 0, 0
        self._signs, self._empty, self._tombstones = tuple(signs), empty, tombstones
        self.sides: list[KeyedSide[Row]] = []
        self._clear()

    def _clear(self) -> None:
        self.sides = [
            KeyedSide(sign, code, self._empty, self._tombstones) for code, sign in enumerate(self._signs)
        ]

    def new_epoch(self, epoch: int) -> None:
        """Start again, empty and from seq 0: what comes next does not follow what was published."""
        if epoch <= self.epoch:
            raise LocalError("the caller's epoch is not new", expected=f"above {self.epoch}", got=epoch)
        self.epoch, self.seq = epoch, 0
        self._clear()

    def change(self, side: int, key: int, row: Row, ts: int) -> None:
        """Set one row, or remove it by the empty row, as the next change."""
        self.seq += 1
        self.ts = ts
        self.sides[side].change(self.seq, key, row)

    def snapshot(self, depth: int) -> AnyUpdate:
        """Give the whole state, cut to `depth`."""
        body = tuple(side.top(depth) for side in self.sides)
        return Update("snapshot", self.epoch, 0, self.seq, depth, self.ts, body)

    def since(self, epoch: int, seq: int, depth: int, held: int) -> AnyUpdate | None:
        """Tell a reader at (epoch, seq) that holds the best `held` of each side what it lacks; None: nothing.

        A reader whose depth is to change is told even when it lacks nothing: it must cut (rows that it holds
        beyond `depth` are not kept up to date), or may from now on rely on more.
        """
        if epoch != self.epoch or not held:
            return self.snapshot(depth)
        if seq > self.seq or (seq == self.seq and held == depth):
            return None
        sides = self.sides
        for side in sides:
            if seq < side.floor:
                return self.snapshot(depth)
        rows = [row for side in sides for row in side.rows_since(seq, depth, held)]
        if not rows and held == depth:
            return None
        if len(rows) > sum(min(depth, len(side.keys)) for side in sides):
            return self.snapshot(depth)  # dearer than the state itself
        return Update("increment", epoch, seq + 1, self.seq, depth, self.ts, rows)
