"""A deployment on a cluster of real processes whose parts are killed, frozen, cut off and moved under load.

Whatever happens, the results equal those of one process. What each fault cost is printed.
"""

import os
import threading
import time
from typing import NamedTuple

import numpy as np
import pytest
from support.cluster import TTL_S, Cluster, wait
from support.shards import PACK, Play

from rtlab.errors import RtlabError
from rtlab.pipelines import deploy
from rtlab.pipelines.cluster.keys import keys_of

pytestmark = pytest.mark.filterwarnings("ignore")


class Rounds(NamedTuple):
    kills: int
    schedulers: int
    stops: int
    cuts: int
    moves: int


FEW, MANY = Rounds(2, 1, 1, 3, 1), Rounds(20, 5, 3, 50, 3)


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
    """Waits for the next commit of a shard's instruments."""

    def __init__(self, play: Play) -> None:
        self._play = play

    def rows(self, symbols: tuple[str, ...]) -> list[int]:
        keys = (keys_of(self._play.name, symbol).checkpoint for symbol in symbols)
        return [int(self._play.redis.hget(key, "rows") or 0) for key in keys]

    def next_commit(self, symbols: tuple[str, ...], seconds: float = 60.0) -> float:
        before = self.rows(symbols)
        return wait(
            lambda: any(now > then for now, then in zip(self.rows(symbols), before, strict=True)), seconds
        )


def told(what: str, times: list[float]) -> None:
    ms = np.array(times) * 1e3
    print(f"{what}: {len(ms)} times, p50 {np.median(ms):.0f} ms, worst {ms.max():.0f} ms")


def run(rounds: Rounds) -> None:
    with Cluster(workers=3) as cluster, Play(cluster.url, "faults") as play:
        play.append(PACK)
        deployed = deploy(play.graph, cluster.client, 2, url=cluster.url, name=play.name)
        flow, watch = Flow(play), Watch(play)
        try:
            play_faults(cluster, play, deployed, watch, rounds)
        finally:
            flow.end()
        deployed = deploy(play.graph, cluster.client, 2, url=cluster.url, name=play.name)
        began = time.monotonic()
        play.wait(60)
        status = deployed.status()
        deployed.stop()
        print(f"caught up in {time.monotonic() - began:.1f} s; {sum(map(len, play.rows.values())):,} rows;")
        print(f"refused commits of zombies: {sum(one.fenced for one in status)}")
        assert sum(one.dead for one in status) == 0
        play.check()


def play_faults(cluster: Cluster, play: Play, deployed, watch: Watch, rounds: Rounds) -> None:
    rng = np.random.default_rng(1)

    def busy() -> tuple[str, tuple[str, ...]]:
        """A worker that holds a shard, and the shard's instruments."""
        wait(lambda: all(one.worker in cluster.workers and one.age_s < 1.5 for one in deployed.status()), 60)
        one = deployed.status()[int(rng.integers(0, deployed.shards))]
        mine = [s for s in deployed.status() if s.worker == one.worker]
        return one.worker, tuple(symbol for s in mine for symbol in s.instruments)

    times = []
    for _ in range(rounds.kills):
        worker, symbols = busy()
        cluster.kill(worker)
        times.append(watch.next_commit(symbols))
        cluster.add_worker()
        cluster.client.wait_for_workers(3, timeout=60)
    told("SIGKILL of a worker to its shard's next commit", times)
    times = []
    for _ in range(rounds.stops):
        worker, symbols = busy()
        cluster.stop(worker)
        times.append(watch.next_commit(symbols))
        time.sleep(max(0.0, 2 * TTL_S - times[-1]))
        cluster.go_on(worker)
        time.sleep(0.5)
    told("SIGSTOP of a worker to its shard's next commit", times)
    for _ in range(rounds.cuts):
        mine = str(play.redis.client_id())
        clients = [
            one["id"] for one in play.redis.client_list() if one["id"] != mine and one["cmd"] == "xread"
        ]
        for client in clients[:1]:
            play.redis.execute_command("CLIENT", "KILL", "ID", client)
        time.sleep(0.02)
    told("after cut connections", [watch.next_commit(deployed.status()[0].instruments)])
    for _ in range(rounds.moves):
        busy()
        deployed.move(0, str(rng.choice(sorted(cluster.client.scheduler_info(n_workers=-1)["workers"]))))
        told("a move", [watch.next_commit(deployed.status()[0].instruments)])
    for shards in (4, 2):
        deployed.resize(shards)
        told(f"resized to {shards}", [watch.next_commit(deployed.status()[0].instruments)])
    times = []
    for _ in range(rounds.schedulers):
        cluster.kill_scheduler()
        deployed = deploy(play.graph, cluster.client, 2, url=cluster.url, name=play.name)
        times.append(watch.next_commit(deployed.status()[0].instruments))
    told("a new scheduler's deploy to the next commit", times)


def test_a_deployment_under_faults_equals_one_process():
    run(FEW)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_deployment_under_many_faults_equals_one_process():
    assert os.environ["RTLAB_ROUNDS"]
    run(MANY)
