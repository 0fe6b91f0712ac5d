"""Readers by the thousand for long: nobody loses anything, and the gateway's memory stays what it was.

By default a few hundred for seconds; RTLAB_ROUNDS=200 (`make test-full`) is 10,000 for ten minutes, then an hour
of 2,000 who come, go and stall.
"""

import os

import pytest
from support.recorded import missing

from rtlab.cli.bench.crowd.building import compiler
from rtlab.cli.bench.fanout import why_not
from rtlab.cli.bench.fanout.soak import run

ROUNDS = int(os.environ.get("RTLAB_ROUNDS", "1"))
FULL = ROUNDS > 1
MEMORY = "memory, furthest from its level after the first tenth"

pytestmark = [pytest.mark.rounds, pytest.mark.timeout(120 + 30 * ROUNDS)]


def goals_of(seconds: float, readers: int, *, churn: bool) -> dict[str, float]:
    if compiler() is None:
        missing("no C compiler: the readers of a soak are a C program")
    if reason := why_not(readers):
        missing(reason)
    report = run(seconds, readers, churn=churn)
    for row in report["results"]:
        print(row["name"], row["median"], row["max"], row["unit"])
    rows = {row["name"]: row for row in report["results"]}
    assert rows["increments"]["median"] > readers
    assert rows["checked"]["median"] > readers
    assert rows["delivery of the newest change, p99"]["median"] > 0
    if churn:
        assert rows["left"]["median"] > 0
    goals = {goal["name"]: goal["value"] for goal in report["goals"]}
    memory = goals.pop(MEMORY)
    if FULL:
        assert memory <= 0.05
    return goals


def test_readers_who_stay_lose_nothing():
    goals = goals_of(3.0 * ROUNDS, 10_000 if FULL else 300, churn=False)
    assert set(goals.values()) == {0}, goals
    assert len(goals) == 4


def test_readers_who_come_and_go_and_stall_lose_nothing():
    goals = goals_of(18.0 * ROUNDS if FULL else 4.0, 2_000 if FULL else 200, churn=True)
    assert set(goals.values()) == {0}, goals
