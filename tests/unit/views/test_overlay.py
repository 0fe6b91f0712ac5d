import asyncio
import gc
import weakref

import msgspec
import numpy as np
import pytest
from bokeh.document import Document
from pyviz_comms import Comm
from support.fake_page import FakePage

from rtlab.errors import SourceError
from rtlab.views import overlay as module
from rtlab.views.host import forget
from rtlab.views.marks import Line, Marker, Note, Range
from rtlab.views.overlay import MOST_MARKERS, WIDEST, Ask, Hello, Overlay, Painted
from rtlab.views.theme import DARK, LIGHT

HELLO = {"type": "hello", "mount": "m", "renderer": "llvmpipe", "width": 800}
ASK = {"type": "ask", "mount": "m", "view": 1, "x0": 0.0, "x1": 10.0, "width": 100, "live": True}


class Owner:
    def __init__(self) -> None:
        self.heard: list[object] = []
        self.left = 0
        self.overlay = Overlay(self.heard.append, self.gone, LIGHT, time_axis=True)

    def gone(self) -> None:
        self.left += 1


def test_messages_of_the_browser_come_as_values():
    owner = Owner()
    page = FakePage(owner.overlay)
    page.say(owner.overlay, HELLO)
    page.say(owner.overlay, ASK)
    page.say(owner.overlay, {"type": "painted", "mount": "m", "drawing": 4, "shown": 9, "dropped": 0})
    page.say(owner.overlay, {"type": "alive"})
    assert owner.heard == [
        Hello(mount="m", renderer="llvmpipe", width=800),
        Ask(mount="m", view=1, x0=0.0, x1=10.0, width=100, live=True),
        Painted(mount="m", drawing=4, shown=9, dropped=0),
    ]
    assert owner.overlay.refused == 0
    page.close()


@pytest.mark.parametrize(
    "message",
    [
        None,
        "hello",
        17,
        [],
        {},
        {"type": "nothing"},
        {"type": "ask"},
        {**ASK, "x0": "0"},
        {**ASK, "width": 1.5},
        {**ASK, "width": 0},
        {**ASK, "width": WIDEST + 1},
        {**ASK, "x1": 0.0},
        {**ASK, "x1": -5.0},
        {**ASK, "x1": float("nan")},
        {**ASK, "x0": float("-inf")},
        {**ASK, "x0": 1.7e12, "x1": 1.7e12 + 0.001},
    ],
)
def test_foreign_messages_are_counted_and_not_passed_on(message):
    owner = Owner()
    page = FakePage(owner.overlay)
    page.say(owner.overlay, message)
    assert owner.heard == []
    assert owner.overlay.refused == 1
    page.close()


def test_lines_and_markers_are_sent_when_they_change():
    owner = Owner()
    page = FakePage(owner.overlay)
    owner.overlay.lines = [Line(y=np.float64(5), label="Buy", colour="bid")]
    owner.overlay.markers = (Marker(x=1.0, y=2.0, shape="up") for _ in range(2))
    first, second = page.of("marks")
    assert list(first["lines"]) == [{"y": 5.0, "label": "Buy", "colour": "bid", "dashed": True, "name": ""}]
    assert len(second["markers"]) == 2
    assert second["lines"] == first["lines"]
    assert owner.overlay.lines[0].label == "Buy"
    page.close()


def test_of_too_many_markers_the_last_are_kept():
    owner = Owner()
    owner.overlay.markers = [Marker(x=float(i), y=0.0) for i in range(MOST_MARKERS + 5)]
    assert len(owner.overlay.markers) == MOST_MARKERS
    assert owner.overlay.markers[0].x == 5.0


def test_ranges_are_sent_and_of_too_many_the_last_are_kept():
    owner = Owner()
    page = FakePage(owner.overlay)
    owner.overlay.ranges = [
        Range(x0=float(i), x1=i + np.float64(0.5), label="halt") for i in range(MOST_MARKERS + 1)
    ]
    (sent,) = page.of("marks")
    assert len(sent["ranges"]) == len(owner.overlay.ranges) == MOST_MARKERS
    assert sent["ranges"][0] == {"x0": 1.0, "x1": 1.5, "label": "halt", "colour": "accent"}
    page.close()


def test_nobody_looks_before_it_is_shown_and_after_it_has_gone():
    owner = Owner()
    assert not owner.overlay.seen
    page = FakePage(owner.overlay)
    assert owner.overlay.seen
    page.close()
    assert not owner.overlay.seen
    assert owner.left == 1
    owner.overlay.send({"type": "marks"})
    assert page.said == []


def test_colours_are_those_of_the_theme():
    owner = Owner()
    owner.overlay.wear(DARK)
    assert owner.overlay.colours["bid"] == DARK.bid
    assert msgspec.structs.asdict(DARK).items() <= owner.overlay.colours.items()


class OpenComm(Comm):
    """A notebook's comm of which nobody reads the other end."""

    def __init__(self) -> None:
        super().__init__()
        self._comm = object()
        self.sent: list[object] = []

    def send(self, data=None, metadata=None, buffers=()):
        self.sent.append(data)


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def shown_in_a_notebook(owner: Owner) -> tuple[str, OpenComm]:
    comm = OpenComm()
    document = Document()
    root = owner.overlay.get_root(document, comm)
    document.add_root(root)
    document.hold()
    owner.overlay._handle_msg(HELLO)
    return root.ref["id"], comm


