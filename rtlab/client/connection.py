"""A WebSocket connection that hands over each message the moment it arrives: no queue, no task switch."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence

from websockets.asyncio.client import ClientConnection
from websockets.frames import DATA_OPCODES, Frame
from websockets.http11 import Response
from websockets.protocol import OPEN, Event

from rtlab.client.opening import CLOSE_GRACE_S
from rtlab.errors import ProtocolError


class ReaderConnection(ClientConnection):
    """Calls `on_open` after the handshake and `on_payload` with each message, inside the event loop's read.

    The next message is looked at when this one has been applied, so back-pressure reaches the server as it
    is. A ProtocolError of a callback closes with its code, any other exception with 1011; it is kept in
    `failure`, and nothing is delivered after it.

    `hold` stops all that: the socket is not read, and what one read brought already waits. Nothing is applied, so
    nothing is answered: the server sees a reader that takes nothing, sends no more than its window, and in the end
    gives it up. Nor does this end notice then that the connection is gone. `release` goes on where it stood; close
    a held connection after `release`, or its close frame would wait for an answer that is not read.
    """

    on_open: Callable[["ReaderConnection"], None]
    on_payload: Callable[["ReaderConnection", bytes], None]
    failure: Exception | None = None
    is_held = False
    heard = 0
    """When something came last, or might have (ns, monotonic)."""

    def hold(self) -> None:
        """Deliver nothing and do not read the socket until `release`. Idempotent."""
        if not self.is_held and not self.transport.is_closing():
            self.is_held = True
            self.transport.pause_reading()

    def release(self) -> None:
        """Deliver what waits, in the loop's next turn, then read the socket again. Idempotent."""
        if self.is_held:
            self.is_held = False
            self.heard = time.monotonic_ns()
            self.loop.call_soon(self._go_on)

    def give_up(self) -> None:
        """Deliver nothing any more."""
        self._waiting.clear()
        self.on_payload = _ignore
        self.release()

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
        self._waiting: deque[bytes] = deque()  # at most what one read of the socket brought
        self.heard = time.monotonic_ns()

    def process_event(self, event: Event) -> None:
        """See websockets: called with the handshake's response, then with each frame."""
        if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
            self._parts.append(bytes(event.data))
            if event.fin:
                payload = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
                self._parts.clear()
                self.heard = time.monotonic_ns()
                if self.is_held or self._waiting:
                    self._waiting.append(payload)
                else:
                    self._guard(lambda: self.on_payload(self, payload))
            return
        super().process_event(event)
        if isinstance(event, Response) and self.protocol.state is OPEN:
            self._guard(lambda: self.on_open(self))

    def _go_on(self) -> None:
        while self._waiting and not self.is_held:
            payload = self._waiting.popleft()
            self._guard(lambda payload=payload: self.on_payload(self, payload))  # type: ignore[misc]
        if not self.is_held and not self.transport.is_closing():
            self.transport.resume_reading()

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


def _ignore(connection: ReaderConnection, payload: bytes) -> None:
    """Take a message in that nobody waits for any more."""
