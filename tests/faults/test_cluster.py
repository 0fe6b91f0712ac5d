"""A deployment on a cluster of real processes whose parts are killed, frozen, cut off and moved under load.

Whatever happens, the results equal those of one process. What each fault cost is printed.
"""

import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
from support.cluster import TTL_S, Cluster, wait
from support.shards import PACK, Play

from rtlab.errors import RtlabError
from rtlab.pipelines import deploy
from rtlab.pipelines.cluster.deployment import Deployment, ShardStatus
from rtlab.pipelines.cluster.keys import keys_of

pytestmark = pytest.mark.filterwarnings("ignore")


class Rounds(NamedTuple):
    """How often what happens, in this order."""

    kills: int = 0
    stops: int = 0
    cuts: int = 0
    moves: int = 0
    sizes: tuple[int, ...] = ()
    schedulers: int = 0
    restarts: int = 0
    seed: int = 1


FEW = Rounds(kills=1, stops=1, cuts=1, moves=1, sizes=(3, 2), schedulers=1)
MANY = [  # pieces of a minute, each with a cluster of its own
    *(Rounds(kills=10, seed=seed) for seed in (1, 2)),
    Rounds(stops=3),
    Rounds(cuts=50),
    Rounds(moves=3, sizes=(4, 2)),
    Rounds(schedulers=5),
    Rounds(restarts=1),
]


def name_of(rounds: Rounds) -> str:
    return " ".join(f"{name} {value}" for name, value in rounds._asdict().items() if value)


class Flow:
    """Appends rows of all instruments, steadily, until it is told to end."""

    def __init__(self, play: Play) -> None:
        self._play, self._end = play, threading.Event()
        self._failed: list[Exception] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._end.wait(0.02):
                self._play.append(PACK)
        except RtlabError as problem:
            self._failed.append(problem)

    def end(self) -> None:
        self._end.set()
        self._thread.join(30)
        if self._failed:
            raise self._failed[0]


class Watch:
    """Waits for the next commit of shards by whoever takes their leases."""

    def __init__(self, play: Play) -> None:
        self._play = play

    def _read(self, symbol: str) -> tuple[int, int]:
        keys = keys_of(self._play.name, symbol)
        rows = self._play.redis.hget(keys.checkpoint, "rows")
        return int(self._play.redis.get(keys.lease) or 0), int(rows or 0)

    def after(
        self, fault: Callable[[], object], *shards: tuple[str, ...], new_lease: bool = True
    ) -> list[float]:
        """Let `fault` happen; give seconds from then to the first commit of each shard, under a new lease."""
        symbols = {symbol for shard in shards for symbol in shard}
        before, began = {symbol: self._read(symbol) for symbol in symbols}, time.monotonic()
        fault()
        rows = {symbol: self._read(symbol)[1] for symbol in symbols}
        took: dict[int, float] = {}

        def have_committed() -> bool:
            for number, shard in enumerate(shards):
                found = [(self._read(symbol), before[symbol][0], rows[symbol]) for symbol in shard]
                if number not in took and any(
                    (lease > old or not new_lease) and now > then for (lease, now), old, then in found
                ):
                    took[number] = time.monotonic() - began
            return len(took) == len(shards)

        wait(have_committed, 60)
        return list(took.values())

    def until_all_are_taken(self, *shards: tuple[str, ...], fault: Callable[[], object]) -> list[float]:
        """Let `fault` happen; give the longest time between commits of each shard, until others hold all leases."""
        symbols = {symbol for shard in shards for symbol in shard}
        before, last = {symbol: self._read(symbol) for symbol in symbols}, time.monotonic()
        fault()
        done = [sum(before[symbol][1] for symbol in shard) for shard in shards]
        at, longest = [last] * len(shards), [0.0] * len(shards)

        def are_taken() -> bool:
            found, now = {symbol: self._read(symbol) for symbol in symbols}, time.monotonic()
            for number, shard in enumerate(shards):
                rows = sum(found[symbol][1] for symbol in shard)
                longest[number] = max(longest[number], now - at[number])
                if rows > done[number]:
                    done[number], at[number] = rows, now
            return all(found[symbol][0] > before[symbol][0] for symbol in symbols)

        wait(are_taken, 60)
        return longest


def told(what: str, times: list[float]) -> None:
    if times:
        ms = np.array(times) * 1e3
        print(f"{what}: {len(ms)} times, p50 {np.median(ms):.0f} ms, worst {ms.max():.0f} ms")


