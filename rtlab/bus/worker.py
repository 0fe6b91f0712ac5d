"""Works on one shard while it is held: reads, handles, tries again, buries, commits.

Theory of operation. One task reads while there is room, some handle, one commits. What is handled is settled in the
lanes; what all before it is settled too, is committed, many at once when they come faster than the server answers. An
event that failed goes back to the front of its key, which waits meanwhile; after the last try, or at once where
trying again cannot help (a schema that is not known), it is buried as a dead letter, and then settled. A handler that
raises UnreachableError says that it is not the event's fault: that counts as no try. FencedError, from wherever,
ends the worker: another holds the shard. Of an event that may have killed its worker a mark is made before each
try; as many deaths as `retry.tries` and it is buried.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any, TypeVar

import msgspec

from rtlab.bus.event import SchemaError, Topic, unpack
from rtlab.bus.handling import Calls, Delivery, Options, delivery_of
from rtlab.bus.lanes import Lanes, Work
from rtlab.bus.letters import decode_mark, encode_mark, unreadable
from rtlab.bus.tally import Tally
from rtlab.bus.transport import DeadLetter, Held, Taken, Transport
from rtlab.errors import FencedError, UnreachableError

log = logging.getLogger("rtlab.bus")

R = TypeVar("R")

AWAY_S = 0.1  # between two tries to reach the server
WATCH_S = 0.05


class Worker:
    """`run` works until the shard is released or lost."""

    def __init__(
        self,
        transport: Transport,
        topic: Topic[Any],
        group: str,
        held: Held,
        calls: Calls,
        options: Options,
        tally: Tally,
    ) -> None:
        self._transport, self._topic, self._group, self._held = transport, topic, group, held
        self._calls, self._options, self._tally = calls, options, tally
        self._lanes: Lanes[str] = Lanes()
        self._random = Random()
        self._news, self._waiting, self._over = asyncio.Event(), 0, False
        self._stopping, self._give_up = False, float("inf")
        self._finished: tuple[str, int] | None = None  # that is not committed
        self._marked: tuple[str, int] | None = None  # not asked for yet

    def stop(self, within_s: float) -> None:
        """Begin nothing new; `run` returns when what is under way is finished and committed, or after `within_s`."""
        self._give_up = time.monotonic() + within_s
        self._stopping = True
        self._tell()

    async def run(self) -> None:
        """Work until told to stop, until the shard is wanted by others, or lost."""
        try:
            await self._work()
        except* FencedError as problems:
            self._tally.fenced += 1
            log.warning("%s: what was under way is left to it", problems.exceptions[0])
            await self._leave()
        except* UnreachableError as problems:
            log.warning("%s: what was under way is left to others", problems.exceptions[0])
        finally:
            self._tally.in_flight -= self._lanes.held

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            others = [
                tasks.create_task(self._until_over(one)) for one in (self._read, self._commit, self._watch)
            ]
            handling = [tasks.create_task(self._handle()) for _ in range(self._options.concurrency)]
            try:
                await asyncio.wait(handling)
            finally:
                self._over = True
                self._tell()
            for task in others:
                task.cancel()
        await self._persist(self._commit_now)
        await self._persist(self._held.release)

    async def _until_over(self, work: Callable[[], Awaitable[None]]) -> None:
        # the client of Redis may lose a cancellation that meets an answer: no loop relies on it alone
        while not self._over:
            await work()

    async def _leave(self) -> None:
        # where another holds it nothing happens; where the handler alone said so, it is given back
        with contextlib.suppress(UnreachableError):
            await self._held.release()

    async def _watch(self) -> None:
        await asyncio.sleep(WATCH_S)
        self._check_held()
        if self._ending:
            self._tell()

    @property
    def _ending(self) -> bool:
        return self._stopping or self._held.is_leaving

    def _tell(self) -> None:
        if self._waiting:  # who does not wait looks before he does
            self._waiting = 0
            self._news.set()
            self._news = asyncio.Event()

    async def _read(self) -> None:
        if self._ending or self._lanes.held >= self._options.prefetch:
            await self._wait()
            return
        try:
            taken = await self._held.read()
        except UnreachableError:
            await asyncio.sleep(AWAY_S)
            return
        for one in taken:
            await self._add(one)
        if taken:
            self._tell()

    async def _add(self, taken: Taken) -> None:
        try:
            entry = unpack(taken.payload)
        except SchemaError as problem:
            event = unreadable(taken.payload, f"{self._held.shard}-{taken.position}")
            await self._bury(event, str(problem), 1)
            self._lanes.add(taken.position, [], whole=taken.events)
            return
        mine = entry.events if entry.group in ("", self._group) else []
        self._lanes.add(taken.position, mine, suspect=taken.suspect, whole=taken.events)
        self._tally.in_flight += len(mine)

    async def _handle(self) -> None:
        while not (self._ending or self._over):
            if not self._held.is_held:  # the server may renew a lease that had run out: nobody tells
                await self._wait(WATCH_S)
                continue
            works = self._lanes.take(time.monotonic(), self._options.batch)
            if not works:
                due = self._lanes.next_due
                await self._wait(None if due is None else due - time.monotonic())
                continue
            await self._attempt(works)
            self._tell()

    async def _attempt(self, works: list[Work[str]]) -> None:
        done: list[Work[str]] = []
        left: list[Work[str]] = []
        deliveries: list[Delivery[Any]] = []
        for work in works:
            try:
                deliveries.append(self._delivery(work))
                left.append(work)
            except SchemaError as problem:
                await self._bury(work.event, str(problem), work.tries + 1)
                done.append(work)
        if left and left[0].suspect and not await self._may_try(left[0]):
            done, left = done + left, []
        try:
            if left:
                await self._call(left, deliveries)
        except (FencedError, asyncio.CancelledError) as problem:
            if isinstance(problem, FencedError) or _is_cancelled():
                raise
            await self._failed(done, left, "it raised CancelledError")
        except UnreachableError as problem:
            self._tally.postponed += 1
            log.info("%s of %s waits: %s", self._group, self._topic.name, problem)
            self._settle(done, left, self._due(left))
        except Exception as problem:  # noqa: BLE001  # the handler is the user's: whatever it raises is a failed try
            await self._failed(done, left, _said(problem))
        else:
            self._tally.handled += len(left)
            self._settle(done + left)

    def _delivery(self, work: Work[str]) -> Delivery[Any]:
        held = self._held
        return delivery_of(self._topic, self._group, held.shard, held.token, work.event, work.tries)

    async def _call(self, works: Sequence[Work[str]], deliveries: Sequence[Delivery[Any]]) -> None:
        result = await self._calls(deliveries)
        if works[0].event.reply and self._options.batch == 1:
            answer = msgspec.msgpack.encode(result)
            try:
                await self._transport.answer(works[0].event.reply, answer)
            except UnreachableError as problem:  # nobody keeps answers: who asked has a time-out
                log.warning("an answer is lost: %s", problem)

    async def _may_try(self, work: Work[str]) -> bool:
        if self._marked is None:
            self._marked = decode_mark(await self._persist(self._held.marked))
        event_id, deaths = self._marked
        if event_id == work.event.id:
            self._marked = ("", 0)
            work.tries = max(work.tries, deaths)
            if work.tries >= self._options.retry.tries:
                why = f"its worker died or froze while handling it, {deaths} times"
                await self._bury(work.event, why, work.tries)
                await self._persist(lambda: self._held.note(b""))
                return False
        await self._persist(lambda: self._held.note(encode_mark(work.event.id, work.tries + 1)))
        return True

    async def _failed(self, done: list[Work[str]], works: list[Work[str]], reason: str) -> None:
        if len(works) > 1:  # one of them is at fault: tried singly that one is found
            self._settle(done, works, time.monotonic())
            return
        work = works[0]
        work.tries += 1
        if work.tries < self._options.retry.tries:
            self._tally.retried += 1
            self._settle(done, works, self._due(works))
            return
        await self._bury(work.event, reason, work.tries)
        self._settle(done + works)

    def _due(self, works: Sequence[Work[str]]) -> float:
        tries = max((work.tries for work in works), default=0)
        return time.monotonic() + self._options.retry.wait_s(max(1, tries), self._random)

    def _settle(self, done: list[Work[str]], again: Sequence[Work[str]] = (), due: float = 0.0) -> None:
        self._lanes.settle(done, again, due)
        self._tally.in_flight -= len(done)
        self._gather()

    def _gather(self) -> None:
        further = self._lanes.committable()
        if further is not None:
            before = self._finished[1] if self._finished else 0
            self._finished = (further[0], before + further[1])

    async def _bury(self, event: Any, reason: str, tries: int) -> None:
        letter = DeadLetter(self._group, self._held.shard, reason, tries, time.time_ns(), event)
        await self._persist(lambda: self._held.bury(letter))
        self._tally.dead += 1
        log.warning(
            "dead letter of %s for %s after %d tries: %s", self._topic.name, self._group, tries, reason
        )

    async def _commit(self) -> None:
        self._gather()
        if self._finished is None:
            await self._wait()
        else:
            await self._persist(self._commit_now)

    async def _commit_now(self) -> None:
        self._gather()
        if self._finished is None:
            return
        position, events = self._finished
        self._finished = None
        try:
            await self._held.commit(position, events)
        except (UnreachableError, asyncio.CancelledError):
            after = self._finished
            self._finished = (position, events) if after is None else (after[0], events + after[1])
            raise

    async def _persist(self, write: Callable[[], Awaitable[R]]) -> R:
        while True:
            try:
                return await write()
            except UnreachableError:
                self._check_held()
                if time.monotonic() > self._give_up:
                    raise
                await asyncio.sleep(AWAY_S)

    def _check_held(self) -> None:
        if self._held.is_lost:
            raise FencedError(f"shard {self._held.shard} of {self._topic.name} is not held any more")

    async def _wait(self, seconds: float | None = None) -> None:
        news = self._news
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await news.wait()
        except TimeoutError:
            pass


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _said(problem: Exception) -> str:
    text = str(problem)
    return f"{type(problem).__name__}: {text}"[:500] if text else type(problem).__name__
