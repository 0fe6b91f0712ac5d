import asyncio
import threading
from contextlib import asynccontextmanager

import pytest
from distributed import Scheduler, Worker

from rtlab.pipelines.cluster.lasting import Lasting, lasting

pytestmark = pytest.mark.filterwarnings("ignore")


class Place:
    """Where one scheduler is after the other, in this process, each until it is lost or closed."""

    def __init__(self) -> None:
        self.scheduler: Scheduler | None = None
        self._lost: list[Scheduler] = []
        self._port = 0

    async def begin(self) -> Scheduler:
        self.scheduler = await Scheduler(host="127.0.0.1", port=self._port, dashboard=False)
        self._port = self.scheduler.port
        return self.scheduler

    def lose(self) -> None:
        """Let it be gone as by SIGKILL: nobody listens any more, and its connections break."""
        scheduler, self.scheduler = self.scheduler, None
        self._lost.append(scheduler)
        scheduler.stop()
        for comm in scheduler.stream_comms.values():
            comm.comm.abort()

    async def close(self) -> None:
        for one in [*self._lost, *([self.scheduler] if self.scheduler else [])]:
            await one.close()


class Shard:
    """A thread that runs as long as it may."""

    def __init__(self, worker: Worker, alone_s: float) -> None:
        self.turns, self._end = 0, threading.Event()
        self._thread = threading.Thread(target=self._run, args=(worker, alone_s))
        self._thread.start()

    def _run(self, worker: Worker, alone_s: float) -> None:
        with lasting(worker, alone_s) as must_end:
            while not must_end() and not self._end.wait(0.001):
                self.turns += 1

    @property
    def runs(self) -> bool:
        return self._thread.is_alive()

    def end(self) -> None:
        self._end.set()

    async def goes_on(self) -> None:
        turns = self.turns
        await until(lambda: self.turns > turns + 20)


async def until(condition) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
async def place():
    one = Place()
    await one.begin()
    yield one
    await one.close()


@asynccontextmanager
async def at_work(place: Place, shards: int = 1, alone_s: float = 600.0):
    """A worker and its shards, of which it knows."""
    settings = {"nthreads": 3, "name": "mine", "resources": {"GPU": 2.0}, "memory_limit": 0}
    worker = await Worker(place.scheduler.address, host="127.0.0.1", **settings)
    running = [Shard(worker, alone_s) for _ in range(shards)]
    if shards:
        await until(lambda: Lasting.name in worker.plugins)
    yield worker, running
    for shard in running:
        shard.end()
    await until(lambda: not any(shard.runs for shard in running))
    if place.scheduler is not None:
        await place.scheduler.close()
    async with asyncio.timeout(60):
        await worker.finished()


def told(scheduler: Scheduler) -> list[tuple]:
    return [(one.address, one.name, one.nthreads, one.resources) for one in scheduler.workers.values()]


async def test_shards_go_on_without_a_scheduler_and_their_worker_joins_the_next_one_as_it_was(place):
    async with at_work(place, shards=2) as (worker, shards):
        was = told(place.scheduler)
        for _ in range(2):  # a scheduler that is joined may be lost as well
            place.lose()
            for shard in shards:
                await shard.goes_on()
            assert worker.status.name == "closing"
            await place.begin()
            await until(lambda: place.scheduler.workers)
            assert told(place.scheduler) == was == [(worker.address, "mine", 3, {"GPU": 2.0})]
            for shard in shards:
                await shard.goes_on()


async def test_a_worker_that_joined_again_ends_when_it_is_asked_to_and_its_shards_with_it(place):
    async with at_work(place) as (worker, (shard,)):
        place.lose()
        await place.begin()
        await until(lambda: place.scheduler.workers)
        await place.scheduler.retire_workers([worker.address], close_workers=True)
        await until(lambda: not shard.runs and worker.status.name == "closed")


async def test_a_worker_that_its_scheduler_asks_to_close_closes_at_once(place):
    async with at_work(place) as (worker, (shard,)):
        await place.scheduler.close()
        await until(lambda: not shard.runs and worker.status.name == "closed")


async def test_a_worker_that_closes_by_itself_lets_its_shards_end(place):
    async with at_work(place) as (worker, (shard,)):
        await worker.close()
        await until(lambda: not shard.runs)
        assert worker.status.name == "closed"


@pytest.mark.parametrize("shards", [0, 1])
async def test_a_worker_ends_without_a_scheduler_that_has_no_shard_or_whose_time_is_over(place, shards):
    async with at_work(place, shards, alone_s=0.2) as (worker, running):
        place.lose()
        async with asyncio.timeout(60):
            await worker.finished()
        await until(lambda: not any(shard.runs for shard in running))


async def test_a_worker_whose_shards_have_ended_waits_for_no_scheduler(place):
    async with at_work(place, shards=2) as (worker, shards):
        place.lose()
        for shard in shards:
            await shard.goes_on()
            shard.end()
        async with asyncio.timeout(60):
            await worker.finished()
