"""The gateway's side: a market that follows the engine's through Redis, at the same (epoch, seq) points.

It loads each instrument's state, then reads the stream after it by plain XREAD. It never writes. When Redis is
gone or stalled it goes on serving what it has; readers see that nothing comes, and /health says why.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from rtlab.book import Market
from rtlab.errors import StoreError
from rtlab.model import Instrument
from rtlab.store.connection import ANSWER_TIMEOUT_S, Away, backoff_s, connect, stop
from rtlab.store.entry import FIELD, unpack_entry, unpack_state
from rtlab.store.keys import ENGINE, INSTRUMENTS, Grids, Point, state_key, steps_key
from rtlab.store.server import Absences, look_at
from rtlab.store.standing import EVERY_S, NOBODY, Standing
from rtlab.store.tail import Tail

log = logging.getLogger("rtlab.store")

_BLOCK_MS = 500
_AGAIN_MS = 20  # a state that is wanted is asked for this often
_ENTRIES = 32  # of one instrument in one answer: a gateway that catches up does not forget its readers
_SLICE_NS = 5_000_000
_LISTEN_NS = 250_000_000  # without an entry, until the engine's beat is looked at


class FollowerState(StrEnum):
    """How the follower stands with Redis."""

    WAITING = "waiting"  # no engine has ever written here
    LOADING = "loading"  # some instrument's state is wanted
    FOLLOWING = "following"
    AWAY = "away"  # Redis is gone or stalled


class FollowerStatistics(NamedTuple):
    """What came, and what went wrong.

    `loads` of states, `gaps` in a stream (trimmed, or lost), `epochs` begun by another or a restarted engine,
    `contradictions` of what was held; `gone`, `stalled` and `restarted` tell of Redis. `silent_s` is how long
    nothing came, `engine_silent_s` how long there was no sign of the engine's life. `recorder_lag_s` is how far a
    recorder is behind (-1: there is none), `unrecorded` entries were given up before one had them.
    """

    state: str
    epoch: int
    entries: int
    loads: int
    gaps: int
    epochs: int
    contradictions: int
    gone: int
    stalled: int
    restarted: int
    silent_s: float
    recorder_lag_s: float
    unrecorded: int
    engine_silent_s: float


class Follower:
    """Follows the engine that writes to the Redis at `url`; `async with Follower(url) as follower`.

    Inside, `market` holds every instrument; `on_news` is called whenever it moved. StoreError when the store holds
    what this version cannot read, or Redis is too old; it is raised by `wait` when that shows later. ConfigError when
    Redis does not let it in.
    """

    market: Market

    def __init__(
        self,
        url: str,
        *,
        tape_rows: int = 4096,
        tombstones: int = 4096,
        on_news: Callable[[], None] = lambda: None,
    ) -> None:
        self.url, self.on_news = url, on_news
        self.state = FollowerState.WAITING
        self._kept = {"tape_rows": tape_rows, "tombstones": tombstones}
        self._tails: dict[bytes, Tail] = {}
        self._entries = self._restarted = 0
        self._run_id = ""
        self._epoch = 0
        self._last_ns = self._heard_ns = time.monotonic_ns()
        self._beat: bytes | None = None
        self._standing, self._asked_at = NOBODY, 0.0
        self._absences = Absences(url, "nothing is served yet")
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Come in when every instrument is loaded: waits for Redis and an engine as long as it takes."""
        self._redis = connect(self.url, _BLOCK_MS / 1e3 + ANSWER_TIMEOUT_S)
        loaded = asyncio.Event()
        self._task = asyncio.create_task(self._run(loaded), name="rtlab store follower")
        waiting = asyncio.create_task(loaded.wait())
        try:
            await asyncio.wait([self._task, waiting], return_when=asyncio.FIRST_COMPLETED)
            if self._task.done():
                self._task.result()
        except BaseException:
            await self.close()
            raise
        finally:
            waiting.cancel()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop following; the market stays as it is. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            await stop(task)
            await self._redis.aclose()

    async def wait(self) -> None:
        """Wait until the follower ends; raises what ended it."""
        if self._task is not None:
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                self._task.result()

    def statistics(self) -> FollowerStatistics:
        """Count what came, and what went wrong."""
        tails = self._tails.values()
        return FollowerStatistics(
            state=str(self.state),
            epoch=self._epoch,
            entries=self._entries,
            loads=sum(one.loads for one in tails),
            gaps=sum(one.gaps for one in tails),
            epochs=sum(one.epochs for one in tails),
            contradictions=sum(one.contradictions for one in tails),
            gone=self._absences.gone,
            stalled=self._absences.stalled,
            restarted=self._restarted,
            silent_s=(time.monotonic_ns() - self._last_ns) / 1e9,
            recorder_lag_s=self._standing.lag_s,
            unrecorded=self._standing.unrecorded,
            engine_silent_s=self.engine_silent_s(),
        )

    def engine_silent_s(self) -> float:
        """Give for how long nothing was heard of the engine, whether it is gone or Redis is."""
        return (time.monotonic_ns() - self._heard_ns) / 1e9

    async def _run(self, loaded: asyncio.Event) -> None:
        tries = 0
        while True:
            try:
                await self._greet()
                while True:
                    if any(tail.is_loading for tail in self._tails.values()):
                        await self._load()
                    if not any(tail.is_loading for tail in self._tails.values()):
                        self.state = FollowerState.FOLLOWING
                        self._absences.meanwhile = "readers get what is here"
                        loaded.set()
                    tries = 0
                    await self._read()
                    await self._listen()
                    await self._look()
            except Away as problem:
                self._absences.note(problem, is_new=self.state is not FollowerState.AWAY)
                self.state = FollowerState.AWAY
                tries += 1
                with contextlib.suppress(*Away):
                    await self._redis.connection_pool.disconnect()
                await asyncio.sleep(backoff_s(tries))

    async def _greet(self) -> None:
        run_id = await look_at(self._redis, self.url, is_known=bool(self._tails))
        self._restarted += bool(self._run_id) and run_id != self._run_id
        self._run_id = run_id
        while not self._tails:
            self.state = FollowerState.WAITING
            grids = await self._grids()
            if grids is None:
                await asyncio.sleep(_AGAIN_MS / 1e3)
                continue
            self.market = Market(
                [Instrument(s, Decimal(t), Decimal(q)) for s, t, q in grids], 0, **self._kept
            )
            self._tails = {
                steps_key(symbol).encode(): Tail(self.market.state(symbol)) for symbol in self.market.symbols
            }

    async def _grids(self) -> Grids | None:
        told = await self._get(INSTRUMENTS)
        try:
            return None if told is None else msgspec.msgpack.decode(told, type=Grids)
        except msgspec.DecodeError as problem:
            raise StoreError(f"the store's instruments are not those of rtlab: {problem}") from None

    async def _get(self, key: str) -> bytes | None:
        told = await self._redis.get(key)
        assert not isinstance(told, str)  # we do not let the client decode
        return told

    async def _listen(self) -> None:
        # a market that rests is told from an engine that is gone by the engine's beat; an older engine has none
        if time.monotonic_ns() - self._heard_ns < _LISTEN_NS:
            return
        beat = await self._get(ENGINE)
        if beat is None or beat != self._beat:
            self._beat, self._heard_ns = beat, time.monotonic_ns()

    async def _look(self) -> None:
        now = time.monotonic()
        if now - self._asked_at < EVERY_S:
            return
        self._asked_at = now
        standing = await Standing.ask(self._redis, self.market.symbols)
        if standing.unrecorded > self._standing.unrecorded:
            log.error("%d entries were given up that no recorder had", standing.unrecorded)
        self._standing = standing

    async def _load(self) -> None:
        self.state = FollowerState.LOADING
        for tail in self._tails.values():
            if not tail.is_loading:
                continue
            told = await self._get(state_key(tail.state.instrument.symbol))
            if told is not None and tail.load(unpack_state(told)):
                await self._begin(tail.point.epoch)
                self._news()

    async def _begin(self, epoch: int) -> None:
        if epoch <= self._epoch:
            return
        grids = [(i.symbol, str(i.tick_size), str(i.lot_size)) for i in self.market.instruments.values()]
        if self._epoch and await self._grids() != grids:
            raise StoreError("the engine trades other instruments now: restart this gateway")
        self._epoch = self.market.epoch = epoch

    async def _read(self) -> None:
        ready = {key: tail for key, tail in self._tails.items() if not tail.is_loading}
        if not ready:
            await asyncio.sleep(_AGAIN_MS / 1e3)
            return
        block = _BLOCK_MS if len(ready) == len(self._tails) else _AGAIN_MS
        positions: dict[Any, Any] = {key: tail.point.id for key, tail in ready.items()}
        answer: Any = await self._redis.xread(positions, count=_ENTRIES, block=block)
        started = time.monotonic_ns()
        if answer:
            self._heard_ns = started
        moved = False
        for key, entries in answer or ():
            tail = self._tails[key]
            for entry_id, fields in entries:
                moved |= tail.take(Point.of(entry_id), unpack_entry(fields[FIELD]))
                self._entries += 1
                if time.monotonic_ns() - started > _SLICE_NS:
                    self._news()
                    moved = False
                    await asyncio.sleep(0)
                    started = time.monotonic_ns()
        if moved:
            self._news()

    def _news(self) -> None:
        self._last_ns = time.monotonic_ns()
        self.on_news()
