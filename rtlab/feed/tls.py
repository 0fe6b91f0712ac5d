"""TLS for the gateway: a certificate and its key, from files, and the handshake on a socket."""

import asyncio
import contextlib
import os
import ssl
from pathlib import Path
from typing import Any, cast

from rtlab.errors import ConfigError
from rtlab.feed.connection import write_past

_READ = 1 << 16


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Give a context that serves `certificate` (PEM, the chain below it in the same file) with its `key`.

    TLS 1.2 or newer. ConfigError when a file cannot be read, is no PEM, is locked, or the two do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
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


class Secured(asyncio.Protocol, asyncio.Transport):
    """TLS on a socket that was accepted: the transport of its Connection, once it has shaken hands in time.

    The crypto is `ssl`'s, over memory, so that what waits for a slow reader waits in the transport below and nowhere
    else: a loop's own TLS counts only what it has not encrypted yet, which is next to nothing. As a Connection does, it
    writes past that transport while that holds nothing back. Who fails to shake hands is closed, and nobody is told.
    """

    _below: asyncio.Transport

    def __init__(self, context: ssl.SSLContext, within_s: float, connection: asyncio.Protocol) -> None:
        self._context, self._within_s, self._connection = context, within_s, connection
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._came, self._goes, server_side=True)
        self._is_open = False
        self._direct = -1

    # towards the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol: the socket was accepted."""
        self._below = cast(asyncio.Transport, transport)
        if os.name == "posix":
            self._direct = transport.get_extra_info("socket").fileno()
        self._deadline = asyncio.get_running_loop().call_later(self._within_s, self._below.abort)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol: bytes of the peer."""
        self._came.write(data)
        try:
            if not self._is_open:
                self._tls.do_handshake()
                self._open()
            self._read()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError:  # it speaks no TLS, or not ours
            self._flush()  # why, as TLS says it
            self._below.close()

    def eof_received(self) -> None:
        """See asyncio.Protocol: the peer says no more, and TLS knows no half of a connection."""
        if self._is_open:
            self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol: the socket is gone."""
        self._direct = -1
        self._deadline.cancel()
        if self._is_open:
            self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        """See asyncio.Protocol: the send buffer is full."""
        if self._is_open:
            self._connection.pause_writing()

    def resume_writing(self) -> None:
        """See asyncio.Protocol: the send buffer has drained."""
        if self._is_open:
            self._connection.resume_writing()

    # towards the connection

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See asyncio.Transport; nothing is written any more once it is closing."""
        if not self._below.is_closing():
            self._tls.write(data)
            self._flush()

    def get_write_buffer_size(self) -> int:
        """See asyncio.Transport: encrypted bytes."""
        return self._below.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """See asyncio.Transport."""
        return self._context if name == "sslcontext" else self._below.get_extra_info(name, default)

    def can_write_eof(self) -> bool:
        """See asyncio.Transport: TLS knows no half of a connection."""
        return False

    def is_closing(self) -> bool:
        """See asyncio.Transport."""
        return self._below.is_closing()

    def close(self) -> None:
        """See asyncio.Transport: the peer is told, and what waits is still written."""
        if not self._below.is_closing():
            with contextlib.suppress(ssl.SSLError):  # it does not wait for the answer
                self._tls.unwrap()
            self._flush()
            self._below.close()

    def abort(self) -> None:
        """See asyncio.Transport."""
        self._below.abort()

    def _open(self) -> None:
        self._deadline.cancel()
        self._flush()
        self._is_open = True
        self._connection.connection_made(self)

    def _read(self) -> None:
        while not self._below.is_closing():
            data = self._tls.read(_READ)
            if not data:  # the peer closes TLS
                self._connection.eof_received()
                self.close()
                return
            self._connection.data_received(data)

    def _flush(self) -> None:
        data = self._goes.read()
        if data:
            write_past(self._below, self._direct, data)
