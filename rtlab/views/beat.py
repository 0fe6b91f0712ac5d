"""When the panels of one browser view are drawn: at most 30 times a second, and only what it can paint.

Theory of operation. A panel that has news *marks* itself; a second mark before the drawing replaces
the first, so there is never a backlog. A mark draws at once all that is marked and due, as one message,
unless too many drawings are unanswered. A panel is due again after its own period, at least 1/30 s.
Drawings are numbered; the browser answers with the newest number after it has painted: at once when four
are unanswered, and 0.15 and 0.3 s after the newest drawing. A slow network, a slow browser and a hidden
tab (which does not paint) thus hold the drawings back, and the answer draws what waits. A mark that comes
too soon waits for the next mark or answer. No panel waits longer than until the last answer, so the last
mark is drawn too: no timer is needed on this side. If answers stay out for five seconds one more drawing
goes out all the same: the tab is hidden, or something was lost.
"""

import asyncio
import logging
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from bokeh.document import Document
from bokeh.model import Model
from panel.io.document import unlocked
from tornado.websocket import WebSocketClosedError

from rtlab.views.host import SENDING, Component, Heartbeat, forget, in_notebook, push, send_at_once
from rtlab.views.loading import arrived

_HERE = Path(__file__).parent
Draw = Callable[[], None]

PERIOD_NS = 1_000_000_000 // 30
LONGEST_NS = 250_000_000  # between two drawings of a panel: less than until the last answer (see answers.js)
WINDOW = 8  # half of them are told at once: full rate up to a round trip of 0.13 s
PATIENCE_NS = 5_000_000_000
ASK_S = (
    3.0  # between two questions to a notebook's page: three in vain, and what it held is freed within 15 s
)


class PaceStatistics(NamedTuple):
    """`drawn` batches, of which `painted` were answered; `merged` marks were replaced by a newer one."""

    drawn: int
    painted: int
    merged: int


