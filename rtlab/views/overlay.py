"""The layer above a figure, in the browser: crosshair, lines, markers, and the hand that moves the window.

The browser owns the range. It says in a message which window it wants drawn (`Ask`), at most once per
animation frame, and gets the columns in a message; in follow mode it is told where the window is now.
Nothing of this passes through Bokeh's models, so nothing comes back late or twice.
"""

import asyncio
import math
import sys
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from contextvars import Context
from functools import partial
from pathlib import Path

import msgspec
import param
from bokeh.document import Document
from bokeh.model import Model
from panel.io.state import state

from rtlab.errors import SourceError
from rtlab.tabs import Others
from rtlab.views import wire
from rtlab.views.host import SENDING, Component, Heartbeat, forget, send_at_once
from rtlab.views.loading import arrived
from rtlab.views.marks import Event, Line, Marker, Note, Range
from rtlab.views.still import Still
from rtlab.views.theme import FONT, Colours, series

_HERE = Path(__file__).parent
_SCRIPTS = (
    "answers",
    "columns",
    "lighter",
    "keep",
    "badge",
    "keep_chart",
    "sketch",
    "marks",
    "hand",
    "overlay",
)
BEAT_S = 3.0  # of a notebook, four of them in vain free what it held: within 15 s
MOST_MARKERS = 1000
WIDEST = 16_384
LONGEST_NOTE = 500


class Hello(msgspec.Struct, frozen=True, tag_field="type", tag="hello"):
    """A browser shows the component now. `renderer` is what draws its GL, `width` that of the place in pixels."""

    mount: str
    renderer: str
    width: float


class Ask(msgspec.Struct, frozen=True, tag_field="type", tag="ask"):
    """A browser wants a window drawn: [x0, x1) on `width` columns; `live`: as long, but with the newest point.

    Lines that are `hidden`, by number, are left out. `height` is that of the frame in pixels.
    """

    mount: str
    view: int
    x0: float
    x1: float
    width: int
    live: bool
    hidden: tuple[int, ...] = ()
    height: int = 0

    def makes_sense(self) -> bool:
        """Say whether the window can be cut into columns that floats can tell apart."""
        span = self.x1 - self.x0
        if not (
            1 <= self.width <= WIDEST and 0 <= self.height <= WIDEST and math.isfinite(span) and span > 0
        ):
            return False
        return span / self.width >= 2 * max(math.ulp(self.x0), math.ulp(self.x1))


class Painted(msgspec.Struct, frozen=True, tag_field="type", tag="painted"):
    """Drawing `drawing` is on the screen, with `shown` points; `dropped` answers came too late so far."""

    mount: str
    drawing: int
    shown: int
    dropped: int


class Moved(msgspec.Struct, frozen=True, tag_field="type", tag="moved"):
    """A reader dragged the line `name` to `y`."""

    mount: str
    name: str
    y: float


class Wrote(msgspec.Struct, frozen=True, tag_field="type", tag="wrote"):
    """A reader wrote the note `name`; without text it is taken away."""

    mount: str
    name: str
    x: float
    y: float
    text: str


class Alive(msgspec.Struct, frozen=True, tag_field="type", tag="alive"):
    """The answer to a ping."""


Heard = Hello | Ask | Painted | Moved | Wrote | Alive


