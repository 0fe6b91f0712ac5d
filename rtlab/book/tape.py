"""The tape: the last trades of one instrument as a log, whose totals make every drop a subtraction."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from struct import pack
from typing import NamedTuple

from rtlab.book.update import AnyUpdate, Update
from rtlab.errors import LocalError

TapeRow = tuple[int, int, int, int]
"""(ts_event in ns, price in ticks, qty in lots, aggressor side)"""


class Totals(NamedTuple):
    """Sums over an epoch's trades up to a point: their number, lots bought and sold by aggressors."""

    seq: int = 0
    bought: int = 0
    sold: int = 0

    def after(self, rows: Iterable[TapeRow]) -> "Totals":
        """Give the totals after these rows."""
        seq, bought, sold = self
        for _, _, qty, side in rows:
            seq += 1
            if side:
                sold += qty
            else:
                bought += qty
        return Totals(seq, bought, sold)

    def less(self, other: "Totals") -> "Totals":
        """Give what lies between `other` and here."""
        return Totals(self.seq - other.seq, self.bought - other.bought, self.sold - other.sold)


class Tape:
    """The newest `keep` trades; `seq` counts all trades of the epoch.

    A reader gets at most `chunk` rows at a time; what has left the ring is dropped for it, always a prefix.
    """

    def __init__(self, *, epoch: int = 1, keep: int = 4096, chunk: int = 4096) -> None:
        self.epoch, self.keep, self.chunk = epoch, keep, chunk
        self.totals = Totals()
        self.rows: deque[TapeRow] = deque(maxlen=keep)
        self._before: deque[tuple[int, int]] = deque(maxlen=keep)  # (bought, sold) before the same row

    @property
    def seq(self) -> int:
        """Give the number of the newest trade."""
        return self.totals.seq

    @property
    def ts(self) -> int:
        """Give the time (ns) of the newest trade, 0 before the first."""
        return self.rows[-1][0] if self.rows else 0

    def extend(self, rows: Iterable[TapeRow]) -> None:
        """Add trades, oldest first."""
        seq, bought, sold = self.totals
        for row in rows:
            self.rows.append(row)
            self._before.append((bought, sold))
            seq += 1
            if row[3]:
                sold += row[2]
            else:
                bought += row[2]
        self.totals = Totals(seq, bought, sold)

    def new_epoch(self, epoch: int) -> None:
        """Start again, empty and from seq 0: trades may be missing between what was told and what comes."""
        if epoch <= self.epoch:
            raise LocalError("the caller's epoch is not new", expected=f"above {self.epoch}", got=epoch)
        self.epoch, self.totals = epoch, Totals()
        self.rows.clear()
        self._before.clear()

    def load(self, epoch: int, totals: Totals, rows: Sequence[TapeRow]) -> None:
        """Hold the newest of `rows`, the last of which is number `totals.seq` of `epoch`."""
        made = Totals().after(rows)
        self.epoch, self.totals = epoch, totals.less(made)
        self.rows.clear()
        self._before.clear()
        self.extend(rows)

    def since(self, epoch: int, seq: int, depth: int, held: int) -> AnyUpdate | None:
        """Give a reader the rows after `seq`; one that holds nothing gets the newest `depth`. Body: (Totals, rows)."""
        fresh = epoch != self.epoch or not held
        head = self.totals.seq
        if not fresh and seq >= head:
            return None
        oldest = head - len(self.rows)
        start = max(head - depth if fresh else seq, oldest)
        rows = self._slice(start - oldest)
        last = start + len(rows)
        before = Totals(start, *self._before[start - oldest]) if rows else self.totals
        return Update(
            "snapshot" if fresh else "increment",
            self.epoch,
            (start if fresh else seq) + 1,
            last,
            min(depth, self.keep),
            rows[-1][0] if rows else self.ts,
            (before, rows),
        )

    def _slice(self, start: int) -> list[TapeRow]:
        rows, count = self.rows, min(self.chunk, len(self.rows) - start)
        if start + count == len(rows) and count < 64:  # the live case: a deque is quick only at its ends
            return [rows[i] for i in range(-count, 0)]
        return list(islice(rows, start, start + count))

    def digest(self, depth: int) -> bytes:
        """Give the totals: equal totals at equal seq are what two tapes must agree on."""
        return pack("<3q", *self.totals)


class TapeView:
    """A reader's tape: the newest rows, exact totals, and exactly what it was not given."""

    def __init__(self, *, keep: int = 4096) -> None:
        self.epoch, self.seq, self.held = 0, 0, 0
        self.totals = Totals()
        self.dropped = Totals()
        self.epochs = 0
        self.rows: deque[TapeRow] = deque(maxlen=keep)
        self.news: list[TapeRow] = []
        self.before_news = Totals()

    def load(self, update: AnyUpdate) -> None:
        """Take the newest rows of a tape: of a known epoch, only what is new; of another, all of them."""
        if update.epoch != self.epoch or not self.epochs:
            self.epochs += 1
            self.totals = Totals(*update.body[0])  # what lies before was never asked for
            self.rows.clear()  # they belong to another history
        self.apply(update)

    def apply(self, update: AnyUpdate) -> None:
        """Add rows: body (Totals before the first, rows). `news` are then the new ones, after `before_news`."""
        before, rows = Totals(*update.body[0]), update.body[1]
        if before.seq > self.totals.seq:
            self.dropped = Totals(*map(sum, zip(self.dropped, before.less(self.totals), strict=True)))
            self.totals = before
        self.news = rows[self.totals.seq - before.seq :]
        self.before_news = self.totals
        self.totals = self.totals.after(self.news)
        self.rows.extend(self.news)
        self.epoch, self.seq, self.held = update.epoch, update.last_seq, update.depth

    def digest(self, depth: int) -> bytes:
        """Give the totals."""
        return pack("<3q", *self.totals)
