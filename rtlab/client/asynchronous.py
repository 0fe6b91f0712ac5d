"""The asyncio client: a Reader on a WebSocket that comes back by itself."""

import asyncio
import logging
import time
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, cast

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.typing import Subprotocol

from rtlab.client.connection import CLOSE_GRACE_S, ReaderConnection
from rtlab.client.inbox import Inbox
from rtlab.client.link import Callback, ClientStatistics, Link, LinkState, Tap
from rtlab.client.outcome import (
    MAX_MESSAGE,
    NETWORK,
    OPEN_TIMEOUT_S,
    check_url,
    closed,
    is_final,
    not_connected,
)
from rtlab.errors import ClosedError, ProtocolError, RtlabError
from rtlab.model import Instrument
from rtlab.protocol import Applied, Encoding, Subscription

log = logging.getLogger("rtlab.client")


def connect(url: str, *, codec: Encoding = "msgpack", retry: bool = False) -> "Client":
    """Give a client of the feed at `url`; `async with connect(url) as client` opens it.

    Without `retry` the first connection must come about, else UnreachableError or RefusedError; with it the
    client also waits for a server that is not there yet. Once connected it always comes back by itself.
    """
    return Client(url, codec=codec, retry=retry)


class Client:
    """One connection to a feed: subscriptions with their views, callbacks, iteration, and how the link is doing.

    Belongs to one event loop. Views change inside the loop's read of the socket, callbacks right after;
    `async for` sees the same through a bounded queue. What a callback raises closes the client, and is
    raised by `close`, `ready` and the iteration.
    """

    def __init__(self, url: str, *, codec: Encoding = "msgpack", retry: bool = False) -> None:
        self.url = check_url(url)
        self._link = Link(codec)
        self._retry = retry
        self._connection: ReaderConnection | None = None
        self._runs: asyncio.Task[None] | None = None
        self._problem: Exception | None = None
        self._changed = asyncio.Event()
        self._inboxes: weakref.WeakSet[Inbox] = weakref.WeakSet()
        self._inbox_dropped = 0
        self._link.on_applied(self._notice)

    async def __aenter__(self) -> Self:
        if self._runs is not None or self._link.state is LinkState.CLOSED:
            raise ClosedError("this client was opened before: connect anew")
        if not self._retry:
            self._connection = await self._open()
        self._runs = asyncio.create_task(self._run(), name=f"rtlab client of {self.url}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if problem is None:
            await self.close()
        else:
            await self._leave()

    @property
    def state(self) -> LinkState:
        """How the client stands with its server."""
        return self._link.state

    @property
    def staleness_ms(self) -> float:
        """Give how old (ms) what we know is, as far as messages and pings tell; -1 before the first message."""
        return self._link.staleness_ms(time.monotonic_ns())

    @property
    def treatment(self) -> str:
        """How the server treats this reader, as it told last: live, lagging."""
        status = self._link.reader.status
        return "live" if status is None else status.state.lower()

    def subscribe(
        self,
        channel: str,
        instrument: str,
        *,
        depth: int | None = None,
        interval_ns: int = 0,
        max_rate: float | None = None,
    ) -> Subscription:
        """Ask for a channel; the subscription's view fills when the server has answered (see `ready`)."""
        subscription = self._link.reader.subscribe(
            channel, instrument, depth=depth, interval_ns=interval_ns, max_rate=max_rate
        )
        self._write()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription; its view stays as it was last."""
        self._link.reader.unsubscribe(subscription)
        self._write()

    async def ready(self, subscription: Subscription, timeout_s: float = 10.0) -> Subscription:
        """Wait until `subscription` holds its first state.

        RefusedError when the server refused it, UnreachableError when nothing came within `timeout_s`.
        """
        what = f"{subscription.channel} of {subscription.instrument}"
        await self._until(lambda: self._link.is_ready(subscription), what, timeout_s)
        return subscription

    async def instruments(self, timeout_s: float = 10.0) -> dict[str, Instrument]:
        """Give the feed's instruments by symbol; UnreachableError when it told none within `timeout_s`."""
        await self._until(lambda: self._link.instruments() is not None, "welcome", timeout_s)
        return self._link.instruments() or {}

    def on_applied(self, callback: Callback) -> Callable[[], None]:
        """Call `callback` with each Applied, right after the views changed; give a function that ends this."""
        return self._link.on_applied(callback)

    def on_payload(self, tap: Tap) -> None:
        """Call `tap` with the bytes of each message as they came, before they are applied: for who keeps accounts."""
        self._link.on_payload(tap)

    def __aiter__(self) -> Inbox:
        self._raise_if_closed()
        inbox = Inbox()
        self._inboxes.add(inbox)
        return inbox

    def statistics(self) -> ClientStatistics:
        """Count what came, what was lost and found again, and what the iteration's queue dropped."""
        waiting = sum(len(inbox) for inbox in self._inboxes)
        return self._link.statistics(time.monotonic_ns(), waiting, self._inbox_dropped)

    def drop(self) -> None:
        """Cut the connection, as a bad network does; the client comes back by itself."""
        if self._connection is not None:
            self._connection.transport.abort()

    async def close(self) -> None:
        """Leave the server and end the iteration; raises what ended the client before. Idempotent."""
        await self._leave()
        if self._problem is not None:
            problem, self._problem = self._problem, None
            raise problem

    async def _leave(self) -> None:
        self._link.close(time.monotonic_ns())
        self._changed.set()
        runs, self._runs = self._runs, None
        if runs is not None:
            runs.cancel()
            await asyncio.wait([runs])
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
        for inbox in self._inboxes:
            inbox.finish(self._problem)

    async def _run(self) -> None:
        try:
            while True:
                if self._connection is None:
                    self._connection = await self._come_back()
                await self._connection.wait_closed()
                delay_s = self._ended(self._connection)
                self._connection = None
                await asyncio.sleep(delay_s)
        except Exception as problem:  # noqa: BLE001  the root of the task: the client is closed and says why
            log.error("the client of %s is closed: %s", self.url, problem)
            self._problem = problem
            self._link.close(time.monotonic_ns())
            self._changed.set()
            for inbox in self._inboxes:
                inbox.finish(problem)

    async def _come_back(self) -> ReaderConnection:
        while True:
            try:
                return await self._open()
            except RtlabError as problem:
                if is_final(problem):
                    raise
                delay_s = self._link.failed(problem)
            await asyncio.sleep(delay_s)

    async def _open(self) -> ReaderConnection:
        try:
            connection = await open_websocket(
                self.url,
                create_connection=cast("type[ClientConnection]", self._make),
                subprotocols=[Subprotocol(self._link.codec.subprotocol)],
                compression=None,
                proxy=None,
                open_timeout=OPEN_TIMEOUT_S,
                ping_interval=None,
                close_timeout=CLOSE_GRACE_S,
                max_size=MAX_MESSAGE,
            )
        except NETWORK as problem:
            raise not_connected(self.url, problem) from None
        assert isinstance(connection, ReaderConnection)
        return connection

    def _make(self, *args: Any, **settings: Any) -> ReaderConnection:
        connection = ReaderConnection(*args, **settings)
        connection.on_open, connection.on_payload = self._on_open, self._on_payload
        return connection

    def _on_open(self, connection: ReaderConnection) -> None:
        now = time.monotonic_ns()
        self._link.opened(now)
        connection.write(self._link.reader.payloads_to_send(now), text=self._link.text)

    def _on_payload(self, connection: ReaderConnection, payload: bytes) -> None:
        now = time.monotonic_ns()
        self._link.receive(payload, now)
        connection.write(self._link.reader.payloads_to_send(now), text=self._link.text)
        self._changed.set()

    def _write(self) -> None:
        if self._connection is not None:
            now = time.monotonic_ns()
            self._connection.write(self._link.reader.payloads_to_send(now), text=self._link.text)

    def _ended(self, connection: ReaderConnection) -> float:
        failure = connection.failure
        code, reason = connection.close_code or 1006, connection.close_reason or ""
        if isinstance(failure, ProtocolError):
            code, reason = failure.code, str(failure)
        elif failure is not None:
            raise failure
        delay_s = self._link.lost(time.monotonic_ns(), code, reason)
        self._changed.set()
        problem = closed(self.url, code, reason)
        if is_final(problem):
            raise problem
        return delay_s

    async def _until(self, condition: Callable[[], bool], what: str, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    self._raise_if_closed()
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise self._link.not_ready(self.url, what, timeout_s) from None

    def _raise_if_closed(self) -> None:
        if self._problem is not None:
            raise self._problem
        if self._link.state is LinkState.CLOSED:
            raise ClosedError("this client is closed: connect anew")

    def _notice(self, applied: Applied) -> None:
        for inbox in self._inboxes:
            self._inbox_dropped += not inbox.put(applied)
