from pathlib import Path

from rtlab.cli.bench import pipelines
from rtlab.cli.bench.pipelines import peers


def nowhere(name: str) -> Path:
    raise peers.Unfit("could not be installed: no index")


def test_the_bench_tells_ours_every_peer_and_every_goal(monkeypatch):
    monkeypatch.setattr(pipelines, "QUICK", pipelines.Size(1, 20_000, 500, 0.5))
    report = pipelines.run(quick=True, python_of=nowhere)
    rows = {(row["name"], str(row["contender"]).split()[0]): row for row in report["results"]}
    assert rows["throughput, frames of 1,000 rows", "rtlab"]["median"] > 0
    for name in peers.VERSIONS:
        row = rows["throughput, row by row", name]
        assert (row["median"], row["reason"]) == (None, "could not be installed: no index")
    goals = {goal["name"]: goal for goal in report["goals"]}
    assert {goal["show"] for goal in goals.values()} == {2}
    assert goals["throughput beside the best peer"]["value"] is None
    assert goals["throughput on one core"]["bound"] == 5e6
    assert goals["row to source, p99"]["value"] > 0