class Pace:
    """Decide what may be drawn now; `now` is in ns, monotonic."""

    def __init__(self) -> None:
        self._marked: dict[object, tuple[Draw, int]] = {}
        self._due: dict[object, int] = {}
        self._merged_of: Counter[object] = Counter()
        self._drawn = self._painted = self._merged = self._last = 0
        self._lock = threading.Lock()  # in a notebook the answers come in a thread of their own

    def mark(self, panel: object, draw: Draw, period: int = PERIOD_NS) -> None:
        """Have `draw` called for `panel` with the next drawing, in place of what it marked before."""
        with self._lock:
            if panel in self._marked:
                self._merged += 1
                self._merged_of[panel] += 1
            self._marked[panel] = draw, min(max(period, PERIOD_NS), LONGEST_NS)

    def take(self, now: int) -> list[Draw]:
        """Give what is to be drawn now and count it as one drawing; nothing when it is too soon for all."""
        with self._lock:
            if self._drawn - self._painted >= WINDOW and now - self._last < PATIENCE_NS:
                return []
            # half a period early is in time: a clock at just this rate trembles, and `due` keeps the grid
            due = [panel for panel in self._marked if now >= self._due.get(panel, 0) - PERIOD_NS // 2]
            for panel in due:
                self._due[panel] = max(self._due.get(panel, 0), now) + self._marked[panel][1]
            if due:
                self._drawn += 1
                self._last = now
            return [self._marked.pop(panel)[0] for panel in due]

    def forget(self, panel: object) -> None:
        """Leave out a panel that is shown no more."""
        with self._lock:
            self._marked.pop(panel, None)
            self._due.pop(panel, None)
            self._merged_of.pop(panel, None)

    def painted(self, number: int) -> None:
        """Take the browser's answer: everything up to drawing `number` is on the screen."""
        with self._lock:
            self._painted = max(self._painted, min(number, self._drawn))

    def restart(self) -> None:
        """Forget what is unanswered: a new view begins with nothing under way."""
        with self._lock:
            self._painted = self._drawn

    def merged_of(self, panel: object) -> int:
        """Give how many marks of one panel were replaced by a newer one."""
        return self._merged_of[panel]

    def statistics(self) -> PaceStatistics:
        """Give the counts since the beginning."""
        return PaceStatistics(self._drawn, self._painted, self._merged)


class Beat(Component):
    """The invisible part of a view that answers for the browser; `on_ready` is called when it has appeared."""

    _esm = "\n".join((_HERE / name).read_text("utf-8") for name in ("answers.js", "beat.js"))

    def __init__(self, owner: object, on_ready: Callable[[], None]) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            width=0, height=0, margin=0, sizing_mode="fixed"
        )
        self.pace = Pace()
        self.owner = owner  # a document keeps its components alive, and nothing else of ours
        self._on_ready = on_ready
        self._gathering = 0
        self._ready: set[str] = set()  # the outputs that have said that they are there
        self._view: object = None  # the newest of them, by the name that it gave itself
        self._heartbeat: Heartbeat | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def mark(self, panel: object, draw: Draw, period: int = PERIOD_NS) -> None:
        """Draw `panel` now, or as soon as the browser is ready for it; once in `period` ns at most."""
        self.pace.mark(panel, draw, period)
        self.flush()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Draw what is marked inside this block in one go at its end."""
        self._gathering += 1
        try:
            yield
        finally:
            self._gathering -= 1
            self.flush()

    def flush(self) -> None:
        """Draw what is marked, if it is time and somebody looks."""
        if self._is_heard and not self._gathering and (draws := self.pace.take(time.monotonic_ns())):
            sent = self.pace.statistics().drawn
            push(self, lambda: self._draw(draws, sent))

    @property
    def _is_heard(self) -> bool:
        # Panel sends a notebook one message as several. Who is not there yet misses the first of them, and takes
        # every later one for another part: so an output is sent nothing before it says that it is there
        return bool(self._models) and (self._models.keys() <= self._ready or not in_notebook(self))

    def _draw(self, draws: list[Draw], sent: int) -> None:
        with unlocked():  # one message for all of it: its WebSocket frames are what a drawing costs
            for draw in draws:
                draw()
            self._send_msg({"sent": sent})

    def _handle_msg(self, message: object) -> None:
        if not isinstance(message, dict):
            return
        if self._heartbeat is not None:
            self._heartbeat.heard()
        if view := message.get("ready"):
            self._appeared(view)
        elif isinstance(painted := message.get("painted"), int):
            self.pace.painted(painted)
        self.flush()

    def _appeared(self, view: object) -> None:
        send_at_once(self)
        arrived()
        self._watch()
        if self._heartbeat is not None:
            self._heartbeat.heard()
        with SENDING:  # a drawing of another thread would undo what is reset here
            self._ready = set(self._models)
            if view == self._view:
                self._send_msg({"ping": True})  # it did not hear yet that it was heard
                return
            self._view = view
            self.pace.restart()
            self._on_ready()

    def _get_model(
        self, doc: Document, root: Model | None = None, parent: Model | None = None, comm: object = None
    ) -> Model:
        if comm is not None:
            with suppress(RuntimeError):  # no loop runs: a script that only renders
                self._loop = asyncio.get_running_loop()
        model: Model = super()._get_model(doc, root, parent, comm)
        if comm is not None:
            self._watch()  # a cell that is run again at once may never show this output
        return model

    def _watch(self) -> None:
        """Find out when a notebook's output goes, which nobody tells; a served page's session tells by itself."""
        loop = self._loop
        if loop is None or loop.is_closed() or (self._heartbeat is not None and self._heartbeat.alive):
            return
        self._heartbeat = Heartbeat(lambda: self._send_msg({"ping": True}), self._lost, at_first=6)
        weak = weakref.ref(self)  # a timer must not keep alive what it watches

        def beat() -> None:
            if (view := weak()) is None or (heartbeat := view._heartbeat) is None:
                return
            if not view._models:
                heartbeat.stop()
            if heartbeat.alive:
                heartbeat.beat()
                loop.call_later(ASK_S, beat)

        loop.call_soon_threadsafe(loop.call_later, ASK_S, beat)

    def _lost(self) -> None:
        for ref in list(self._models):
            forget(ref)


def _still_open(record: logging.LogRecord) -> bool:
    # a tab may close between two frames of a message: that is no error, and at 30 Hz it happens each time
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, WebSocketClosedError) or "connection was closed" in str(record.msg))


for _name in ("asyncio", "bokeh.server.views.ws", "panel.io.document"):
    logging.getLogger(_name).addFilter(_still_open)