async def test_who_never_said_hello_is_not_asked():
    owner = Owner()
    root = owner.overlay.get_root(comm=OpenComm())
    asked: list[object] = []
    owner.overlay.send = asked.append
    for _ in range(4):
        owner.overlay._heartbeat.beat()
    assert asked == []
    assert owner.overlay.seen
    forget(root.ref["id"])


async def test_a_notebook_page_that_never_answers_is_forgotten(monkeypatch):
    monkeypatch.setattr(module, "BEAT_S", 0.001)
    owner = Owner()
    _, comm = await shown_in_a_notebook(owner)
    await until(lambda: owner.left)
    assert not owner.overlay.seen
    assert sum('"ping"' in str(part) for part in comm.sent) == 3


async def test_a_notebook_page_that_answers_is_kept(monkeypatch):
    monkeypatch.setattr(module, "BEAT_S", 0.001)
    owner = Owner()
    ref, comm = await shown_in_a_notebook(owner)
    heart = owner.overlay._heartbeat
    assert heart is not None
    beats = 0
    async with asyncio.timeout(10):
        while beats < 20:
            owner.overlay._handle_msg({"type": "alive"})
            beats += 1
            await asyncio.sleep(0.001)
    assert heart.alive
    assert owner.left == 0
    forget(ref)
    assert not heart.alive


async def test_a_served_page_hears_that_python_is_there_and_may_be_silent_for_ever(monkeypatch):
    monkeypatch.setattr(module, "BEAT_S", 0.001)
    owner = Owner()
    page = FakePage(owner.overlay)
    page.say(owner.overlay, HELLO)
    await until(lambda: len(page.of("ping")) > 10)
    assert page.of("ping")[0]["every"] == 0.001
    assert owner.left == 0
    page.close()
    assert owner.left == 1


async def test_a_forgotten_overlay_and_its_owner_are_freed():
    owner = Owner()
    ref, _ = await shown_in_a_notebook(owner)
    gone = weakref.ref(owner)
    forget(ref)
    del owner

    def freed() -> bool:
        gc.collect()
        return gone() is None

    await until(freed)


NOTE = {"type": "wrote", "mount": "m", "name": "a", "x": 1.0, "y": 2.0, "text": "look"}


def lined() -> tuple[Overlay, FakePage, list[Line]]:
    heard: list[Line] = []
    overlay = Overlay(lambda message: None, lambda: None, LIGHT, time_axis=False)
    overlay.lines = [Line(y=1.0, name="stop"), Line(y=2.0)]
    overlay.on_line = heard.append
    return overlay, FakePage(overlay), heard


def test_a_dragged_line_is_where_it_was_left():
    overlay, page, heard = lined()
    page.say(overlay, {"type": "moved", "mount": "m", "name": "stop", "y": 1.5})
    assert overlay.lines == (Line(y=1.5, name="stop"), Line(y=2.0))
    assert heard == [Line(y=1.5, name="stop")]
    assert [line["y"] for line in page.of("marks")[-1]["lines"]] == [1.5, 2.0]


@pytest.mark.parametrize("change", [{"name": "other"}, {"name": ""}, {"y": float("nan")}, {"y": None}])
def test_a_line_that_is_not_there_is_not_moved(change):
    overlay, page, heard = lined()
    page.say(overlay, {"type": "moved", "mount": "m", "name": "stop", "y": 1.5, **change})
    assert overlay.lines[0].y == 1.0
    assert (heard, overlay.refused) == ([], 1)


def test_a_note_is_written_changed_and_taken_away():
    overlay, page, _ = lined()
    told: list[tuple[Note, ...]] = []
    overlay.on_notes = told.append
    page.say(overlay, NOTE)
    assert overlay.notes == (Note(name="a", x=1.0, y=2.0, text="look"),)
    page.say(overlay, {**NOTE, "name": "b"})
    page.say(overlay, {**NOTE, "text": "changed"})
    assert [(note.name, note.text) for note in overlay.notes] == [("b", "look"), ("a", "changed")]
    page.say(overlay, {**NOTE, "text": ""})
    assert [note.name for note in overlay.notes] == ["b"]
    assert len(told) == 4
    assert [note["text"] for note in page.of("marks")[-1]["notes"]] == ["look"]


@pytest.mark.parametrize("change", [{"name": ""}, {"x": float("inf")}, {"text": "x" * 501}, {"text": None}])
def test_a_note_that_makes_no_sense_is_refused(change):
    overlay, page, _ = lined()
    page.say(overlay, {**NOTE, **change})
    assert (overlay.notes, overlay.refused) == ((), 1)


def test_notes_are_saved_and_loaded(tmp_path):
    overlay, page, _ = lined()
    page.say(overlay, NOTE)
    overlay.save_notes(tmp_path / "notes.json")
    other, _, _ = lined()
    other.load_notes(tmp_path / "notes.json")
    assert other.notes == overlay.notes


@pytest.mark.parametrize("text", ["", "[{", '[{"name": 5}]'])
def test_a_file_without_notes_is_refused_and_the_notes_stay(tmp_path, text):
    overlay, page, _ = lined()
    page.say(overlay, NOTE)
    (tmp_path / "notes.json").write_text(text)
    with pytest.raises(SourceError, match="the file holds no notes"):
        overlay.load_notes(tmp_path / "notes.json")
    with pytest.raises(SourceError, match="the file holds no notes"):
        overlay.load_notes(tmp_path / "none.json")
    assert len(overlay.notes) == 1
