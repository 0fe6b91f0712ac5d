"""One peer's socket: WebSocket frames in, payloads to its session; payloads of its session out, as shared frames."""

import asyncio
import logging
import os
import time
from http import HTTPStatus
from typing import cast

from websockets.exceptions import InvalidMessage
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import CTRL_OPCODES, Frame
from websockets.http11 import Request, Response
from websockets.protocol import CLOSED, CLOSING, OPEN, SERVER
from websockets.protocol import Protocol as WebSocket
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from rtlab.errors import ProtocolError
from rtlab.feed.admission import Refusal, Visit
from rtlab.feed.frames import whole_messages
from rtlab.feed.http import answer, respond
from rtlab.feed.logs import WIRE, tell
from rtlab.feed.sessions import Hub, Session, select_subprotocol

CLOSE_GRACE_S = 1.0  # for the peer to answer a close; after that the transport is aborted
MAX_REASON = 123  # bytes of UTF-8 that a close frame carries
# no message depends on another one, so that a frame can be the same for all, and no reader needs a window of its own
_DEFLATE = [ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)]


class Connection(asyncio.Protocol):
    """A WebSocket connection over websockets' sans-IO protocol, without a task, a queue or a stream of its own.

    Theory of operation. The library parses the request and answers the handshake; then a session is opened by
    the path, and the library's state for the handshake is let go. Whole, final, uncompressed frames, which is
    what nearly all readers send, are read here; from the first byte that is something else (a fragment, a control
    frame, a frame that came in parts) all is given to a parser of the library, made for that.

    `write_due` asks the session what is due and writes that as frames that all readers share. It never waits:
    a reader that does not read would hold the writer. Bytes stay bounded because a session sends nothing while
    the transport is full (`pause_writing`) or its credit is used up. A write goes straight to the socket while
    the transport holds nothing back (`direct`), else behind what it holds; over TLS `Secured` does so.
    """

    __slots__ = (
        "_extensions",
        "_parts",
        "_protocol",
        "_visit",
        "bits",
        "bytes_sent",
        "direct",
        "hub",
        "peak_buffered",
        "place",
        "rests_until",
        "session",
        "subprotocol",
        "text",
        "transport",
    )
    transport: asyncio.Transport

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.session: Session | None = None
        self.subprotocol, self.text = "", False
        self.bytes_sent = self.peak_buffered = 0
        self.bits = 0  # of the window for compressed frames, 0: none
        self.direct = -1  # the socket's file descriptor, where one may write past the transport
        self.place = -1  # among the members of the hub's cohorts
        self.rests_until = 0  # ns: nothing is due before, unless the peer says something
        self._visit: Visit | None = None
        self._protocol: WebSocket | None = None
        self._extensions: list[Extension] = []
        self._parts: list[bytes] | None = None  # of a fragmented message

    # towards the hub

    def write_due(self, now: int) -> None:
        """Write what the session has for its peer at `now` (ns, monotonic); evict it where the ladder says so."""
        session = self.session
        if session is None:
            return
        payloads = session.payloads_to_send(now)
        self.rests_until = session.rests_until
        if payloads:
            before, frame = self.held(), self.hub.frames.frame
            for payload in payloads:
                self.write(frame(payload, text=self.text, bits=self.bits))
            self.measure(before, now)
        if session.closing is not None and session is self.session:  # it may be gone, for what it held
            self.hub.evicted(self)
            self.shut(*session.closing)

    def measure(self, before: int, now: int) -> None:
        """See what the transport holds after a write, having held `before` bytes; for more the hub must have room."""
        buffered = self.held()
        if buffered > before:
            self.peak_buffered = max(self.peak_buffered, buffered)
            self.hub.grew(buffered - before, now)

    def write(self, data: bytes) -> None:
        """Write whole frames, past the transport while it holds nothing back."""
        self.bytes_sent += len(data)
        write_past(self.transport, self.direct, data)

    def shut(self, code: int, reason: str) -> None:
        """Close as well as can be without waiting: a close frame, `CLOSE_GRACE_S` for its answer, then abort.

        A transport that is full cannot carry the close frame in time: it is aborted at once, as is one whose
        handshake is not done.
        """
        if self.session is None and self._protocol is not None and self._protocol.state in (CLOSING, CLOSED):
            return  # that is going on, and has its own time
        tell(logging.INFO, "closing", self, code=code, reason=reason)
        opened = self._silence()
        if not opened or self.held():
            self.transport.abort()
            return
        protocol = self._parser()
        if protocol.state is OPEN:
            protocol.send_close(code, _cut(reason))
        self._flush()
        self._abort_later()

    def held(self) -> int:
        """Give the bytes that wait for the socket."""
        return self.transport.get_write_buffer_size()

    def address(self) -> str:
        """Give host and port of the peer."""
        peer = self.transport.get_extra_info("peername")
        return "{}:{}".format(*peer[:2]) if peer else ""

    # from the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol: the socket was accepted."""
        self.transport = cast(asyncio.Transport, transport)
        self.hub.arrived(self)
        if transport.get_extra_info("sslcontext") is None and os.name == "posix":
            self.direct = transport.get_extra_info("socket").fileno()
        host = (transport.get_extra_info("peername") or ("",))[0]
        self._protocol = opening = ServerProtocol(
            select_subprotocol=select_subprotocol,
            extensions=_DEFLATE if self.hub.compression else None,
            max_size=self.hub.limits.message_bytes,
            logger=WIRE,
        )
        visit = self.hub.admission.arrived(host, time.monotonic_ns(), self.shut)
        if isinstance(visit, Refusal):
            self._answer(opening, _refusal(visit))
        else:
            self._visit = visit
            visit.wake = self._wake

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol: bytes of the peer."""
        if self._protocol is None:
            payloads = whole_messages(data, self.hub.limits.message_bytes)
            if payloads is not None:
                for payload in payloads:
                    self._receive(payload)
                return
        protocol = self._parser()
        was_over = protocol.eof_sent
        protocol.receive_data(data)
        if isinstance(protocol.handshake_exc, InvalidMessage) and not was_over:
            self._reject(respond(HTTPStatus.BAD_REQUEST, "what came is no HTTP request"))
        for event in protocol.events_received():
            if isinstance(event, Request):
                self._shake_hands(cast(ServerProtocol, protocol), event)
                if protocol.state is OPEN and data.endswith(b"\r\n\r\n") and data.count(b"\r\n\r\n") == 1:
                    self._flush()
                    self._protocol = None  # with it go the request and its headers
            elif isinstance(event, Frame):
                self._take(protocol, event)
        self._flush()

    def eof_received(self) -> None:
        """See asyncio.Protocol: the peer says no more."""
        if self._protocol is not None:
            self._protocol.receive_eof()
            self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol: the socket is gone."""
        self._silence()
        self.direct = -1
        visit, self._visit = self._visit, None
        if visit is not None:
            self.hub.admission.left(visit, time.monotonic_ns())
        self.hub.left(self)

    def pause_writing(self) -> None:
        """See asyncio.Protocol: the send buffer is full."""
        if self.session is not None:
            self.session.pause(time.monotonic_ns())

    def resume_writing(self) -> None:
        """See asyncio.Protocol: the send buffer has drained."""
        if self.session is not None:
            now = time.monotonic_ns()
            self.session.resume(now)
            self.write_due(now)

    # the handshake

    def _shake_hands(self, protocol: ServerProtocol, request: Request) -> None:
        visit, now = self._visit, time.monotonic_ns()
        if visit is None:
            return  # it was answered before it asked
        refusal = self.hub.admission.asked(visit, request, now)
        if refusal is not None:
            self._answer(protocol, _refusal(refusal))
            return
        service = self.hub.services.get(request.path.partition("?")[0])
        if service is None:
            self._answer(protocol, answer(self.hub.routes, request))
            return
        protocol.available_subprotocols = [Subprotocol(name) for name in service.subprotocols]
        self._answer(protocol, protocol.accept(request))
        if protocol.state is OPEN:
            self._flush()
            self.subprotocol = protocol.subprotocol or ""
            self.text, self._extensions = service.subprotocols[self.subprotocol], protocol.extensions
            for extension in protocol.extensions:
                if isinstance(extension, PerMessageDeflate):
                    self.bits = extension.local_max_window_bits
            self.session = service.open(self.subprotocol, visit, now)
            self.hub.opened(self)
            self.write_due(now)

    def _reject(self, response: Response) -> None:
        # the library only says EOF here
        self._count_refusal(response)
        self.write(response.serialize())

    def _count_refusal(self, response: Response) -> None:
        self.hub.refused(self)
        line = (response.body or b"").decode(errors="replace").partition("\n")[0]
        tell(logging.INFO, "refused", self, status=response.status_code, reason=line)

    def _answer(self, protocol: ServerProtocol, response: Response) -> None:
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            self._count_refusal(response)
        protocol.send_response(response)
        self._flush()

    # messages

    def _receive(self, payload: bytes) -> None:
        session = self.session
        if session is None:
            return
        now = time.monotonic_ns()
        try:
            session.receive(payload, now)
        except ProtocolError as foreign:
            self._send_away(foreign)
        else:
            self.write_due(now)

    def _take(self, protocol: WebSocket, frame: Frame) -> None:
        if self.session is None:
            return
        whole = frame.fin and frame.opcode not in CTRL_OPCODES
        if not whole:
            try:
                self.session.count(time.monotonic_ns())
            except ProtocolError as foreign:
                self._send_away(foreign)
                return
        if frame.opcode in CTRL_OPCODES:
            if protocol.state is not OPEN:
                self._silence()
        elif self._parts is None and frame.fin:
            self._receive(bytes(frame.data))
        else:
            self._join(frame)

    def _join(self, frame: Frame) -> None:
        parts = self._parts = self._parts or []
        parts.append(bytes(frame.data))
        if frame.fin:
            self._parts = None
            self._receive(b"".join(parts))

    def _send_away(self, foreign: ProtocolError) -> None:
        self.hub.foreign(self)
        self.shut(foreign.code, str(foreign))

    def _wake(self) -> None:
        if self.session is not None:
            self.write_due(time.monotonic_ns())

    # the library

    def _parser(self) -> WebSocket:
        if self._protocol is None:
            self._protocol = WebSocket(
                SERVER, state=OPEN, max_size=self.hub.limits.message_bytes, logger=WIRE
            )
            self._protocol.extensions = self._extensions
        return self._protocol

    def _flush(self) -> None:
        protocol = self._protocol
        if protocol is None:
            return
        writes = protocol.data_to_send()
        if not writes:
            return
        if protocol.state is OPEN and self.session is not None and self.held():
            self.hub.skipped(self)  # nothing but pongs, and the peer does not read
            return
        for data in writes:
            if data:
                self.write(data)
            elif self.transport.can_write_eof():
                self._end()
            else:
                self.transport.close()
        if protocol.state is not OPEN:
            self._silence()

    def _end(self) -> None:
        try:
            self.transport.write_eof()
        except OSError:  # the peer has reset what was just accepted: nobody is there to be told
            self.transport.abort()
        else:
            self._abort_later()

    def _abort_later(self) -> None:
        asyncio.get_running_loop().call_later(CLOSE_GRACE_S, self.transport.abort)

    def _silence(self) -> bool:
        session = self.session
        if session is not None:
            self.hub.silenced(self)
        self.session = self._parts = None
        return session is not None


def write_past(transport: asyncio.Transport, direct: int, data: bytes) -> None:
    """Write straight to the socket `direct` (-1: none) while its transport holds nothing back, else behind that."""
    if direct >= 0 and not transport.get_write_buffer_size():
        try:
            sent = os.write(direct, data)
        except BlockingIOError:
            sent = 0
        except OSError:  # the peer is gone: the loop will say so
            transport.abort()
            return
        if sent == len(data):
            return
        data = data[sent:]
    transport.write(data)


def _refusal(refusal: Refusal) -> Response:
    return respond(refusal.status, refusal.line, retry_after_s=refusal.retry_after_s)


def _cut(reason: str) -> str:
    return reason.encode()[:MAX_REASON].decode(errors="ignore")
