import threading

import pytest
from support.frames import trades

from rtlab.cli.bench.cluster import race
from rtlab.cli.bench.cluster.crew import Spent
from rtlab.cli.bench.pipelines.graph import random_rows
from rtlab.errors import UnreachableError
from rtlab.pipelines import Log
from rtlab.pipelines.cluster.shard import Task, run_shard


class Here:
    """A crew of one thread, whose bill is fixed: each time that it is asked it has used one second more."""

    def __init__(self, works: bool = True) -> None:
        self.works, self.asked, self.states = works, 0, {}
        self._over = threading.Event()

    def start(self, graph, url: str, name: str) -> None:
        self._url, self._name = url, name
        task, until = Task(graph, url, name, 0, 1, 1), self._over.is_set if self.works else lambda: True
        self._thread = threading.Thread(target=run_shard, args=(task, "here", until))
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join(20)
        with Log(self._url, self._name) as log:
            self.states = {symbol: log.state(symbol) for symbol in log.instruments()}

    def spent(self) -> Spent:
        self.asked += 1
        return Spent(10.0 + self.asked, 5.0 + self.asked / 2, 1000 * self.asked)


def test_a_race_folds_every_row_and_tells_what_it_took(course):
    crew = Here()
    found = course.race(crew, 16_000)
    assert found.rows == 16_000
    assert found.rate > 0
    assert (found.folding_s, found.scheduling_s, found.resident) == (1.0, 0.5, 2000)
    assert found.redis_s > 0
    assert found.lasted_s > 0
    assert found.carried > 16_000 * (32 + 32)  # each row went out of Redis, and what was made of it in
    rows, _ = random_rows(2000)
    for instrument in race.INSTRUMENTS:
        with race.GRAPH.begin(instrument) as running:
            running.push(trades(rows, 1, instrument))
            assert crew.states[instrument.symbol] == running.state()


def test_each_race_runs_over_a_log_of_its_own_and_leaves_no_row(course):
    first, second = (course.race(Here(), 16_000) for _ in range(2))
    assert first.digest == second.digest
    assert course._redis.keys("*COIN*") == []


def test_shards_that_come_to_no_end_are_named(course, monkeypatch):
    monkeypatch.setattr(race, "PATIENCE_S", 0.05)
    crew = Here(works=False)
    with pytest.raises(UnreachableError, match="came to no end: expected 16,000 rows"):
        course.race(crew, 16_000)
    assert not crew._thread.is_alive()
