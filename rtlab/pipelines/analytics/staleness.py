"""Silence in event time: a stream that says nothing for longer than it may, while the market goes on."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics.memory import Memory, SavedFold
from rtlab.pipelines.frame import Integers


class StaleColumns(NamedTuple):
    """A row when a silence is noticed (`over` False: by what others say) and one when it ends.

    `ts` is when that was, `since` the last time that the watched one said something, both in ns.
    """

    ts: Integers
    since: Integers
    over: NDArray[np.bool_]


class _Memory(Memory, kw_only=True):
    after_ns: int
    last: int | None = None
    is_silent: bool = False


class StalenessFold(SavedFold[_Memory]):
    """Finds where a stream was silent for more than `after_ns`.

    Rows of the watched stream that are older than its newest are left out. What others say is held against what
    the watched one has said so far, in order of arrival: who waited for it would never notice.
    """

    KIND, FORM, PARAMETERS = "stale", _Memory, ("after_ns",)

    def __init__(self, after_ns: int) -> None:
        if after_ns < 1:
            raise ConfigError("a silence is out of range", expected="above 0 ns", got=after_ns)
        super().__init__(_Memory(after_ns=after_ns))

    def fold(self, ts: Integers) -> StaleColumns:
        """Take times of the watched stream; give the silences that ended."""
        memory = self.memory
        if not ts.size:
            return StaleColumns(ts, ts, np.zeros(0, np.bool_))
        first = int(ts[0]) if memory.last is None else memory.last
        newest = np.maximum.accumulate(np.concatenate([[first], ts]))
        since = newest[:-1]
        memory.left_out += int(np.count_nonzero(ts < since))
        long = ts - since > memory.after_ns
        memory.last = int(newest[-1])
        memory.is_silent = memory.is_silent and memory.last == first
        return StaleColumns(ts[long], since[long], np.ones(int(long.sum()), np.bool_))

    def fold_others(self, ts: Integers) -> StaleColumns:
        """Take times of other streams; give the silence that they tell of, once."""
        memory = self.memory
        last = memory.last
        long = (
            np.zeros(ts.size, np.bool_) if last is None or memory.is_silent else ts - last > memory.after_ns
        )
        first = np.flatnonzero(long)[:1]
        memory.is_silent = memory.is_silent or bool(first.size)
        return StaleColumns(ts[first], np.full(first.size, last or 0), np.zeros(first.size, np.bool_))
