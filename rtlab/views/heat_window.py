"""What one browser sees of a depth history: a window of columns and rows, sent whole once and then as changes.

A column travels as what differs from the one before it: how many cells (two bytes), then their rows, then their
values, a byte each. So a whole picture and the news of a thirtieth of a second are the same thing, and a book
that hardly moves hardly costs anything.
"""

from base64 import b64encode
from typing import NamedTuple

import msgspec
import numpy as np

from rtlab.views.depth_history import NONE, SCALES, Bytes, DepthHistory, Picture

MOST_ROWS = 256  # a row is told in a byte
MOST_COLUMNS = 4096
MOST_FACTOR = 64
_EDGE = 0.15  # of the height: so near to it the market is brought back to the middle
_NO_BEST = -32768


class Look(msgspec.Struct, frozen=True, tag_field="type", tag="look"):
    """A browser wants a window: `columns` of a scale that end before `end`, or with the newest (None).

    `rows` rows of `factor` each from `base` on, or around the market (None).
    """

    view: int
    scale: int
    columns: int
    rows: int
    factor: int = 1
    end: int | None = None
    base: int | None = None

    def makes_sense(self) -> bool:
        """Say whether there can be such a window."""
        return (
            0 <= self.scale < SCALES
            and 1 <= self.columns <= MOST_COLUMNS
            and 1 <= self.rows <= MOST_ROWS
            and 1 <= self.factor <= MOST_FACTOR
            and abs(self.base or 0) < 1 << 50
            and abs(self.end or 0) < 1 << 60
        )


class Part(NamedTuple):
    """Columns to write from `first` on, as `changes` says; all that is seen if `whole`."""

    first: int
    columns: int
    base: int
    changes: str
    best: str
    whole: bool


def encode(before: Bytes, columns: Bytes) -> bytes:
    """Give the changes from `before` (rows,) to each of `columns` (n, rows) in turn, as described above."""
    previous = np.vstack([before[None, :], columns[:-1]]) if len(columns) else columns
    at, rows = np.nonzero(columns != previous)
    counts = np.bincount(at, minlength=len(columns)).astype("<u2")
    return counts.tobytes() + rows.astype(np.uint8).tobytes() + columns[at, rows].tobytes()


class HeatWindow:
    """The window of one browser. `take` a Look, then call `news` whenever there may be some."""

    def __init__(self, history: DepthHistory) -> None:
        self.history = history
        self.look: Look | None = None
        self._sent: Bytes = np.zeros(0, np.uint8)
        self._base = self._last = 0
        self._whole = False

    @property
    def live(self) -> bool:
        """Whether the window moves with the newest column."""
        return self.look is not None and self.look.end is None

    def take(self, look: Look) -> None:
        """Show another window from now on."""
        self.look, self._whole = look, True

    def again(self) -> None:
        """Begin with the whole window: who looks has nothing yet."""
        self._whole = True

    def news(self) -> Part | None:
        """Give what the browser lacks; None for nothing."""
        look = self.look
        if look is None:
            return None
        newest = self.history.extent(look.scale)[1]
        if self._whole or (self.live and (newest - self._last >= look.columns or self._has_left(look))):
            return self._all(look, newest)
        if not self.live or newest < self._last:
            return None
        return self._part(look, self._last, newest - self._last + 1, whole=False)

    def _all(self, look: Look, newest: int) -> Part:
        self._whole = False
        self._base = self._around(look) if look.base is None else look.base
        self._sent = np.zeros(look.rows, np.uint8)
        end = newest + 1 if look.end is None else look.end
        return self._part(look, end - look.columns, look.columns, whole=True)

    def _around(self, look: Look) -> int:
        return self.history.middle() - look.rows * look.factor // 2

    def _has_left(self, look: Look) -> bool:
        if look.base is not None:
            return False
        height = look.rows * look.factor
        return not _EDGE * height <= self.history.middle() - self._base < (1 - _EDGE) * height

    def _part(self, look: Look, first: int, count: int, *, whole: bool) -> Part:
        seen = self.history.picture(look.scale, first, count, self._base, look.rows, look.factor)
        changes = encode(self._sent, seen.cells)
        if len(seen.cells):
            self._sent, self._last = seen.cells[-1], first + count - 1
        best = b64encode(self._best(seen, look)).decode()
        return Part(first, count, self._base, b64encode(changes).decode(), best, whole)

    def _best(self, seen: Picture, look: Look) -> bytes:
        both = np.stack([seen.bids, seen.asks], axis=1)
        missing = both == NONE
        rows = np.where(missing, 0, both - self._base) // look.factor
        return np.where(missing, _NO_BEST, rows.clip(-999, 9999)).astype("<i2").tobytes()
