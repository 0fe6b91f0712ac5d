"""The engine's benchmark: every contender has its row, and every number of the goals its bound."""

from functools import partial
from timeit import repeat

import numpy as np
import pytest

from rtlab.cli.bench import engine, rivals
from rtlab.cli.bench.engine import Size

SMALL = Size(runs=2, messages=4_000, plain=300, resting=2_000, growing=4_000)
KEYS = {"name", "contender", "case", "unit", "runs", "median", "min", "max"}
GOAL = {"show", "name", "value", "op", "bound", "unit"}


def nowhere(name: str):
    raise rivals.Unfit("not here")


@pytest.fixture(scope="module")
def parts():
    return [
        engine._shapes(SMALL),
        engine._single(SMALL),
        engine._beside_rivals(SMALL, nowhere),
        engine._deep(SMALL),
        engine._pauses(SMALL),
    ]


def test_every_row_has_the_keys_of_a_result_and_its_numbers_are_in_order(parts) -> None:
    rows = [row for results, _ in parts for row in results]
    assert {str(row["contender"]).split()[0] for row in rows} >= {"rtlab", "reference", *rivals.VERSIONS}
    for row in rows:
        assert row.keys() - {"reason"} == KEYS
        if row["median"] is None:
            assert row["reason"]
        else:
            assert 0 < float(str(row["min"])) <= float(str(row["median"])) <= float(str(row["max"]))


def test_every_shape_is_there(parts) -> None:
    cases = " ".join(str(row["case"]) for row in parts[0][0])
    assert all(shape in cases for shape in engine.SHAPES)


def test_every_number_of_the_shows_has_its_goal(parts) -> None:
    goals = [goal for _, some in parts for goal in some]
    assert all(goal.keys() == GOAL for goal in goals)
    assert sorted((goal["show"], goal["bound"]) for goal in goals) == sorted(
        [(4, 8e6), (4, 250), (4, 1.5), (4, 4), (4, 10), (5, 2), (5, 128), (9, 10)]
    )


def test_the_fastest_of_all_runs_is_no_slower_than_any_of_them(parts) -> None:
    runs, fastest = (
        row for row in parts[1][0] if row["name"] == "one submit, p99" and row["contender"] == "rtlab"
    )
    assert "of each command the fastest of 2 runs" in str(fastest["case"])
    assert 0 < float(str(fastest["max"])) <= float(str(runs["min"]))


def test_ours_is_measured_both_ways_on_the_flow_that_the_others_get(parts) -> None:
    ours = [str(row["case"]) for row in parts[2][0] if row["contender"] == "rtlab"]
    assert [case.split(", ")[-1] for case in ours] == ["batches of 8,192", "one by one"]
    assert len({case.split(" messages")[0] for case in ours}) == 1
    assert {row["case"] for row in parts[2][0] if row["median"] is None} == {ours[1]}


def test_without_another_engine_there_is_no_ratio(parts) -> None:
    (goal,) = parts[2][1]
    assert goal["value"] is None


def test_each_value_is_done_once_in_its_turn_and_has_its_time() -> None:
    done: list[object] = []
    times = np.zeros(3, np.int64)
    engine._time_each(done.append, "abc", times)
    assert done == ["a", "b", "c"]
    assert (times > 0).all()


def test_nothing_lasts_as_long_as_it_is_to_last() -> None:
    short, long = (
        min(repeat(partial(engine._idle_for(length), None), number=1, repeat=200))
        for length in (20_000, 200_000)
    )
    assert 4 < long / short < 25
    assert engine._idle_for(0)(None) is None


def test_of_a_pause_the_processor_time_is_told_too(parts) -> None:
    pause, busy = parts[4][0]
    assert (pause["name"], pause["case"]) == ("worst pause", busy["case"])
    (goal,) = parts[4][1]
    assert goal["value"] == pause["median"]
