"""Shards that go on while no scheduler is there, in a process that joins the next one.

Theory of operation. A Dask worker whose scheduler dies closes itself, and Dask starts its tasks anew when there are
scheduler and workers again. A shard needs neither to go on: Redis tells who may commit. So a worker that holds
shards does not close when its scheduler is lost without a word. They go on, and as soon as a scheduler answers at
the same address the process joins it, as a new worker at the address of the old one. What the deployment submits
to it then takes the leases, and the shards of before are refused and end. A worker that is asked to close, by
whomever, closes with its shards.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from distributed import Status, Worker, WorkerPlugin
from distributed.comm.core import connect

LOOK_S = 0.1
ANSWER_S = 1.0
JOIN_S = 30.0
OVER = (Status.closed, Status.failed)
logger = logging.getLogger(__name__)


class Lasting(WorkerPlugin):
    """Holds up the end of a worker whose scheduler is lost, for at most `alone_s` seconds, while it holds shards."""

    name = "rtlab-lasting"

    def __init__(self) -> None:
        self.alone_s = 0.0
        self.is_lost = False
        self._shards: set[int] = set()  # the threads that run them
        self._asked = False
        self._over = threading.Event()

    @property
    def shards(self) -> int:
        """Shards that run now."""
        return len(self._shards)

    @contextmanager
    def running(self, worker: Worker, alone_s: float) -> Iterator[Callable[[], bool]]:
        """Count the shard of this thread; give what tells it that it must end."""
        self.alone_s = alone_s
        self._shards.add(threading.get_ident())
        try:
            yield lambda: self._over.is_set() or worker.status in OVER
        finally:
            self._shards.discard(threading.get_ident())

    def setup(self, worker: Worker) -> None:
        """Note from now on whether it was the scheduler that asked the worker to close."""
        close: Callable[..., Any] = worker.stream_handlers["close"]

        async def asked(**said: Any) -> object:
            self._asked = True
            self._over.set()
            return await close(**said)

        worker.stream_handlers["close"] = asked

    async def teardown(self, worker: Worker) -> None:
        """Let the shards go on as long as they may, where the scheduler is lost; then let them end."""
        stream: Any = worker.batched_stream
        self.is_lost = not self._asked and bool(stream.closed())
        try:
            if self.is_lost and self.shards:
                await self._go_on(worker)
        finally:
            self._over.set()

    async def _go_on(self, worker: Worker) -> None:
        where, alone_s = worker.scheduler.address, self.alone_s
        logger.warning("the scheduler %s is lost: %d shards go on for %g s", where, self.shards, alone_s)
        for callback in worker.periodic_callbacks.values():
            callback.stop()
        deadline = monotonic() + alone_s
        while self.shards and monotonic() < deadline:
            again = await _join(worker) if await _answers(worker) else None
            if again is None:
                await asyncio.sleep(LOOK_S)
                continue
            await again.finished()  # type: ignore[no-untyped-call]
            if not _lasting[again].is_lost:
                return
            deadline = monotonic() + alone_s


_lasting: "WeakKeyDictionary[Worker, Lasting]" = WeakKeyDictionary()
_lock = threading.Lock()


@contextmanager
def lasting(worker: Worker, alone_s: float) -> Iterator[Callable[[], bool]]:
    """Run a shard on `worker`, in this thread; gives what tells it that it must end.

    That is when the worker closes, but not before `alone_s` seconds without a scheduler where this is why.
    """
    with _lock:
        plugin = _lasting.get(worker)
        if plugin is None:
            plugin = _lasting[worker] = Lasting()
            worker.loop.add_callback(worker.plugin_add, plugin=plugin)
    with plugin.running(worker, alone_s) as must_end:
        yield must_end


async def _answers(worker: Worker) -> bool:
    try:
        comm = await connect(  # type: ignore[no-untyped-call]
            worker.scheduler.address, timeout=ANSWER_S, **worker.connection_args
        )
    except OSError:
        return False
    await comm.close()
    return True


async def _join(worker: Worker) -> Worker | None:
    """Join the scheduler as a worker like `worker`, at its address. None where that is not possible now."""
    plugin = Lasting()
    worker._stop_listeners()
    again = Worker(
        worker.scheduler.address,
        nthreads=worker.state.nthreads,
        name=None if worker.name == worker.address else worker.name,
        resources=worker.state.total_resources,
        memory_limit=worker.memory_manager.memory_limit or 0,
        local_directory=worker._original_local_dir,
        security=worker.security,
        protocol=worker._protocol,
        host=worker._start_host,
        interface=worker._interface,
        port=worker.port,
        contact_address=worker.contact_address,
        death_timeout=JOIN_S,
        plugins=(plugin,),
    )
    _lasting[again] = plugin
    try:
        await again
    except (OSError, RuntimeError) as problem:  # a TimeoutError is an OSError
        logger.warning("the scheduler %s cannot be joined yet: %r", worker.scheduler.address, problem)
        return None
    logger.warning("joined the scheduler %s", worker.scheduler.address)
    return again
