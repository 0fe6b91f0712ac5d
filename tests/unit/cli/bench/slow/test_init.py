import numpy as np
import pytest

from rtlab.cli.bench import slow
from rtlab.cli.bench.slow.readers import Slow
from rtlab.cli.bench.slow.serving import Account, Served


def phase(port: int, *staleness_ms: float, losses: int = 0) -> Slow:
    return Slow([port], np.array(staleness_ms), 10, losses)


def goals_of(p99_us, phases, served):
    account = Account(served, 1000, 3, 1)
    report = slow.report(
        slow.Plan(stopped=1, stops=3),
        slow.Measured(p99_us, phases, [400.0, 440.0, 400.0, 800.0, 400.0, 420.0, 400.0], account, 5e5),
        slow.Plainly(phase(9, 4000.0, 8000.0), 700),
    )
    assert all(row["case"] for row in report["results"])
    return {goal["name"]: goal for goal in report["goals"]}, report["results"]


def test_each_phase_with_the_slow_ones_is_compared_with_the_two_around_it():
    served = {1: Served(1000, 5000), 2: Served(0, 7000), 3: Served(90_000, 90_000)}
    phases = [phase(1, *[500.0] * 99, 5000.0), phase(2, *[900.0] * 100)]
    goals, results = goals_of([100.0, 108.0, 100.0, 216.0, 400.0], phases, served)
    assert goals["p99 of the fast, with the slow / around it"]["value"] == pytest.approx(1.08)
    assert goals["bytes kept for one of the slow, peak"]["value"] == 7000.0
    assert 500.0 < goals["staleness of the slow, p99"]["value"] < 1000.0
    assert goals["p99 of the fast, with the stopped / around it"]["value"] == pytest.approx(1.1)
    assert (goals["evicted of the stopped"]["value"], goals["evicted of the stopped"]["op"]) == (3, ">=")
    plain = [row for row in results if row["contender"] == slow.PLAIN]
    assert [row["max"] for row in plain[1:]] == [8000.0, 700]
    assert "500 kB/s" in results[0]["case"]
    assert {goal["show"] for goal in goals.values()} == {3, 4}


@pytest.mark.long
def test_a_small_run_of_the_whole_bench_keeps_its_bounds():
    plan = slow.Plan(20_000, 4, 2, 3, 1, 2, 0.6, 1.0, 1.0, 3.0)
    report = slow.measure(plan)
    rows = {(row["name"], row["contender"], row["case"]): row for row in report["results"]}
    values = {name: row["max"] for (name, contender, _), row in rows.items() if contender == "rtlab"}
    assert values["messages lost by the slow"] == 0
    assert values["bytes sent to one and unanswered, peak"] <= 65536
    assert values["staleness of the slow, p99"] > 0
    assert values["evicted"] >= 2 * 3
    assert values["bytes in all send buffers, peak"] <= 64 << 20
    assert len(report["goals"]) == 6
