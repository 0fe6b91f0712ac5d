"""Rows of one or several streams in the order of event time: the one policy for what is late.

Each leg (a stream) has a *watermark*: its newest event time less the allowed lateness. A row older than its leg's
watermark when it arrives is late: it is dropped and counted. The others wait until every leg's watermark has
reached them, and then go out by (time, leg, arrival). So what comes out depends on each leg's own rows alone,
however the legs are interleaved and cut into batches. A leg that falls silent holds the others up: at most `limit`
rows wait, then the oldest go out all the same and are counted as `forced`; a row that comes after later ones went
out that way is late.
"""

from typing import NamedTuple, Self

import msgspec
import numpy as np

from rtlab.errors import ConfigError
from rtlab.pipelines.frame import Integers

LIMIT = 100_000


class Saved(msgspec.Struct, array_like=True):
    """An aligner as it is saved."""

    lateness_ns: int
    limit: int
    newest: list[int | None]
    floor: int | None
    late: int
    forced: int
    width: int
    held: bytes


class Released(NamedTuple):
    """Rows in order: their leg, and their values with the event time first."""

    leg: Integers
    rows: Integers


class Aligner:
    """Puts int64 rows (event time first, `width` values) of `legs` streams in order."""

    def __init__(self, legs: int, width: int, lateness_ns: int = 0, limit: int = LIMIT) -> None:
        if not 0 <= lateness_ns < 2**62:
            raise ConfigError("an allowed lateness is out of range", expected="0 or more ns", got=lateness_ns)
        if limit < 1:
            raise ConfigError("a limit of rows that wait is out of range", expected="at least 1", got=limit)
        self.lateness_ns, self.limit, self.width = lateness_ns, limit, width
        self.late = self.forced = 0
        self._newest: list[int | None] = [None] * legs
        self._floor: int | None = None  # time of the last row that was forced out
        self._held = np.empty((0, width + 1), np.int64)  # leg, then the values

    @property
    def waiting(self) -> int:
        """Rows that wait for a watermark."""
        return len(self._held)

    def take(self, leg: int, rows: Integers) -> Released:
        """Take rows of a leg in order of arrival; give those whose turn has come."""
        if len(rows):
            ts = rows[:, 0]
            newest = self._newest[leg]
            first = int(ts[0]) if newest is None else newest
            reached = np.maximum.accumulate(np.concatenate([[first], ts]))
            in_time = ts >= reached[:-1] - self.lateness_ns
            if self._floor is not None:
                in_time &= ts >= self._floor
            self._newest[leg] = int(reached[-1])
            self.late += len(ts) - int(np.count_nonzero(in_time))
            fresh = rows[in_time]
            legs = np.full((len(fresh), 1), leg)
            self._held = np.concatenate([self._held, np.concatenate([legs, fresh], axis=1)])
            self._held = self._held[np.lexsort((self._held[:, 0], self._held[:, 1]))]
        return self._release(self._ready())

    def finish(self) -> Released:
        """Give all that still waits, in order: no row is to come."""
        return self._release(len(self._held))

    def _ready(self) -> int:
        newest = [one for one in self._newest if one is not None]
        ready = 0
        if len(newest) == len(self._newest):
            # the leg that is furthest behind may still bring a row of this very time, which earlier legs precede
            reached, behind = min((one, leg) for leg, one in enumerate(newest))
            leg, ts, mark = self._held[:, 0], self._held[:, 1], reached - self.lateness_ns
            ready = int(np.count_nonzero((ts < mark) | ((ts == mark) & (leg <= behind))))
        excess = len(self._held) - ready - self.limit
        if excess > 0:
            self.forced += excess
            ready += excess
            self._floor = int(self._held[ready - 1, 1])
        return ready

    def _release(self, ready: int) -> Released:
        out, self._held = self._held[:ready], self._held[ready:]
        return Released(out[:, 0], out[:, 1:])

    def saved(self) -> Saved:
        """Give everything that an aligner needs to go on from here."""
        held = np.ascontiguousarray(self._held, "<i8").tobytes()
        newest, counts = list(self._newest), (self.late, self.forced)
        return Saved(self.lateness_ns, self.limit, newest, self._floor, *counts, self.width, held)

    @classmethod
    def of(cls, saved: Saved) -> Self:
        """Go on from what `saved` gave."""
        aligner = cls(len(saved.newest), saved.width, saved.lateness_ns, saved.limit)
        aligner._newest, aligner._floor = list(saved.newest), saved.floor
        aligner.late, aligner.forced = saved.late, saved.forced
        aligner._held = np.frombuffer(saved.held, "<i8").reshape(-1, saved.width + 1).astype(np.int64)
        return aligner
