"""What speaks on a socket of the gateway: one session a connection, opened by the path that the peer asked for."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from websockets.exceptions import NegotiationError
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from rtlab.feed.admission import Visit


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
