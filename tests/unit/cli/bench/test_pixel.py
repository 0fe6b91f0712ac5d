import shutil

import pytest
from support.recorded import missing

from rtlab.cli.bench import pixel


def test_without_a_browser_the_row_says_why_and_the_goal_is_not_met(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    rows, goals = pixel.measure(quick=True)
    assert rows[0]["median"] is None
    assert rows[0]["reason"] == "no chromium on the PATH"
    assert goals == [
        {"show": 7, "name": "trade to pixel, p50", "value": None, "bound": 60.0, "op": "<=", "unit": "ms"}
    ]


@pytest.mark.long
@pytest.mark.browser
def test_with_a_browser_it_measures_real_paints(monkeypatch):
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        missing("no Chromium on the PATH")
    rows, goals = pixel.measure(quick=True)
    assert [row["name"] for row in rows] == ["trade to pixel, p50", "trade to pixel, p99"]
    assert 0 < rows[0]["median"] <= rows[1]["median"] < 60_000
    assert goals[0]["value"] == rows[0]["median"]
