"""The benchmark of the level of detail: every contender has its row, and all were given the same windows."""

import numpy as np
from support.m4_oracle import brute_force as oracle

from rtlab.cli.bench.lod import BOUND_MS, WIDTH, Size, brute_force, measure

KEYS = {"name", "contender", "case", "unit", "runs", "median", "min", "max"}


def test_all_contenders_are_measured_in_both_cases_and_the_goal_is_named():
    report = measure(Size(points=20_000, windows=6, slow=2))
    rows = report["results"]
    assert all(set(row) == KEYS for row in rows)
    viewports = {(row["contender"].split()[0], row["case"]) for row in rows if row["name"] == "viewport"}
    assert viewports == {
        (contender, case)
        for contender in ("rtlab", "tsdownsample", "brute")
        for case in ("zooming about", "everything")
    }
    assert all(row["min"] <= row["median"] <= row["max"] for row in rows)
    (goal,) = report["goals"]
    assert (goal["show"], goal["name"], goal["bound"], goal["op"]) == (8, "viewport p95", BOUND_MS, "<=")
    assert goal["value"] > 0


def test_no_window_is_unlike_brute_force():
    rows = measure(Size(points=5000, windows=3, slow=3))["results"]
    (row,) = [row for row in rows if row["name"] == "windows unlike brute force"]
    assert row["max"] == 0


def test_its_brute_force_is_the_oracle_of_the_tests():
    x = np.cumsum(np.random.default_rng(2).exponential(1, 5000))
    y = np.random.default_rng(3).standard_normal(5000)
    expected = oracle(x, y, 100.0, 4000.0, WIDTH)
    inside = expected[(x[expected] >= 100.0) & (x[expected] < 4000.0)]
    assert np.array_equal(brute_force(x, y, 100.0, 4000.0), inside)
