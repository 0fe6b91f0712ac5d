"""A TCP proxy that does to a connection what bad networks do: seeded, bounded, changed while it runs."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from functools import partial
from random import Random
from types import TracebackType
from typing import Self

from rtlab.lab.faults.pipe import Pipe, Quality

MOST = 64 << 10  # bytes that a pipe holds
KERNEL = 16 << 10  # bytes that the kernel may hide on either side: asked of it, as far as it listens
SEGMENT = 1_400  # bytes, as on a network: of loopback's 64 KiB none fits into KERNEL, so each would wait for a probe
ACCEPTING = 4  # turns of the loop from a connection's acceptance to its handler
RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # SO_LINGER 0: what is on its way is lost, the peer gets a RST


class LossyProxy:
    """Relays a local port of its own to `port`; `url` is where a reader goes instead.

    `line` says how all its connections behave; `refusing` resets whoever comes; `spoil` may change the server's
    bytes. The same seed draws the same lateness and pieces for the same connection, by the order of their coming.
    What cannot be taken on is not read, so the server feels a slow or stalled line as it would feel a real one.
    """

    def __init__(self, port: int, *, seed: int = 0, most: int = MOST) -> None:
        self.target, self.seed, self.most = port, seed, most
        self.line = Quality()
        self.refusing = False
        self.spoil: Callable[[bytes], bytes] | None = None
        self.accepted = self.cuts = 0
        self._carried = self._lost = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._pairs: dict[int, list[asyncio.StreamWriter]] = {}
        self._pipes: set[Pipe] = set()

    async def __aenter__(self) -> Self:
        self._listener = listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL)  # accepted sockets inherit it
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=KERNEL)
        self.port: int = listener.getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        # a server that is closed leaks the connections that it has accepted, but not yet handed out
        if self._server.is_serving():
            asyncio.get_running_loop().remove_reader(self._listener)
        for _ in range(ACCEPTING):
            await asyncio.sleep(0)
        self._server.close()
        self.cut()
        while tasks := list(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """Where readers connect to."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def held(self) -> int:
        """Give the bytes that are inside now."""
        return sum(pipe.held for pipe in self._pipes)

    @property
    def carried(self) -> int:
        """Give the bytes that came through, both ways."""
        return self._carried + sum(pipe.carried for pipe in self._pipes)

    @property
    def lost(self) -> int:
        """Give the bytes that half-open connections threw away."""
        return self._lost + sum(pipe.lost for pipe in self._pipes)

    def cut(self) -> int:
        """Reset every connection, as a pulled cable does; give how many there were."""
        pairs = list(self._pairs.values())
        for writers in pairs:
            for writer in writers:
                _reset(writer)
        self.cuts += len(pairs)
        return len(pairs)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.accepted = self.accepted, self.accepted + 1
        task = asyncio.create_task(self._relay(number, reader, writer))
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, writer))

    def _ended(self, writer: asyncio.StreamWriter, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not writer.is_closing():  # cancelled before its first step
            _reset(writer)

    async def _relay(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end: Callable[[asyncio.StreamWriter], None] = _reset
        writers, pipes = [writer], list[Pipe]()
        try:
            far = None if self.refusing else await self._dial()
            if far is None:
                return
            far_reader, far_writer = far
            writers.append(far_writer)
            if writer.is_closing() or far_writer.is_closing():
                return
            pipes.append(self._pipe(reader, far_writer, f"{self.seed} {number} up"))
            pipes.append(self._pipe(far_reader, writer, f"{self.seed} {number} down", self._spoiled))
            self._pairs[number] = writers
            if await self._carry(pipes):
                end = asyncio.StreamWriter.close
        finally:
            self._pairs.pop(number, None)
            for each in writers:
                end(each)
            for pipe in pipes:
                self._pipes.discard(pipe)
                self._carried += pipe.carried
                self._lost += pipe.lost

    async def _carry(self, pipes: list[Pipe]) -> bool:
        # gives False when it did not end in order: one side is gone
        running = [asyncio.create_task(pipe.run()) for pipe in pipes]
        try:
            await asyncio.gather(*running)
            return True
        except OSError:
            return False
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        upstream = socket.socket()
        upstream.setblocking(False)
        upstream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL)
        upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
        try:
            await asyncio.get_running_loop().sock_connect(upstream, ("127.0.0.1", self.target))
            return await asyncio.open_connection(sock=upstream, limit=KERNEL // 4)
        except OSError:
            upstream.close()
            return None
        except asyncio.CancelledError:
            upstream.close()
            raise

    def _pipe(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        seed: str,
        spoil: Callable[[bytes], bytes] = lambda segment: segment,
    ) -> Pipe:
        writer.transport.set_write_buffer_limits(high=KERNEL)
        pipe = Pipe(reader, writer, self.line, Random(seed), self.most, spoil)
        self._pipes.add(pipe)
        return pipe

    def _spoiled(self, segment: bytes) -> bytes:
        return segment if self.spoil is None else self.spoil(segment)


def _reset(writer: asyncio.StreamWriter) -> None:
    connected = writer.get_extra_info("socket")
    if connected is not None and connected.fileno() >= 0:  # uvloop: none any more when the peer has gone
        with contextlib.suppress(OSError):
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
