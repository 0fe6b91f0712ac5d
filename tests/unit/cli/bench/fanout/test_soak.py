import pytest
from support.command import assert_one_clear_line, rtlab

from rtlab.cli.bench.fanout.soak import Look, Served, Soaked, drift, report

NAMES = (
    *("increments", "snapshots", "checked", "pings", "resumed", "lagging", "left"),
    *("stalls", "closes", "resets", "gaps", "differ", "malformed"),
)
TOLD = dict.fromkeys(NAMES, 0) | {
    f"{what}_{quantile}_us": 1000.0
    for what in ("delivery", "staleness")
    for quantile in ("p50", "p99", "p999", "max")
}


def look(at: float, resident: int, **told: int) -> Look:
    there = {"ready": 2, "seq": 9, "at_seq": 2, "unlike": 0, "crc": 7}
    return Look(at, Served(resident, 9, 7, 0, at / 2), TOLD | there | told)


def test_memory_is_compared_with_its_level_after_the_first_tenth():
    looks = [look(0.5, 50), look(1.0, 100), look(5.0, 90), look(10.0, 104)]
    assert drift(Soaked(2, 10.0, False, looks, looks[-1])) == pytest.approx(0.1)


def test_each_thing_that_may_not_happen_is_a_goal():
    looks = [look(1.0, 100), look(10.0, 100)]
    wrong = report(
        Soaked(2, 10.0, False, looks, look(10.0, 100, gaps=1, differ=2, crc=8, malformed=4, at_seq=0))
    )
    assert [goal["value"] for goal in wrong["goals"]] == [1, 3, 4, 0.0, 2]
    assert {goal["show"] for goal in wrong["goals"]} == {2}
    churned = report(Soaked(2, 10.0, True, looks, looks[-1]))
    assert [goal["value"] for goal in churned["goals"]] == [0, 0, 0, 0.0]
    assert {goal["show"] for goal in churned["goals"]} == {11}


def test_only_the_fan_out_soaks():
    done = rtlab("bench", "lod", "--soak", "1s")
    assert_one_clear_line(done, "--soak is for fanout")
