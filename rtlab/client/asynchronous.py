"""The asyncio client: a Reader on a WebSocket that comes back by itself."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket

from rtlab.client.connection import ReaderConnection
from rtlab.client.inbox import LIMIT, Inbox, Policy
from rtlab.client.inboxes import Inboxes
from rtlab.client.link import Callback, ClientStatistics, Link, LinkState, Tap
from rtlab.client.opening import Opening
from rtlab.client.outcome import BROKE_OFF, NETWORK, closed, is_final, not_connected
from rtlab.errors import ClosedError, ProtocolError, RtlabError
from rtlab.model import Instrument
from rtlab.protocol import Applied, Encoding, Subscription

LISTEN_EVERY_S = 0.5  # a server that fell silent is noticed this much later

log = logging.getLogger("rtlab.client")


def connect(
    url: str | Sequence[str],
    *,
    codec: Encoding = "msgpack",
    retry: bool = False,
    token: str | None = None,
    ca_file: str | Path | None = None,
    compression: bool = False,
    policy: Policy = "newest",
    limit: int = LIMIT,
) -> "Client":
    """Give a client of the feed at `url`; `async with connect(url) as client` opens it.

    `url` may be several gateways of one feed, in the order of preference: when one is gone the next is tried, and
    what the reader holds goes on from where it stands. Without `retry` the first connection must come about, else
    UnreachableError or RefusedError; with it the client also waits for a server that is not there yet. Once
    connected it always comes back by itself. `token` goes into the Authorization header and into no log; `ca_file`
    (PEM) says whom to trust for wss; `compression` asks for it. `policy` and `limit` are those of the inboxes.
    `codec` "packed" halves the bytes of a book, for 10 us of Python a message; "json" is for looking at.
    """
    link = Link(url, codec)
    opening = Opening(link.codec.subprotocol, token=token, ca_file=ca_file, compression=compression)
    return Client(link, opening, retry=retry, policy=policy, limit=limit)


class Client:
    """One connection to a feed: subscriptions with their views, callbacks, iteration, and how the link is doing.

    Belongs to one event loop. Views change inside the loop's read of the socket, callbacks right after;
    `async for`, `changes` and `each` see the same through a bounded inbox. What a callback raises closes the
    client, and is raised by `close`, `ready` and the iteration.
    """

    def __init__(self, link: Link, opening: Opening, *, retry: bool, policy: Policy, limit: int) -> None:
        self._link, self._opening = link, opening
        self._retry = retry
        self._inboxes = Inboxes(self._release, policy=policy, limit=limit)
        self._held = 0
        self._connection: ReaderConnection | None = None
        self._runs: asyncio.Task[None] | None = None
        self._takers: set[asyncio.Task[None]] = set()
        self._problem: Exception | None = None
        self._changed = asyncio.Event()
        self._link.on_applied(self._inboxes.put)

    async def __aenter__(self) -> Self:
        if self._runs is not None or self._link.state is LinkState.CLOSED:
            raise ClosedError("this client was opened before: connect anew")
        if not self._retry:
            self._connection = await self._open_first()
        self._runs = asyncio.create_task(self._run(), name=f"rtlab client of {self._link.addresses.shown}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if problem is None:
            await self.close()
        else:
            await self._leave()

    @property
    def url(self) -> str:
        """Where the client is connected, or tries next."""
        return self._link.addresses.url

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
        """How the server treats this reader, as it told last on this connection: live, lagging, degraded, frozen."""
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
        least_depth: int | None = None,
    ) -> Subscription:
        """Ask for a channel; the subscription's view fills when the server has answered (see `ready`).

        `least_depth` is the depth to be content with while this reader is too slow for `depth`.
        """
        subscription = self._link.reader.subscribe(
            channel,
            instrument,
            depth=depth,
            interval_ns=interval_ns,
            max_rate=max_rate,
            least_depth=least_depth,
        )
        self._write()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription; its view stays as it was last."""
        self._link.reader.unsubscribe(subscription)
        self._write()

    def authenticate(self, token: str) -> None:
        """Show a newer token, before the one that there is ends: now, and whenever it connects again."""
        self._opening.renew(token)
        self._link.reader.authenticate(token)
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
        """Call `callback` with each Applied, right after the views changed; give a function that ends this.

        There is no queue: while it runs nothing is read, and what it takes the server waits for.
        """
        return self._link.on_applied(callback)

    def on_payload(self, tap: Tap) -> None:
        """Call `tap` with the bytes of each message as they came, before they are applied: for who keeps accounts."""
        self._link.on_payload(tap)

    def changes(
        self, *subscriptions: Subscription, policy: Policy | None = None, limit: int | None = None
    ) -> Inbox:
        """Give an inbox to iterate over, of what is applied from now on: to these subscriptions, or (none) to all.

        At most `limit` wait; `policy` is what happens then. "newest" drops the oldest of the same subscription;
        "raise" ends the iteration with OverrunError. "block" leaves the socket unread until half of them are
        taken, for the whole client: the server sees a slow reader, merges for it, and sends it away after its
        evict_after_s, which the client notices when it reads again, and comes back. Meanwhile `ready` does not
        get ready: do not await it in the loop that is to take from a blocking inbox.
        """
        self._raise_if_closed()
        return self._inboxes.open(subscriptions, policy, limit)

    def each(
        self,
        callback: Callable[[Applied], Awaitable[None] | None],
        *subscriptions: Subscription,
        policy: Policy | None = None,
        limit: int | None = None,
    ) -> Callable[[], None]:
        """Call (and await) `callback` in a task, with what an inbox as of `changes` gives.

        Give a function that ends this. What the callback raises closes the client.
        """
        inbox = self.changes(*subscriptions, policy=policy, limit=limit)
        taker = asyncio.create_task(self._hand_over(inbox, callback))
        self._takers.add(taker)
        taker.add_done_callback(self._takers.discard)

        def end() -> None:
            inbox.close()
            taker.cancel()

        return end

    def __aiter__(self) -> Inbox:
        return self.changes()

    def statistics(self) -> ClientStatistics:
        """Count what came, what was lost and found again, and what the inboxes dropped."""
        inboxes = self._inboxes
        return self._link.statistics(time.monotonic_ns(), inboxes.waiting, inboxes.dropped, self._held)

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
        tasks = [task for task in self._takers if task is not asyncio.current_task()]
        if self._runs is not None:
            tasks.append(self._runs)
            self._runs = None
        self._inboxes.finish(self._problem)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.give_up()
            await connection.close()

    async def _run(self) -> None:
        try:
            while True:
                if self._connection is None:
                    self._connection = await self._come_back()
                silence = await self._watch(self._connection)
                delay_s = self._ended(self._connection, silence)
                self._connection = None
                await asyncio.sleep(delay_s)
        except Exception as problem:  # noqa: BLE001  the root of the task: the client is closed and says why
            self._fail(problem)

    async def _watch(self, connection: ReaderConnection) -> str:
        # until the connection is gone, or has been silent for so long that it must be; who does not read hears nothing
        while True:
            try:
                async with asyncio.timeout(LISTEN_EVERY_S):
                    await connection.wait_closed()
                return ""
            except TimeoutError:
                silence_ns = time.monotonic_ns() - connection.heard
                if not connection.is_held and silence_ns > self._link.silence_s * 1e9:
                    connection.transport.abort()
                    return self._link.fell_silent()

    async def _hand_over(self, inbox: Inbox, callback: Callable[[Applied], Awaitable[None] | None]) -> None:
        try:
            async for applied in inbox:
                answer = callback(applied)
                if answer is not None:
                    await answer
        except Exception as problem:  # noqa: BLE001  the root of the task: whatever it is closes the client
            if problem is not self._problem:
                self._fail(problem)

    def _fail(self, problem: Exception) -> None:
        log.error("the client of %s is closed: %s", self._link.addresses.shown, problem)
        self._problem = problem
        self._link.close(time.monotonic_ns())
        self._changed.set()
        self._inboxes.finish(problem)
        if self._runs is not None and self._runs is not asyncio.current_task():
            self._runs.cancel()
        if self._connection is not None:
            self._connection.give_up()
            self._connection.shut(1011, f"the reader failed: {type(problem).__name__}")

    async def _open_first(self) -> ReaderConnection:
        for _ in range(len(self._link.addresses) - 1):
            try:
                return await self._open()
            except RtlabError as problem:
                if is_final(problem):
                    raise
                self._link.failed(time.monotonic_ns(), problem)
        return await self._open()

    async def _come_back(self) -> ReaderConnection:
        while True:
            try:
                return await self._open()
            except RtlabError as problem:
                if is_final(problem):
                    raise
                delay_s = self._link.failed(time.monotonic_ns(), problem)
            await asyncio.sleep(delay_s)

    async def _open(self) -> ReaderConnection:
        url = self.url
        make = cast("type[ClientConnection]", self._make)
        try:
            connection = await open_websocket(url, create_connection=make, **self._opening.settings(url))
        except NETWORK as problem:
            raise not_connected(url, problem) from None
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
        self._hold_if_full(connection)

    def _on_payload(self, connection: ReaderConnection, payload: bytes) -> None:
        now = time.monotonic_ns()
        self._link.receive(payload, now)
        connection.write(self._link.reader.payloads_to_send(now), text=self._link.text)
        self._changed.set()
        self._hold_if_full(connection)

    def _hold_if_full(self, connection: ReaderConnection) -> None:
        if not connection.is_held and self._inboxes.is_blocking:
            self._held += 1
            connection.hold()

    def _release(self) -> None:
        if self._connection is not None and not self._inboxes.is_blocking:
            self._connection.release()

    def _write(self) -> None:
        if self._connection is not None:
            now = time.monotonic_ns()
            self._connection.write(self._link.reader.payloads_to_send(now), text=self._link.text)

    def _ended(self, connection: ReaderConnection, silence: str) -> float:
        connection.give_up()
        failure = connection.failure
        code, reason = connection.close_code or BROKE_OFF, silence or connection.close_reason or ""
        if isinstance(failure, ProtocolError):
            code, reason = failure.code, str(failure)
        elif failure is not None:
            raise failure
        url = self.url
        delay_s = self._link.lost(time.monotonic_ns(), code, reason)
        self._changed.set()
        problem = closed(url, code, reason)
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
            held = self._connection is not None and self._connection.is_held
            raise self._link.not_ready(what, timeout_s, held=held) from None

    def _raise_if_closed(self) -> None:
        if self._problem is not None:
            raise self._problem
        if self._link.state is LinkState.CLOSED:
            raise ClosedError("this client is closed: connect anew")
