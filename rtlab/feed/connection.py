"""One reader's socket: moves payloads between a Subscriber and the transport, and knows when to give up."""

import asyncio
import time
from typing import Protocol

from websockets.asyncio.server import ServerConnection
from websockets.protocol import OPEN

from rtlab.feed.frames import Frames
from rtlab.feed.statistics import ConnectionStatistics
from rtlab.protocol import Subscriber

CLOSE_GRACE_S = 1.0  # for the peer to answer a close; after that the transport is aborted


class Hub(Protocol):
    """What a connection needs of the gateway that owns it."""

    frames: Frames

    def arrived(self, connection: "FeedConnection") -> None:
        """A socket was accepted; the handshake is still to come."""

    def left(self, connection: "FeedConnection") -> None:
        """The socket is gone."""

    def evicted(self, connection: "FeedConnection") -> None:
        """The ladder gave this reader up."""


class FeedConnection(ServerConnection):
    """A WebSocket connection that writes prebuilt frames and tells its Subscriber about the transport.

    Theory of operation. After the handshake a Subscriber is attached. `write_due` asks it what is due and
    writes that as frames that all readers share, straight to the transport: websockets' own `send` would wait
    in `drain()`, and a reader that does not read would hold the writer. Bytes stay bounded because a
    Subscriber sends nothing while the transport is full (`pause_writing`) or its credit is used up. A direct
    write skips the state check of websockets, so it happens in state OPEN only.
    """

    hub: Hub
    subscriber: Subscriber | None = None
    bytes_sent = 0
    peak_buffered = 0

    def attach(self, subscriber: Subscriber, *, text: bool) -> None:
        """Serve this connection from `subscriber` from now on, in text or binary frames."""
        self.subscriber = subscriber
        self._text = text
        self.write_due(time.monotonic_ns())

    def write_due(self, now: int) -> None:
        """Write what the Subscriber has for its reader at `now` (ns, monotonic); evict it where the ladder says so."""
        subscriber = self.subscriber
        if subscriber is None or self.protocol.state is not OPEN:
            return
        payloads = subscriber.payloads_to_send(now)
        if payloads:
            frame = self.hub.frames.frame
            for payload in payloads:
                data = frame(payload, text=self._text)
                self.bytes_sent += len(data)
                self.transport.write(data)
            self.peak_buffered = max(self.peak_buffered, self.transport.get_write_buffer_size())
        if subscriber.closing is not None:
            self.hub.evicted(self)
            self.shut(*subscriber.closing)

    def receive(self, payload: bytes) -> None:
        """Hand a message of the reader to its Subscriber and write what that makes due; raises ProtocolError."""
        now = time.monotonic_ns()
        if self.subscriber is not None:
            self.subscriber.receive(payload, now)
            self.write_due(now)

    def shut(self, code: int, reason: str) -> None:
        """Close as well as can be without waiting: a close frame, `CLOSE_GRACE_S` for its answer, then abort.

        A transport that is full cannot carry the close frame in time: it is aborted at once.
        """
        self.subscriber = None
        if self.protocol.state is OPEN:
            self.protocol.send_close(code, _cut(reason))
            self.send_data()
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.loop.call_later(CLOSE_GRACE_S, self.transport.abort)

    def statistics(self) -> ConnectionStatistics | None:
        """Give this reader's counters; None before its handshake and after its end."""
        if self.subscriber is None:
            return None
        return ConnectionStatistics(
            address="{}:{}".format(*self.remote_address[:2]) if self.remote_address else "",
            subprotocol=self.subprotocol or "",
            state=str(self.subscriber.state),
            buffered=self.transport.get_write_buffer_size(),
            peak_buffered=self.peak_buffered,
            bytes_sent=self.bytes_sent,
            subscriber=self.subscriber.statistics(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol: the socket was accepted."""
        super().connection_made(transport)
        self.hub.arrived(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol: the socket is gone."""
        super().connection_lost(exc)
        self.hub.left(self)
        self.subscriber = None

    def pause_writing(self) -> None:
        """See asyncio.Protocol: the send buffer is full."""
        super().pause_writing()
        if self.subscriber is not None:
            self.subscriber.pause(time.monotonic_ns())

    def resume_writing(self) -> None:
        """See asyncio.Protocol: the send buffer has drained."""
        super().resume_writing()
        if self.subscriber is not None:
            now = time.monotonic_ns()
            self.subscriber.resume(now)
            self.write_due(now)


def _cut(reason: str) -> str:
    # a close frame carries at most 123 bytes of UTF-8
    return reason.encode()[:123].decode(errors="ignore")
