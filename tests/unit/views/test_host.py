import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import ClassVar

import panel as pn
import pytest
from bokeh.document import Document
from panel.io import notebook
from panel.io.state import state
from panel.viewable import Child, Children, MimeRenderMixin
from pyviz_comms import Comm, CommManager
from support.fake_page import FakePage
from support.page_socket import document_of, looking, serving, until_sent
from websockets.sync.client import ClientConnection

from rtlab.views import host
from rtlab.views.host import SENDING, Component, Heartbeat, backend, forget, push, send_at_once


class FakeComm(Comm):
    """A notebook's comm that is open and remembers what was sent."""

    def __init__(self) -> None:
        super().__init__()
        self._comm = object()
        self.sent: list[object] = []
        self.closed = False

    def send(self, data=None, metadata=None, buffers=()):
        self.sent.append((threading.get_ident(), data if data is not None else list(buffers)))

    def close(self):
        self.closed = True


def in_a_notebook(pane: pn.viewable.Viewable) -> tuple[str, FakeComm]:
    comm = FakeComm()
    document = Document()
    root = pane.get_root(document, comm)
    document.add_root(root)
    document.hold()
    return root.ref["id"], comm


def test_push_without_anybody_who_looks_does_nothing():
    done = []
    assert not push(pn.pane.Str("a"), lambda: done.append(1))
    assert done == []


def test_push_in_a_page_that_nobody_serves_changes_at_once():
    pane = pn.pane.Str("a")
    page = FakePage(pane)
    done = []
    assert push(pane, lambda: done.append(1))
    assert done == [1]
    page.close()


def test_push_to_a_page_whose_tab_closed_does_nothing():
    pane, document, done = pn.pane.Str("a"), Document(), []
    document.add_root(pane.get_root(document))
    destroy(document)
    assert not push(pane, lambda: done.append(1))
    assert done == []


def destroy(document: Document) -> None:
    def session(event: object) -> None: ...

    document.on_change(session)  # as a session does, which its end takes away
    document.destroy(session)


class Session:
    """Stands for the session of a page that is served; a document refers to it weakly."""


def test_push_to_a_page_whose_tab_closes_meanwhile_does_nothing():
    pane, document, session = pn.pane.Str("a"), Document(), Session()
    document.add_root(pane.get_root(document))
    destroy(document)
    document._session_context = weakref.ref(session)  # the other thread is not done with it
    assert not push(pane, lambda: pytest.fail("changed what is gone"))


def test_push_in_a_notebook_changes_under_the_lock_and_sends():
    pane = pn.pane.Str("a")
    ref, comm = in_a_notebook(pane)
    model = pane._models[ref][0]
    held = []

    def change() -> None:
        thread = threading.Thread(target=lambda: held.append(SENDING.acquire(blocking=False)))
        thread.start()
        thread.join(5)
        model.text = "b"

    assert push(pane, change)
    assert held == [False]
    assert len(comm.sent) == 3
    assert "PATCH-DOC" in str(comm.sent[0])
    forget(ref)


