"""A plain server, as they are often written: it queues every message for every reader, and a reader that waits on it.

It is here to be compared with. So that it cannot hurt the machine it gives a reader up at MOST bytes, where others
run out of memory.
"""

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from websockets.asyncio.client import connect as open_websocket
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.protocol import OPEN

from rtlab.feed.listening import listening_socket

MOST = 24 << 20
AGAIN_S = 0.3


class PlainServer:
    """Sends each message to every reader at once, as `websockets.broadcast` does; nothing ever waits for a reader."""

    def __init__(self) -> None:
        self.number = 0
        self.given_up = 0
        self._connections: set[ServerConnection] = set()
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        listener = listening_socket("127.0.0.1", 0)  # ours too: what the kernel hides, nobody can see
        self.port: int = listener.getsockname()[1]
        self._server = await serve(
            self._stay, sock=listener, compression=None, ping_interval=None, close_timeout=0.2
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.die()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    @property
    def readers(self) -> int:
        """Give how many readers there are."""
        return len(self._connections)

    @property
    def held(self) -> int:
        """Give the bytes that are queued for its readers."""
        return sum(one.transport.get_write_buffer_size() for one in self._connections)

    def publish(self, state: Mapping[str, object]) -> None:
        """Send a state to every reader, with the number of the message."""
        self.number += 1
        text = json.dumps({"n": self.number, **state}).encode()
        for one in tuple(self._connections):
            if one.protocol.state is not OPEN:
                continue
            if one.transport.get_write_buffer_size() > MOST:
                self.given_up += 1
                one.transport.abort()
                continue
            one.protocol.send_text(text)
            one.transport.write(b"".join(one.protocol.data_to_send()))

    def die(self) -> None:
        """End every connection at once; what was queued is gone."""
        for one in tuple(self._connections):
            one.transport.abort()

    async def _stay(self, connection: ServerConnection) -> None:
        self._connections.add(connection)
        try:
            await connection.wait_closed()
        finally:
            self._connections.discard(connection)


class PlainReader:
    """Reads what the plain server sends, and comes back when the connection ends. `lost` numbers never came."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.epoch = self.seq = self.lost = self.connections = 0
        self.is_connected = False
        self._number = 0

    async def run(self) -> None:
        """Read for ever."""
        while True:
            try:
                async with open_websocket(
                    self.url, compression=None, proxy=None, ping_interval=None, close_timeout=0.2
                ) as connection:
                    self.connections += 1
                    self.is_connected = True
                    async for text in connection:
                        self._take(json.loads(text))
            except (OSError, TimeoutError, EOFError, InvalidHandshake, WebSocketException):
                pass  # whatever ended it, it comes back
            self.is_connected = False
            await asyncio.sleep(AGAIN_S)

    def _take(self, message: Mapping[str, int]) -> None:
        if self._number:
            self.lost += message["n"] - self._number - 1
        self._number, self.epoch, self.seq = message["n"], message["epoch"], message["seq"]
