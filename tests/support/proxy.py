"""A TCP proxy in the test's own event loop that can cut, delay, throttle and refuse what goes through it."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Self

CHUNK = 1 << 16


class Proxy:
    """Relays one local port to `port`. `url` is where the client goes; changing an attribute acts at once.

    `delay_s` holds every chunk back, `bytes_per_s` throttles what the server sends, `refusing` closes
    whoever comes, `spoil` may change the server's bytes.
    """

    def __init__(self, port: int, *, delay_s: float = 0.0, bytes_per_s: float | None = None) -> None:
        self.target = port
        self.delay_s = delay_s
        self.bytes_per_s = bytes_per_s
        self.refusing = False
        self.spoil: Callable[[bytes], bytes] | None = None
        self.accepted = 0
        self.cuts = 0
        self._pairs: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, ...]] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        tasks = list(self._pairs)
        self.cut()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def cut(self) -> int:
        """Reset every connection, as a pulled cable does; give how many there were."""
        pairs = list(self._pairs.values())
        for writers in pairs:
            for writer in writers:
                # SO_LINGER 0: what is on its way is lost, the peer gets a RST
                with contextlib.suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
                    )
                writer.transport.abort()
        self.cuts += len(pairs)
        return len(pairs)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        if self.refusing:
            writer.transport.abort()
            return
        upstream = socket.socket()
        upstream.setblocking(False)
        if self.bytes_per_s is not None:
            upstream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # or the kernel hides the throttle
        try:
            await asyncio.get_running_loop().sock_connect(upstream, ("127.0.0.1", self.target))
            limit = (
                CHUNK if self.bytes_per_s is None else 512
            )  # as above: a StreamReader holds twice its limit
            far_reader, far_writer = await asyncio.open_connection(sock=upstream, limit=limit)
        except OSError:
            upstream.close()
            writer.transport.abort()
            return
        self._pairs[task] = (writer, far_writer)
        try:
            await asyncio.gather(self._up(reader, far_writer), self._down(far_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            del self._pairs[task]
            for each in (writer, far_writer):
                each.transport.abort()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            rate = self.bytes_per_s
            chunk = await reader.read(CHUNK if rate is None else max(1, int(rate / 20)))
            if not chunk:
                break
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if rate is not None:
                await asyncio.sleep(len(chunk) / rate)
            writer.write(self.spoil(chunk) if self.spoil else chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
