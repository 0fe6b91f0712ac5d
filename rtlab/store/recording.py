"""Records what an engine writes to Redis into the cold side: nothing twice, nothing missing that is not told.

    RECORDING   entries are read, their rows made safe in the tail, and then Redis is told: it may trim them
    AWAY        Redis is gone or stalled: nothing comes, what is safe stays safe
    BLOCKED     the cold side takes nothing (full, read only): entries wait in Redis, up to its limit

It resumes where the cold side ends, after a kill as well: rows that were safe are not read again, rows that were
not are still in Redis. `lag_s` tells for how long the oldest entry that is not safe yet has been in Redis.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from rtlab.errors import StoreError, shown
from rtlab.model import Instrument
from rtlab.store.cold.columns import Stand
from rtlab.store.cold.place import Place, told
from rtlab.store.cold.writer import ColdWriter
from rtlab.store.connection import ANSWER_TIMEOUT_S, Away, backoff_s, connect, stop
from rtlab.store.entry import FIELD, STATE_FIELD, unpack_entry, unpack_state
from rtlab.store.keys import INSTRUMENTS, RECORDER, Grids, Point, recorded_key, state_key, steps_key
from rtlab.store.server import Absences, look_at
from rtlab.store.standing import EVERY_S, GONE_MS, RecorderStatistics, Standing, packed
from rtlab.store.taking import Begin, Taking, known_of

log = logging.getLogger("rtlab.store")

_BLOCK_MS = 50
_ENTRIES = 256  # of one instrument in one answer
_FLUSH_ROWS = 50_000
_HEADS_S = 0.1
_HEADS = 10_000


class RecorderState(StrEnum):
    """How the recorder stands."""

    WAITING = "waiting"  # no engine has ever written here
    RECORDING = "recording"
    AWAY = "away"
    BLOCKED = "blocked"
    CLOSED = "closed"


class RecorderLimits(NamedTuple):
    """When rows are made safe, when the tail becomes a file, and which lag is an alarm.

    For `wait_s` another recorder is waited for.
    """

    flush_s: float = 0.1
    roll_rows: int = 200_000
    roll_s: float = 60.0
    alarm_s: float = 5.0
    wait_s: float = 2.0


class _One:
    """One instrument: its writer on the cold side, and what was read for it."""

    def __init__(self, place: Place, work: Path, instrument: Instrument, wait_s: float) -> None:
        self._made, self._wait_s = (place, work, instrument), wait_s
        self.symbol = instrument.symbol
        self.writer = ColdWriter(*self._made, wait_s=wait_s)
        self.taking = Taking(instrument, Stand())
        self.rolled_at = 0.0
        self.marked = ""
        self.worst_lag_s = 0.0
        self.heads: deque[tuple[float, Point]] = deque(maxlen=_HEADS)
        self.is_known = True

    @property
    def instrument(self) -> Instrument:
        return self._made[2]

    def open(self) -> None:
        with told(self._made[0].root):
            self._open()

    def _open(self) -> None:
        counts = self.writer.counts
        self.writer.close()
        self.writer = ColdWriter(*self._made, wait_s=self._wait_s)
        self.writer.counts = counts
        self.writer.__enter__()
        self.taking = Taking(self.instrument, self.writer.stand)
        self.marked = ""
        self.rolled_at = time.monotonic()
        self.is_known = self.writer.levels is not None or not self.writer.stand.epoch

    def flush(self, now: float, limits: RecorderLimits) -> None:
        if len(self.taking.rows):
            stand = self.taking.stand
            self.writer.append(self.taking.rows.take(), stand)
        old = now - self.rolled_at > limits.roll_s
        if self.writer.tail_rows > limits.roll_rows or (old and self.writer.tail_rows):
            self.writer.roll()
            self.rolled_at = now

    def see(self, now: float, head: Point) -> None:
        if head > max(self.heads[-1][1] if self.heads else head._replace(epoch=-1), self.safe):
            self.heads.append((now, head))

    @property
    def safe(self) -> Point:
        return Point(self.writer.stand.epoch, self.writer.stand.position)

    def lag(self, now: float) -> tuple[float, int]:
        safe = self.safe
        newest = self.heads[-1][1] if self.heads else safe
        while self.heads and self.heads[0][1] <= safe:
            self.worst_lag_s = max(self.worst_lag_s, now - self.heads.popleft()[0])
        if not self.heads:
            return 0.0, 0
        self.worst_lag_s = max(self.worst_lag_s, now - self.heads[0][0])
        behind = newest.position - safe.position if newest.epoch == safe.epoch else newest.position
        return now - self.heads[0][0], max(0, behind)


class Recorder:
    """Records all instruments of the Redis at `url` into `place`; `async with Recorder(url, place, work)`.

    `work` is the folder of tails and locks on this machine. It comes in at once and waits for Redis and an engine.
    StoreError when another recorder is at work, raised by `wait` as well as when the store cannot be read or Redis is
    too old; ConfigError when Redis does not let it in.
    """

    def __init__(self, url: str, place: Place, work: Path, *, limits: RecorderLimits | None = None) -> None:
        self.url, self.place, self.work = url, place, work
        self.limits = limits or RecorderLimits()
        self.state = RecorderState.WAITING
        self._ones: dict[bytes, _One] = {}
        self._entries = self._blocked = self._rows_lost = self._unrecorded = 0
        self._alarmed = False
        self._heads_at = self._flushed_at = self._told_at = 0.0
        self._progress = asyncio.Event()
        self._absences = Absences(url, "what is recorded stays safe")
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._redis = connect(self.url, _BLOCK_MS / 1e3 + ANSWER_TIMEOUT_S)
        self._task = asyncio.create_task(self._run(), name="rtlab store recorder")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Make safe what was read, turn tails into files, and leave. Idempotent."""
        task, self._task = self._task, None
        if task is None:
            return
        await stop(task)
        if self.state is not RecorderState.BLOCKED:
            try:
                await self._flush(roll=True)
            except StoreError as problem:
                log.error("the last rows wait in Redis: %s", problem)
            except Away as problem:
                log.warning("Redis at %s was not told what is recorded: %s", shown(self.url), problem)
        for one in self._ones.values():
            one.writer.close()
        self.state = RecorderState.CLOSED
        with contextlib.suppress(*Away):  # then the key goes by itself
            await self._redis.delete(RECORDER)
        await self._redis.aclose()

    async def wait(self) -> None:
        """Wait until the recorder ends; raises what ended it."""
        if self._task is not None:
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                self._task.result()

    async def reached(self, positions: Mapping[str, int]) -> None:
        """Wait until everything up to these positions of instruments is safe; raises what ended the recorder."""
        while any(self._safe(symbol) < position for symbol, position in positions.items()):
            if self._task is None or self._task.done():
                await self.wait()
                return
            self._progress.clear()
            progress = asyncio.create_task(self._progress.wait())
            await asyncio.wait([progress, self._task], return_when=asyncio.FIRST_COMPLETED)
            progress.cancel()

    def _safe(self, symbol: str) -> int:
        one = self._ones.get(steps_key(symbol).encode())
        return -1 if one is None else one.writer.stand.position

    def statistics(self) -> RecorderStatistics:
        """Count what was recorded, and what went wrong."""
        ones = self._ones.values()
        counts = [one.writer.counts for one in ones]
        lags = [one.lag(time.monotonic()) for one in ones]
        return RecorderStatistics(
            state=str(self.state),
            rows=sum(one.rows for one in counts),
            entries=self._entries,
            lag_s=max((one[0] for one in lags), default=0.0),
            lag_rows=sum(one[1] for one in lags),
            worst_lag_s=max((one.worst_lag_s for one in ones), default=0.0),
            rolls=sum(one.rolls for one in counts),
            files=sum(one.files for one in counts),
            recovered=sum(one.recovered for one in counts),
            gaps=sum(one.gaps for one in counts),
            contradictions=sum(one.taking.contradictions for one in ones),
            gone=self._absences.gone,
            stalled=self._absences.stalled,
            blocked=self._blocked,
            unrecorded=self._unrecorded,
            rows_lost=self._rows_lost,
        )

    async def _run(self) -> None:
        tries = 0
        while True:
            try:
                await self._open()
                while True:
                    await self._round()
                    self.state, tries = RecorderState.RECORDING, 0
                    await self._tell()
            except Away as problem:
                self._absences.note(problem, is_new=self.state is not RecorderState.AWAY)
                self.state = RecorderState.AWAY
                with contextlib.suppress(*Away):
                    await self._redis.connection_pool.disconnect()
            except StoreError as problem:
                if not isinstance(problem.__cause__, OSError):
                    raise
                if self.state is not RecorderState.BLOCKED:
                    log.error("the recorder is blocked, entries wait in Redis: %s", problem)
                self.state = RecorderState.BLOCKED
                self._blocked += 1
                for one in self._ones.values():
                    one.writer.close()
                with contextlib.suppress(*Away):  # the next round finds out
                    await self._tell()
            tries += 1
            await asyncio.sleep(backoff_s(tries))

    async def _open(self) -> None:
        if self.state is not RecorderState.BLOCKED:
            await look_at(self._redis, self.url, is_known=bool(self._ones))
        while not self._ones:
            told: Any = await self._redis.get(INSTRUMENTS)
            if told is None:
                await asyncio.sleep(_BLOCK_MS / 1e3)
                continue
            grids = msgspec.msgpack.decode(told, type=Grids)
            made = [Instrument(symbol, Decimal(tick), Decimal(lot)) for symbol, tick, lot in grids]
            ones = [_One(self.place, self.work, instrument, self.limits.wait_s) for instrument in made]
            try:
                for one in ones:
                    await asyncio.to_thread(one.open)
            except BaseException:
                for one in ones:
                    one.writer.close()
                raise
            self._ones = {steps_key(one.symbol).encode(): one for one in ones}
            return
        if self.state is RecorderState.BLOCKED:
            for one in self._ones.values():
                await asyncio.to_thread(one.open)

    async def _round(self) -> None:
        at: dict[Any, Any] = {key: one.taking.point.id for key, one in self._ones.items()}
        answer: Any = await self._redis.xread(at, count=_ENTRIES, block=_BLOCK_MS)
        for key, entries in answer or ():
            one = self._ones[key]
            for entry_id, fields in entries:
                await self._take(one, Point.of(entry_id), fields)
            self._entries += len(entries)
        now = time.monotonic()
        waiting = sum(len(one.taking.rows) for one in self._ones.values())
        if waiting > _FLUSH_ROWS or now - self._flushed_at > self.limits.flush_s:
            await self._flush()
            self._flushed_at = now
        if now - self._heads_at > _HEADS_S:
            await self._look_at_heads()
            self._heads_at = now

    async def _take(self, one: _One, end: Point, fields: dict[bytes, bytes]) -> None:
        entry = unpack_entry(fields[FIELD])
        begin = one.taking.begins(end, entry, fields.get(STATE_FIELD))
        if begin is not None:
            if begin.reason != "start":
                self._note_gap(one, begin)
            await self._flush()
            await asyncio.to_thread(one.writer.begin, begin.stand, begin.levels, begin.reason)
            one.taking.begin(begin)
            one.is_known = begin.levels is not None
        if not one.is_known and one.taking.expected is None:
            stored: Any = await self._redis.get(state_key(one.symbol))
            if stored is not None:
                known = known_of(one.instrument, unpack_state(stored))
                if (known.stand.epoch, known.stand.position) > one.taking.point:
                    one.taking.expected = known
        known_here = one.taking.take(end, entry)
        if known_here is not None:
            await self._flush()
            await asyncio.to_thread(one.writer.know, known_here.levels)
            one.is_known = True

    def _note_gap(self, one: _One, begin: Begin) -> None:
        before = one.taking.stand
        lost = begin.stand.position - before.position if begin.stand.epoch == before.epoch else 0
        self._rows_lost += lost
        told = log.error if lost else log.warning
        told("%s: %s: %d rows; the record goes on at %s", one.symbol, begin.reason, lost, begin.stand)

    async def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told_at < EVERY_S:
            return
        self._told_at = now
        standing = await Standing.ask(self._redis, [one.symbol for one in self._ones.values()])
        given_up = standing.unrecorded
        if given_up > self._unrecorded:
            log.error("%d entries were given up that no recorder had: the hot side's limit", given_up)
        self._unrecorded = given_up
        await self._redis.set(RECORDER, packed(self.statistics()), px=GONE_MS)

    async def _flush(self, *, roll: bool = False) -> None:
        now = time.monotonic()
        limits = self.limits._replace(roll_s=-1.0) if roll else self.limits

        def flush(ones: Sequence[_One]) -> None:
            with told(self.place.root):
                for one in ones:
                    one.flush(now, limits)

        await _whole(flush, list(self._ones.values()))
        now = time.monotonic()
        for one in self._ones.values():
            one.lag(now)
        marks = {
            one: one.safe.id for one in self._ones.values() if one.safe.epoch and one.safe.id != one.marked
        }
        if not marks:
            return
        self._progress.set()  # the rows are safe, whether Redis takes the marks or not
        pipeline = self._redis.pipeline(transaction=False)
        for one, mark in marks.items():
            pipeline.set(recorded_key(one.symbol), mark)
        await pipeline.execute()
        for one, mark in marks.items():
            one.marked = mark

    async def _look_at_heads(self) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for key in self._ones:
            pipeline.xrevrange(key, count=1)
        now = time.monotonic()
        for one, newest in zip(self._ones.values(), await pipeline.execute(), strict=True):
            one.see(now, Point.of(newest[0][0]) if newest else Point(0, 0))
        lag = max((one.lag(now)[0] for one in self._ones.values()), default=0.0)
        if (lag > self.limits.alarm_s) is not self._alarmed:
            self._alarmed = not self._alarmed
            told = log.error if self._alarmed else log.warning
            told("the recorder is %.1f s behind (alarm from %.1f s)", lag, self.limits.alarm_s)


async def _whole(work: Any, *arguments: Any) -> None:
    """Run in a thread and wait until it has ended, whatever cancels us meanwhile: files are not left half done."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