class Faults:
    """What happens to a deployment, one kind after the other; what each cost is printed."""

    def __init__(self, cluster: Cluster, play: Play, deployed: Deployment, seed: int) -> None:
        self._cluster, self._play, self._deployed = cluster, play, deployed
        self._watch, self._rng = Watch(play), np.random.default_rng(seed)

    def _held(self) -> list[ShardStatus]:
        """All shards, each at work on a worker that is there."""
        found: list[ShardStatus] = []

        def at_work() -> bool:
            found[:] = self._deployed.status()
            return all(one.worker in self._cluster.workers and one.age_s < 1.5 for one in found)

        wait(at_work, 60)
        return found

    def _victim(self) -> tuple[str, list[tuple[str, ...]]]:
        """A worker that holds a shard, and the instruments of each shard that it holds."""
        shards = self._held()
        worker = shards[int(self._rng.integers(len(shards)))].worker
        return worker, [one.instruments for one in shards if one.worker == worker]

    def _replace(self) -> None:
        self._cluster.add_worker()
        self._cluster.client.wait_for_workers(3, timeout=60)

    def kill_workers(self, count: int) -> None:
        times = []
        for _ in range(count):
            worker, shards = self._victim()
            times += self._watch.after(partial(self._cluster.kill, worker), *shards)
            self._replace()
        told("SIGKILL of a worker to the next commit of each shard it held", times)

    def stop_workers(self, count: int) -> None:
        times = []
        for _ in range(count):
            worker, shards = self._victim()
            began = time.monotonic()
            times += self._watch.after(partial(self._cluster.stop, worker), *shards)
            time.sleep(max(0.0, began + 2 * TTL_S - time.monotonic()))
            self._cluster.go_on(worker)
        told(f"SIGSTOP of a worker (time-out {TTL_S:g} s) to the next commit of each shard it held", times)

    def cut_connections(self, count: int) -> None:
        times = []
        for _ in range(count):
            everything = [one.instruments for one in self._held()]
            # who was not reading just then connects again, and keeps its lease
            times += self._watch.after(self._cut, *everything, new_lease=False)
        told("a connection that is cut to the next commit of each shard", times)

    def _cut(self) -> None:
        """Cut the connection of a task that holds a shard: one that was frozen may still have its own."""
        pids = [self._cluster.workers[one.worker].pid for one in self._held()]
        reading: list[str] = []

        def some_read() -> bool:
            clients = self._play.redis.client_list()
            reading[:] = [one["id"] for one in clients if one["name"].rpartition("-")[2] in map(str, pids)]
            return bool(reading)

        wait(some_read)
        self._play.redis.execute_command("CLIENT", "KILL", "ID", str(self._rng.choice(reading)))

    def move(self, count: int) -> None:
        times = []
        for _ in range(count):
            known = sorted(self._cluster.client.scheduler_info(n_workers=-1)["workers"])
            one, worker = self._held()[0], str(self._rng.choice(known))
            times += self._watch.after(partial(self._deployed.move, 0, worker), one.instruments)
        told("a move to the next commit of its shard", times)

    def resize(self, *sizes: int) -> None:
        for shards in sizes:
            everything = [one.instruments for one in self._held()]
            times = self._watch.after(partial(self._deployed.resize, shards), *everything)
            told(f"a resize to {shards} shards to the next commit of each that was", times)

    def kill_schedulers(self, count: int) -> None:
        times, silences = [], []
        for _ in range(count):
            shards = [one.instruments for one in self._held()]
            times += self._watch.after(self._cluster.kill_scheduler, *shards, new_lease=False)
            for _ in range(10):  # it goes on, and not only with what was under way
                self._watch.after(lambda: None, *shards, new_lease=False)
            silences += self._watch.until_all_are_taken(*shards, fault=self._cluster.begin_scheduler)
            self._cluster.replace_ended()
        told("SIGKILL of the scheduler to the next commit of each shard", times)
        told("a shard's longest time without a commit, until it was a task of the next scheduler", silences)

    def restart(self, count: int) -> Deployment:
        times = []
        for _ in range(count):
            shards = [one.instruments for one in self._held()]
            self._cluster.end()
            self._cluster.begin()
            times += self._watch.after(self._deploy, *shards)
        told("a new deploy, after scheduler and workers were killed, to the next commit of each shard", times)
        return self._deployed

    def _deploy(self) -> None:
        play = self._play
        self._deployed = deploy(play.graph, self._cluster.client, 2, url=play.url, name=play.name)


def run(rounds: Rounds) -> None:
    with Cluster(workers=3) as cluster, Play(cluster.url, "faults") as play:
        play.append(PACK)
        deployed = deploy(play.graph, cluster.client, 2, url=cluster.url, name=play.name)
        flow, faults = Flow(play), Faults(cluster, play, deployed, rounds.seed)
        try:
            faults.kill_workers(rounds.kills)
            faults.stop_workers(rounds.stops)
            faults.cut_connections(rounds.cuts)
            faults.move(rounds.moves)
            faults.resize(*rounds.sizes)
            faults.kill_schedulers(rounds.schedulers)
            deployed = faults.restart(rounds.restarts)
        finally:
            flow.end()
        began = time.monotonic()
        play.wait(60)
        status = deployed.status()
        deployed.stop()
        print(f"caught up in {time.monotonic() - began:.1f} s; {sum(map(len, play.rows.values())):,} rows;")
        print(f"refused commits of zombies: {sum(one.fenced for one in status)}")
        assert sum(one.dead for one in status) == 0
        play.check()


def test_a_deployment_under_faults_equals_one_process():
    run(FEW)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("rounds", MANY, ids=name_of)
def test_a_deployment_under_many_faults_equals_one_process(rounds):
    assert os.environ["RTLAB_ROUNDS"]
    run(rounds)
