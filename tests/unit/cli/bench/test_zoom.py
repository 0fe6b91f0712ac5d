import pytest
from support.recorded import missing

from rtlab.cli.bench import zoom
from rtlab.cli.bench.browser import chromium


def test_without_a_browser_the_row_says_why_and_the_goal_is_not_met(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    rows, goals = zoom.measure(1000, 1)
    assert rows[0]["median"] is None
    assert rows[0]["reason"] == "no chromium on the PATH"
    assert [(goal["show"], goal["value"], goal["bound"], goal["unit"]) for goal in goals] == [
        (8, None, 1.0, "ms")
    ]


@pytest.mark.long
@pytest.mark.browser
def test_with_a_browser_every_turn_of_the_wheel_is_answered(monkeypatch):
    browser, reason = chromium()
    if reason:
        missing(reason)
    monkeypatch.setattr(zoom, "TURNS", 10)
    asked = []
    measured = zoom._zoom

    def note(*arguments):
        asked.append(measured(*arguments))
        return asked[-1]

    monkeypatch.setattr(zoom, "_zoom", note)
    rows, goals = zoom.measure(100_000, 1)
    assert browser
    assert 15 < asked[0].asked <= 22
    assert asked[0].answered == asked[0].asked
    assert [row["name"] for row in rows] == ["viewport in a page, p50", "viewport in a page, p95"]
    assert 0 < rows[0]["median"] <= rows[1]["median"] == goals[0]["value"]
