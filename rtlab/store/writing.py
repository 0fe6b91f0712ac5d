"""The engine's side: writes the steps of its market to Redis, each once, in order, behind a fence.

    WRITING   steps go out as they come, several to an entry when they come faster than Redis takes them
    AWAY      Redis is gone or stalled: steps wait in the log (its bounds and policy: see `log`)
    FENCED    another engine of a newer epoch writes there: this one is told (FencedError) and stops

After AWAY the truth is what the stream holds: it is read, and written on from there. An entry that was sent, but
never confirmed, is found there or not; entries that a restarted Redis lost are written again; where the log does
not reach back that far, the state is written instead, within the epoch, since this engine knows that it continues
all that was ever published. Order: publish, then the state key, both in one script, so that the fence covers the
key as well; a stream is trimmed only up to its key, by age and bytes.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from rtlab.book import InstrumentState, Market, Step
from rtlab.errors import FencedError, shown
from rtlab.store.connection import Away, ResponseError, backoff_s, connect, is_conflict, stop
from rtlab.store.entry import FIELD, unpack_entry
from rtlab.store.keys import (
    ENGINE,
    INSTRUMENTS,
    Point,
    hot_key,
    recorded_key,
    state_key,
    steps_key,
    unrecorded_key,
)
from rtlab.store.log import LogLimits
from rtlab.store.newest import KINDS
from rtlab.store.outgoing import End, History, Outgoing, Write
from rtlab.store.server import Absences, look_at, no_answer

log = logging.getLogger("rtlab.store")

_BEAT_NS = 300_000_000  # between two signs of life
_REFUSED_S = 0.01  # who refuses what we have to write is not asked at once again

_PUBLISH = """
if ARGV[9] == '' then
  redis.call('XADD', KEYS[1], ARGV[1], 's', ARGV[2])
else
  redis.call('XADD', KEYS[1], ARGV[1], 's', ARGV[2], 'b', ARGV[3])
end
for i = 4, 6 do
  if ARGV[i] ~= '' then redis.call('SET', KEYS[i], ARGV[i]) end
end
if ARGV[3] == '' then return {0, 0} end
redis.call('SET', KEYS[2], ARGV[3])
local function less(a, b)
  local ae, ap = string.match(a, '(%d+)-(%d+)')
  local be, bp = string.match(b, '(%d+)-(%d+)')
  return tonumber(ae) < tonumber(be) or (ae == be and tonumber(ap) < tonumber(bp))
end
local cut, recorded = ARGV[7], redis.call('GET', KEYS[7])
if less(cut, ARGV[8]) then cut = ARGV[8] end
if recorded and less(recorded, cut) then cut = recorded end
local trimmed, given_up = redis.call('XTRIM', KEYS[1], 'MINID', cut), 0
if less(cut, ARGV[8]) then
  local safe = #redis.call('XRANGE', KEYS[1], cut, cut)
  given_up, cut = redis.call('XTRIM', KEYS[1], 'MINID', ARGV[8]) - safe, ARGV[8]
  trimmed = trimmed + safe
  if given_up > 0 then redis.call('INCRBY', KEYS[3], given_up) end
end
return {trimmed, given_up, cut}
"""
# KEYS: stream, state, unrecorded, book, ticker, bars, recorded.
# ARGV: id, entry, state, book, ticker, bars, oldest, limit, jump.

_REFRESH = """
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if last and last[1] == ARGV[1] then
  for i = 2, 4 do redis.call('SET', KEYS[i], ARGV[i]) end
