"""A venue's own messages, kept beside what was made of them: the channel `raw` of the venue's name.

    keep ──▶ waiting (bounded in bytes) ──flush, in a thread──▶ the store's own channel `raw`

They do not go through Redis: what the recorder needs to be exact are the normalised rows, and these are the evidence.
When the disk takes nothing they wait; beyond `most_bytes` the newest are dropped, counted and told.
"""

import asyncio
import contextlib
import logging
import time
from types import TracebackType
from typing import NamedTuple, Self

import pyarrow as pa

from rtlab.errors import StoreError
from rtlab.lab.recording import Target
from rtlab.store.cold.own import OwnWriter, own_rows, schema_of

log = logging.getLogger("rtlab.lab")

RAW = "raw"
SCHEMA = schema_of([pa.field("source", pa.string()), pa.field("payload", pa.binary())])
"""`ts` is when it was received, `source` the address that it came from, `payload` its bytes as they came."""


Message = tuple[int, str, bytes]


class RawLimits(NamedTuple):
    """How often messages are made safe, when the tail becomes a file, and how much waits for the disk at most."""

    flush_s: float = 0.2
    roll_bytes: int = 64 << 20
    roll_s: float = 600.0
    most_bytes: int = 64 << 20


class RawStatistics(NamedTuple):
    """Messages that are `safe`, and their bytes; those that wait, and those that were dropped.

    `blocked` counts how often the disk took nothing.
    """

    safe: int
    safe_bytes: int
    waiting: int
    waiting_bytes: int
    dropped: int
    blocked: int


class RawKeeper:
    """Keeps what `keep` is given, as `venue`'s; `async with RawKeeper(target, venue) as raw`.

    StoreError when another process keeps this venue's messages there.
    """

    def __init__(self, target: Target, venue: str, *, limits: RawLimits | None = None) -> None:
        self.venue, self.limits = venue, limits or RawLimits()
        self._target = target
        self._writer: OwnWriter | None = None
        self._seq = 0
        self._waiting: list[Message] = []
        self._waiting_bytes = self._safe = self._safe_bytes = self._dropped = self._blocked = 0
        self._ended = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._writer = await asyncio.to_thread(self._open)
        self._seq, self._rolled_at = self._writer.seq, time.monotonic()
        self._task = asyncio.create_task(self._run(), name="rtlab raw messages")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        await asyncio.shield(self._task)

    def keep(self, ts: int, source: str, payload: bytes) -> None:
        """Take one message as it came, received at `ts` (ns); it is safe a moment later."""
        if self._waiting_bytes + len(payload) > self.limits.most_bytes:
            if not self._dropped:
                log.error("raw messages are dropped: %d bytes wait for the disk", self._waiting_bytes)
            self._dropped += 1
            return
        self._waiting.append((ts, source, payload))
        self._waiting_bytes += len(payload)

    def statistics(self) -> RawStatistics:
        """Count what was kept."""
        waiting = len(self._waiting), self._waiting_bytes
        return RawStatistics(self._safe, self._safe_bytes, *waiting, self._dropped, self._blocked)

    async def _run(self) -> None:
        last = False
        while not last:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), self.limits.flush_s)
            rows, last = self._waiting[:], self._ended.is_set()
            if await asyncio.to_thread(self._write, rows, last):
                self._note(rows)
        if self._waiting:
            log.error("%d raw messages were not kept: the disk takes nothing", len(self._waiting))

    def _open(self) -> OwnWriter:
        return OwnWriter(*self._target, RAW, self.venue, SCHEMA).__enter__()

    def _write(self, rows: list[Message], last: bool) -> bool:
        try:
            writer = self._writer = self._writer or self._open()
            # without what a writer that failed had written all the same
            writer.append(own_rows(rows[writer.seq - self._seq :], SCHEMA))
            self._seq = writer.seq
        except (StoreError, OSError) as problem:
            self._give_up(problem)
            return False
        try:
            self._roll(writer, last)
        except (StoreError, OSError) as problem:
            self._give_up(problem)
        return True

    def _roll(self, writer: OwnWriter, last: bool) -> None:
        old = time.monotonic() - self._rolled_at > self.limits.roll_s
        if last or writer.tail_bytes > self.limits.roll_bytes or old:
            writer.roll()
            self._rolled_at = time.monotonic()
        if last:
            writer.close()

    def _note(self, rows: list[Message]) -> None:
        size = sum(len(payload) for _, _, payload in rows)
        del self._waiting[: len(rows)]
        self._waiting_bytes -= size
        self._safe += len(rows)
        self._safe_bytes += size

    def _give_up(self, problem: Exception) -> None:
        if not self._blocked:
            log.error("raw messages wait for the disk: %s", problem)
        self._blocked += 1
        if self._writer is not None:
            self._writer.close()
            self._writer = None
