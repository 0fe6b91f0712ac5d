import sys
from contextlib import contextmanager

import pytest

from rtlab.cli.bench import cluster
from rtlab.cli.bench.cluster.race import Measured
from rtlab.errors import LocalError

ROWS = 2_000_000
RATES = {"plain": [2e6, 4e6, 3e6, 2e6, 2e6, 2e6], "dask": [1.5e6, 3e6, 2.7e6, 2e6, 2e6, 2e6]}


class Staged:
    """In the place of a course: each race takes what it is told to, but for a first one of each crew."""

    def __init__(self, *_: object) -> None:
        self.digest, self.seen = "same", {}

    def close(self) -> None:
        pass

    def race(self, crew: str, rows: int) -> Measured:
        number = self.seen[crew] = self.seen.get(crew, -1) + 1
        rate = RATES[crew][(number - 1) % 4] if number % 4 else 1.0
        assert rows == (ROWS if number % 4 else ROWS // 10)
        digest = "other" if self.digest == "differs" and number == 2 else "same"
        return Measured(ROWS, rate, ROWS / rate, 0.8, 0.04 * (crew == "dask"), 0.5, ROWS * 120, 2**28, digest)


@pytest.fixture
def staged(monkeypatch):
    @contextmanager
    def kind(name: str):
        yield name

    one = Staged()
    monkeypatch.setattr(cluster, "QUICK", cluster.Size(1, 3, ROWS))
    monkeypatch.setattr(cluster, "Course", lambda *_: one)
    monkeypatch.setattr(cluster, "plain", lambda graph, shards: kind("plain"))
    monkeypatch.setattr(cluster, "on_dask", lambda graph, shards: kind("dask"))
    return one


def test_both_stand_side_by_side_with_what_a_row_cost_each_part(staged):
    report = cluster.run(quick=True, shards=(1,))
    rows = {(row["name"], str(row["contender"]).split()[0]): row for row in report["results"]}
    for contender, middle in (("the", 3e6), ("rtlab", 2.7e6)):
        told = rows["throughput", contender]
        assert (told["median"], told["runs"]) == (middle, 3)
        assert told["case"] == "1 shard, 2,000,000 trades of 8 instruments"
        assert rows["CPU of the shards", contender]["median"] == pytest.approx(0.4)
        assert rows["CPU of Redis", contender]["median"] == pytest.approx(0.25)
        assert rows["memory of the shards", contender]["median"] == 256
    assert rows["CPU of scheduler, nannies and client", "rtlab"]["median"] == pytest.approx(
        100 * 0.04 * 2.7e6 / ROWS
    )
    assert ("CPU of scheduler, nannies and client", "the") not in rows
    assert rows["one Redis", "derived"]["median"] == pytest.approx(4e6)
    assert rows["cores that fold as much as one Redis carries", "derived"]["median"] == pytest.approx(1.6)


def test_the_goal_is_the_ratio_for_each_number_of_shards(staged):
    report = cluster.run(quick=True, shards=(1, 2))
    assert [(one["show"], one["bound"], one["op"]) for one in report["goals"]] == [(6, 0.8, ">=")] * 2
    assert report["goals"][0]["value"] == pytest.approx(0.9)
    assert "2 shards" in report["goals"][1]["name"]


def test_shards_that_come_to_something_else_are_no_result(staged):
    staged.digest = "differs"
    with pytest.raises(LocalError, match="different results"):
        cluster.run(quick=True, shards=(1,))


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(LocalError, match=r"rtlab\[cluster\]"):
        cluster.run(quick=True)
