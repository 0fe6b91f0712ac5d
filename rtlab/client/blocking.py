"""The blocking client: the same Reader, driven by the caller's thread; nothing happens between two reads."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from websockets.exceptions import ConnectionClosed
from websockets.protocol import OPEN
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_websocket

from rtlab.client.inbox import LIMIT, Inbox, Policy, Waiting
from rtlab.client.link import Callback, ClientStatistics, Link, LinkState
from rtlab.client.opening import Opening
from rtlab.client.outcome import BROKE_OFF, NETWORK, closed, is_final, not_connected
from rtlab.errors import ClosedError, OverrunError, ProtocolError, RtlabError
from rtlab.model import Instrument
from rtlab.protocol import Applied, Encoding, Subscription

DRAIN_S = 0.1


def connect_blocking(
    url: str | Sequence[str],
    *,
    codec: Encoding = "msgpack",
    retry: bool = False,
    token: str | None = None,
    ca_file: str | Path | None = None,
    compression: bool = False,
    policy: Policy = "block",
    limit: int = LIMIT,
) -> "BlockingClient":
    """Give a blocking client of the feed at `url`; `with connect_blocking(url) as client` opens it.

    All as for `connect`, but for `policy`: with "block" a `read` takes one message, so that the server feels a
    reader that falls behind; with the others it takes all that came since the last one, and of more than `limit`
    changes gives the newest of each subscription, or raises OverrunError.
    """
    link = Link(url, codec)
    opening = Opening(link.codec.subprotocol, token=token, ca_file=ca_file, compression=compression)
    return BlockingClient(link, opening, retry=retry, policy=policy, limit=limit)


class BlockingClient:
    """One connection to a feed that moves on while `read` or `ready` runs, in the thread that calls them.

    Who does not read for long is evicted by the server as any slow reader is; the next `read` comes back by
    itself and resumes. One thread at a time; `close` may come from another.
    """

    def __init__(self, link: Link, opening: Opening, *, retry: bool, policy: Policy, limit: int) -> None:
        Inbox(limit, policy)  # a wrong policy is the caller's fault here, not at the first message
        self._link, self._opening = link, opening
        self._retry = retry
        self._policy, self._limit = policy, limit
        self._inbox_dropped = 0
        self._silence = 0.0  # seconds of reading without a message
        self._connection: ClientConnection | None = None
        self._next_try = 0.0  # time.monotonic()
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        if self._link.opened_count or self._closing.is_set():
            raise ClosedError("this client was opened before: connect anew")
        if not self._retry:
            self._open_first()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where the client is connected, or tries next."""
        return self._link.addresses.url

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
        least_depth: int | None = None,
    ) -> Subscription:
        """Ask for a channel; the subscription's view fills while the caller reads (see `ready`).

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
        RefusedError when the server will not have this client, ClosedError after `close`, OverrunError as the
        policy says.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            if self._closing.is_set():
                raise ClosedError("this client is closed: connect anew")
            if self._connection is None and not self._come_back(deadline):
                return []
            applied = self._receive(deadline)
            if applied is not None:
                return applied if self._policy == "block" else self._drain(applied)

    def __iter__(self) -> Iterator[Applied]:
        """Read for ever, and give one Applied after the other, until `close`."""
        while True:
            try:
                yield from self.read()
            except ClosedError:
                return

    def statistics(self) -> ClientStatistics:
        """Count what came, what was lost and found again, and what `read` did not give."""
        return self._link.statistics(time.monotonic_ns(), inbox_dropped=self._inbox_dropped)

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
                raise self._link.not_ready(what, timeout_s)
            self.read(left)

    def _receive(self, deadline: float | None) -> list[Applied] | None:
        # None: the connection is gone, another try is due
        connection = self._connection
        assert connection is not None
        patience = self._link.silence_s - self._silence
        left = patience if deadline is None else min(patience, max(0.0, deadline - time.monotonic()))
        begin = time.monotonic()
        try:
            payload = connection.recv(left, decode=False)
        except TimeoutError:
            return self._heard_nothing(connection, time.monotonic() - begin, deadline)
        except ConnectionClosed:
            self._lost(connection.close_code or BROKE_OFF, connection.close_reason or "")
            return None
        self._silence = 0.0
        now = time.monotonic_ns()
        try:
            applied = self._link.receive(payload, now)
        except ProtocolError as foreign:
            connection.close(foreign.code, str(foreign).encode()[:123].decode(errors="ignore"))
            self._lost(foreign.code, str(foreign))
            return None
        self._write()
        return applied

    def _heard_nothing(
        self, connection: ClientConnection, seconds: float, deadline: float | None
    ) -> list[Applied] | None:
        self._silence += seconds
        if self._silence < self._link.silence_s:
            return [] if deadline is not None else None
        connection.close()
        self._lost(BROKE_OFF, self._link.fell_silent())
        return None

    def _drain(self, first: list[Applied]) -> list[Applied]:
        # all that has come by now, and no more: a feed that is faster than we are must not keep us for ever
        waiting = Waiting(self._limit)
        end = time.monotonic() + DRAIN_S
        applied: list[Applied] | None = first
        while applied is not None:
            for one in applied:
                if self._policy == "raise" and len(waiting) >= self._limit:
                    self._inbox_dropped += 1
                    most = f"at most {self._limit} changes between two reads"
                    raise OverrunError("the caller reads too slowly", expected=most)
                self._inbox_dropped += waiting.make_room(one)
                waiting.add(one)
            if self._connection is None or time.monotonic() > end:
                break
            seen = self._link.reader.statistics().messages
            applied = self._receive(time.monotonic())
            if self._link.reader.statistics().messages == seen:
                break
        return [waiting.take() for _ in range(len(waiting))]

    def _open_first(self) -> None:
        for _ in range(len(self._link.addresses) - 1):
            try:
                return self._open()
            except RtlabError as problem:
                if is_final(problem):
                    raise
                self._link.failed(time.monotonic_ns(), problem)
        return self._open()

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
                self._next_try = time.monotonic() + self._link.failed(time.monotonic_ns(), problem)
        return True

    def _open(self) -> None:
        url = self.url
        try:
            opening = open_websocket(url, **self._opening.settings(url))
            # entered: since 17.1 websockets wants it so; left by close(), as it may be long after this call
            self._connection = opening.__enter__()
        except NETWORK as problem:
            raise not_connected(url, problem) from None
        self._silence = 0.0
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
        url = self.url
        delay_s = self._link.lost(time.monotonic_ns(), code, reason)
        self._next_try = time.monotonic() + delay_s
        problem = closed(url, code, reason)
        if is_final(problem):
            self.close()
            raise problem
