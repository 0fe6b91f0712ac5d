"""One consumer of a group: as many workers as it holds shards."""

import asyncio
import logging
from typing import Any

from rtlab.bus.cancelling import cancelled
from rtlab.bus.event import Topic
from rtlab.bus.handling import Calls, Handler, Options
from rtlab.bus.tally import ConsumerStatistics, Tally
from rtlab.bus.transport import Backlog, Held, Member, Transport
from rtlab.bus.worker import Worker
from rtlab.errors import BusError

log = logging.getLogger("rtlab.bus")

CLOSE_S = 5.0


class Consumer:
    """Gives the events of a topic to a handler, for one of its groups. `start` it and `close` it; or use `Bus`."""

    def __init__(
        self, transport: Transport, topic: Topic[Any], group: str, handler: Handler, options: Options
    ) -> None:
        if group not in topic.groups:
            raise BusError(
                f"topic {topic.name} has no such group", expected=f"one of {topic.groups}", got=group
            )
        self.topic, self.group, self.handler = topic, group, handler
        self._transport, self._options = transport, options
        self._calls, self._tally = Calls(handler, options), Tally()
        self._workers: dict[asyncio.Task[None], Worker] = {}
        self._member: Member | None = None
        self._failed: asyncio.Future[None] | None = None
        self._alarm = False

    async def start(self) -> None:
        """Join the group; UnreachableError when the server does not answer."""
        self._failed = asyncio.get_running_loop().create_future()
        await self._transport.declare(self.topic)
        self._member = await self._transport.join(
            self.topic, self.group, self._on_held, self._options.prefetch
        )

    async def close(self) -> None:
        """Begin nothing new, finish and commit what is under way, give the shards back. Idempotent."""
        member, self._member = self._member, None
        if member is None:
            return
        await member.leave()
        for worker in self._workers.values():
            worker.stop(CLOSE_S)
        if self._workers:
            _, late = await asyncio.wait(self._workers, timeout=CLOSE_S + self._options.hang_s)
            await cancelled(*late)
            await asyncio.gather(*self._workers, return_exceptions=True)
        self._calls.close()
        if self._failed is not None:
            self._failed.cancel()

    async def wait(self) -> None:
        """Wait for ever; raises what ends a worker that is no reason to work on."""
        assert self._failed is not None, "not started"
        await asyncio.shield(self._failed)

    def statistics(self) -> ConsumerStatistics:
        """Count what became of the events."""
        backlog = self._member.backlog() if self._member is not None else Backlog(0, 0.0)
        alarm = backlog.oldest_s > self.topic.alarm_s
        if alarm and not self._alarm:
            log.warning(
                "%s of %s is behind: %d wait, the oldest for %.1f s", self.group, self.topic.name, *backlog
            )
        self._alarm = alarm
        tally = self._tally
        return ConsumerStatistics(
            handled=tally.handled,
            retried=tally.retried,
            postponed=tally.postponed,
            dead=tally.dead,
            fenced=tally.fenced,
            in_flight=tally.in_flight,
            shards=len(self._workers),
            abandoned=self._calls.abandoned,
            lag=backlog.events,
            oldest_s=backlog.oldest_s,
            alarm=alarm,
        )

    def _on_held(self, held: Held) -> None:
        worker = Worker(
            self._transport, self.topic, self.group, held, self._calls, self._options, self._tally
        )
        task = asyncio.create_task(
            worker.run(), name=f"rtlab bus {self.topic.name}/{held.shard} {self.group}"
        )
        self._workers[task] = worker
        task.add_done_callback(self._on_end)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        del self._workers[task]
        problem = None if task.cancelled() else task.exception()
        if problem is not None:
            log.error("a worker of %s ended: %r", self.topic.name, problem)
            if self._failed is not None and not self._failed.done():
                self._failed.set_exception(problem)
                self._failed.exception()  # told here, raised in `wait`
