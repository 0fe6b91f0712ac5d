"""Arrays that grow without a pause: the pages of a large one are moved by the operating system, not copied.

Moving 500 MB so takes a millisecond, copying takes a quarter of a second; and new pages come when they are touched.
What is new is plain pages: a huge one is wiped as a whole at its first touch, which takes 4 ms, and in bad moments 80,
on a virtual machine whose host has to find the memory first.
"""

import mmap
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

LARGE = 1 << 20
"""Bytes from which on an array has pages of its own: copying less takes no millisecond."""
WHOLE = 1 << 21
"""Bytes of a huge page: what is no multiple of it lies askew, and is moved page by page."""
HUGE = 8 * WHOLE
"""Bytes from which on an array that was foreseen is made of huge pages: there are fewer misses in a deep book."""

Rows = npt.NDArray[Any]


def zeros(count: int, row: np.dtype[Any], *, foreseen: bool = False) -> Rows:
    """Give rows of zeros as `np.zeros` does, but huge pages only where so many rows were `foreseen`."""
    size = _size_of(count, row)
    return np.zeros(count, row) if size < LARGE else _named(_pages(size, huge=foreseen), row, count)


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
        size = _size_of(count, self._row)
        self._pages = _pages(size, huge=True) if size >= LARGE else None
        self.rows: Rows = (
            np.zeros(count, self._row) if self._pages is None else _named(self._pages, self._row, count)
        )

    def _move(self, count: int) -> bool:
        """Let the pages be moved; False where there are none, they cannot be, or somebody still names them."""
        if self._pages is None:
            return False
        held, self.rows = len(self.rows), np.zeros(0, self._row)
        try:
            self._pages.resize(_size_of(count, self._row))
            _advise(self._pages, "MADV_NOHUGEPAGE")
            held = count
        except (BufferError, SystemError):
            return False
        finally:
            self.rows = _named(self._pages, self._row, held)
        return True


def _size_of(count: int, row: np.dtype[Any]) -> int:
    size = count * row.itemsize
    return size if size < LARGE else -(-size // WHOLE) * WHOLE


def _named(pages: Any, row: np.dtype[Any], count: int) -> Rows:
    return np.frombuffer(pages, row, count)  # numpy's stubs do not know that pages are a buffer


def _pages(size: int, *, huge: bool) -> mmap.mmap:
    if not hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(-1, size)  # Windows
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    _advise(pages, "MADV_HUGEPAGE" if huge and size >= HUGE else "MADV_NOHUGEPAGE")
    return pages


def _advise(pages: mmap.mmap, advice: str) -> None:
    if hasattr(mmap, advice):
        with suppress(OSError):  # a kernel without huge pages
            pages.madvise(getattr(mmap, advice))
