"""The client's half of one connection and of all that follow it. It knows no socket and no clock."""

from typing import NamedTuple

from msgspec import structs

from rtlab.book import TapeView
from rtlab.errors import ConfigError
from rtlab.protocol.channels import CHANNEL_KINDS
from rtlab.protocol.codec import Codec, Payload
from rtlab.protocol.codes import Code
from rtlab.protocol.ladder import State
from rtlab.protocol.limits import SECOND
from rtlab.protocol.messages import (
    FROZEN,
    Authenticate,
    Batch,
    Channel,
    ClientMessage,
    Error,
    Ping,
    Pong,
    Resync,
    ServerMessage,
    StateMessage,
    Status,
    Subscribe,
    Subscribed,
    TotalsBefore,
    Trades,
    Unsubscribe,
    Welcome,
)
from rtlab.protocol.subscription import Subscription, SubscriptionState

_RESYNC_EVERY = SECOND
_RESYNC_AGAIN = 5 * SECOND  # a snapshot that did not come by then was lost


class Applied(NamedTuple):
    """A message that changed something: `how` is "snapshot" or "increment" when it was the subscription's view.

    Else it names the message: "welcome", "subscribed", "status", "error", "ping"; or "resync" when the message
    showed that something is missing, and the view waits for a snapshot. A Trades message holds only the rows that
    were new: rows `before.seq + 1` on, each of them once.
    """

    subscription: Subscription | None
    message: ServerMessage
    how: str


class ReaderStatistics(NamedTuple):
    """What came in. `merged`, `dropped` (over all connections) and `lag_ms` (of this one) are as the servers told.

    `duplicates` said nothing new. `lagged` and `degraded` count how often the server began to treat it so.
    """

    messages: int
    snapshots: int
    increments: int
    gaps: int
    resyncs: int
    checksum_failures: int
    duplicates: int
    ignored: int
    resumed: int
    connections: int
    merged: int
    dropped: int
    lag_ms: float
    lagged: int = 0
    degraded: int = 0


