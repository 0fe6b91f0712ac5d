"""A small run of the whole bench: every contender sends, every reader gets what was sent, and every goal is named."""

import pytest

from rtlab.cli.bench.fanout import Plan, measure, why_not
from rtlab.cli.bench.fanout.contenders import AIOHTTP, BROADCAST, OURS, PICOWS, RAW

KEYS = {"name", "contender", "case", "unit", "runs", "median", "min", "max"}


@pytest.fixture(scope="module")
def small():
    return measure(Plan((20,), 1, 0.2, 10, sends_per_s=1_000, warm_up_s=0.1))


def test_every_contender_has_a_row_or_a_reason(small):
    rows = [row for row in small["results"] if row["name"] == "CPU per send"]
    for contender in (OURS, RAW, BROADCAST, PICOWS, AIOHTTP):
        (row,) = [row for row in rows if row["contender"].startswith(contender)]
        assert row["median"] is None or 0 < row["median"] < 1e5
        assert row["median"] is not None or row["reason"]
    for row in small["results"]:
        assert set(row) >= KEYS
        assert row["median"] is None or row["min"] <= row["median"] <= row["max"]


def test_the_readers_got_every_tick_and_lost_nothing(small):
    rows = small["results"]
    for row in rows:
        if row["name"] == "lost or unlike":
            assert row["max"] == 0
        if row["name"] == "ticks sent on their own":
            assert 0 < row["median"] <= 100.0
            assert row["contender"] == OURS or row["median"] == 100.0
    assert {row["contender"] for row in rows if row["name"] == "lost or unlike"} == {OURS}


def test_every_bound_of_the_show_is_a_goal(small):
    assert {goal["show"] for goal in small["goals"]} == {1}
    bounds = {goal["name"]: goal["bound"] for goal in small["goals"]}
    assert bounds == {
        f"CPU per send / {RAW}, 20 readers": 1.25,
        f"CPU per send / {BROADCAST}, 20 readers": 0.7,
        f"CPU per send / {PICOWS}, 20 readers": 1.0,
        f"ten increments coalesced / ten {RAW}, 10 readers": 0.15,
        "memory per reader": 16.0,
    }


def test_a_machine_that_has_too_few_open_files_says_so():
    assert why_not(10) is None
    assert "ulimit" in why_not(1 << 40)