class Overlay(Component):
    """The browser's half of a `LayeredPlot`; takes no room of its own.

    `hear` is called with each message of the browser that makes sense; the others are counted in `refused`.
    `gone` is called when the last browser has left. In a notebook `still` is there for those who only read it.
    """

    figure_id = param.String(default="")
    time_axis = param.Boolean(default=True)
    colours = param.Dict(default={})
    names = param.List(item_type=str)
    decimals = param.Integer(default=-1, doc="of y; -1: as many as each number has")
    sparse = param.String(default="", doc="how many marks are drawn at most, where these are no lines")
    group = param.String(default="", doc="charts of one group on a page share crosshair and window")

    _esm = "\n".join((_HERE / f"{name}.js").read_text("utf-8") for name in _SCRIPTS)

    def __init__(
        self,
        hear: Callable[[Heard], None],
        gone: Callable[[], None],
        colours: Colours,
        *,
        time_axis: bool,
        names: Sequence[str] = ("y",),
        still: Still | None = None,
    ) -> None:
        place = {"width": 0, "height": 0, "margin": 0, "sizing_mode": "fixed"}
        super().__init__(time_axis=time_axis, names=list(names), **place)  # type: ignore[no-untyped-call]
        self.wear(colours)
        self.refused = 0
        self._hear, self._gone, self._still = hear, gone, still
        self._lines: tuple[Line, ...] = ()
        self._markers: tuple[Marker, ...] = ()
        self._happened: tuple[Event, ...] = ()
        self._ranges: tuple[Range, ...] = ()
        self._notes: tuple[Note, ...] = ()
        self._notice = self._hint = ""
        self.on_line: Callable[[Line], object] | None = None
        """Called with a line that was dragged, as it is now."""
        self.on_notes: Callable[[tuple[Note, ...]], object] | None = None
        """Called with all notes when a reader wrote one."""
        self._heartbeat: Heartbeat | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._in_notebook = False
        self._others: Others[Overlay] = Others()
        self._first: Overlay | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """The horizontal lines; assign to change them."""
        return self._lines

    @lines.setter
    def lines(self, lines: Iterable[Line]) -> None:
        self._put("_lines", tuple(lines))

    @property
    def markers(self) -> tuple[Marker, ...]:
        """The markers, at most the last 1,000 that were assigned."""
        return self._markers

    @markers.setter
    def markers(self, markers: Iterable[Marker]) -> None:
        self._put("_markers", tuple(markers)[-MOST_MARKERS:])

    @property
    def events(self) -> tuple[Event, ...]:
        """The events, at most the last 1,000 that were assigned."""
        return self._happened

    @events.setter
    def events(self, events: Iterable[Event]) -> None:
        self._put("_happened", tuple(events)[-MOST_MARKERS:])

    @property
    def ranges(self) -> tuple[Range, ...]:
        """The ranges, at most the last 1,000 that were assigned."""
        return self._ranges

    @ranges.setter
    def ranges(self, ranges: Iterable[Range]) -> None:
        self._put("_ranges", tuple(ranges)[-MOST_MARKERS:])

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes, at most the last 1,000; assign to change them."""
        return self._notes

    @notes.setter
    def notes(self, notes: Iterable[Note]) -> None:
        self._put("_notes", tuple(notes)[-MOST_MARKERS:])

    def save_notes(self, path: str | Path) -> None:
        """Write the notes to a JSON file."""
        Path(path).write_bytes(msgspec.json.format(msgspec.json.encode(self._notes, enc_hook=float)))

    def load_notes(self, path: str | Path) -> None:
        """Show the notes of a JSON file instead; SourceError where it holds none."""
        try:
            self.notes = msgspec.json.decode(Path(path).read_bytes(), type=tuple[Note, ...])
        except (OSError, msgspec.MsgspecError) as problem:
            raise SourceError("the file holds no notes", expected=f"{path}: {problem}") from None

    @property
    def notice(self) -> str:
        """What is wrong with what the plot was given; empty when nothing is."""
        return self._notice

    @notice.setter
    def notice(self, notice: str) -> None:
        self._put("_notice", notice)

    @property
    def hint(self) -> str:
        """What there is to know of what the plot was given; nothing is wrong. A notice is shown in its place."""
        return self._hint

    @hint.setter
    def hint(self, hint: str) -> None:
        self._put("_hint", hint)

    def share_with(self, other: "Overlay") -> None:
        """Have `other`, in another tab, show all marks of this one; what a reader does to them there is done here."""
        for name in ("_lines", "_markers", "_happened", "_ranges", "_notes", "_notice", "_hint"):
            setattr(other, name, getattr(self, name))
        other._first = self
        self._others.add(other)

    def _put(self, name: str, marks: object) -> None:
        for one in (self, *self._others.all()):
            setattr(one, name, marks)
            one.show_marks()

    def show_marks(self) -> None:
        """Send lines, markers, events, ranges, notes, the notice and the hint to whoever looks."""
        marks: dict[str, object] = {"lines": self._lines, "markers": self._markers, "events": self._happened}
        marks |= {"ranges": self._ranges, "notes": self._notes, "notice": self._notice, "hint": self._hint}
        # prices often come as numpy scalars
        self.send({"type": "marks", **msgspec.to_builtins(marks, enc_hook=float)})

    def wear(self, colours: Colours) -> None:
        """Paint with other colours."""
        self.colours = {**msgspec.to_builtins(colours), "font": FONT, "series": list(series(colours))}

    def send(self, message: dict[str, object]) -> None:
        """Send a message to whoever looks; arrays travel as bytes."""
        with SENDING:
            wire.send(self, message)

    @property
    def seen(self) -> bool:
        """Whether a browser shows the component, as far as is known."""
        return bool(self._models)

    def _handle_msg(self, message: object) -> None:
        try:
            heard = msgspec.convert(message, Heard)
        except msgspec.ValidationError:
            self.refused += 1
            return
        if isinstance(heard, Hello):
            send_at_once(self)
            arrived()
            self._watch()
        if self._heartbeat is not None:
            self._heartbeat.heard()
        match heard:
            case Ask() if not heard.makes_sense():
                self.refused += 1
            case Moved():
                (self if self._first is None else self._first)._move(heard)
            case Wrote():
                (self if self._first is None else self._first)._write(heard)
            case Alive():
                pass
            case _:
                self._hear(heard)

    def _move(self, moved: Moved) -> None:
        found = next((line for line in self._lines if line.name == moved.name), None)
        if found is None or not moved.name or not math.isfinite(moved.y):
            self.refused += 1
            return
        now = msgspec.structs.replace(found, y=moved.y)
        self.lines = [now if line is found else line for line in self._lines]
        if self.on_line is not None:
            self.on_line(now)

    def _write(self, wrote: Wrote) -> None:
        if not wrote.name or len(wrote.text) > LONGEST_NOTE or not math.isfinite(wrote.x + wrote.y):
            self.refused += 1
            return
        others = [note for note in self._notes if note.name != wrote.name]
        new = [Note(name=wrote.name, x=wrote.x, y=wrote.y, text=wrote.text)] if wrote.text else []
        self.notes = others + new
        if self.on_notes is not None:
            self.on_notes(self._notes)

    def _get_model(
        self, doc: Document, root: Model | None = None, parent: Model | None = None, comm: object = None
    ) -> Model:
        model: Model = super()._get_model(doc, root, parent, comm)
        self._in_notebook = comm is not None
        with suppress(RuntimeError):  # no loop runs: a script that only renders
            self._loop = asyncio.get_running_loop()
        if comm is not None:
            self._watch()  # a cell that is run again at once may never show this output
            if self._still is not None:
                self._still.publish(time.monotonic())
        return model

    def _watch(self) -> None:
        """Begin to ask whether the page is still there, which also tells the page that Python is."""
        loop = self._loop
        if loop is None or loop.is_closed() or (self._heartbeat is not None and self._heartbeat.alive):
            return
        ping: dict[str, object] = {"type": "ping", "every": BEAT_S}
        # a served page that is asleep wakes up again, and its end is told by the end of its session
        missed = 3 if self._in_notebook else sys.maxsize
        self._heartbeat = Heartbeat(
            lambda: self.send(ping), self._lost, missed=missed, at_first=max(missed, 6)
        )
        weak = weakref.ref(self)  # a timer must not keep alive what it watches

        def beat() -> None:
            overlay = weak()
            # in a template Panel leaves the models of an ended session where they are, but not their views
            if overlay is None or not any(ref in state._views for ref in overlay._models):
                return
            if (heartbeat := overlay._heartbeat) is not None and heartbeat.alive:
                heartbeat.beat()
                if overlay._still is not None:
                    overlay._still.renew(time.monotonic())
                later()

        # in a context of its own: the one of this call holds the session's document
        later = partial(loop.call_later, BEAT_S, beat, context=Context())
        loop.call_soon_threadsafe(later, context=Context())

    def _lost(self) -> None:
        for ref in list(self._models):
            forget(ref)

    def _cleanup(self, root: Model | None = None) -> None:
        super()._cleanup(root)
        if root is not None and not self._models:
            if self._heartbeat is not None:
                self._heartbeat.stop()
            self._gone()
