"""Messages of a component straight onto the sockets of its page.

Theory of operation. To Bokeh a message is a change of the document: under the document's lock it is held, walked node
by node, compared with all models, and written frame by frame. But a message changes no model and refers to none but
its own. So here its frames are put together from bytes and written as one piece: a header, no metadata, the content,
and of each array a name and its bytes, as Bokeh would have sent them.

A page takes messages so when the browser has its document, the sender is in the thread of its loop, and its sockets do
not compress. All else, a notebook above all, goes Bokeh's way. While another message is half-way on a socket ours
waits for its turn, and those after it wait behind it.
"""

import math
import struct
from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple

import msgspec
import numpy as np
from bokeh.document import Document
from panel.io.state import state
from panel.models.esm import ESMEvent
from tornado.websocket import WebSocketHandler

from rtlab.views.host import Component, is_home

_TEXT, _BINARY, _LAST = 0x1, 0x2, 0x80  # of a WebSocket frame (RFC 6455, 5.2)
_NUMBERS = count(1)
_encode = msgspec.json.Encoder().encode


class _Page(NamedTuple):
    model: str
    document: Document
    loop: Any
    sockets: list[Any]


def send(component: Component, message: dict[str, object]) -> None:
    """Send a message to whoever looks at a component: of what JSON knows, any floats, and arrays of float64."""
    pages = _pages(component)
    if pages is None or not all(is_home(page.document) for page in pages):
        component._send_msg(message)
        return
    for page in pages:
        data = frames(page.model, message)
        for socket in page.sockets:
            _write(socket, data)


def at_home(component: Component, act: Callable[[], object]) -> bool:
    """Have `act`, which sends and changes no model, run in the thread of the page's loop: at once if this is it.

    False, and it is not run, where nobody looks or messages go Bokeh's way.
    """
    if not (pages := _pages(component)):
        return False
    if all(is_home(page.document) for page in pages):
        act()
    else:
        pages[-1].loop.add_callback(act)
    return True


def frames(model: str, message: dict[str, object]) -> bytes:
    """Give the WebSocket frames of a message to the component whose model has this id."""
    buffers: list[bytes] = []
    data = _rep(message, buffers)
    values = {"type": "map", "entries": [["model", {"id": model}], ["data", data]]}
    event = {"type": "event", "name": ESMEvent.event_name, "values": values}
    content = {"events": [{"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event}]}
    header = {"msgid": f"rtlab{next(_NUMBERS)}", "msgtype": "PATCH-DOC", "num_buffers": len(buffers)}
    parts = [_frame(_TEXT, _encode(part)) for part in (header, {}, content)]
    for number, buffer in enumerate(buffers):
        parts += [_frame(_TEXT, _encode({"id": _name(number)})), _frame(_BINARY, buffer)]
    return b"".join(parts)


def _pages(component: Component) -> list[_Page] | None:
    """Give where a component is shown; None where a message to it must go Bokeh's way from any thread."""
    pages = []
    for ref, (model, _) in list(component._models.items()):
        if ref not in state._views or ref in state._fake_roots:
            continue
        _, _, document, comm = state._views[ref]
        session: Any = getattr(document.session_context, "session", None)
        if comm or session is None or not state._connected.get(document):
            return None
        sockets = [connection._socket for connection in list(session._subscribed_connections)]
        if not all(map(_is_plain, sockets)):
            return None
        pages.append(_Page(model.id, document, session._loop, sockets))
    return pages


def _is_plain(socket: object) -> bool:
    return isinstance(socket, WebSocketHandler) and socket.get_compression_options() is None


def _write(socket: Any, data: bytes) -> None:
    turn = socket.write_lock.acquire()

    def write(turn: Any) -> None:
        with turn.result():
            connection = socket.ws_connection
            if connection is not None and not connection.is_closing():
                connection.stream.write(data)

    if turn.done():
        write(turn)
    else:
        turn.add_done_callback(write)


def _rep(value: object, buffers: list[bytes]) -> object:
    """Say a value as Bokeh's protocol does; the bytes of arrays go to `buffers`."""
    match value:
        case float():
            return value if math.isfinite(value) else {"type": "number", "value": _named(value)}
        case dict():
            return {"type": "map", "entries": [[key, _rep(one, buffers)] for key, one in value.items()]}
        case list() | tuple():
            return [_rep(one, buffers) for one in value]
        case np.ndarray():
            buffers.append(value.astype("<f8", copy=False).tobytes())
            array = {"type": "bytes", "data": {"id": _name(len(buffers) - 1)}}
            shape = {"dtype": "float64", "shape": value.shape, "order": "little"}
            return {"type": "ndarray", "array": array, **shape}
    return value


def _named(value: float) -> str:
    return "nan" if math.isnan(value) else "+inf" if value > 0 else "-inf"


def _name(number: int) -> str:
    return f"b{number}"


def _frame(kind: int, data: bytes) -> bytes:
    length = len(data)
    if length < 126:
        return struct.pack("!BB", _LAST | kind, length) + data
    if length < 65_536:
        return struct.pack("!BBH", _LAST | kind, 126, length) + data
    return struct.pack("!BBQ", _LAST | kind, 127, length) + data
