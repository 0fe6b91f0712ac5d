"""The readers of `rtlab bench slow`: such as take a few bytes at a time, and such as take nothing any more."""

import asyncio
import contextlib
import socket
import time
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from websockets.client import ClientProtocol
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import OPEN
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from rtlab.book import BookView
from rtlab.cli.bench.children import Owner
from rtlab.cli.bench.load import INSTRUMENT
from rtlab.cli.bench.slow.serving import DEPTH
from rtlab.protocol import Codec, Increment, Reader

CHANNELS: tuple[tuple[str, int | None], ...] = (("book", DEPTH), ("trades", 100), ("ticker", None))
BYTES_PER_S = 3_000
READ_EVERY_S = 0.1
SETTLE_NS = 500_000_000  # after it came, before its staleness counts
_BLOCK = 65536

Floats = npt.NDArray[np.float64]


class Slow(NamedTuple):
    """One phase of the slow readers: their ports, staleness (ms) each 100 ms, and how they fared."""

    ports: list[int]
    staleness_ms: Floats
    messages: int
    losses: int


async def read_slowly(owner: Owner, count: int, plain: bool) -> None:
    """Hear the port; at each "join" let `count` readers follow all at BYTES_PER_S until "leave", then send a Slow."""
    port = await owner.receive()
    while True:
        await owner.receive()
        leaving = asyncio.create_task(owner.receive())
        with contextlib.ExitStack() as stack:
            readers = [stack.enter_context(Trickle(port, plain=plain)) for _ in range(count)]
            owner.send("joined")
            counts_from, staleness = time.monotonic_ns() + SETTLE_NS, []
            while not leaving.done():
                await asyncio.sleep(READ_EVERY_S)
                ages = [reader.read(int(BYTES_PER_S * READ_EVERY_S)) for reader in readers]
                if time.monotonic_ns() >= counts_from:
                    staleness += [age for age in ages if age is not None]
            all_told = [reader.reader.statistics() for reader in readers]
            owner.send(
                Slow(
                    [reader.port for reader in readers],
                    np.array(staleness) / 1e6,
                    sum(told.messages for told in all_told),
                    sum(told.gaps + told.checksum_failures for told in all_told),
                )
            )


async def stop_reading(owner: Owner, count: int) -> None:
    """Hear the port; at each "stop" `count` readers come, and once they are live they read no more until "leave"."""
    port = await owner.receive()
    while True:
        await owner.receive()
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                reader = stack.enter_context(Trickle(port))
                while reader.reader.status is None:
                    reader.read(_BLOCK)
                    await asyncio.sleep(0)
            owner.send("stopped")
            await owner.receive()
        owner.send("left")


class Trickle:
    """A Reader on a socket of its own that takes a few bytes at a time, and leaves the rest to the kernel.

    `plain`: the server speaks no protocol of ours, it only sends increments.
    """

    def __init__(self, port: int, *, plain: bool = False) -> None:
        self._codec, self._plain = Codec("msgpack"), plain
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", port))
        self.port = int(self._socket.getsockname()[1])
        subprotocols = [Subprotocol(self._codec.subprotocol)]
        self._protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{port}"), subprotocols=subprotocols)
        self._protocol.send_request(self._protocol.connect())
        self.reader = Reader(self._codec)
        self._book, *_ = (
            self.reader.subscribe(channel, INSTRUMENT.symbol, depth=depth) for channel, depth in CHANNELS
        )
        self._ts: int | None = None  # of the newest increment of a plain server
        self._flush()
        while self._protocol.state is not OPEN:  # the handshake is not part of the trickle
            self._take(self._socket.recv(1))
        if not plain:
            self.reader.connected(time.monotonic_ns())
            for payload in self.reader.payloads_to_send(time.monotonic_ns()):
                self._protocol.send_binary(payload)
        self._flush()
        self._socket.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def read(self, count: int) -> int | None:
        """Take at most `count` bytes; give how old (ns) the book is, None before it is there."""
        with contextlib.suppress(BlockingIOError):
            self._take(self._socket.recv(count))
        view = self._book.view
        ts = view.ts if isinstance(view, BookView) and view.held else self._ts
        return None if ts is None else time.monotonic_ns() - ts

    def _take(self, received: bytes) -> None:
        self._protocol.receive_data(received)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
                self._hear(bytes(event.data))
        self._flush()

    def _hear(self, payload: bytes) -> None:
        now = time.monotonic_ns()
        if self._plain:
            message = self._codec.decode_server(payload)
            if isinstance(message, Increment):
                self._ts = message.ts_event
            return
        self.reader.receive(payload, now)
        for answer in self.reader.payloads_to_send(now):
            self._protocol.send_binary(answer)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            self._socket.sendall(data)
