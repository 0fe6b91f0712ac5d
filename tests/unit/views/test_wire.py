import asyncio
import json
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from bokeh.document.events import MessageSentEvent
from bokeh.protocol.messages.patch_doc import patch_doc
from bokeh.protocol.messages.pull_doc_reply import pull_doc_reply
from panel.io.state import state
from panel.models.esm import ESMEvent
from support.fake_page import FakePage
from support.page_socket import document_of, looking, message, serving, told, until_sent
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame
from websockets.streams import StreamReader
from websockets.sync.client import ClientConnection

from rtlab.views import wire
from rtlab.views.host import Component

SMALL, LARGE = np.array([1.5, np.nan, -np.inf]), np.arange(30_000.0)


class Leaf(Component):
    _esm = "export function render() {}"


def parts(data: bytes) -> list[str | bytes]:
    """The frames of what is written, read by another's parser."""
    reader, read = StreamReader(), []
    reader.feed_data(data)
    while reader.buffer:
        parsing = Frame.parse(reader.read_exact, mask=False)
        with pytest.raises(StopIteration) as done:
            next(parsing)
        frame = done.value.value
        read.append(bytes(frame.data).decode() if frame.opcode == 1 else bytes(frame.data))
    return read


def renamed(text: str, names: list[str]) -> object:
    for number, name in enumerate(names):
        text = text.replace(json.dumps(name), f'"buffer {number}"')
    return json.loads(text)


@pytest.mark.parametrize(
    "said",
    [
        {"type": "ping", "every": 3.0},
        {
            "none": None,
            "yes": True,
            "n": 7,
            "x": 1.7e12 + 0.125,
            "text": 'é "quoted" \u2028 \\',
            "lines": [[3, 1]],
        },
        {"nested": [{"y": 1.5, "label": "a"}, {}], "tuple": (1, [2.5, None])},
        {"odd": [float("nan"), float("inf"), -float("inf")]},
        {"points": SMALL, "more": np.arange(4.0)[::2]},
        {"points": LARGE, "text": "a" * 70_000},
        {"text": "a" * 300},
    ],
)
def test_what_is_written_is_what_bokeh_would_have_sent(said):
    page = FakePage(leaf := Leaf())
    model, _ = leaf._models[page.root.ref["id"]]
    pull_doc_reply.create("1", page.document)  # the browser knows all models
    sent = patch_doc.create([MessageSentEvent(page.document, "bokeh_event", ESMEvent(model, data=said))])
    header, metadata, content, *rest = parts(wire.frames(model.id, said))
    mine, theirs = json.loads(header), dict(sent.header)
    assert mine.pop("msgid") != theirs.pop("msgid")
    assert mine == theirs
    assert metadata == sent.metadata_json
    names, buffers = [json.loads(name)["id"] for name in rest[::2]], rest[1::2]
    # Bokeh leaves the entries of an empty mapping out
    plain = sent.content_json.replace('{"type":"map"}', '{"type":"map","entries":[]}')
    assert renamed(content, names) == renamed(plain, [buffer.id for buffer in sent.buffers])
    assert buffers == [buffer.to_bytes() for buffer in sent.buffers]
    page.close()


def test_messages_have_numbers_of_their_own():
    ids = {json.loads(parts(wire.frames("p1", {}))[0])["msgid"] for _ in range(3)}
    assert len(ids) == 3


def test_where_no_session_serves_the_page_a_message_goes_through_the_document():
    page = FakePage(leaf := Leaf())
    assert not wire.at_home(leaf, lambda: pytest.fail("it has no loop"))
    wire.send(leaf, {"type": "ping"})
    assert page.of("ping") == [{"type": "ping"}]
    page.close()


def test_to_nobody_nothing_is_sent():
    wire.send(Leaf(), {"type": "ping"})


class Seen:
    """A leaf of a served page and its browser; `run` does something on the page's loop."""

    def __init__(self, leaf: Leaf, browser: ClientConnection) -> None:
        self.leaf, self.browser = leaf, browser
        self.document = document_of(leaf)
        self.session = self.document.session_context.session
        [connection] = self.session._subscribed_connections
        self.socket = connection._socket

    def run(self, act) -> None:
        self.session._loop.add_callback(act)

    def numbers(self, count: int) -> list[object]:
        return [told(message(self.browser)[1])["n"] for _ in range(count)]


@pytest.fixture
def seen(request) -> Iterator[Seen]:
    leaves: list[Leaf] = []

    def app() -> Leaf:
        leaves.append(Leaf())
        return leaves[-1]

    with serving(app, **getattr(request, "param", {})) as url, looking(url) as browser:
        yield Seen(leaves[-1], browser)


def test_a_message_waits_for_no_document(seen):
    async def act() -> None:
        with await seen.session._lock.acquire():
            wire.send(seen.leaf, {"n": 1, "points": SMALL})
            await asyncio.to_thread(came.wait, 20)
            unlocked.append(came.is_set())

    came, unlocked = threading.Event(), []
    seen.run(act)
    _, content, buffers = message(seen.browser)
    assert told(content)["n"] == 1
    assert buffers == [SMALL.tobytes()]
    assert unlocked == []
    came.set()


def test_a_message_comes_between_no_other_messages_frames_and_all_come_in_order(seen):
    async def act() -> None:
        with await seen.socket.write_lock.acquire():
            wire.send(seen.leaf, {"n": 1})
            for part in ({"msgid": "x", "msgtype": "OK"}, {}, {"half-way": True}):
                await seen.socket.write_message(json.dumps(part), locked=False)
            wire.send(seen.leaf, {"n": 2})
        wire.send(seen.leaf, {"n": 3})

    seen.run(act)
    assert message(seen.browser)[1] == {"half-way": True}
    assert seen.numbers(3) == [1, 2, 3]


def test_a_browser_that_left_is_sent_nothing(seen):
    def act() -> None:
        seen.socket.close()
        wire.send(seen.leaf, {"n": 1})

    seen.run(act)
    with pytest.raises(ConnectionClosed):
        message(seen.browser)


@pytest.mark.parametrize("seen", [{"websocket_compression_level": 6}], indirect=True)
def test_a_socket_that_compresses_is_left_to_bokeh(seen):
    def act() -> None:
        reached.append(wire.at_home(seen.leaf, lambda: None))
        wire.send(seen.leaf, {"n": 1})

    reached: list[bool] = []
    seen.document.add_next_tick_callback(act)
    until_sent(seen.browser, '["n",1]')
    assert reached == [False]


def test_another_thread_sends_through_the_document(seen):
    wire.send(seen.leaf, {"n": 1})
    assert seen.numbers(1) == [1]


def test_another_thread_can_have_it_sent_from_the_loop(seen):
    def act() -> None:
        threads.append(threading.get_ident())
        wire.send(seen.leaf, {"n": 1})

    threads: list[int] = []
    assert wire.at_home(seen.leaf, act)
    assert seen.numbers(1) == [1]
    assert threads == [state._thread_id_[seen.document]] != [threading.get_ident()]


def test_on_the_loop_it_is_sent_at_once(seen):
    def act() -> None:
        for number in (1, 2):
            order.append(wire.at_home(seen.leaf, lambda number=number: order.append(number)))
        wire.send(seen.leaf, {"n": 3})

    order: list[object] = []
    seen.run(act)
    assert seen.numbers(1) == [3]
    assert order == [1, True, 2, True]
