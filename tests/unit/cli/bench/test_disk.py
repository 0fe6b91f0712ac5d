from types import SimpleNamespace

import numpy as np

from rtlab.cli.bench import disk
from rtlab.views.pyramid import Pyramid

POINTS = 30_000


def test_what_lies_on_the_disk_is_drawn_as_what_does_not_and_has_a_goal():
    rows, goals = disk.measure(False, POINTS)
    of = {row["name"]: row for row in rows if "first" not in row["case"]}
    assert of["windows unlike all points"]["max"] == 0
    assert 0 < of["viewport"]["min"] <= of["viewport"]["median"]
    assert of["written, made on the way"]["median"] > 0
    (goal,) = goals
    assert (goal["show"], goal["bound"], goal["op"], goal["unit"]) == (1, 5.0, "<=", "ms")
    assert of["viewport"]["median"] <= goal["value"] <= of["viewport"]["max"]


def test_without_room_there_is_a_reason_and_a_goal_without_a_number(monkeypatch):
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda folder: SimpleNamespace(free=2 * 10**9))
    rows, goals = disk.measure(False)
    (row,) = rows
    assert row["median"] is None
    assert row["reason"] == "17 GB are needed, 2 GB are free"
    assert [goal["value"] for goal in goals] == [None]
    assert disk.measure(True, 10**9)[1] == []


def test_a_window_that_is_drawn_wrong_is_counted():
    x = np.arange(200_000.0)
    pyramid = Pyramid(x, np.sin(x))
    assert not disk._is_wrong(pyramid, 10.5, 190_000.0)
    pyramid._held.columns[0].levels.places[:] = 0
    assert disk._is_wrong(pyramid, 10.5, 190_000.0)


def test_parts_join_to_one_walk_of_their_number(monkeypatch):
    monkeypatch.setattr(disk, "PART", 1000)
    x, y = (np.concatenate(columns) for columns in zip(*disk._parts(2500), strict=True))
    assert np.array_equal(x, np.arange(2500.0))
    assert np.array_equal(np.diff(y).round(9), np.random.default_rng(9).standard_normal(2500)[1:].round(9))
