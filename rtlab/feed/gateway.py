"""The asyncio WebSocket server around Subscriber: shared state in, the same bytes out to every reader at a point."""

import asyncio
import functools
import time
from types import TracebackType
from typing import Any, Self, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from rtlab.errors import ClosedError, ProtocolError
from rtlab.feed.connection import CLOSE_GRACE_S, FeedConnection
from rtlab.feed.frames import Frames
from rtlab.feed.http import Route, answer, health_page, select_subprotocol
from rtlab.feed.listening import listening_socket
from rtlab.feed.statistics import ConnectionStatistics, GatewayStatistics
from rtlab.protocol import SUBPROTOCOLS, Code, Codec, Limits, PayloadCache, Sources, State, Subscriber
from rtlab.telemetry import exposition

MAX_MESSAGE = 64 << 10  # bytes of one message from a reader
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
CREDIT_TICK_S = 0.02  # pings, credit and evictions are looked at this often
RESTARTING = (int(Code.RESTARTING), "the server is restarting; retry in 0.2 s")


class Gateway:
    """Serve `market` to readers over WebSocket, on loopback; `async with Gateway(market) as gateway`.

    `publish()` sends to every reader what is due after the market changed. `port` 0 takes any free port.
    AddressError when the port is in use or `host` is not this machine.
    """

    def __init__(
        self, market: Sources, *, host: str = "127.0.0.1", port: int = 0, limits: Limits | None = None
    ) -> None:
        self.market = market
        self.limits = limits or Limits()
        self.frames = Frames()
        self.host, self.port = host, port
        self._cache = PayloadCache()
        self._codecs = {name: Codec(encoding) for name, encoding in SUBPROTOCOLS.items()}
        self._connections: set[FeedConnection] = set()
        self._accepted = self._refused = self._evicted = self._foreign = 0
        self._publishes = self._postponed = self._publish_ns = self._bytes_sent = 0
        self._next_publish = 0
        self._pending: asyncio.TimerHandle | None = None
        self._server: Server | None = None
        self._routes: dict[str, Route] = {"/health": self._health, "/metrics": self._metrics}

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        listener = listening_socket(self.host, self.port)
        self.port = listener.getsockname()[1]
        self._started = time.monotonic()
        self._server = await serve(
            self._converse,
            sock=listener,
            create_connection=cast("type[ServerConnection]", self._connection),
            subprotocols=[Subprotocol(name) for name in SUBPROTOCOLS],
            select_subprotocol=select_subprotocol,
            process_request=functools.partial(answer, self._routes),
            compression=None,
            ping_interval=None,
            max_size=MAX_MESSAGE,
            open_timeout=5,
            close_timeout=CLOSE_GRACE_S,
        )
        self._tick = self._loop.call_later(CREDIT_TICK_S, self._on_tick)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def url(self) -> str:
        """Where readers connect to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ws://{host}:{self.port}"

    def publish(self) -> None:
        """Send every reader what is due, at once; call it after the market changed.

        A publish that comes sooner after the one before than that one took is postponed by the rest, so that
        many readers never take more than half of the loop from whoever makes the market: what is postponed is
        merged, not lost. ClosedError outside of `async with`.
        """
        if self._server is None:
            raise ClosedError("this gateway is not serving: publish inside of `async with`")
        now = time.monotonic_ns()
        if now >= self._next_publish:
            self._write_all(now)
        elif self._pending is None:
            self._postponed += 1
            self._pending = self._loop.call_later((self._next_publish - now) / 1e9, self._publish_late)

    async def close(self) -> None:
        """Stop listening and send every reader away with 1012 and a retry hint. Idempotent."""
        server, self._server = self._server, None
        if server is None:
            return
        self._tick.cancel()
        if self._pending is not None:
            self._pending.cancel()
        server.close(close_connections=False)
        for connection in tuple(self._connections):
            if connection.subscriber is not None:
                connection.shut(*RESTARTING)
            else:
                connection.transport.abort()
        await server.wait_closed()

    def statistics(self) -> GatewayStatistics:
        """Count readers, how they ended, and what was shared; cheap enough for every scrape."""
        serving = [c for c in self._connections if c.subscriber is not None]
        return GatewayStatistics(
            readers=len(serving),
            live=sum(c.subscriber is not None and c.subscriber.state is State.LIVE for c in serving),
            accepted=self._accepted,
            refused=self._refused,
            evicted=self._evicted,
            foreign=self._foreign,
            publishes=self._publishes,
            postponed=self._postponed,
            publish_us=self._publish_ns / 1e3,
            frames_built=self.frames.built,
            frames_shared=self.frames.shared,
            bytes_sent=self._bytes_sent + sum(c.bytes_sent for c in self._connections),
            buffered=sum(c.transport.get_write_buffer_size() for c in serving),
        )

    def readers(self) -> list[ConnectionStatistics]:
        """Give the statistics of every reader that is being served."""
        return [one for c in self._connections if (one := c.statistics()) is not None]

    def arrived(self, connection: FeedConnection) -> None:
        """See Hub."""
        self._connections.add(connection)

    def left(self, connection: FeedConnection) -> None:
        """See Hub."""
        self._connections.discard(connection)
        self._bytes_sent += connection.bytes_sent
        if connection.response is not None and connection.response.status_code >= 400:
            self._refused += 1

    def evicted(self, connection: FeedConnection) -> None:
        """See Hub."""
        self._evicted += 1

    def _connection(self, *args: Any, **settings: Any) -> FeedConnection:
        connection = FeedConnection(*args, **settings)
        connection.hub = self
        return connection

    async def _converse(self, connection: ServerConnection) -> None:
        assert isinstance(connection, FeedConnection)
        codec = self._codecs[connection.subprotocol or ""]
        now = time.monotonic_ns()
        subscriber = Subscriber(self.market, codec=codec, cache=self._cache, limits=self.limits, now=now)
        self._accepted += 1
        connection.attach(subscriber, text=codec.encoding == "json")
        try:
            while True:
                connection.receive(await connection.recv(decode=False))
        except ConnectionClosed:
            return
        except ProtocolError as foreign:
            self._foreign += 1
            connection.shut(foreign.code, str(foreign))

    def _on_tick(self) -> None:
        self._tick = self._loop.call_later(CREDIT_TICK_S, self._on_tick)
        for connection in tuple(self._connections):
            connection.write_due(time.monotonic_ns())

    def _publish_late(self) -> None:
        self._pending = None
        self._write_all(time.monotonic_ns())

    def _write_all(self, now: int) -> None:
        self._publishes += 1
        for connection in tuple(self._connections):
            connection.write_due(now)
        done = time.monotonic_ns()
        self._publish_ns = done - now
        self._next_publish = done + self._publish_ns

    def _health(self) -> tuple[str, bytes]:
        statistics = self.statistics()
        return health_page(
            {
                "status": "serving" if self._server is not None else "closing",
                "uptime_s": round(time.monotonic() - self._started, 3),
                "instruments": sorted(self.market.instruments),
                **statistics._asdict(),
            }
        )

    def _metrics(self) -> tuple[str, bytes]:
        return METRICS_TYPE, exposition({"feed": self.statistics()})