class Reader:
    """Takes in a server's payloads, keeps the views of its subscriptions, and says what to answer.

    Call `payloads_to_send` after each `receive` and from time to time; `now` is monotonic ns. A ProtocolError
    from `receive` means: close, connect again, and call `disconnected` and `connected`; the views stay.
    `frozen_since` is when (ns) the server last heard of what it serves, None while all is well.
    """

    def __init__(self, codec: Codec) -> None:
        self.welcome: Welcome | None = None
        self.status: Status | None = None
        self.frozen_since: int | None = None
        self._codec = codec
        self._subscriptions: dict[int, Subscription] = {}  # by wish
        self._by_key: dict[int, Subscription] = {}
        self._out: list[bytes] = []
        self._is_connected = False
        self._wishes = 0
        self._lagged = self._degraded = 0
        self._merged_before = self._dropped_before = 0  # on the connections before this one
        self._messages = self._snapshots = self._increments = self._gaps = self._resyncs = 0
        self._checksum_failures = self._duplicates = self._ignored = self._resumed = self._connections = 0

    @property
    def subscriptions(self) -> list[Subscription]:
        """Give the subscriptions that were not ended."""
        return list(self._subscriptions.values())

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
        """Ask for a channel, now or when connected, and again after each reconnect.

        `least_depth`: be content with this many levels while too slow for `depth`.
        """
        if channel not in CHANNEL_KINDS:
            raise ConfigError(
                "the caller's channel is unknown", expected=f"one of {', '.join(CHANNEL_KINDS)}", got=channel
            )
        self._wishes += 1
        wish = self._wishes
        asked = Channel(channel, instrument, depth, interval_ns, max_rate, None, least_depth)
        subscription = Subscription(wish, asked)
        self._subscriptions[wish] = subscription
        if self._is_connected:
            self._ask(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription; its view stays as it is."""
        self._subscriptions.pop(subscription.wish, None)
        if subscription.key is not None:
            self._by_key.pop(subscription.key, None)
            self._send(Unsubscribe(subscription.key))
        subscription.disconnected()
        subscription.state = SubscriptionState.ENDED

    def authenticate(self, token: str) -> None:
        """Show a newer token on the connection that there is."""
        if self._is_connected:
            self._send(Authenticate(token))

    def connected(self, now: int) -> None:
        """A new connection is there: ask for everything again, from where it stands."""
        self._is_connected = True
        self._connections += 1
        for subscription in self._subscriptions.values():
            if subscription.state is not SubscriptionState.REFUSED:
                self._ask(subscription)

    def disconnected(self, now: int) -> None:
        """The connection is gone; the views stay."""
        self._is_connected = False
        if self.status is not None:
            self._merged_before += self.status.merged
            self._dropped_before += self.status.dropped
            self.status = self.frozen_since = None
        self._out.clear()
        self._by_key.clear()
        for subscription in self._subscriptions.values():
            subscription.disconnected()

    def receive(self, payload: Payload, now: int) -> list[Applied]:
        """Take a payload in and tell what it changed; ProtocolError on foreign bytes, the views keep what was good."""
        message = self._codec.decode_server(payload)
        parts = message.messages if isinstance(message, Batch) else (message,)
        self._messages += len(parts)
        applied = (self._take(part, now) for part in parts)
        return [one for one in applied if one is not None]

    def payloads_to_send(self, now: int) -> list[bytes]:
        """Give what is to be sent at `now`, in order."""
        if not self._is_connected:
            return []
        for key, subscription in self._by_key.items():
            due = subscription.resync_due
            if due is not None and now >= due:
                subscription.resync_due, subscription.resync_at = None, now
                self._resyncs += 1
                self._send(Resync(key))
        out, self._out = self._out, []
        return out

    def statistics(self) -> ReaderStatistics:
        """Count what came in."""
        status = self.status
        return ReaderStatistics(
            self._messages,
            self._snapshots,
            self._increments,
            self._gaps,
            self._resyncs,
            self._checksum_failures,
            self._duplicates,
            self._ignored,
            self._resumed,
            self._connections,
            self._merged_before + (status.merged if status else 0),
            self._dropped_before + (status.dropped if status else 0),
            status.lag_ms if status else 0.0,
            self._lagged,
            self._degraded,
        )

    def _send(self, message: ClientMessage) -> None:
        self._out.append(self._codec.encode(message))

    def _ask(self, subscription: Subscription) -> None:
        self._send(Subscribe(subscription.wish, [subscription.channel_to_ask()]))

    def _take(self, message: ServerMessage, now: int) -> Applied | None:
        match message:
            case Ping():
                self._answer(message, now)
                return Applied(None, message, "ping")
            case Welcome():
                self.welcome = message
                return Applied(None, message, "welcome")
            case Status():
                if self.status is None or self.status.state != message.state:
                    self._lagged += message.state == State.LAGGING
                    self._degraded += message.state == State.DEGRADED
                self.status = message
                self.frozen_since = now - round(message.lag_ms * 1e6) if message.state == FROZEN else None
                return Applied(None, message, "status")
            case Subscribed():
                return self._granted(message)
            case Error():
                return self._refused(message, now)
            case Batch():
                return None  # a batch holds no batches: the codec refuses them
        subscription = self._by_key.get(message.key)
        if subscription is None:
            self._ignored += 1
            return None
        fresh = subscription.new_on_connection
        outcome = subscription.take(message)
        if outcome in ("snapshot", "increment"):
            self._count(subscription, outcome, fresh=fresh)
            return Applied(subscription, _without_known(message, subscription), outcome)
        if outcome == "known":
            self._duplicates += 1
        elif outcome == "waiting":
            self._ignored += 1
        else:
            if outcome == "lost":
                self._gaps += 1
            else:
                self._checksum_failures += 1
            self._lost(subscription, now)
            return Applied(subscription, message, "resync")
        return None

    def _count(self, subscription: Subscription, outcome: str, *, fresh: bool) -> None:
        if outcome == "snapshot":
            self._snapshots += 1
        else:
            self._increments += 1
        if fresh and self._connections > 1 and subscription.came_back == "resumed":
            self._resumed += 1

    def _lost(self, subscription: Subscription, now: int) -> None:
        subscription.lose()
        if subscription.resync_due is None:
            last = subscription.resync_at
            subscription.resync_due = now if last is None else max(now, last + _RESYNC_EVERY)

    def _granted(self, message: Subscribed) -> Applied | None:
        subscription = self._subscriptions.get(message.id)
        if subscription is None:
            # ended before it was granted
            self._send(Unsubscribe(message.key))
            return None
        self._by_key = {key: one for key, one in self._by_key.items() if one is not subscription}
        self._by_key[message.key] = subscription
        subscription.grant(message)
        return Applied(subscription, message, "subscribed")

    def _refused(self, message: Error, now: int) -> Applied:
        subscription = None
        if message.key is not None:
            subscription = self._by_key.get(message.key)
            if subscription is not None and message.code == Code.FORBIDDEN:
                del self._by_key[message.key]
                subscription.disconnected()
                subscription.error, subscription.state = message.message, SubscriptionState.REFUSED
            elif subscription is not None and message.retry_after_s is not None:
                subscription.resync_due = now + round(message.retry_after_s * SECOND)
        elif message.id is not None:
            subscription = self._subscriptions.get(message.id)
            if subscription is not None:
                subscription.error, subscription.state = message.message, SubscriptionState.REFUSED
        return Applied(subscription, message, "error")

    def _answer(self, ping: Ping, now: int) -> None:
        for key, (epoch, sent, exact_to) in ping.heads.items():
            subscription = self._by_key.get(key)
            if subscription is None:
                continue
            if subscription.holds_nothing:
                last = subscription.resync_at
                if subscription.resync_due is None and (last is None or now - last >= _RESYNC_AGAIN):
                    subscription.resync_due = now
                continue
            fresh = subscription.new_on_connection
            if not subscription.stand_at(epoch, sent, exact_to):
                self._gaps += 1
                self._lost(subscription, now)
            elif fresh:
                self._resumed += self._connections > 1
        applied = {key: (s.view.epoch, s.view.seq) for key, s in self._by_key.items() if not s.holds_nothing}
        self._send(Pong(ping.nonce, applied))


def _without_known(message: StateMessage, subscription: Subscription) -> StateMessage:
    view = subscription.view
    if (
        not isinstance(message, Trades)
        or not isinstance(view, TapeView)
        or len(view.news) == len(message.trades)
    ):
        return message
    before = TotalsBefore(*view.before_news)
    return structs.replace(message, first_seq=before.seq + 1, before=before, trades=view.news)
