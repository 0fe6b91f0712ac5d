"""What the gateway logs about its readers: who came and left and why, never what they brought to be let in."""

import logging
from typing import Protocol

from rtlab.telemetry import event

LOG = logging.getLogger("rtlab.feed")
WIRE = logging.getLogger("rtlab.feed.wire")
"""For the WebSocket library, which would show whole requests with their tokens at DEBUG, and says little at INFO."""
WIRE.setLevel(logging.WARNING)


class Addressed(Protocol):
    """Somebody with an address."""

    def address(self) -> str:
        """Give host and port."""


def tell(level: int, what: str, peer: Addressed, **fields: object) -> None:
    """Log that `what` happened with `peer`; costs nothing when `level` is not logged."""
    if LOG.isEnabledFor(level):
        event(LOG, level, what, address=peer.address(), **fields)
