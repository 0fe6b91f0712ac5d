"""Numbers by key, each with its recent course: what a grid of anything shows. Not of markets only."""

from collections.abc import Mapping
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import ConfigError, DataError

Floats = NDArray[np.float64]
MOST_KEYS = 1000


class MetricsStatistics(NamedTuple):
    """`keys` are held; `refused` values came for more keys than there is room for."""

    keys: int
    refused: int


class Course(NamedTuple):
    """The recent course of one number: its last value in each interval, oldest first, and when it last came (ns)."""

    values: Floats
    first: float
    newest: float
    at: int


class Metrics:
    """The last `keep` intervals of `interval_ns` of any keyed numbers, shared by any number of grids.

    An interval in which a key had no value repeats the one before. Any thread may append.
    """

    def __init__(self, *, interval_ns: int = 1_000_000_000, keep: int = 120, most: int = MOST_KEYS) -> None:
        if interval_ns < 1 or keep < 2 or most < 1:
            raise ConfigError(
                "metrics need an interval, a length and room",
                expected="interval_ns >= 1, keep >= 2, most >= 1",
                got=f"{interval_ns}, {keep}, {most}",
            )
        self.interval_ns, self.keep, self.most = interval_ns, keep, most
        self.version = 0
        self._rows: dict[str, int] = {}
        self._values = np.full((16, keep), np.nan)
        self._first = np.full(16, np.nan)
        self._newest = np.full(16, np.nan)
        self._at = np.zeros(16, np.int64)
        self._column = -1
        self._refused = 0
        self._lock = Lock()

    def append(self, ts: int, values: Mapping[str, float | None]) -> None:
        """Say the numbers at `ts` (ns, not before the last); None says nothing. DataError for what is no number."""
        said = {key: _number(key, value) for key, value in values.items() if value is not None}
        with self._lock:
            self._step(max(ts // self.interval_ns, self._column))
            for key, value in said.items():
                row = self._row(key)
                if row is None:
                    self._refused += 1
                    continue
                if np.isnan(self._first[row]):
                    self._first[row] = value
                self._values[row, self._column % self.keep] = value
                self._newest[row], self._at[row] = value, ts
            self.version += 1

    def _step(self, column: int) -> None:
        steps = min(column - self._column, self.keep) if self._column >= 0 else 0
        at = np.arange(column - steps + 1, column + 1) % self.keep
        self._values[:, at] = self._newest[:, None]
        self._column = column

    def _row(self, key: str) -> int | None:
        row = self._rows.get(key)
        if row is None and len(self._rows) < self.most:
            row = self._rows[key] = len(self._rows)
            if row == len(self._values):
                self._grow()
        return row

    def _grow(self) -> None:
        more = len(self._values)
        self._values = np.vstack([self._values, np.full((more, self.keep), np.nan)])
        self._first = np.concatenate([self._first, np.full(more, np.nan)])
        self._newest = np.concatenate([self._newest, np.full(more, np.nan)])
        self._at = np.concatenate([self._at, np.zeros(more, np.int64)])

    @property
    def keys(self) -> list[str]:
        """All keys, in the order in which they first came."""
        with self._lock:
            return list(self._rows)

    @property
    def column(self) -> int:
        """The number of the newest interval: its time divided by `interval_ns`; -1 before the first."""
        return self._column

    def course(self, key: str) -> Course:
        """Give the course of a key; DataError for one that never came."""
        with self._lock:
            if key not in self._rows:
                raise DataError(
                    "there is no such number", expected=", ".join(self._rows) or "none yet", got=key
                )
            row = self._rows[key]
            order = np.arange(self._column - self.keep + 1, self._column + 1) % self.keep
            values = self._values[row, order]
            known = values[np.isfinite(values)]
            return Course(known, float(self._first[row]), float(self._newest[row]), int(self._at[row]))

    def statistics(self) -> MetricsStatistics:
        """Say how much is held, and what was not."""
        return MetricsStatistics(len(self._rows), self._refused)

    def __repr__(self) -> str:
        return f"Metrics({len(self._rows)} keys, {self.keep} intervals)"


def _number(key: str, value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]  # whatever came
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise DataError(f"{key} is not a number that can be shown", expected="a finite number", got=value)
    return number
