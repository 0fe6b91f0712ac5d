"""What both clients share: a Reader, who is told of what it applied, how the link is doing. No socket, no loop."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from rtlab.client.addresses import Addresses
from rtlab.client.backoff import retry_hint_s
from rtlab.client.outcome import ending
from rtlab.errors import ProtocolError, RefusedError, RtlabError, UnreachableError
from rtlab.model import Instrument
from rtlab.protocol import (
    Applied,
    Code,
    Codec,
    Encoding,
    Ping,
    Reader,
    ReaderStatistics,
    Subscription,
    SubscriptionState,
    Welcome,
)

Callback = Callable[[Applied], None]
Tap = Callable[[bytes], None]

EVICT_AFTER_S, HEARTBEAT_S = 10.0, 1.0  # as long as no Welcome told otherwise
AFTER_FOREIGN_S = 1.0  # who sent or got what the protocol does not allow is not asked again at once


class LinkState(StrEnum):
    """How the client stands with its server."""

    CONNECTING = "connecting"  # never connected so far
    LIVE = "live"
    RECONNECTING = "reconnecting"
    CLOSED = "closed"


class ClientStatistics(NamedTuple):
    """The link: its state, how often it was opened and lost, how stale it is, and the Reader's counters."""

    state: str
    opened: int
    lost: int
    tries: int  # since the last time that it was live
    foreign: int  # payloads that were not of the protocol
    silent: int  # connections that were given up because nothing came
    staleness_ms: float  # -1 when there was no message
    inbox_waiting: int
    inbox_dropped: int
    inbox_blocked: int  # how often the socket was left unread because an inbox was full
    url: str  # where it is connected, or tries next
    last_reason: str
    reader: ReaderStatistics