end
"""


class WriterState(StrEnum):
    """How the writer stands with Redis."""

    WRITING = "writing"
    AWAY = "away"
    FENCED = "fenced"
    CLOSED = "closed"


class WriterStatistics(NamedTuple):
    """What was written, and what went wrong.

    `waiting` steps are not in Redis yet, the oldest for `waits_ms`; the logs hold `log_bytes`. `given_up` steps
    were replaced by a state (`jumps` such states); `rewritten` steps were written again after Redis had lost
    them. The streams hold `held_bytes`, that of one instrument at most `limit_bytes`: `unrecorded` entries were
    trimmed for that although a recorder did not have them yet. `lost` counts returns of a Redis that knew less than
    it had confirmed, `refused` entries that it already had, `gone` and `stalled` how often it went away.
    """

    state: str
    epoch: int
    entries: int
    bytes: int
    snapshots: int
    trimmed: int
    waiting: int
    waits_ms: float
    log_bytes: int
    given_up: int
    jumps: int
    rewritten: int
    gone: int
    stalled: int
    lost: int
    refused: int
    unrecorded: int
    held_bytes: int
    limit_bytes: int


class Writer:
    """Writes `market` to the Redis at `url`; `async with Writer(market, url) as writer`.

    It logs each step from the moment it is made. At the start it keeps the market's epoch if it can prove that the
    market continues what the streams hold, else the market begins a new epoch, above all that was published. The
    proof: a market that was restored from its own snapshot (`pack_state`, with `chains` as they were then) and is
    played the same batches of commands, at least up to where the streams end, has their chains there. Make the
    writer before they are played, and enter it after.
    UnreachableError when Redis does not answer at the start, ConfigError when it refuses the password, StoreError when
    it is too old. `wait` raises FencedError when another engine took over.
    """

    def __init__(
        self,
        market: Market,
        url: str,
        *,
        limits: LogLimits | None = None,
        history: History | None = None,
        chains: Mapping[str, int] | None = None,
    ) -> None:
        self.market, self.url = market, url
        self.state = WriterState.AWAY
        self._history = history or History()
        self._out = {
            symbol: Outgoing(market.state(symbol), limits or LogLimits(), self._history, chain=chain)
            for symbol, chain in {**dict.fromkeys(market.symbols, 0), **(chains or {})}.items()
        }
        self._entries = self._bytes = self._trimmed = self._refused = 0
        self._unrecorded = self._beat_at = 0
        self._news, self._progress = asyncio.Event(), asyncio.Event()
        self._absences = Absences(url, "steps wait")
        self._task: asyncio.Task[None] | None = None
        market.on_step = self._on_step

    async def __aenter__(self) -> Self:
        self._redis = connect(self.url, may_connect=lambda: self.state is not WriterState.WRITING)
        try:
            await self._begin()
        except Away as problem:
            await self._redis.aclose()
            raise no_answer(self.url, problem) from None
        except BaseException:
            await self._redis.aclose()
            raise
        self._task = asyncio.create_task(self._run(), name="rtlab store writer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Write what waits, as far as Redis takes it at once, and leave. Idempotent."""
        task, self._task = self._task, None
        if task is None:
            return
        self.market.on_step = None
        running = not task.done()
        await stop(task)
        if running and self.state is WriterState.WRITING:
            self.state = WriterState.AWAY  # a write was cut off
            try:
                await self._reconcile()
                await self._write_all()
            except FencedError as problem:
                self.state = WriterState.FENCED
                log.error("%s", problem)
            except Away as problem:
                log.warning("Redis at %s did not take the last steps: %s", shown(self.url), problem)
        if self.state is not WriterState.FENCED:
            self.state = WriterState.CLOSED
        await self._redis.aclose()

    async def wait(self) -> None:
        """Wait until the writer ends; raises what ended it, FencedError above all."""
        if self._task is not None:
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                self._task.result()

    async def drained(self, at_most: int = 0) -> None:
        """Wait until at most so many steps wait for Redis; raises what ended the writer."""
        while sum(out.log.waiting for out in self._out.values()) > at_most:
            if self._task is None or self._task.done():
                await self.wait()
                return
            self._progress.clear()
            progress = asyncio.create_task(self._progress.wait())
            await asyncio.wait([progress, self._task], return_when=asyncio.FIRST_COMPLETED)
            progress.cancel()

    def chains(self) -> dict[str, int]:
        """Give the chain of each instrument as its market stands now, to be kept with a snapshot of it."""
        return {symbol: out.log.chain for symbol, out in self._out.items()}

    def statistics(self) -> WriterStatistics:
        """Count what was written, and what went wrong."""
        out, now = self._out.values(), time.monotonic_ns()
        logs = [one.log for one in out]
        return WriterStatistics(
            state=str(self.state),
            epoch=self.market.epoch,
            entries=self._entries,
            bytes=self._bytes,
            snapshots=sum(one.snapshots for one in out),
            trimmed=self._trimmed,
            waiting=sum(one.waiting for one in logs),
            waits_ms=max((one.waits_ns(now) for one in logs), default=0) / 1e6,
            log_bytes=sum(one.bytes for one in logs),
            given_up=sum(one.given_up for one in logs),
            jumps=sum(one.jumps for one in logs),
            rewritten=sum(one.rewritten for one in logs),
            gone=self._absences.gone,
            stalled=self._absences.stalled,
            lost=sum(one.lost for one in out),
            refused=self._refused,
            unrecorded=self._unrecorded,
            held_bytes=sum(one.held_bytes for one in out),
            limit_bytes=self._history.limit_bytes,
        )

    def _on_step(self, state: InstrumentState, step: Step) -> None:
        self._out[state.instrument.symbol].append(step, time.monotonic_ns())
        self._news.set()

    async def _begin(self) -> None:
        await look_at(self._redis, self.url)
        ends = await self._ends()
        if not all(out.continues(end) for out, end in zip(self._out.values(), ends, strict=True)):
            highest = max((end.point.epoch for end in ends if end is not None), default=0)
            if highest >= self.market.epoch:
                self.market.begin(highest + 1)
        now = time.monotonic_ns()
        for out, end in zip(self._out.values(), ends, strict=True):
            out.open(end, now)
        grids = [(i.symbol, str(i.tick_size), str(i.lot_size)) for i in self.market.instruments.values()]
        await self._redis.set(INSTRUMENTS, msgspec.msgpack.encode(grids))
        await self._write_all()
        self.state = WriterState.WRITING

    async def _run(self) -> None:
        tries = 0
        while True:
            try:
                if self.state is WriterState.AWAY:
                    await self._reconcile()
                    self.state, tries = WriterState.WRITING, 0
                await self._write_all()
                await self._refresh()
                await self._beat()
                await self._wait_for_news()
            except Away as problem:
                self._absences.note(problem, is_new=self.state is not WriterState.AWAY)
                self.state = WriterState.AWAY
                tries += 1
                await self._redis.connection_pool.disconnect()
                await asyncio.sleep(backoff_s(tries))
            except FencedError as problem:
                self.state, self.market.on_step = WriterState.FENCED, None
                log.error("%s", problem)
                raise

    async def _beat(self) -> None:
        if (now := time.monotonic_ns()) - self._beat_at >= _BEAT_NS:
            await self._redis.set(ENGINE, time.time_ns())
            self._beat_at = now

    async def _wait_for_news(self) -> None:
        now = time.monotonic_ns()
        due = [ns for out in self._out.values() if (ns := out.newest_due_ns(now)) is not None]
        due.append(max(0, self._beat_at + _BEAT_NS - now))
        try:
            async with asyncio.timeout(min(due) / 1e9):
                await self._news.wait()
        except TimeoutError:
            return  # nothing new came: the values that are read by key are brought up to date
        self._news.clear()

    async def _refresh(self) -> None:
        now = time.monotonic_ns()
        pipeline = self._redis.pipeline(transaction=False)
        for symbol, out in self._out.items():
            if out.log.waiting or (newest := out.newest(now)) is None:
                continue
            keys = [steps_key(symbol), *(hot_key(symbol, kind) for kind in KINDS)]
            pipeline.eval(
                _REFRESH, len(keys), *keys, Point(self.market.epoch, out.state.position).id, *newest
            )
        if len(pipeline):
            await pipeline.execute()

    async def _write_all(self) -> None:
        while True:
            now = time.monotonic_ns()
            due = [(symbol, write) for symbol, out in self._out.items() for write in out.due(now)]
            if not due:
                return
            await self._write(due)

    async def _write(self, due: Sequence[tuple[str, Write]]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for symbol, write in due:
            entry_id = Point(self.market.epoch, write.position).id
            if write.state is None and write.newest is None:
                pipeline.execute_command("XADD", steps_key(symbol), entry_id, FIELD, write.entry)
            else:
                pipeline.eval(_PUBLISH, *self._publishing(symbol, entry_id, write))
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
        now = time.monotonic_ns()
        conflicts = False
        for (symbol, write), answer in zip(due, answers, strict=True):
            if isinstance(answer, Exception):
                if not is_conflict(answer):
                    raise answer  # it is there, but takes nothing: out of memory, out of disk
                self._refused += 1
                conflicts = True
                continue
            self._entries += 1
            self._bytes += len(write.entry)
            if write.state is not None:
                self._trimmed += answer[0]
                self._out[symbol].trimmed(Point.of(answer[2]))
                self._give_up(symbol, answer[1])
            if not conflicts:
                self._out[symbol].log.wrote(write.position, now)
        self._progress.set()
        if conflicts:
            await self._reconcile()
            await asyncio.sleep(_REFUSED_S)

    def _publishing(self, symbol: str, entry_id: str, write: Write) -> list[Any]:
        keys = [steps_key(symbol), state_key(symbol), unrecorded_key(symbol)]
        keys += [*(hot_key(symbol, kind) for kind in KINDS), recorded_key(symbol)]
        bounds = [Point(self.market.epoch if at else 0, at).id for at in (write.oldest, write.limit)]
        newest, jump = write.newest or ("", "", ""), "jump" if write.jumps else ""
        return [len(keys), *keys, entry_id, write.entry, write.state or "", *newest, *bounds, jump]

    def _give_up(self, symbol: str, entries: int) -> None:
        if entries:
            self._unrecorded += entries
            log.error(
                "%s: %d entries are given up that no recorder has yet: it is further behind than %d bytes",
                symbol,
                entries,
                self._history.limit_bytes,
            )

    async def _reconcile(self) -> None:
        now = time.monotonic_ns()
        for out, end in zip(self._out.values(), await self._ends(), strict=True):
            out.stands_at(end, now)

    async def _ends(self) -> list[End | None]:
        return [await self._end(symbol) for symbol in self._out]

    async def _end(self, symbol: str) -> End | None:
        try:
            stream = await self._redis.xinfo_stream(steps_key(symbol))
        except ResponseError as problem:
            if "no such key" in str(problem):
                return None
            raise
        last, newest = _bytes(stream["last-generated-id"]), stream["last-entry"]
        whole = newest is not None and _bytes(newest[0]) == last  # else somebody took entries away
        return End(Point.of(last), unpack_entry(newest[1][FIELD]).chain if whole else None)


def _bytes(entry_id: bytes | str) -> bytes:
    return entry_id.encode() if isinstance(entry_id, str) else entry_id
