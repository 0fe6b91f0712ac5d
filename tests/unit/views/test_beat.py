import logging
import random
import threading

import panel as pn
import pytest
from bokeh.document import Document
from panel.io.state import state
from pyviz_comms import Comm
from support.looker import Looker, looking_at
from support.waiting import until
from tornado.websocket import WebSocketClosedError

from rtlab.views import beat as module
from rtlab.views.beat import PERIOD_NS, WINDOW, Beat, Pace
from rtlab.views.host import forget

S = 1_000_000_000


class Drawer:
    """Notes which values were drawn, by panel."""

    def __init__(self) -> None:
        self.drawn: list[object] = []

    def draw(self, value: object):  # -> Draw
        return lambda: self.drawn.append(value)


def drawn_at(pace: Pace, now: int) -> int:
    draws = pace.take(now)
    for draw in draws:
        draw()
    return len(draws)


@pytest.fixture
def drawer() -> Drawer:
    return Drawer()


def test_what_is_marked_is_drawn_once(drawer: Drawer) -> None:
    pace = Pace()
    pace.mark("a", drawer.draw(1))
    assert drawn_at(pace, S) == 1
    assert drawn_at(pace, 2 * S) == 0
    assert drawer.drawn == [1]


def test_a_second_mark_replaces_the_first_and_is_counted(drawer: Drawer) -> None:
    pace = Pace()
    for value in range(5):
        pace.mark("a", drawer.draw(value))
    drawn_at(pace, S)
    assert drawer.drawn == [4]
    assert pace.statistics().merged == 4


def test_what_is_merged_is_counted_of_each_panel(drawer: Drawer) -> None:
    pace = Pace()
    for name, times in (("a", 3), ("b", 1)):
        for value in range(times):
            pace.mark(name, drawer.draw(value))
    assert [pace.merged_of(name) for name in "abc"] == [2, 0, 0]
    pace.forget("a")
    assert pace.merged_of("a") == 0
    assert pace.statistics().merged == 2


def test_panels_that_are_due_are_drawn_as_one_drawing(drawer: Drawer) -> None:
    pace = Pace()
    for name in "abc":
        pace.mark(name, drawer.draw(name))
    drawn_at(pace, S)
    assert drawer.drawn == ["a", "b", "c"]
    assert pace.statistics().drawn == 1


