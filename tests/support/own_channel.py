"""An own channel `notes` of one instrument, and what its rows must be."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pyarrow as pa

from rtlab.store.cold.own import OwnReader, OwnWriter, schema_of
from rtlab.store.cold.place import LocalPlace

SCHEMA = schema_of([pa.field("note", pa.string()), pa.field("size", pa.int64())], {"of": "tests"})


def writer(folder, schema=SCHEMA, channel="notes"):
    return OwnWriter(LocalPlace(folder), folder, channel, "BTC/USD", schema, wait_s=0.1)


def reader(folder):
    return OwnReader(LocalPlace(folder), folder, "notes", "BTC/USD")


def some(first, count, step_ns=1000):
    numbers = np.arange(first, first + count)
    return pa.table({"ts": step_ns * numbers, "note": [f"n{n}" for n in numbers], "size": 2 * numbers})


def rows_of(folder, span=None, columns=None):
    parts = list(reader(folder).batches(*(() if span is None else (span,)), columns=columns))
    return [tuple(row.values()) for part in parts for row in part.to_pylist()]


def wanted(first, last, step_ns=1000):
    return [(n + 1, step_ns * n, f"n{n}", 2 * n) for n in range(first, last)]


@contextmanager
def read_meanwhile(read: Callable[[], list[tuple]]) -> Iterator[None]:
    """Read again and again in another thread: each time all rows from the first on, and never fewer than before."""
    ended = threading.Event()

    def look() -> list[int]:
        seen = []
        while not ended.is_set():
            found = read()
            assert found == wanted(0, len(found))
            seen.append(len(found))
        return seen

    with ThreadPoolExecutor(1) as thread:
        looking = thread.submit(look)
        try:
            yield
        finally:
            ended.set()
        seen = looking.result()
    assert seen == sorted(seen)
