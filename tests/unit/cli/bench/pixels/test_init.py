import pytest
from support.recorded import missing

from rtlab.cli.bench import pixels
from rtlab.cli.bench.browser import chromium
from rtlab.cli.bench.environments import Unfit
from rtlab.cli.bench.pixels import GOALS, Case, measure
from rtlab.cli.bench.pixels.watching import Seen


def test_without_a_browser_every_row_says_why_and_no_goal_is_met(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    rows, goals = measure([Case("rtlab", 1000), Case("bokeh", 1000)], seconds=0.1, runs=1)
    assert [(row["median"], row["reason"]) for row in rows] == [(None, "no chromium on the PATH")] * 2
    assert [(goal["name"], goal["value"]) for goal in goals] == [(name, None) for name in GOALS]


def test_a_peer_that_cannot_be_had_is_a_row_and_the_goals_are_of_the_first_case(monkeypatch):
    def watch(browser, case, seconds):
        if case.contender == "uPlot":
            raise Unfit("no registry")
        return Seen(60.0 if case.points == 20 else 30.0, 16.7, 9.0, 30.0, 12.0)

    monkeypatch.setattr(pixels, "chromium", lambda: ("chromium", ""))
    monkeypatch.setattr(pixels, "watch", watch)
    rows, goals = measure([Case("rtlab", 20), Case("uPlot", 10), Case("bokeh", 10)], seconds=1, runs=2)
    assert [row["reason"] for row in rows if row["median"] is None] == ["no registry"]
    assert {goal["name"]: goal["value"] for goal in goals} == {
        "frames": 60.0,
        "frame p95": 16.7,
        "hover answer p95": 9.0,
    }
    ours = [row for row in rows if row["contender"] == "rtlab"]
    assert [row["name"] for row in ours] == [*GOALS, "paints of the line", "behind, p95"]
    assert {row["runs"] for row in ours} == {2}


def test_the_whole_run_has_ten_million_points_first_and_each_peer_at_each_size(monkeypatch):
    asked = []

    def noted(cases, *, seconds, runs):
        asked.extend(cases)
        return [], []

    monkeypatch.setattr(pixels, "measure", noted)
    report = pixels.run(quick=True)
    assert asked[0] == Case("rtlab", 10_000_000)
    assert {case.points for case in asked if case.contender == "uPlot"} == {10_000, 100_000, 1_000_000}
    assert "--disable-gpu" in report["browser"]


@pytest.mark.long
@pytest.mark.browser
def test_with_a_browser_all_contenders_paint_and_answer(monkeypatch):
    if reason := chromium()[1]:
        missing(reason)
    cases = [Case(name, 10_000) for name in ("rtlab", "bokeh", "uPlot")]
    rows, goals = measure(cases, seconds=2.0, runs=1)
    assert [row.get("reason") for row in rows if row["median"] is None] == []
    assert all(0 < row["median"] < 2000 for row in rows)
    assert {row["contender"].split()[0] for row in rows} == {"rtlab", "bokeh", "uPlot"}
    assert all(goal["value"] is not None for goal in goals)
