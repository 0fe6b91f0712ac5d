"""The rows that are in Redis but not on the cold side yet: what a reader joins after the tail.

What was read once is kept, and only what is new is asked for, so that a recorder that is far behind makes a reader
no slower.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from rtlab.model import Instrument
from rtlab.store.cold.columns import Stand
from rtlab.store.cold.schema import TAIL_SCHEMA
from rtlab.store.connection import ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S
from rtlab.store.entry import FIELD, STATE_FIELD, unpack_entry
from rtlab.store.keys import Point, steps_key
from rtlab.store.server import no_answer
from rtlab.store.taking import Taking

_ENTRIES = 2000


def connect_blocking(url: str) -> "Redis":
    """Give a blocking client that tries nothing twice."""
    return Redis.from_url(
        url,
        socket_timeout=ANSWER_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


@contextmanager
def reachable(url: str) -> Iterator[None]:
    """Make what goes wrong with Redis an UnreachableError, or a ConfigError where it refuses the password."""
    try:
        yield
    except (RedisError, OSError) as problem:
        raise no_answer(url, problem) from None


class Unrecorded:
    """Reads one instrument's stream; safe to be called from any thread."""

    def __init__(self, redis: "Redis", url: str, instrument: Instrument) -> None:
        self._redis, self._url, self._instrument = redis, url, instrument
        self._taking: Taking | None = None
        self._kept: deque[tuple[Point, pa.RecordBatch]] = deque()
        self._lock = threading.Lock()
        self.has_gap = False

    def rows(self, stand: Stand) -> pa.Table:
        """Give the rows of the tail's form after `stand`. `has_gap`: the first of them do not follow it.

        UnreachableError when Redis does not answer.
        """
        with self._lock, reachable(self._url):
            return self._rows(stand)

    def _rows(self, stand: Stand) -> pa.Table:
        safe = Point(stand.epoch, stand.position)
        if self._taking is None or self._taking.point < safe or self.has_gap:
            self._taking = Taking(self._instrument, stand)
            self._kept.clear()
            self.has_gap = False
        while self._kept and self._kept[0][0] <= safe:
            self._kept.popleft()
        self._read(self._taking)
        return pa.Table.from_batches([_after(rows, safe) for _, rows in self._kept], schema=TAIL_SCHEMA)

    def _read(self, taking: Taking) -> None:
        key = steps_key(self._instrument.symbol)
        while True:
            answer: Any = self._redis.xrange(key, f"({taking.point.id}", "+", count=_ENTRIES)
            for entry_id, fields in answer:
                end, entry = Point.of(entry_id), unpack_entry(fields[FIELD])
                begin = taking.begins(end, entry, fields.get(STATE_FIELD))
                if begin is not None:
                    self._keep(taking)
                    self.has_gap = self.has_gap or begin.stand.epoch == taking.stand.epoch
                    taking.begin(begin)
                taking.take(end, entry)
            self._keep(taking)
            if len(answer) < _ENTRIES:
                return

    def _keep(self, taking: Taking) -> None:
        if len(taking.rows):
            self._kept.append((taking.point, taking.rows.take()))


def _after(rows: pa.RecordBatch, safe: Point) -> pa.RecordBatch:
    epoch, step = rows.column("epoch").to_numpy(), rows.column("step").to_numpy()
    fresh = (epoch > safe.epoch) | ((epoch == safe.epoch) & (step > safe.position))
    return rows if fresh.all() else rows.take(pa.array(np.flatnonzero(fresh)))
