"""One sorted side of a table: for a view as it stands, for a source with the sequence of every change.

The depth cut: a reader at `seq` that holds the best `held` rows gets, with T the current best `depth`,
1. tombstones: absent keys removed after `seq`, at or better than T's worst (all, if T is shorter than `depth`);
2. changed: rows of T changed after `seq`;
3. refill: the worst max(0, len(T) - held + tombstones) rows of T, changed or not: they may have come up
   from below the reader's cut.
It applies them, then cuts to `depth`. Each rule, and the cut, is needed.
"""

from bisect import bisect_left, insort
from collections import OrderedDict
from typing import Generic, TypeVar

Row = TypeVar("Row")


class SortedSide(Generic[Row]):
    """Rows by key, best first. `sign` -1 puts the highest key first, +1 the lowest; an empty row removes."""

    __slots__ = ("keys", "rows", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []  # sign * key, ascending: best first
        self.rows: dict[int, Row] = {}  # by sign * key

    def __len__(self) -> int:
        return len(self.keys)

    def get(self, key: int) -> Row | None:
        """Give the row of `key`, or None."""
        return self.rows.get(self.sign * key)

    def top(self, depth: int) -> list[tuple[int, Row]]:
        """Give the best `depth` as (key, row), best first."""
        sign, rows = self.sign, self.rows
        return [(sign * k, rows[k]) for k in self.keys[:depth]]

    def load(self, rows: list[tuple[int, Row]]) -> None:
        """Hold exactly these (key, row)."""
        self.rows = {self.sign * key: row for key, row in rows}
        self.keys = sorted(self.rows)

    def put(self, key: int, row: Row) -> None:
        """Set one row; an empty one removes it, and removing an unknown key is a no-op."""
        place = self.sign * key
        if row:
            if place not in self.rows:
                insort(self.keys, place)
            self.rows[place] = row
        elif place in self.rows:
            del self.keys[bisect_left(self.keys, place)], self.rows[place]

    def cut(self, depth: int) -> None:
        """Forget what is worse than the best `depth`."""
        for place in self.keys[depth:]:
            del self.rows[place]
        del self.keys[depth:]


class KeyedSide(SortedSide[Row]):
    """A side that remembers the sequence of each key's last change, and of the last `tombstones` removals."""

    __slots__ = ("changed", "code", "empty", "floor", "removed", "tombstones")

    def __init__(self, sign: int, code: int, empty: Row, tombstones: int) -> None:
        super().__init__(sign)
        self.code, self.empty, self.tombstones = code, empty, tombstones
        self.changed: dict[int, int] = {}  # live key -> seq of its last change, in that order
        self.removed: OrderedDict[int, int] = OrderedDict()  # absent key -> seq of its removal, in that order
        self.floor = 0  # changes can be told only to who stands here or later

    def change(self, seq: int, key: int, row: Row) -> None:
        """Set or (empty row) remove a key as change number `seq`, which is above all before it."""
        place = self.sign * key
        if row:
            if place in self.rows:
                del self.changed[place]  # to the end of the order
            else:
                insort(self.keys, place)
                self.removed.pop(place, None)
            self.rows[place] = row
            self.changed[place] = seq
            return
        if place in self.rows:
            del self.keys[bisect_left(self.keys, place)], self.rows[place], self.changed[place]
        else:
            self.removed.pop(place, None)
        # also for a key that is unknown here: it may have come and gone between two batches
        self.removed[place] = seq
        if len(self.removed) > self.tombstones:
            self.floor = self.removed.popitem(last=False)[1]

    def forget(self, depth: int) -> None:
        """Drop what is worse than the best `depth` without a trace: no reader may be granted more than that."""
        for place in self.keys[depth:]:
            del self.changed[place]
        self.cut(depth)

    def rows_since(self, seq: int, depth: int, held: int) -> list[tuple[int, int, Row]]:
        """Give the (side, key, row) that a reader at `seq` lacks, `seq` being at least `floor`."""
        sign, code, rows, changed = self.sign, self.code, self.rows, self.changed
        count = min(depth, len(self.keys))
        worst = self.keys[depth - 1] if count == depth else None
        out: list[tuple[int, int, Row]] = []
        for place, at in reversed(self.removed.items()):
            if at <= seq:
                break
            if worst is None or place < worst:
                out.append((code, sign * place, self.empty))
        refill = count - held + len(out)
        for place, at in reversed(changed.items()):
            if at <= seq:
                break
            if worst is None or place <= worst:
                out.append((code, sign * place, rows[place]))
        if refill > 0:
            for place in self.keys[max(0, count - refill) : count]:
                if changed[place] <= seq:
                    out.append((code, sign * place, rows[place]))
        return out
