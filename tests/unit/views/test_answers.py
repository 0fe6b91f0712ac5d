"""When a browser says what it has painted: answers.js, run by Node with a clock of its own."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from support.recorded import missing

from rtlab import views
from rtlab.views import beat

FILE = Path(views.__file__).with_name("answers.js")
MS = 1_000_000
# runs the timers in the order of their times; an animation frame comes 10 ms after it is asked for
SIMULATE = """
let now = 0, timers = []
globalThis.setTimeout = (act, ms) => { const one = { at: now + ms, act }; timers.push(one); return one }
globalThis.clearTimeout = (one) => { timers = timers.filter((other) => other !== one) }
globalThis.requestAnimationFrame = (act) => setTimeout(act, hidden && now < hidden ? hidden - now : 10)
const { file, drawings, hidden, stop } = JSON.parse(process.argv[1])
const { Answers } = await import(`data:text/javascript,${encodeURIComponent(file)}`)
const told = []
const answers = new Answers((number) => told.push([now, number]))
drawings.forEach((at, i) => setTimeout(() => answers.drawn(i + 1), at))
if (stop) setTimeout(() => answers.stop(), stop)
while (timers.length) {
  const next = timers.reduce((a, b) => (b.at < a.at ? b : a))
  clearTimeout(next)
  now = next.at
  next.act()
}
console.log(JSON.stringify(told))
"""


def told(drawings: list[int], hidden: int = 0, stop: int = 0) -> list[list[int]]:
    """Drawing 1, 2, ... come at these ms: [ms, number] of each answer."""
    node = shutil.which("node") or shutil.which("nodejs")
    if node is None:
        missing("no node on the PATH (Debian: apt-get install nodejs)")
    case = json.dumps({"file": FILE.read_text("utf-8"), "drawings": drawings, "hidden": hidden, "stop": stop})
    command = [node, "--input-type=module", "--eval", SIMULATE, case]
    answers: list[list[int]] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return answers


def test_one_drawing_is_answered_twice_and_then_no_more():
    assert told([0]) == [[160, 1], [320, 1]]


def test_many_drawings_are_answered_at_once_and_the_newest_as_if_it_were_the_only_one():
    # the early answer may be there before what Python holds back is marked: it does not count
    assert told([0, 33, 66, 99]) == [[109, 4], [269, 4], [429, 4]]


def test_a_drawing_that_comes_while_an_answer_waits_for_the_paint_is_answered_after_it():
    assert told([0, 155]) == [[160, 1], [320, 2], [480, 2]]


def test_a_steady_stream_is_answered_once_for_four_drawings():
    answers = told([33 * i for i in range(60)])
    assert [number for _, number in answers[:10]] == [4 * i for i in range(1, 11)]


def test_a_hidden_page_answers_when_it_is_back():
    assert told([0, 33, 66], hidden=5000)[0] == [5000, 3]


def test_a_page_that_leaves_says_no_more():
    assert told([0], stop=155) == []


@pytest.mark.parametrize(
    "drawings", [[0], [0, 33, 66, 99], [0, 20, 40, 60, 80, 100, 120, 140], [0, 155], [0, 5]]
)
def test_no_panel_waits_longer_than_until_the_last_answer(drawings):
    assert told(drawings)[-1][0] - drawings[-1] > (beat.LONGEST_NS - beat.PERIOD_NS // 2) / MS
