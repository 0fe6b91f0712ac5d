"""A WebSocket connection that hands over each message the moment it arrives: no queue, no task switch."""

import asyncio
from collections.abc import Callable, Sequence

from websockets.asyncio.client import ClientConnection
from websockets.frames import DATA_OPCODES, Frame
from websockets.http11 import Response
from websockets.protocol import OPEN, Event

from rtlab.errors import ProtocolError

CLOSE_GRACE_S = 1.0  # for the peer to answer a close; after that the transport is aborted


class ReaderConnection(ClientConnection):
    """Calls `on_open` after the handshake and `on_payload` with each message, inside the event loop's read.

    The next message is looked at when this one has been applied, so back-pressure reaches the server as it
    is. A ProtocolError of a callback closes with its code, any other exception with 1011; it is kept in
    `failure`, and nothing is delivered after it.
    """

    on_open: Callable[["ReaderConnection"], None]
    on_payload: Callable[["ReaderConnection", bytes], None]
    failure: Exception | None = None

    def write(self, payloads: Sequence[bytes], *, text: bool) -> None:
        """Send messages without waiting; a connection that is not open sends nothing."""
        if not payloads or self.protocol.state is not OPEN:
            return
        send = self.protocol.send_text if text else self.protocol.send_binary
        for payload in payloads:
            send(payload)
        self.send_data()

    def shut(self, code: int, reason: str) -> None:
        """Send a close frame and allow the peer `CLOSE_GRACE_S` to answer it, without waiting."""
        if self.protocol.state is OPEN:
            self.protocol.send_close(code, reason.encode()[:123].decode(errors="ignore"))
            self.send_data()
        self.loop.call_later(CLOSE_GRACE_S, self.transport.abort)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol: the socket is connected."""
        super().connection_made(transport)
        self._parts: list[bytes] = []

    def process_event(self, event: Event) -> None:
        """See websockets: called with the handshake's response, then with each frame."""
        if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
            self._parts.append(bytes(event.data))
            if event.fin:
                payload = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
                self._parts.clear()
                self._guard(lambda: self.on_payload(self, payload))
            return
        super().process_event(event)
        if isinstance(event, Response) and self.protocol.state is OPEN:
            self._guard(lambda: self.on_open(self))

    def _guard(self, step: Callable[[], None]) -> None:
        if self.failure is not None:
            return
        try:
            step()
        except ProtocolError as foreign:
            self.failure = foreign
            self.shut(foreign.code, str(foreign))
        except Exception as problem:  # noqa: BLE001  whatever a callback raised ends the client, which raises it
            self.failure = problem
            self.shut(1011, f"the reader failed: {type(problem).__name__}")
