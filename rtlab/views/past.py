"""What lies before the memory of a plot: read from wherever it is kept when somebody pans there, a page at a time.

Theory of operation. `known` is the oldest x that is in memory: of the pages read so far, else of the plot's own
pyramid. A window that begins before it asks for a page [x0 - 2 spans, known), read in a thread of its own, one at a
time; meanwhile the window shows what there is. When the page has come it lies in `pyramid`, and who asked is told and
draws again. Where a page has no point a longer one is read, up to `reach`; if that has none it is the end.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rtlab.errors import RtlabError
from rtlab.views.m4 import Floats
from rtlab.views.pyramid import Pyramid

Read = Callable[[float, float], tuple[ArrayLike, ArrayLike]]
MOST_POINTS = 5_000_000
REACH = 86_400_000.0  # a day, in ms: so long may nothing have happened before it is the end
SPANS = 2.0  # that are read beyond what is seen


class PastStatistics(NamedTuple):
    """`pages` that were read, `points` of them; `late` pages came when their window had been left."""

    pages: int
    points: int
    late: int
    ended: bool


class Past:
    """The older points of a line. `read(x0, x1)` gives x (not decreasing) and y of [x0, x1), in any time it takes.

    At most MOST_POINTS are held; then it ends there. May be shared by plots of the same pyramid. `problem` says why
    nothing could be read; the next window tries again.
    """

    def __init__(self, read: Read, *, reach: float = REACH) -> None:
        self.pyramid, self.problem = Pyramid(), ""
        self._read, self._reach = read, reach
        self._known: float | None = None
        self._ended = self._is_reading = False
        self._pages = self._late = 0
        self._told: dict[object, Callable[[], bool]] = {}
        self._lock = Lock()
        self._thread: ThreadPoolExecutor | None = None

    def begin(self, first: float, span: float) -> float:
        """Give the oldest x that may be looked at: a span before what is known, until the end is."""
        known = first if self._known is None else self._known
        return known if self._ended else known - span

    def want(self, x0: float, x1: float, first: float, plot: object, then: Callable[[], bool]) -> bool:
        """Have what is missing of [x0, x1) read; `first` is the plot's own oldest x. True if something is missing.

        `then` is called in the reading thread when a page has come, and says whether its window is still looked at.
        Of one `plot` only the newest window is told; those that it has left meanwhile are late.
        """
        with self._lock:
            known = first if self._known is None else self._known
            if self._ended or x0 >= known:
                return False
            self._late += plot in self._told
            self._told[plot] = then
            if not self._is_reading:
                self._is_reading = True
                if self._thread is None:
                    self._thread = ThreadPoolExecutor(1, "rtlab-past")
                self._thread.submit(self._page, x0 - SPANS * (x1 - x0), known)
        return True

    def _page(self, start: float, end: float) -> None:
        problem = ""
        try:
            self._prepend(*self._longer(start, end))
        except RtlabError as why:
            problem = str(why)
        finally:
            with self._lock:  # who sees the problem is not too early to have it tried again
                told, self._told, self._is_reading, self.problem = self._told, {}, False, problem
        self._late += sum(not then() for then in told.values())

    def _longer(self, start: float, end: float) -> tuple[Floats, Floats, float]:
        while True:
            x, y = (np.asarray(column, np.float64) for column in self._read(start, end))
            if len(x) or end - start >= self._reach:
                return x, y, start
            start = end - min(8 * (end - start), self._reach)

    def _prepend(self, x: Floats, y: Floats, start: float) -> None:
        held = self.pyramid
        if len(x):
            self.pyramid = Pyramid(np.concatenate([x, held.x]), np.concatenate([y, held.y]))
        self._known = start
        self._pages += 1
        self._ended = not len(x) or len(self.pyramid) >= MOST_POINTS

    def close(self) -> None:
        """Read no more."""
        self._ended = True
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def statistics(self) -> PastStatistics:
        """Say what has been read so far."""
        return PastStatistics(self._pages, len(self.pyramid), self._late, self._ended)
