from pathlib import Path

import numpy as np

from rtlab.cli.bench import sizes
from rtlab.cli.bench.environments import Unfit

KEYS = {"name", "contender", "case", "unit", "runs", "median", "min", "max"}


def test_all_sizes_have_a_row_and_a_goal_and_the_largest_its_peers(monkeypatch):
    asked: list[int] = []

    def shaded(x, y, pyramid, windows):
        asked.append(len(x))
        return [5.0] * len(windows), ""

    monkeypatch.setattr(sizes, "_datashader", shaded)
    rows, goals = sizes.measure(False, {2000: 1.0, 50_000: 2.0})
    assert asked == [50_000]
    assert all(set(row) == KEYS for row in rows)
    assert {row["contender"].split()[0] for row in rows} == {"rtlab", "tsdownsample", "datashader"}
    assert [row["runs"] for row in rows if row["name"] == "scatter"] == [60, 60]
    assert [goal["bound"] for goal in goals if "viewport" in goal["name"]] == [1.0, 2.0]
    assert all(goal["show"] == 1 and goal["value"] > 0 for goal in goals)
    assert next(goal for goal in goals if goal["name"] == "memory beyond the data")["value"] < 5


def test_quick_leaves_the_largest_out(monkeypatch):
    monkeypatch.setattr(sizes, "_datashader", lambda *given: ([], "not here"))
    rows, goals = sizes.measure(True, {2000: 1.0, 50_000: 2.0})
    assert {row["case"] for row in rows if row["name"] == "build"} == {"2,000 points"}
    missing = [row for row in rows if row["median"] is None]
    assert [row["name"] for row in missing] == ["viewport", "times datashader, median to median"]
    assert {row["reason"] for row in missing} == {"not here"}
    assert next(goal for goal in goals if goal["name"] == "times datashader, p95 to p95")["value"] is None


def test_a_peer_that_cannot_be_installed_is_a_reason(monkeypatch):
    def fail(*_, **__):
        raise Unfit("could not be installed: no disk")

    monkeypatch.setattr(sizes, "python_with", fail)
    x = np.arange(100.0)
    assert sizes._datashader(x, x, sizes.Pyramid(x, x), [(0.0, 50.0)]) == (
        [],
        "could not be installed: no disk",
    )


def test_windows_are_within_the_points_and_the_same_for_the_same_seed():
    made = [sizes._windows(10_000, 50, np.random.default_rng(1)) for _ in range(2)]
    assert made[0] == made[1]
    assert all(0 <= x0 < x1 <= 10_000 for x0, x1 in made[0])


def test_the_script_of_the_peer_imports_nothing_of_rtlab():
    text = Path(sizes.shader.__file__).read_text()
    assert "rtlab" not in text