class Link:
    """The client without its socket; every `now` is in ns, monotonic.

    connecting --open, first message--> live --lost--> reconnecting --open, first message--> live ... --close--> closed
    """

    def __init__(self, urls: str | Sequence[str], codec: Encoding = "msgpack") -> None:
        self.addresses = Addresses(urls)
        self.codec = Codec(codec)
        self.text = codec == "json"
        self.reader = Reader(self.codec)
        self.state = LinkState.CONNECTING
        self.last_reason = ""
        self.opened_count = self.lost_count = self.foreign = self.silent = 0
        self.last_message: int | None = None
        self._quickest: int | None = (
            None  # way of a ping, in ns of two clocks: only differences mean anything
        )
        self._late = 0
        self._callbacks: list[Callback] = []
        self._taps: list[Tap] = []

    def on_payload(self, tap: Tap) -> None:
        """Call `tap` with the bytes of each message as they came, before they are applied, whatever becomes of them."""
        self._taps.append(tap)

    def on_applied(self, callback: Callback) -> Callable[[], None]:
        """Call `callback` after each change of a view; give a function that ends this."""
        self._callbacks.append(callback)

        def remove() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return remove

    def opened(self, now: int) -> None:
        """The connection is open: everything is subscribed (again), from where each view stands."""
        self.opened_count += 1
        self.reader.connected(now)

    def receive(self, payload: bytes, now: int) -> list[Applied]:
        """Apply a message and tell the callbacks; raises ProtocolError, and whatever a callback raises."""
        for tap in self._taps:
            tap(payload)
        try:
            applied = self.reader.receive(payload, now)
        except ProtocolError:
            self.foreign += 1
            raise
        self.last_message = now
        if self.state is not LinkState.CLOSED:
            self.state = LinkState.LIVE
        told = [one for one in applied if not self._keep(one, now)]
        for one in told:
            for callback in tuple(self._callbacks):
                callback(one)
        return told

    def _keep(self, applied: Applied, now: int) -> bool:
        # what is about the link and not about a subscription is for the link alone
        match applied.message:
            case Ping(server_time=server_time):
                self.addresses.answered()  # only now: a server that answers, then fails, is not asked ever faster
                way = now - server_time
                self._quickest = way if self._quickest is None else min(way, self._quickest)
                self._late = way - self._quickest
                return True
            case Welcome():
                self._quickest, self._late = None, 0
                return True
        return False

    def lost(self, now: int, code: int, reason: str) -> float:
        """The connection is gone, for `reason`; give the seconds to wait before the next try."""
        self.lost_count += 1
        self.reader.disconnected(now)
        if self.state is not LinkState.CLOSED:
            self.state = LinkState.RECONNECTING
        self.last_reason = ending(code, reason)
        hint = retry_hint_s(reason)
        least = max(hint or 0.0, AFTER_FOREIGN_S) if code == Code.PROTOCOL else hint
        return self.addresses.gone(now, least)

    def failed(self, now: int, problem: RtlabError) -> float:
        """A try to connect failed; give the seconds to wait before the next one, which may go elsewhere."""
        self.last_reason = str(problem)
        hint = problem.retry_after_s if isinstance(problem, RefusedError) else None
        return self.addresses.gone(now, hint)

    @property
    def silence_s(self) -> float:
        """How long a server may say nothing before it is taken for gone: twice as long as it waits for us."""
        welcome = self.reader.welcome
        if welcome is None:
            return max(2 * EVICT_AFTER_S, 3 * HEARTBEAT_S)
        return max(2 * welcome.limits.get("evict_after_s", EVICT_AFTER_S), 3 * welcome.heartbeat_s)

    def fell_silent(self) -> str:
        """Count a server that says nothing any more; give the reason for the end of its connection."""
        self.silent += 1
        return f"the server at {self.addresses.shown} said nothing for {self.silence_s:g} s"

    def close(self, now: int) -> None:
        """The caller leaves, or the link came to an end that trying again cannot help. Idempotent."""
        if self.state is not LinkState.CLOSED:
            self.state = LinkState.CLOSED
            self.reader.disconnected(now)

    def instruments(self) -> dict[str, Instrument] | None:
        """Give the feed's instruments by symbol, as its Welcome told them; None before that."""
        welcome = self.reader.welcome
        if welcome is None:
            return None
        return {
            symbol: Instrument(symbol, Decimal(tick), Decimal(lot))
            for symbol, tick, lot in welcome.instruments
        }

    def is_ready(self, subscription: Subscription) -> bool:
        """Tell whether `subscription` holds a state; RefusedError when the server refused it."""
        if subscription.state is SubscriptionState.REFUSED:
            raise RefusedError(f"the server refused: {subscription.error}", code=Code.UNKNOWN)
        return subscription.is_live

    def not_ready(self, what: str, timeout_s: float, *, held: bool = False) -> RtlabError:
        """Say why there is no `what` after `timeout_s`; `held`: because the socket is not read."""
        return UnreachableError(
            f"the server at {self.addresses.shown} sent no {what} in {timeout_s:g} s: the link is {self.state}"
            + (", and its socket is not read: a blocking inbox is full" if held else "")
            + (f" ({self.last_reason})" if self.last_reason else "")
        )

    def staleness_ms(self, now: int) -> float:
        """Give how old (ms) what we know is: the age of the last message, and how much later than the quickest
        of this connection the last ping came; or for how long the server has heard nothing of its engine. -1 when
        there was no message.
        """
        if self.last_message is None:
            return -1.0
        age = now - self.last_message + self._late
        since = self.reader.frozen_since
        return (age if since is None else max(age, now - since)) / 1e6

    def statistics(
        self, now: int, inbox_waiting: int = 0, inbox_dropped: int = 0, inbox_blocked: int = 0
    ) -> ClientStatistics:
        """Give the counters of the link and its Reader."""
        return ClientStatistics(
            state=str(self.state),
            opened=self.opened_count,
            lost=self.lost_count,
            tries=self.addresses.tries,
            foreign=self.foreign,
            silent=self.silent,
            staleness_ms=self.staleness_ms(now),
            inbox_waiting=inbox_waiting,
            inbox_dropped=inbox_dropped,
            inbox_blocked=inbox_blocked,
            url=self.addresses.shown,
            last_reason=self.last_reason,
            reader=self.reader.statistics(),
        )
