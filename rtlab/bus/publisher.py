"""Publishes: events of one shard go out in order, many in one entry when they come faster than the server answers.

Each shard has one write under way; what is published meanwhile goes with the next. A write that fails is tried again
with the same events until the deadline of each; whoever is told that his event is not confirmed may publish it again
with the same id. An event whose caller has been told is not sent any more, so it cannot come after a later one.
"""

import asyncio
import time
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, NamedTuple

from rtlab.bus.cancelling import cancelled
from rtlab.bus.event import ENTRY_EVENTS, Event, Topic, pack
from rtlab.bus.tally import PublisherStatistics
from rtlab.bus.transport import DeadLetter, Transport
from rtlab.errors import BusError, FullError, UnreachableError

DEADLINE_S = 5.0
AGAIN_S = 0.05  # between two tries, when the server is away or full
FLUSH_EVENTS = 16 * ENTRY_EVENTS
WAITING = 100_000


class _Waiting(NamedTuple):
    events: Sequence[Event]
    done: "asyncio.Future[None]"
    since: float


class Publisher:
    """Publishes to any topic. At most `most` events wait here; then publishing waits, until its deadline."""

    def __init__(self, transport: Transport, *, most: int = WAITING) -> None:
        self._transport, self._most = transport, most
        self._lines: dict[tuple[str, int], _Line] = {}
        self.counts = dict.fromkeys(
            ("published", "entries", "retries", "unconfirmed", "refused", "diverted"), 0
        )
        self.waiting = 0
        self._room = asyncio.Event()

    async def publish(self, topic: Topic[Any], events: Sequence[Event], deadline_s: float) -> None:
        """Return when the server has them safe.

        UnreachableError when it had not confirmed by then (it may have them all the same), FullError where the
        topic refuses.
        """
        by_shard: dict[int, list[Event]] = {}
        for event in events:
            by_shard.setdefault(topic.shard(event.key), []).append(event)
        try:
            async with asyncio.timeout(deadline_s):
                while self.waiting and self.waiting + len(events) > self._most:
                    self._room.clear()
                    await self._room.wait()
                await _all(self._puts(topic, by_shard))
        except TimeoutError:
            self.counts["unconfirmed"] += len(events)
            problems = (self._line(topic, shard).problem for shard in by_shard)
            why = next(filter(None, problems), "")
            raise UnreachableError(
                f"not confirmed within {deadline_s:g} s; publish again with the same ids"
                + (f" ({why})" if why else "")
            ) from None

    def _puts(
        self, topic: Topic[Any], by_shard: Mapping[int, Sequence[Event]]
    ) -> list[Coroutine[Any, Any, None]]:
        return [
            self._line(topic, shard).put(events[start : start + FLUSH_EVENTS])
            for shard, events in by_shard.items()
            for start in range(0, len(events), FLUSH_EVENTS)
        ]

    def statistics(self) -> PublisherStatistics:
        """Count what became of what was published."""
        now = time.monotonic()
        oldest = max((line.waits_s(now) for line in self._lines.values()), default=0.0)
        return PublisherStatistics(**self.counts, waiting=self.waiting, waits_s=oldest)

    def give_room(self, events: int) -> None:
        """Note that so many events wait no more."""
        self.waiting -= events
        self._room.set()

    async def close(self) -> None:
        """End what is under way; whoever waits for it is cancelled."""
        for line in self._lines.values():
            await line.close()

    def _line(self, topic: Topic[Any], shard: int) -> "_Line":
        line = self._lines.get((topic.name, shard))
        if line is None:
            line = self._lines[topic.name, shard] = _Line(self, self._transport, topic, shard)
        return line


class _Line:
    # what waits for one shard
    def __init__(self, owner: Publisher, transport: Transport, topic: Topic[Any], shard: int) -> None:
        self._owner, self._transport, self._topic, self._shard = owner, transport, topic, shard
        self._queue: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self.problem = ""

    async def put(self, events: Sequence[Event]) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(events, done, time.monotonic()))
        self._owner.waiting += len(events)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush())
        try:
            await done
        finally:
            self._owner.give_room(len(events))

    def waits_s(self, now: float) -> float:
        return now - self._queue[0].since if self._queue else 0.0

    async def close(self) -> None:
        for waiting in self._queue:
            waiting.done.cancel()
        if self._task is not None:
            await cancelled(self._task)

    async def _flush(self) -> None:
        while self._queue:
            batch, events = list[_Waiting](), 0
            for waiting in self._queue:
                if batch and events + len(waiting.events) > FLUSH_EVENTS:
                    break
                batch.append(waiting)
                events += len(waiting.events)
            try:
                await self._send(batch)
            finally:
                for _ in batch:
                    self._queue.popleft()

    async def _send(self, batch: Sequence[_Waiting]) -> None:
        counts = self._owner.counts
        while batch := [waiting for waiting in batch if not waiting.done.done()]:
            entries = pack([event for waiting in batch for event in waiting.events])
            try:
                if await self._transport.append(self._topic, self._shard, entries):
                    counts["published"] += sum(events for _, events in entries)
                    counts["entries"] += len(entries)
                    self.problem = ""
                    return _settle(batch, None)
                if await self._without_room(batch):
                    return None
            except UnreachableError as problem:
                self.problem = str(problem)
                counts["retries"] += 1
            except BusError as problem:
                return _settle(batch, problem)
            await asyncio.sleep(AGAIN_S)
        return None

    async def _without_room(self, batch: Sequence[_Waiting]) -> bool:
        events = [event for waiting in batch for event in waiting.events]
        self.problem = "there is no room"
        if self._topic.full == "block":
            return False
        if self._topic.full == "refuse":
            self._owner.counts["refused"] += len(events)
            what = f"topic {self._topic.name} has no room in shard {self._shard}"
            _settle(batch, FullError(what, expected=f"less than {self._topic.limit} unfinished"))
            return True
        for group in self._topic.groups:
            for event in events:
                letter = DeadLetter(
                    group, self._shard, "diverted: there was no room", 0, time.time_ns(), event
                )
                await self._transport.divert(self._topic, letter)
        self._owner.counts["diverted"] += len(events)
        _settle(batch, None)
        return True


def _settle(batch: Sequence[_Waiting], problem: Exception | None) -> None:
    for waiting in batch:
        if waiting.done.done():
            continue
        if problem is None:
            waiting.done.set_result(None)
        else:
            waiting.done.set_exception(problem)


async def _all(puts: list[Coroutine[Any, Any, None]]) -> None:
    if len(puts) == 1:
        return await puts[0]
    for outcome in await asyncio.gather(*puts, return_exceptions=True):
        if outcome is not None:
            raise outcome
    return None
