"""The blocking client: the same Reader, driven by the caller's thread; nothing happens between two reads."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from websockets.exceptions import ConnectionClosed
from websockets.protocol import OPEN
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_websocket
from websockets.typing import Subprotocol

from rtlab.client.connection import CLOSE_GRACE_S
from rtlab.client.link import Callback, ClientStatistics, Link, LinkState
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


def connect_blocking(url: str, *, codec: Encoding = "msgpack", retry: bool = False) -> "BlockingClient":
    """Give a blocking client of the feed at `url`; `with connect_blocking(url) as client` opens it.

    `retry` as for `connect`: without it the first connection must come about.
    """
    return BlockingClient(url, codec=codec, retry=retry)


class BlockingClient:
    """One connection to a feed that moves on while `read` or `ready` runs, in the thread that calls them.

    Who does not read for long is evicted by the server as any slow reader is; the next `read` comes back by
    itself and resumes. One thread at a time; `close` may come from another.
    """

    def __init__(self, url: str, *, codec: Encoding = "msgpack", retry: bool = False) -> None:
        self.url = check_url(url)
        self._link = Link(codec)
        self._retry = retry
        self._connection: ClientConnection | None = None
        self._next_try = 0.0  # time.monotonic()
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        if self._link.opened_count or self._closing.is_set():
            raise ClosedError("this client was opened before: connect anew")
        if not self._retry:
            self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def state(self) -> LinkState:
        """How the client stands with its server, as of the last `read`."""
        return self._link.state

    @property
    def staleness_ms(self) -> float:
        """Give how old (ms) what we know is, as far as messages and pings tell; -1 before the first message."""
        return self._link.staleness_ms(time.monotonic_ns())

    def subscribe(
        self,
        channel: str,
        instrument: str,
        *,
        depth: int | None = None,
        interval_ns: int = 0,
        max_rate: float | None = None,
    ) -> Subscription:
        """Ask for a channel; the subscription's view fills while the caller reads (see `ready`)."""
        subscription = self._link.reader.subscribe(
            channel, instrument, depth=depth, interval_ns=interval_ns, max_rate=max_rate
        )
        self._write()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription; its view stays as it was last."""
        self._link.reader.unsubscribe(subscription)
        self._write()

    def on_applied(self, callback: Callback) -> Callable[[], None]:
        """Call `callback` with each Applied, right after the views changed; give a function that ends this."""
        return self._link.on_applied(callback)

    def ready(self, subscription: Subscription, timeout_s: float = 10.0) -> Subscription:
        """Read until `subscription` holds its first state.

        RefusedError when the server refused it, UnreachableError when nothing came within `timeout_s`.
        """
        what = f"{subscription.channel} of {subscription.instrument}"
        self._until(lambda: self._link.is_ready(subscription), what, timeout_s)
        return subscription

    def instruments(self, timeout_s: float = 10.0) -> dict[str, Instrument]:
        """Give the feed's instruments by symbol; UnreachableError when it told none within `timeout_s`."""
        self._until(lambda: self._link.instruments() is not None, "welcome", timeout_s)
        return self._link.instruments() or {}

    def read(self, timeout_s: float | None = None) -> list[Applied]:
        """Take the next message, or connect again where that is due, and give what it changed.

        Gives an empty list when the message changed nothing, and after `timeout_s` without one (None: waits).
        RefusedError when the server will not have this client, ClosedError after `close`.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            if self._closing.is_set():
                raise ClosedError("this client is closed: connect anew")
            if self._connection is None and not self._come_back(deadline):
                return []
            applied = self._receive(deadline)
            if applied is not None:
                return applied

    def statistics(self) -> ClientStatistics:
        """Count what came, what was lost and what was found again."""
        return self._link.statistics(time.monotonic_ns())

    def close(self) -> None:
        """Leave the server. Idempotent."""
        self._closing.set()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._link.close(time.monotonic_ns())

    def _until(self, condition: Callable[[], bool], what: str, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._link.not_ready(self.url, what, timeout_s)
            self.read(left)

    def _receive(self, deadline: float | None) -> list[Applied] | None:
        # None: the connection is gone, another try is due
        connection = self._connection
        assert connection is not None
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            payload = connection.recv(left, decode=False)
        except TimeoutError:
            return []
        except ConnectionClosed:
            self._lost(connection.close_code or 1006, connection.close_reason or "")
            return None
        now = time.monotonic_ns()
        try:
            applied = self._link.receive(payload, now)
        except ProtocolError as foreign:
            connection.close(foreign.code, str(foreign).encode()[:123].decode(errors="ignore"))
            self._lost(foreign.code, str(foreign))
            return None
        self._write()
        return applied

    def _come_back(self, deadline: float | None) -> bool:
        while self._connection is None:
            due = self._next_try if deadline is None else min(self._next_try, deadline)
            if self._closing.wait(max(0.0, due - time.monotonic())):
                raise ClosedError("this client is closed: connect anew")
            if deadline is not None and self._next_try > time.monotonic():
                return False
            try:
                self._open()
            except RtlabError as problem:
                if is_final(problem):
                    raise
                self._next_try = time.monotonic() + self._link.failed(problem)
        return True

    def _open(self) -> None:
        try:
            opening = open_websocket(
                self.url,
                subprotocols=[Subprotocol(self._link.codec.subprotocol)],
                compression=None,
                proxy=None,
                open_timeout=OPEN_TIMEOUT_S,
                ping_interval=None,
                close_timeout=CLOSE_GRACE_S,
                max_size=MAX_MESSAGE,
            )
            # entered: since 17.1 websockets wants it so; left by close(), as it may be long after this call
            self._connection = opening.__enter__()
        except NETWORK as problem:
            raise not_connected(self.url, problem) from None
        self._link.opened(time.monotonic_ns())
        self._write()

    def _write(self) -> None:
        connection = self._connection
        if connection is None or connection.protocol.state is not OPEN:
            return
        for payload in self._link.reader.payloads_to_send(time.monotonic_ns()):
            try:
                connection.send(payload, text=self._link.text)
            except ConnectionClosed:
                return  # the next read sees it, and what was to be said is said again on the next connection

    def _lost(self, code: int, reason: str) -> None:
        self._connection = None
        delay_s = self._link.lost(time.monotonic_ns(), code, reason)
        self._next_try = time.monotonic() + delay_s
        problem = closed(self.url, code, reason)
        if is_final(problem):
            self.close()
            raise problem
