"""What stands on both sides of a connection: its session, opened by the path the peer asked for, and the gateway."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from websockets.exceptions import NegotiationError
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from rtlab.feed.admission import Admission, Visit
from rtlab.feed.frames import Frames
from rtlab.feed.http import Route
from rtlab.protocol import Limits

if TYPE_CHECKING:
    from rtlab.feed.connection import Connection


class Session(Protocol):
    """One peer's half of a protocol of whole messages, without input or output; `now` is monotonic ns."""

    @property
    def closing(self) -> tuple[int, str] | None:
        """Give the close code and reason once the peer is to be sent away."""

    @property
    def rests_until(self) -> int:
        """Give until when (ns) nothing is due unless the peer says something; 0: it may be at any moment."""

    def receive(self, payload: bytes, now: int) -> None:
        """Take a message in; ProtocolError closes the connection with its code."""

    def count(self, now: int) -> None:
        """Count a frame that is no message (a control frame, a fragment); ProtocolError when there are too many."""

    def payloads_to_send(self, now: int) -> list[bytes]:
        """Give the messages that are due."""

    def pause(self, now: int) -> None:
        """Hear that the transport's write buffer is full."""

    def resume(self, now: int) -> None:
        """Hear that it has drained."""


class Service(NamedTuple):
    """A path of the gateway. `subprotocols` are those it speaks, the default first; True: in text frames.

    `open(subprotocol, visit, now)` gives the session of a peer that was let in.
    """

    subprotocols: Mapping[str, bool]
    open: Callable[[str, Visit, int], Session]


class Hub(Protocol):
    """What a connection needs of the gateway that owns it."""

    frames: Frames
    limits: Limits
    compression: bool
    admission: Admission

    @property
    def routes(self) -> Mapping[str, Route]:
        """Give the plain pages by path."""

    @property
    def services(self) -> Mapping[str, Service]:
        """Give the sessions by path."""

    def arrived(self, connection: "Connection") -> None:
        """A socket was accepted; the handshake is still to come."""

    def opened(self, connection: "Connection") -> None:
        """The handshake is done and the session is there."""

    def refused(self, connection: "Connection") -> None:
        """The peer was turned away before its handshake was done."""

    def silenced(self, connection: "Connection") -> None:
        """The session is over; the socket may still be there for the close."""

    def left(self, connection: "Connection") -> None:
        """The socket is gone."""

    def evicted(self, connection: "Connection") -> None:
        """The ladder gave this reader up."""

    def foreign(self, connection: "Connection") -> None:
        """The peer said what the protocol does not allow."""

    def skipped(self, connection: "Connection") -> None:
        """A pong was not sent, because the peer does not read."""

    def grew(self, size: int, now: int) -> None:
        """A transport holds `size` bytes more than before; for these readers may have to go, also this one."""


def select_subprotocol(protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol:
    """Take the first subprotocol of the peer that the path speaks; refuse with one clear line when there is none."""
    known = protocol.available_subprotocols or ()
    for subprotocol in offered:
        if subprotocol in known:
            return subprotocol
    raise NegotiationError(
        f"the client offers no subprotocol of this path: expected {' or '.join(known)}, "
        f"got {ascii(', '.join(offered))[:120] if offered else 'none'}"
    )
