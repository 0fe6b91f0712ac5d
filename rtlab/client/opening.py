"""What is asked for when a connection is opened: subprotocol, token, certificates, compression."""

import logging
import ssl
from pathlib import Path
from typing import Any

from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.typing import Subprotocol

from rtlab.errors import ConfigError

MAX_MESSAGE = 16 << 20  # bytes of one message from a server, also when it was compressed
OPEN_TIMEOUT_S = 5.0
CLOSE_GRACE_S = 1.0  # for the peer to answer a close; after that the transport is aborted

log = logging.getLogger("rtlab.client.websocket")
log.setLevel(logging.INFO)  # at DEBUG websockets logs the headers, and so the token


class Opening:
    """How both clients open a connection. The token is in no text that this makes."""

    def __init__(
        self,
        subprotocol: str,
        *,
        token: str | None = None,
        ca_file: str | Path | None = None,
        compression: bool = False,
    ) -> None:
        self._subprotocol = subprotocol
        self._compression = compression
        self._trust = None if not ca_file else _trust(Path(ca_file))
        self._token: str | None = None
        if token:
            self.renew(token)

    def renew(self, token: str) -> None:
        """Show this token from now on; ConfigError when it is none that a header can carry."""
        if not token or not all("!" <= character <= "~" for character in token):
            raise ConfigError(
                "the caller's token is none", expected="visible ASCII characters", got="something else"
            )
        self._token = token

    def settings(self, url: str) -> dict[str, Any]:
        """Give what websockets' `connect`, asyncio or blocking, is called with for `url`."""
        settings: dict[str, Any] = {
            "subprotocols": [Subprotocol(self._subprotocol)],
            "compression": None,
            "proxy": None,
            "open_timeout": OPEN_TIMEOUT_S,
            "ping_interval": None,
            "close_timeout": CLOSE_GRACE_S,
            "max_size": MAX_MESSAGE,
            "logger": log,
        }
        if self._token is not None:
            settings["additional_headers"] = {"Authorization": f"Bearer {self._token}"}
        if self._trust is not None and url.startswith("wss:"):
            settings["ssl"] = self._trust
        if self._compression:
            # without a context the server can compress a message once for all who asked
            settings["extensions"] = [
                ClientPerMessageDeflateFactory(
                    server_no_context_takeover=True, client_no_context_takeover=True
                )
            ]
        return settings


def _trust(path: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError) as problem:
        raise ConfigError(
            f"the certificates in {path} cannot be read", expected="a PEM file", got=str(problem)
        ) from None
