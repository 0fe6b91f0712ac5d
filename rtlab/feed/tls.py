"""TLS for the gateway: a certificate and its key, from files, and the handshake on a socket."""

import asyncio
import ssl
from pathlib import Path
from typing import cast

from rtlab.errors import ConfigError
from rtlab.feed.connection import Connection


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Give a context that serves `certificate` (PEM, the chain below it in the same file) with its `key`.

    TLS 1.2 or newer. ConfigError when a file cannot be read, is no PEM, is locked, or the two do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for path in (certificate, key):
        try:
            path.open("rb").close()
        except OSError as problem:
            raise ConfigError(f"the file {path} cannot be read", got=problem.strerror) from None

    def locked() -> str:
        raise ConfigError(f"the key {key} is locked", expected="a key without a passphrase")

    try:
        context.load_cert_chain(certificate, key, password=locked)
    except ssl.SSLError as problem:
        raise ConfigError(
            "the certificate and its key cannot be used",
            expected=f"PEM files that belong together, {certificate} and {key}",
            got=problem.reason or str(problem),
        ) from None
    return context


class Secured(asyncio.Protocol):
    """Shakes hands on a socket that was accepted, within so many seconds, and gives it to its Connection.

    A server of asyncio's own that speaks TLS hides the transport below, and with it most of what waits for a slow
    reader: TLS passes on at once whatever it is given. Who fails to shake hands is closed, and nobody is told.
    """

    def __init__(self, context: ssl.SSLContext, within_s: float, connection: Connection) -> None:
        self._context, self._within_s, self._connection = context, within_s, connection
        self._early: list[bytes] = []  # came together with the end of the handshake
        self._is_gone = False
        self._shaking: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol: the socket was accepted."""
        below = cast(asyncio.Transport, transport)
        below.pause_reading()  # what it says is read by TLS
        self._shaking = asyncio.get_running_loop().create_task(self._shake(below))

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol: bytes of the peer, decrypted."""
        self._early.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol: the peer is gone before its handshake was done."""
        self._is_gone = True

    async def _shake(self, below: asyncio.Transport) -> None:
        connection, loop = self._connection, asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(
                below, self, self._context, server_side=True, ssl_handshake_timeout=self._within_s
            )
        except OSError:  # it speaks no TLS, or not ours, or too slowly
            below.abort()
            return
        if transport is None or self._is_gone:
            return
        transport.set_protocol(connection)
        connection.below = below
        connection.connection_made(transport)
        for data in self._early:
            connection.data_received(data)
