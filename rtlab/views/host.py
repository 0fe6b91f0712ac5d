"""Where a view lives: a cell of a notebook, or a served page. What differs between the two is in here.

In a notebook, JupyterLab runs the callbacks of the browser in a thread of their own, beside the cells.
Panel sends one message as several, and empties a document's held changes without a lock: two threads
that do this at once give the browser broken messages. So there is one lock, `SENDING`, around all of it.

A served page ends when its session is destroyed, and Panel cleans up. A notebook's output just goes: when
it is cleared, its cell run again, or the page closed. JupyterLab's pyviz extension means to tell Panel when
an output is cleared, and in 4.6 does not. A `Heartbeat` finds out, and `forget` cleans up.

A served page is sent whole once, and after that each change. Panel takes it for connected only when the page has
built all its parts and says so, and drops the changes that come in between ("the document will be sent whole"):
what a part's first word brings about, a chart say, then never comes. So here a page is connected from the moment
in which it was sent whole.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Literal

from bokeh.document import Document
from bokeh.events import Event
from bokeh.model import Model
from bokeh.protocol.message import Message
from bokeh.server.session import ServerSession
from panel.custom import JSComponent
from panel.io import notebook
from panel.io.state import set_curdoc, state
from panel.viewable import Child, Children, MimeRenderMixin, Viewable
from pyviz_comms import Comm, CommManager  # type: ignore[import-untyped]

from rtlab.tabs import Tabbed

SENDING = threading.RLock()
"""Held while changes are collected and sent to a notebook."""

_SOFTWARE = ("swiftshader", "llvmpipe", "softpipe", "software", "basic render", "swrast", "paravirtual")
_CHANGES: set[asyncio.Future[None]] = set()  # a loop keeps no task of its own accord
_MASKED = ("", "mozilla", "webkit webgl")


def push(pane: Viewable, change: Callable[[], None]) -> bool:
    """Run `change`, which alters what `pane` shows, where that is legal, and send it; True if anybody looks.

    In a notebook at once and under the lock; in a served page at once inside one of its callbacks, else with the
    document's lock, in the thread of its loop. Without anybody who looks `change` is not run.
    """
    shown = [state._views[ref] for ref in list(pane._models) if ref in state._views]
    if not shown:
        return False
    _, _, document, comm = shown[-1]
    if comm:
        with SENDING:
            change()
            notebook.push_notebook(pane)
        return True
    if document.session_context is None or state._unblocked(document):
        if _is_destroyed(document):
            return False
        change()
        return True
    session: Any = getattr(document.session_context, "session", None)
    if session is not None and state._connected.get(document) and state._loaded.get(document):
        # with many tabs the callbacks by which Bokeh comes to its lock cost more than what is drawn
        if not is_home(document):
            session._loop.add_callback(push, pane, change)
            return True
        task = asyncio.ensure_future(session.with_document_locked(_changed, document, change))
        _CHANGES.add(task)
        task.add_done_callback(_CHANGES.discard)
        return True
    return _change_later(document, change)


def _changed(document: Document, change: Callable[[], None]) -> None:
    with set_curdoc(document):
        change()


def _change_later(document: Document, change: Callable[[], None]) -> bool:
    try:
        document.add_next_tick_callback(change)
    except AttributeError:
        if not _is_destroyed(document):
            raise
        return False  # its tab closed while another thread was about to change it
    return True


def is_home(document: Document) -> bool:
    """Whether this is the loop of a page whose browser was sent all of it."""
    is_own = state._thread_id_.get(document) == threading.get_ident()
    return bool(state._connected.get(document)) and is_own and asyncio._get_running_loop() is not None


def _is_destroyed(document: Document) -> bool:
    # Bokeh takes a document apart before it forgets its session
    return not hasattr(document, "roots")


def in_notebook(pane: Viewable) -> bool:
    """Whether what shows `pane` is the output of a notebook cell."""
    return any(state._views[ref][3] is not None for ref in list(pane._models) if ref in state._views)


def send_at_once(pane: Viewable) -> None:
    """Have the sockets of a served page send small messages without waiting for more to come.

    Bokeh does not ask for it: the three WebSocket frames of one message then wait for each other, 40 ms.
    """
    for ref in list(pane._models):
        context = state._views[ref][2].session_context if ref in state._views else None
        for connection in getattr(getattr(context, "session", None), "_subscribed_connections", ()):
            connection._socket.set_nodelay(True)


class Component(Tabbed, JSComponent):
    """A component whose messages are no work that Panel's busy indicator shows.

    Panel counts each message in and out of a list of all sessions: that costs more than to answer it.
    """

    __abstract = True

    def _process_bokeh_event(self, document: Document, event: Event) -> None:
        with set_curdoc(document):
            self._process_event(event)

    def _cleanup(self, root: Model | None = None) -> None:
        super()._cleanup(root)
        # Bokeh empties the models of a session that ends before Panel asks them for the children to clean up
        for name, one in self.param.objects("existing").items():
            if isinstance(one, Child | Children):
                held = getattr(self, name)
                for child in [held] if isinstance(held, Viewable) else held or ():
                    child._cleanup(root)


def backend(renderer: str | None) -> Literal["webgl", "canvas"]:
    """Choose a figure's output backend by what the browser says of its GL (`UNMASKED_RENDERER_WEBGL`).

    A GL that is computed by the processor draws 10 to 60 times slower than the canvas does. Where it is
    unknown, or the browser does not tell, the canvas is never wrong.
    """
    name = (renderer or "").strip().lower()
    if name in _MASKED or any(word in name for word in _SOFTWARE):
        return "canvas"
    return "webgl"


def forget(ref: str) -> None:
    """Free what Panel keeps for the notebook output of root `ref`; nothing if it keeps nothing."""
    with SENDING:
        shown = state._views.pop(ref, None)
        if shown is None:
            return
        viewable, root, document, _ = shown
        comms = viewable._comms.get(ref, ())
        viewable._cleanup(root)
        for comm in comms:
            _let_go(comm)
        viewable._documents.pop(document, None)
        # a weak dictionary whose values hold their own key
        state._stylesheets.pop(document, None)


def _let_go(comm: Comm) -> None:
    """Take a closed comm out of the lists that would hold it, and by its handler what was shown, for ever."""
    CommManager._comms.pop(comm.id, None)
    if kernel := getattr(comm, "manager", None):
        kernel.targets.pop(comm.id, None)


class Heartbeat:
    """Find out that nobody is there any more: who was asked several times in a row and never answered.

    It counts questions, not time: a kernel that was busy for minutes, and could neither ask nor hear,
    takes nobody for lost. `ask` is called by every `beat`; `lost` once, after `missed` unheard questions, or
    after `at_first` beats while nobody was ever heard: a page takes its time to appear, may never do, and must not
    be asked anything before.
    """

    def __init__(
        self,
        ask: Callable[[], None],
        lost: Callable[[], None],
        *,
        missed: int = 3,
        at_first: int | None = None,
    ) -> None:
        self._ask, self._lost, self._usual = ask, lost, missed
        self._missed = missed if at_first is None else at_first
        self._is_known = at_first is None
        self._unheard = 0
        self.alive = True

    def heard(self) -> None:
        """Note a sign of life."""
        self._unheard, self._missed, self._is_known = 0, self._usual, True

    def stop(self) -> None:
        """Ask no more."""
        self.alive = False

    def beat(self) -> None:
        """Ask again, or give up."""
        if not self.alive:
            return
        if self._unheard >= self._missed:
            self.alive = False
            self._lost()
            return
        self._unheard += 1
        if self._is_known:
            self._ask()


def _guard_panel() -> None:
    """Put the lock around what Panel does with a notebook, and count a page as connected. Once a process."""
    if getattr(notebook.send, "guarded_by_rtlab", False):
        return
    _guard_notebook()
    _guard_page()


def _guard_notebook() -> None:
    send, receive = notebook.send, MimeRenderMixin._on_msg

    def guarded_send(comm: Comm, msg: Message[object]) -> None:
        with SENDING:
            send(comm, msg)

    def guarded_receive(self: MimeRenderMixin, ref: str, manager: object, msg: object) -> None:
        # a message may come after its output was forgotten: there is nobody left to hear it
        with SENDING:
            if ref in state._views:
                receive(self, ref, manager, msg)

    guarded_send.guarded_by_rtlab = True  # type: ignore[attr-defined]
    notebook.send = guarded_send
    MimeRenderMixin._on_msg = guarded_receive  # type: ignore[method-assign]


def _guard_page() -> None:
    pull: Any = ServerSession._handle_pull

    async def guarded_pull(self: ServerSession, message: object, connection: object) -> object:
        whole: object = await pull(self, message, connection)
        if not self.destroyed:
            state._connected[self.document] = True  # nobody else ran since: no change is in neither
        return whole

    ServerSession._handle_pull = guarded_pull  # type: ignore[method-assign, assignment]


_guard_panel()