def test_messages_of_two_threads_never_mix():
    comm = FakeComm()

    class Message:
        header_json, metadata_json, content_json, buffers = "h", "m", "c", ()

    senders = [
        threading.Thread(target=lambda: [notebook.send(comm, Message()) for _ in range(500)])
        for _ in range(3)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(30)
    triples = [comm.sent[i : i + 3] for i in range(0, len(comm.sent), 3)]
    assert len(triples) == 1500
    assert all([part for _, part in triple] == ["h", "m", "c"] for triple in triples)
    assert all(len({who for who, _ in triple}) == 1 for triple in triples)


def test_forget_frees_what_was_shown_in_a_notebook():
    pane = pn.Column(pn.pane.Str("a"))
    ref, comm = in_a_notebook(pane)
    client = FakeComm()
    pane._comms[ref] = (comm, client)
    forget(ref)
    assert ref not in state._views
    assert ref not in pane[0]._models
    assert comm.closed
    assert client.closed
    gone = weakref.ref(pane)
    del pane
    gc.collect()
    assert gone() is None


def test_no_list_of_comms_holds_what_was_forgotten():
    class Kernel:
        targets: ClassVar[dict[str, object]] = {}

    pane = pn.Column(pn.pane.Str("a"))
    ref, comm = in_a_notebook(pane)
    client = FakeComm()
    client._on_msg = partial(pane._on_msg, ref)
    client.manager = Kernel()
    CommManager._comms[client.id] = Kernel.targets[client.id] = client
    pane._comms[ref] = (comm, client)
    forget(ref)
    assert client.id not in CommManager._comms
    assert Kernel.targets == {}
    gone = weakref.ref(pane)
    del pane, client
    gc.collect()
    assert gone() is None


def test_forget_of_what_was_never_shown_does_nothing():
    forget("p999999999")


def test_a_message_to_what_was_forgotten_is_not_heard():
    pane = pn.pane.Str("a")
    MimeRenderMixin._on_msg(pane, "p999999999", None, {})


def test_panel_is_guarded_once():
    send, receive = notebook.send, MimeRenderMixin._on_msg
    host._guard_panel()
    assert (notebook.send, MimeRenderMixin._on_msg) == (send, receive)


@pytest.mark.parametrize(
    ("renderer", "chosen"),
    [
        ("ANGLE (NVIDIA, NVIDIA GeForce RTX 3080 Direct3D11)", "webgl"),
        ("Apple M2", "webgl"),
        ("Mesa Intel(R) UHD Graphics 620 (KBL GT2)", "webgl"),
        ("ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero)), SwiftShader driver)", "canvas"),
        ("llvmpipe (LLVM 15.0.7, 256 bits)", "canvas"),
        ("Microsoft Basic Render Driver", "canvas"),
        ("Mozilla", "canvas"),
        ("WebKit WebGL", "canvas"),
        ("", "canvas"),
        (None, "canvas"),
    ],
)
def test_webgl_only_where_hardware_draws_it(renderer, chosen):
    assert backend(renderer) == chosen


def test_send_at_once_where_there_is_no_socket_does_nothing():
    pane = pn.pane.Str("a")
    send_at_once(pane)
    page = FakePage(pane)
    send_at_once(pane)
    page.close()


class Listener:
    def _document_changed(self, event: object) -> None:
        pass


class Leaf(Component):
    _esm = "export function render() {}"


class Branch(Component):
    _esm = "export function render() {}"

    one = Child()
    many = Children()


def test_a_session_that_ends_cleans_up_the_parts_of_parts():
    leaf, leaves = Leaf(), [Leaf(), pn.pane.HTML("x")]
    tree = Branch(one=Branch(one=leaf), many=leaves)
    document, session, context = Document(), Listener(), SimpleNamespace(id="x")
    tree.server_doc(document)
    document.on_change_dispatch_to(session)
    parts = [tree, tree.one, leaf, *leaves]
    assert all(part._models for part in parts)
    context._document = document
    hooks = set(document.session_destroyed_callbacks)
    document.destroy(session)  # as Bokeh's session does before any hook runs
    for hook in hooks:
        hook(context)
    assert [part._models for part in parts] == [{}] * len(parts)


@pytest.fixture
def looked_at() -> Iterator[tuple[ClientConnection, pn.Column, Document]]:
    """A browser that never said that it is ready, the page's column and its document."""
    places: list[pn.Column] = []

    def app() -> pn.Column:
        places.append(pn.Column("first"))
        return places[-1]

    with serving(app) as url, looking(url) as browser:
        yield browser, places[-1], document_of(places[-1])


def test_a_change_while_the_browser_still_builds_the_page_arrives(looked_at):
    browser, column, page = looked_at
    page.add_next_tick_callback(lambda: column.append("second"))
    until_sent(browser, "second")


def test_what_is_pushed_to_a_page_on_its_own_loop_waits_for_no_callback_of_bokeh(looked_at):
    browser, column, page = looked_at
    state._loaded[page] = True
    callbacks: list[set[object]] = []

    def push_one() -> None:
        push(column, lambda: column.append("second"))
        callbacks.append(set(page.session_callbacks))

    page.session_context.session._loop.add_callback(push_one)
    until_sent(browser, "second")
    assert callbacks == [set()]


def test_what_another_thread_pushes_to_a_page_waits_for_no_callback_of_bokeh(looked_at):
    browser, column, page = looked_at
    state._loaded[page] = True
    session, threads = page.session_context.session, []

    def change() -> None:
        assert session._lock._block._value == 0  # it is held
        threads.append(threading.get_ident())
        column.append("second")

    assert push(column, change)
    assert page.session_callbacks == []
    until_sent(browser, "second")
    assert threads == [state._thread_id_[page]]


def test_what_is_pushed_while_somebody_holds_the_lock_comes_after_him(looked_at):
    browser, column, page = looked_at
    state._loaded[page] = True
    order: list[str] = []

    async def hold() -> None:
        push(column, lambda: order.append("behind") or column.append("second"))
        for _ in range(20):
            await asyncio.sleep(0)
        order.append("held")

    session = page.session_context.session
    session._loop.add_callback(lambda: session.with_document_locked(hold))
    until_sent(browser, "second")
    assert order == ["held", "behind"]


def test_who_never_answers_is_lost_after_so_many_questions():
    told: list[str] = []
    heart = Heartbeat(lambda: told.append("ask"), lambda: told.append("lost"), missed=2)
    for _ in range(5):
        heart.beat()
    assert told == ["ask", "ask", "lost"]
    assert not heart.alive


def test_who_answers_is_never_lost():
    told: list[str] = []
    heart = Heartbeat(lambda: told.append("ask"), lambda: told.append("lost"), missed=1)
    for _ in range(10):
        heart.beat()
        heart.heard()
    assert told == ["ask"] * 10


def test_a_stopped_heart_asks_no_more():
    told: list[str] = []
    heart = Heartbeat(lambda: told.append("ask"), lambda: told.append("lost"))
    heart.stop()
    heart.beat()
    assert told == []


def test_what_nobody_looks_at_is_in_no_notebook() -> None:
    assert not host.in_notebook(pn.pane.Str("text"))


def test_who_was_never_heard_is_asked_nothing_and_given_up_later():
    asked, lost = [], []
    heart = Heartbeat(lambda: asked.append(1), lambda: lost.append(1), missed=2, at_first=5)
    for _ in range(5):
        heart.beat()
    assert (asked, lost) == ([], [])
    heart.beat()
    assert (asked, lost, heart.alive) == ([], [1], False)


def test_once_heard_the_usual_patience_counts():
    asked, lost = [], []
    heart = Heartbeat(lambda: asked.append(1), lambda: lost.append(1), missed=2, at_first=5)
    heart.beat()
    heart.heard()
    for _ in range(3):
        heart.beat()
    assert (asked, lost) == ([1, 1], [1])
