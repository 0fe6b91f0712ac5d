"""The open tail: an Arrow IPC stream, one batch a flush. One that was cut off keeps its complete batches."""

import os
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from rtlab.errors import StoreError
from rtlab.store.cold.locks import take
from rtlab.store.cold.place import told
from rtlab.store.cold.schema import TAIL_SCHEMA


class TailWriter:
    """Appends batches of rows of `schema` to a new file."""

    def __init__(self, path: Path, schema: pa.Schema = TAIL_SCHEMA) -> None:
        self.path = path
        with told(str(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("xb", buffering=0)
            try:
                self._stream = pa.ipc.new_stream(self._file, schema)
                nothing = pa.RecordBatch.from_pylist([], schema=schema)
                self._stream.write_batch(nothing)  # or the schema would wait for the first rows
                os.fsync(self._file.fileno())
            except OSError:
                self._file.close()
                raise

    def append(self, rows: pa.RecordBatch) -> None:
        """Write a batch and sync it; when that fails, what was written before stays readable."""
        with told(str(self.path)):
            self._stream.write_batch(rows)
            os.fdatasync(self._file.fileno()) if hasattr(os, "fdatasync") else os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file. The stream is left without its end, as a kill would leave it: readers do not need it."""
        self._file.close()


def read_tail(path: Path, schema: pa.Schema | None = TAIL_SCHEMA) -> pa.Table:
    """Give the complete batches of a tail; FileNotFoundError when there is none, StoreError when it is no tail.

    With `schema` None it may be any.
    """
    batches: list[pa.RecordBatch] = []
    with told(str(path)), pa.memory_map(str(path)) as file:
        try:
            stream = pa.ipc.open_stream(file)
        except (pa.ArrowInvalid, OSError) as problem:
            raise StoreError(f"the tail {path} is damaged: {problem}") from None
        schema = stream.schema if schema is None else schema
        if stream.schema != schema:
            raise StoreError(f"{path} is no tail of rtlab", expected=schema.names, got=stream.schema.names)
        try:
            while True:
                batches.append(stream.read_next_batch())
        except (StopIteration, pa.ArrowInvalid, OSError, EOFError):
            pass  # the end of what is complete
    return pa.Table.from_batches(batches, schema=schema)


class TailOwner(ABC):
    """The one writer of what the file `lock` stands for, and its open tail; `with` it.

    StoreError, which says `what`, when another process holds the lock for longer than `wait_s`.
    """

    def __init__(self, lock: Path, what: str, wait_s: float) -> None:
        self._locking = lock, what, wait_s
        self._tail: TailWriter | None = None
        self._lock = -1

    def __enter__(self) -> Self:
        path, what, wait_s = self._locking
        self._lock = take(path, wait_s=wait_s, what=what)
        try:
            self._recover()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave; the tail stays for readers and the next writer. Idempotent."""
        if self._tail is not None:
            self._tail.close()
            self._tail = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @abstractmethod
    def _recover(self) -> None:
        """Take up what the last writer left."""
