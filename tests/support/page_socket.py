"""A served page and a browser that is no more than its WebSocket."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import panel as pn
from bokeh.document import Document
from bokeh.util.token import generate_jwt_token, generate_session_id
from panel.io.state import state
from panel.viewable import Viewable
from websockets.sync.client import ClientConnection, connect


@contextmanager
def serving(app: Callable[[], object], **options: object) -> Iterator[str]:
    """The address of the socket of a page, served by a thread."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    # the port listens before this returns
    server = pn.serve(app, port=port, address="127.0.0.1", show=False, start=False, verbose=False, **options)
    server.start()
    runs = threading.Thread(target=server.io_loop.start)
    runs.start()
    try:
        yield f"ws://127.0.0.1:{port}/ws"
    finally:
        server.io_loop.add_callback(server.io_loop.stop)
        runs.join(10)
        server.stop()


@contextmanager
def looking(url: str) -> Iterator[ClientConnection]:
    """A browser that took the page whole and never said that it is ready."""
    tokens = ["bokeh", generate_jwt_token(generate_session_id())]
    with connect(url, subprotocols=tokens, open_timeout=60) as browser:
        assert "ACK" in browser.recv(20)
        for part in ({"msgid": "1", "msgtype": "PULL-DOC-REQ"}, {}, {}):
            browser.send(json.dumps(part))
        until_sent(browser, '"roots"')
        yield browser


def until_sent(browser: ClientConnection, text: str) -> str:
    """Read until a frame holds `text`; that frame."""
    while not isinstance(frame := browser.recv(20), str) or text not in frame:
        pass
    return frame


def message(browser: ClientConnection) -> tuple[dict, dict, list[bytes]]:
    """The next message: header, content and buffers."""
    header, metadata, content = (json.loads(browser.recv(20)) for _ in range(3))
    assert metadata == {}
    buffers = []
    for _ in range(header.get("num_buffers", 0)):
        assert re.fullmatch(r'\{"id": ?"[^"]+"\}', browser.recv(20))
        buffers.append(browser.recv(20))
    return header, content, buffers


def told(content: dict) -> dict[str, object]:
    """What a message to a component says, as far as its values are plain; nothing of other messages."""
    match content:
        case {"events": [{"kind": "MessageSent", "msg_data": {"values": {"entries": entries}}}]}:
            return dict(dict(entries)["data"]["entries"])
    return {}


def document_of(pane: Viewable) -> Document:
    [ref] = pane._models
    return state._views[ref][2]


def say(browser: ClientConnection, pane: Viewable, words: dict[str, object]) -> None:
    """Have the browser's half of a component say something."""
    [(model, _)] = pane._models.values()
    data = {"type": "map", "entries": list(words.items())}
    values = {"type": "map", "entries": [["model", {"id": model.id}], ["data", data]]}
    event = {"type": "event", "name": "data_event", "values": values}
    sent = {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event}
    for part in ({"msgid": "1", "msgtype": "PATCH-DOC"}, {}, {"events": [sent]}):
        browser.send(json.dumps(part))
