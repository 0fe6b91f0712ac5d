"""What a badge says: badge.js, run by Node."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from support.recorded import missing

from rtlab import views

FILE = Path(views.__file__).with_name("badge.js")
CALL = """
const { file, name, given } = JSON.parse(process.argv[1])
const { called } = await import(`data:text/javascript,${encodeURIComponent(file + ";export const called = " + name)}`)
console.log(JSON.stringify(called(...given)))
"""
COUNTS = {"shown": 1203, "held": 10_000_000, "unit": "points", "exact": "exact", "merged": 0, "dropped": 0}


def call(name: str, *given: object) -> object:
    node = shutil.which("node") or shutil.which("nodejs")
    if node is None:
        missing("no Node")
    asked = json.dumps({"file": FILE.read_text("utf-8"), "name": name, "given": given})
    run = subprocess.run(
        [node, "--input-type=module", "--eval", CALL, asked],
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize(
    ("knows", "feed", "said"),
    [
        ({"quiet": 100, "stale": False}, None, ["●", "live", "good"]),
        ({"quiet": 2600, "stale": True}, None, ["○", "frozen 3 s", "bad"]),
        ({"quiet": 2600, "stale": True, "paused": True}, None, ["❚❚", "paused", "warn"]),
        ({"quiet": 2600, "stale": True, "paused": True, "silent": True}, None, ["○", "no answer", "bad"]),
        ({"quiet": 9000, "stale": True, "waiting": True}, None, ["○", "waiting", "muted"]),
        # the page's feed is asked first: a market without a trade is no frozen feed, and a frozen one no live plot
        ({"quiet": 4000, "stale": True}, {"state": "live"}, ["●", "live, quiet 4 s", "good"]),
        ({"quiet": 100, "stale": False}, {"state": "frozen", "age": 1700}, ["○", "frozen 2 s", "bad"]),
        ({"quiet": 100, "stale": False}, {"state": "reconnecting"}, ["○", "reconnecting", "bad"]),
        ({"quiet": 100, "stale": False}, {"state": "lagging"}, ["◐", "lagging", "warn"]),
        ({"quiet": 100, "stale": False, "paused": True}, {"state": "lagging"}, ["❚❚", "paused", "warn"]),
    ],
)
def test_the_state_is_the_feeds_and_without_one_that_of_what_came(knows: dict, feed: object, said: list):
    assert call("state_of", knows, feed) == said


@pytest.mark.parametrize(
    ("counts", "room", "said"),
    [
        ({}, True, "1,203 of 10M points · exact · 0 merged · 0 dropped"),
        ({}, False, "1,203 of 10M points · exact"),
        ({"merged": 5, "exact": "≈ 2 columns"}, False, "1,203 of 10M points · ≈ 2 columns"),
        ({"merged": 4200, "dropped": 7}, True, "1,203 of 10M points · exact · 4.2K merged · 7 dropped"),
        ({"merged": 4200, "dropped": 7}, False, "1,203 of 10M points · exact · 7 dropped"),
    ],
)
def test_what_was_dropped_is_written_wherever_there_is_any(counts: dict, room: bool, said: str):
    assert call("counts_of", COUNTS | counts, room, None) == said


@pytest.mark.parametrize(
    ("counts", "room", "said"),
    [
        ({}, True, "1,203 of 10M points · exact"),
        (
            {"merged": 5, "dropped": 7},
            True,
            "1,203 of 10M points · exact · 5 repaints merged · 7 late answers dropped",
        ),
        ({"merged": 5, "dropped": 7}, False, "1,203 of 10M points · exact · 7 late answers dropped"),
    ],
)
def test_beside_the_counts_of_a_feed_the_plots_are_named_and_a_zero_is_left_to_them(counts, room, said):
    knows = COUNTS | counts | {"of_merged": "repaints", "of_dropped": "late answers"}
    assert call("counts_of", knows, room, {"state": "live", "dropped": 14}) == said


def test_all_of_it_is_told_in_words_with_what_the_feed_lost():
    knows = {
        "merged": 4200,
        "dropped": 1,
        "of_merged": "repaints",
        "of_dropped": "late answers",
        "quiet": 140,
    }
    own = "4,200 repaints merged, 1 late answers dropped; newest came 0.1 s ago"
    assert call("words_of", knows, None) == own
    feed = {"state": "degraded", "merged": 12_345, "dropped": 3, "age": 80}
    lost = "Feed: degraded, 12,345 merged, 3 dropped, 0 gaps; last message 0.1 s ago"
    assert call("words_of", knows, feed) == f"{own}\n{lost}"