def test_a_panel_is_not_due_again_before_its_period(drawer: Drawer) -> None:
    pace = Pace()
    pace.mark("slow", drawer.draw("slow"), S // 10)
    pace.mark("fast", drawer.draw("fast"))
    drawn_at(pace, S)
    for name in ("slow", "fast"):
        pace.mark(name, drawer.draw(name), S // 10 if name == "slow" else 0)
    drawn_at(pace, S + PERIOD_NS)
    assert drawer.drawn == ["slow", "fast", "fast"]
    drawn_at(pace, S + S // 10)
    assert drawer.drawn[3:] == ["slow"]


def test_a_thousand_marks_a_second_are_at_most_thirty_drawings(drawer: Drawer) -> None:
    pace = Pace()
    for ms in range(5000):
        pace.mark("a", drawer.draw(ms))
        if drawn_at(pace, ms * 1_000_000):
            pace.painted(pace.statistics().drawn)
    assert 5 * 28 <= pace.statistics().drawn <= 5 * 30 + 1


def test_a_clock_that_trembles_at_thirty_hertz_loses_no_drawing(drawer: Drawer) -> None:
    pace, tremble = Pace(), random.Random(1)
    for tick in range(300):
        pace.mark("a", drawer.draw(tick))
        drawn_at(pace, tick * PERIOD_NS + S + tremble.randint(-4_000_000, 4_000_000))
        pace.painted(pace.statistics().drawn)
    assert pace.statistics().drawn >= 285


def test_a_browser_that_does_not_answer_gets_a_window_and_then_only_the_newest(drawer: Drawer) -> None:
    pace = Pace()
    for tenth in range(10, 10 + 5 * WINDOW):
        pace.mark("a", drawer.draw(tenth))
        drawn_at(pace, tenth * S // 10)
    assert len(drawer.drawn) == WINDOW
    pace.painted(pace.statistics().drawn)
    drawn_at(pace, 100 * S)
    assert drawer.drawn[-1] == 9 + 5 * WINDOW
    assert len(drawer.drawn) == WINDOW + 1


def test_a_lost_answer_costs_seconds_and_a_hidden_tab_little(drawer: Drawer) -> None:
    pace = Pace()
    for tenth in range(10, 610):
        pace.mark("a", drawer.draw(tenth))
        drawn_at(pace, tenth * S // 10)
    assert WINDOW + 10 <= len(drawer.drawn) <= WINDOW + 13


def test_an_old_answer_opens_the_window_only_as_far_as_it_says(drawer: Drawer) -> None:
    pace = Pace()
    for tenth in range(10, 10 + WINDOW):
        pace.mark("a", drawer.draw(tenth))
        drawn_at(pace, tenth * S // 10)
    pace.painted(1)
    pace.painted(0)
    for tenth in range(30, 40):
        pace.mark("a", drawer.draw(tenth))
        drawn_at(pace, tenth * S // 10)
    assert pace.statistics().drawn == WINDOW + 1


def test_an_answer_to_what_was_never_sent_counts_as_the_newest_at_most(drawer: Drawer) -> None:
    pace = Pace()
    pace.mark("a", drawer.draw(1))
    drawn_at(pace, S)
    pace.painted(10**9)
    assert pace.statistics().painted == 1


def test_a_new_view_begins_with_nothing_unanswered(drawer: Drawer) -> None:
    pace = Pace()
    for second in range(1, 2 * WINDOW):
        pace.mark("a", drawer.draw(second))
        drawn_at(pace, second * S)
    pace.restart()
    pace.mark("a", drawer.draw("new"))
    drawn_at(pace, 1000 * S)
    assert drawer.drawn[-1] == "new"


def test_a_forgotten_panel_is_not_drawn_and_not_kept(drawer: Drawer) -> None:
    pace = Pace()
    pace.mark("gone", drawer.draw("gone"))
    pace.forget("gone")
    pace.forget("never there")
    assert drawn_at(pace, S) == 0
    assert not pace._due
    assert not pace._merged_of


def test_marks_of_several_threads_end_with_the_newest_of_each(drawer: Drawer) -> None:
    pace = Pace()
    newest: dict[int, int] = {}

    def mark(panel: int) -> None:
        for value in range(2000):
            pace.mark(panel, lambda value=value: newest.__setitem__(panel, value))

    threads = [threading.Thread(target=mark, args=(panel,)) for panel in range(4)]
    for thread in threads:
        thread.start()
    now = S
    while any(thread.is_alive() for thread in threads):
        drawn_at(pace, now := now + S)
        pace.painted(pace.statistics().drawn)
    drawn_at(pace, now + S)
    assert newest == dict.fromkeys(range(4), 1999)


def shown() -> tuple[Beat, list[str]]:
    ready: list[str] = []
    return Beat(object(), lambda: ready.append("ready")), ready


def test_without_a_view_nothing_is_drawn_but_the_newest_is_kept(drawer: Drawer) -> None:
    beat, _ = shown()
    for value in range(3):
        beat.mark("a", drawer.draw(value))
    assert drawer.drawn == []
    with looking_at(beat) as looker:
        looker.say(beat, {"ready": True})
        assert drawer.drawn == [2]
        assert looker.last(beat) == {"sent": 1}


def test_the_browser_is_told_the_number_of_each_drawing_after_its_content(drawer: Drawer) -> None:
    beat, _ = shown()
    with looking_at(beat) as looker:
        with beat.together():
            beat.mark("a", drawer.draw("a"))
            beat.mark("b", drawer.draw("b"))
            assert drawer.drawn == []
        assert drawer.drawn == ["a", "b"]
        assert looker.messages(beat) == [{"sent": 1}]


def test_a_block_that_fails_still_draws_what_was_marked(drawer: Drawer) -> None:
    beat, _ = shown()

    def fail() -> None:
        with beat.together():
            beat.mark("a", drawer.draw("a"))
            raise KeyError("caller")

    with looking_at(beat):
        with pytest.raises(KeyError):
            fail()
        assert drawer.drawn == ["a"]


def test_the_answer_draws_what_waited(drawer: Drawer) -> None:
    beat, _ = shown()
    with looking_at(beat) as looker:
        for number in range(WINDOW + 5):
            beat.mark(number, drawer.draw(number))
        assert len(drawer.drawn) == WINDOW
        looker.say(beat, {"painted": WINDOW})
        assert drawer.drawn == list(range(WINDOW + 5))


def test_a_view_that_appears_is_announced_each_time() -> None:
    beat, ready = shown()
    with looking_at(beat) as looker:
        looker.say(beat, {"ready": "one"})
        looker.say(beat, {"ready": "two"})
    assert ready == ["ready", "ready"]


def test_a_view_that_says_again_that_it_is_there_is_answered_and_not_announced_again() -> None:
    beat, ready = shown()
    with looking_at(beat) as looker:
        looker.say(beat, {"ready": "one"})
        looker.forget()
        looker.say(beat, {"ready": "one"})
        assert looker.messages(beat) == [{"ping": True}]
    assert ready == ["ready"]


@pytest.mark.parametrize(
    "message", [None, 3, "ready", [], {}, {"painted": "1"}, {"painted": None}, {"other": 1}]
)
def test_a_message_that_makes_no_sense_changes_nothing(message: object) -> None:
    beat, ready = shown()
    with looking_at(beat) as looker:
        looker.say(beat, message)
    assert ready == []
    assert beat.pace.statistics() == (0, 0, 0)


class OpenComm(Comm):
    """A notebook's comm of which nobody reads the other end."""

    def __init__(self) -> None:
        super().__init__()
        self._comm = object()
        self.pings = 0

    def send(self, data: object = None, metadata: object = None, buffers: object = ()) -> None:
        self.pings += '"ping"' in str(data)


async def in_a_notebook(beat: Beat) -> tuple[str, OpenComm]:
    comm, document = OpenComm(), Document()
    root = beat.get_root(document, comm)
    document.add_root(root)
    document.hold()  # as Panel does with what is shown in a notebook
    beat._handle_msg({"ready": True})
    return root.ref["id"], comm


async def test_a_notebook_page_that_never_answers_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASK_S", 0.001)
    beat, _ = shown()
    ref, comm = await in_a_notebook(beat)
    await until(lambda: not beat._models)
    assert comm.pings == 3
    assert ref not in state._views


async def test_a_notebook_page_that_answers_is_kept_until_its_output_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ASK_S", 0.001)
    beat, _ = shown()
    ref, comm = await in_a_notebook(beat)

    def answered() -> bool:
        beat._handle_msg({"alive": True})
        return comm.pings > 20

    await until(answered)
    assert beat._models
    forget(ref)
    await until(lambda: not beat._heartbeat.alive)


async def test_a_view_that_appears_twice_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    beat, _ = shown()
    ref, _ = await in_a_notebook(beat)
    first = beat._heartbeat
    beat._handle_msg({"ready": True})
    assert beat._heartbeat is first
    forget(ref)


async def test_a_served_page_is_not_asked_its_session_tells() -> None:
    beat, _ = shown()
    with looking_at(beat) as looker:
        looker.say(beat, {"ready": True})
        assert beat._heartbeat is None


def test_a_beat_keeps_its_owner_alive() -> None:
    owner = object()
    assert Beat(owner, lambda: None).owner is owner


def test_a_beat_takes_no_room_in_a_layout() -> None:
    beat, _ = shown()
    root = Looker(pn.Column(beat)).root
    model = next(iter(beat._models.values()))[0]
    assert (model.width, model.height) == (0, 0)
    assert root.children


@pytest.mark.parametrize(
    ("name", "told"), [("asyncio", False), ("bokeh.server.views.ws", False), ("rtlab", True)]
)
def test_a_tab_that_closes_is_not_logged_as_an_error(name: str, told: bool) -> None:
    record = logging.LogRecord(
        name,
        logging.ERROR,
        __file__,
        1,
        "never retrieved",
        (),
        (WebSocketClosedError, WebSocketClosedError(), None),
    )
    assert bool(logging.getLogger(name).filter(record)) == told


def test_other_errors_of_the_same_loggers_are_logged() -> None:
    error = (ValueError, ValueError("real"), None)
    record = logging.LogRecord("asyncio", logging.ERROR, __file__, 1, "never retrieved", (), error)
    assert logging.getLogger("asyncio").filter(record)
