"""Who folds the shards of a race: processes that have nothing else to do, or the workers of a Dask cluster.

Both run the same `run_shard` in a thread of a process of its own, one a shard, warmed with the same graph.
"""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rtlab.cli.bench.children import Child, Owner
from rtlab.cli.bench.fanout.serving import resident_bytes
from rtlab.pipelines import Graph
from rtlab.pipelines.cluster.deployment import deploy
from rtlab.pipelines.cluster.shard import Task, run_shard
from rtlab.pipelines.cluster.warming import warm

if TYPE_CHECKING:
    from distributed import Client

    from rtlab.pipelines.cluster.deployment import Deployment

TRIM = False  # the log stays as it is, for whoever folds it next


class Spent(NamedTuple):
    """What the processes of a crew have used up to now, in seconds of CPU, and hold, in bytes."""

    folding_s: float  # of all processes that fold
    scheduling_s: float  # of the thread of Dask's scheduler, of what watches its workers and of its client
    resident: int  # of all processes that fold


class Crew(Protocol):
    """Processes that fold: `start` lets them begin on a log, `end` makes them stop."""

    def start(self, graph: Graph, url: str, name: str) -> None:
        """Fold the log `name` from now on, a shard in each process."""

    def end(self) -> None:
        """Fold no more."""

    def spent(self) -> Spent:
        """Tell what was used."""


def used() -> tuple[float, int]:
    """Give this process's CPU in seconds and its resident bytes."""
    return time.process_time(), resident_bytes(os.getpid())


class Plain:
    """Processes without Dask, each with a pipe to its owner."""

    def __init__(self, children: list[Child]) -> None:
        self._children = children

    def start(self, graph: Graph, url: str, name: str) -> None:
        """Fold the log `name` from now on, a shard in each process."""
        for shard, child in enumerate(self._children):
            child.send(Task(graph, url, name, shard, len(self._children), 1, trim=TRIM))

    def end(self) -> None:
        """Fold no more."""
        for child in self._children:
            child.send("end")
        for child in self._children:
            child.receive()

    def spent(self) -> Spent:
        """Tell what was used."""
        for child in self._children:
            child.send("spent")
        cpu, resident = zip(*(child.receive() for child in self._children), strict=True)
        return Spent(sum(cpu), 0.0, sum(resident))


async def fold(owner: Owner) -> None:
    """Fold what the owner says, as long as it says so."""
    warm()
    owner.send("ready")
    ended, folding = threading.Event(), None
    while True:
        word = await owner.receive()
        if word == "spent":
            owner.send(used())
        elif word == "end" and folding is not None:
            ended.set()
            owner.send(await folding)
        else:
            ended.clear()
            folding = asyncio.create_task(asyncio.to_thread(run_shard, word, "plain", ended.is_set))


class OnDask:
    """The workers of a cluster."""

    def __init__(self, client: "Client", shards: int) -> None:
        self._client, self._shards = client, shards
        self._deployed: Deployment | None = None

    def start(self, graph: Graph, url: str, name: str) -> None:
        """Fold the log `name` from now on, a shard in each process."""
        self._deployed = deploy(graph, self._client, self._shards, url=url, name=name, trim=TRIM)

    def end(self) -> None:
        """Fold no more."""
        if self._deployed is not None:
            self._deployed.stop()

    def spent(self) -> Spent:
        """Tell what was used. The thread that the scheduler runs in is also that of nannies and client."""
        cpu, resident = zip(*self._client.run(used).values(), strict=True)
        scheduling = self._client.run_on_scheduler(time.thread_time)  # type: ignore[no-untyped-call]
        return Spent(sum(cpu), float(scheduling), sum(resident))


@contextmanager
def plain(graph: Graph, shards: int) -> Iterator[Crew]:
    """Start so many processes; they are ready when this gives them."""
    with ExitStack() as stack:
        children = [stack.enter_context(Child(fold)) for _ in range(shards)]
        for child in children:
            child.receive()
        yield Plain(children)


@contextmanager
def on_dask(graph: Graph, shards: int) -> Iterator[Crew]:
    """Start a LocalCluster of so many workers, each a process; they are warm when this gives them."""
    import cloudpickle  # comes with distributed
    from distributed import Client, LocalCluster

    with (
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=shards, threads_per_worker=2, memory_limit=0, dashboard_address=":0"
        ) as cluster,
        Client(cluster, set_as_default=False) as client,  # type: ignore[no-untyped-call]
    ):
        client.run(warm, cloudpickle.dumps(graph))
        yield OnDask(client, shards)
