"""Arrays that grow without a pause: the pages of a large one are moved by the operating system, not copied.

Moving 500 MB so takes a millisecond, copying takes a quarter of a second; and new pages come when they are touched.
"""

import mmap
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

LARGE = 1 << 20
"""Bytes from which on an array has pages of its own: copying less takes no millisecond."""

Rows = npt.NDArray[Any]


class Growing:
    """Rows of zeros, `count` of them at first. Whoever names `rows` must let go of it before `grow`."""

    def __init__(self, count: int, row: np.dtype[Any]) -> None:
        self._row = row
        self._make(count)

    def grow(self, count: int) -> Rows:
        """Give `count` rows, of which the first are those that were there before and the rest are zeros."""
        if not self._move(count):
            before = self.rows
            self._make(count)
            self.rows[: len(before)] = before
        return self.rows

    def _make(self, count: int) -> None:
        size = count * self._row.itemsize
        self._pages = _pages(size) if size >= LARGE else None
        self.rows: Rows = np.zeros(count, self._row) if self._pages is None else self._named()

    def _named(self) -> Rows:
        pages: Any = self._pages  # numpy's stubs do not know that it is a buffer
        return np.frombuffer(pages, self._row)

    def _move(self, count: int) -> bool:
        """Let the pages be moved; False where there are none, they cannot be, or somebody still names them."""
        if self._pages is None:
            return False
        self.rows = np.zeros(0, self._row)
        try:
            self._pages.resize(count * self._row.itemsize)
        except (BufferError, SystemError):
            return False
        finally:
            self.rows = self._named()
        return True


def _pages(size: int) -> mmap.mmap:
    if not hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(-1, size)  # Windows
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel without them
            pages.madvise(mmap.MADV_HUGEPAGE)  # as numpy asks for its own: fewer misses in a deep book
    return pages
