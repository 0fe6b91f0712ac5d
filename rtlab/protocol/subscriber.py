"""The server's half of one connection. It knows no socket, no clock and no book."""

from collections.abc import Callable
from math import isfinite
from typing import Any, NamedTuple

from rtlab.book.update import WHOLE
from rtlab.errors import LocalError, ProtocolError
from rtlab.protocol.cache import PayloadCache
from rtlab.protocol.channels import CHANNEL_KINDS
from rtlab.protocol.codec import VERSION, Codec, Malformed, Payload
from rtlab.protocol.codes import Code
from rtlab.protocol.cohort import Cohorts, Tally
from rtlab.protocol.cursor import Cursor
from rtlab.protocol.delivery import Delivery
from rtlab.protocol.grant import OPEN, Grant
from rtlab.protocol.ladder import Moves, State
from rtlab.protocol.limits import SECOND, Limits, ns
from rtlab.protocol.messages import (
    Authenticate,
    Channel,
    ClientMessage,
    Error,
    Pong,
    Resync,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Welcome,
)
from rtlab.protocol.pace import Pace
from rtlab.protocol.pulse import Pulse
from rtlab.protocol.state import Sources

_SLOWEST_RATE = 0.001  # messages a second

Authority = Callable[[str, int], Grant]
"""Judges a token at a time (monotonic ns); ProtocolError (4001, 4009) where it grants nothing."""


class SubscriberStatistics(NamedTuple):
    """What one connection was sent, and how it is treated. Sizes in bytes; `lag_ms` is how long it owes an answer.

    `lagged`, `degraded` and `recovered` count how often it began to lag, was degraded and became live again. Of its
    tables `heads` states were noticed, of which each was sent, merged, `unsaid` (nothing changed within the depth) or
    waits; `put_back` counts how often it was further on than this server and had to go back to a snapshot.
    """

    state: State
    subscriptions: int
    messages: int
    sent_bytes: int
    merged: int
    dropped: int
    resyncs: int
    refused: int
    lag_ms: float
    window: int
    unanswered: int
    lagged: int
    degraded: int
    recovered: int
    heads: int = 0
    unsaid: int = 0
    put_back: int = 0


class Subscriber:
    """Takes in a client's payloads and gives the payloads that are due to it.

    Call `payloads_to_send` after each publish, after each `receive`, and every 50 ms or so; `now` is monotonic
    ns. `closing` is (close code, reason) from when the ladder gave the reader up.

    `grant` is what the reader may have; None: it has to authenticate itself first, and is told nothing before.
    `authority` judges its token then, and any newer one that it sends later.
    """

    def __init__(
        self,
        sources: Sources,
        *,
        codec: Codec,
        cache: PayloadCache,
        limits: Limits,
        now: int,
        grant: Grant | None = OPEN,
        authority: Authority | None = None,
        all_moves: Moves | None = None,
        pulse: Pulse | None = None,
    ) -> None:
        self._sources, self._codec, self._cache, self._limits = sources, codec, cache, limits
        self._delivery = Delivery(codec, cache, limits, now, all_moves=all_moves, pulse=pulse)
        self._generation = 0
        self._resyncs = self._refused = 0
        self._now = now
        self._pace = Pace(limits.messages_per_s, limits.messages_burst)
        self._answered = 0  # the newest ping
        self._spoke = now  # when the client last said something of its own
        self._grant, self._authority = grant, authority
        if grant is not None:
            self._welcome(grant)

    @property
    def state(self) -> State:
        """Give how the reader is treated."""
        return self._delivery.credit.state

    @property
    def closing(self) -> tuple[int, str] | None:
        """Give the close code and reason once the reader was given up."""
        if self._is_idle():
            return int(Code.LIMIT), f"nothing subscribed for {self._limits.idle_s:g} s"
        why = self._delivery.evicted
        return None if why is None else (int(Code.TOO_SLOW), why)

    def receive(self, payload: Payload, now: int) -> None:
        """Take a client's payload in; ProtocolError when the connection is to be closed, with its code."""
        self._now = now
        message = self._cache.decode(self._codec, payload)
        if not isinstance(message, Pong):
            self._delivery.leave()
        if self._is_too_fast(message):
            return
        if self._grant is None and not isinstance(message, Authenticate):
            raise ProtocolError(
                "the client did not say who it is", code=Code.UNAUTHORISED, expected="Authenticate first"
            )
        match message:
            case Subscribe(id=wish, channels=channels):
                for index, channel in enumerate(channels):
                    self._subscribe(wish, index, channel)
            case Unsubscribe(key=key):
                self._unsubscribe(key)
            case Pong(nonce=nonce, applied=applied):
                self._delivery.answer(nonce, applied, now)
            case Resync(key=key):
                self._resync(key)
            case Authenticate(token=token):
                self._authenticate(token)
            case Malformed(message=name, why=why, id=wish):
                self._refuse(Code.PROTOCOL, f"the client's {name} has a wrong field: {why}", wish=wish)

    def count(self, now: int) -> None:
        """Count a frame that is no message: a control frame, or a part of one; ProtocolError (4029) for a flood."""
        self._now = now
        self._early()

    def payloads_to_send(self, now: int) -> list[bytes]:
        """Give what is due at `now`, in order: answers, one batch of news, a ping. Nothing while paused, or carried."""
        self._now = now
        if self._grant is None or self._is_idle():
            return []
        return self._delivery.due(now)

    @property
    def rests_until(self) -> int:
        """Until when (ns) `payloads_to_send` gives nothing unless the reader says something; 0: it may any time."""
        return 0 if self._is_idle() else self._delivery.rests_until

    @property
    def waiting_bytes(self) -> int:
        """Give the bytes that are held for this reader here, beside the transport's: answers that wait."""
        return self._delivery.waiting_bytes

    @property
    def unanswered(self) -> int:
        """Give the bytes that it was sent and has not answered for."""
        return self._delivery.unanswered

    @property
    def idle_ns(self) -> int:
        """Give how long (ns) ago, as of the last call with a time, the reader last showed progress it owed."""
        return self._delivery.credit.idle(self._now)

    def give_up(self, why: str, now: int) -> None:
        """End it from the server's side; `closing` then says `why`."""
        self._now = now
        self._delivery.leave()
        self._delivery.give_up(why, now)

    @property
    def tally(self) -> Tally:
        """Count what was sent and what was not."""
        return self._delivery.tally

    @property
    def is_carried(self) -> bool:
        """Whether a cohort serves this reader."""
        return self._delivery.slot >= 0

    def join(self, cohorts: Cohorts[Any], owner: object, now: int) -> None:
        """Let a cohort carry this reader, if it may, after `payloads_to_send`; `owner` is told to its carrier."""
        if self._grant is not None:
            self._delivery.join(cohorts, owner, now)

    def tell(self, now: int) -> None:
        """Tell the reader how it is treated: what the gateway serves fell silent, or is back."""
        self._now = now
        if self._grant is not None:
            self._delivery.tell(now)

    def leave(self) -> None:
        """Go on alone, from where the cohort stands, if one carries this reader."""
        self._delivery.leave()

    def pause(self, now: int) -> None:
        """The transport's write buffer is full."""
        self._delivery.leave()
        self._delivery.credit.pause(now)

    def resume(self, now: int) -> None:
        """The transport's write buffer has drained."""
        self._delivery.credit.resume(now)

    def statistics(self) -> SubscriberStatistics:
        """Count what was sent and what was not, as of the last call with a time."""
        delivery = self._delivery
        credit, tally = delivery.credit, delivery.tally
        return SubscriberStatistics(
            credit.state,
            len(delivery.cursors),
            tally.messages,
            tally.bytes,
            tally.merged,
            tally.dropped,
            self._resyncs,
            self._refused,
            credit.lag(self._now) / 1e6,
            credit.window,
            delivery.unanswered,
            credit.moves.into[State.LAGGING],
            credit.moves.into[State.DEGRADED],
            credit.moves.into[State.LIVE],
            tally.heads,
            tally.unsaid,
            delivery.put_back,
        )

    def _early(self) -> int:
        # what comes too early is refused as long as the burst is not used up twice
        self._spoke = self._now
        early, limits = self._pace.book(self._now), self._limits
        if early > limits.messages_burst / limits.messages_per_s * SECOND:
            raise ProtocolError(
                "the client goes on sending faster than it may",
                code=Code.TOO_MANY_REQUESTS,
                expected=f"at most {limits.messages_per_s:g} messages a second",
            )
        return early

    def _is_idle(self) -> bool:
        return not self._delivery.cursors and self._now - self._spoke > self._limits.idle_s * SECOND

    def _is_too_fast(self, message: ClientMessage | Malformed) -> bool:
        if isinstance(message, Pong) and self._answered < message.nonce <= self._delivery.credit.nonce:
            self._answered = message.nonce  # it was asked for
            return False
        early = self._early()
        if early:
            self._delivery.leave()
            what = f"the client sends too fast: expected at most {self._limits.messages_per_s:g} messages a second"
            self._refuse(Code.TOO_MANY_REQUESTS, what, retry_after_s=early / SECOND)
        return early > 0

    def _authenticate(self, token: str) -> None:
        if self._authority is None:
            self._refuse(Code.PROTOCOL, "the client sent a token where none is asked for")
            return
        before, grant = self._grant, self._authority(token, self._now)
        self._grant = grant
        if before is None:
            self._welcome(grant)
        for key, cursor in tuple(self._delivery.cursors.items()):
            name, instrument = cursor.lane.name, cursor.lane.instrument
            if not grant.allows(name, instrument):
                self._unsubscribe(key)
                self._refuse(Code.FORBIDDEN, _forbidden(name, instrument), key=key)

    def _welcome(self, grant: Grant) -> None:
        limits, known = self._limits, self._sources.instruments.values()
        instruments = [(i.symbol, str(i.tick_size), str(i.lot_size)) for i in known if grant.sees(i.symbol)]
        told = limits.told() | {"subscriptions": float(grant.most(limits.subscriptions))}
        self._delivery.reply(Welcome(VERSION, self._now, limits.heartbeat_s, told, instruments))
        if self._delivery.is_frozen:
            self._delivery.tell(self._now)

    def _subscribe(self, wish: int, index: int, channel: Channel) -> None:
        wrong = self._wrong_with(channel)
        if wrong is not None:
            self._refuse(*wrong, wish=wish, index=index)
            return
        depth = WHOLE if channel.depth is None else channel.depth
        try:
            source = self._sources.source(channel.name, channel.instrument, channel.interval)
        except LocalError as unknown:
            self._refuse(Code.UNKNOWN, f"the client's {channel.name}: {unknown}", wish=wish, index=index)
            return
        lane = self._cache.lane(
            source, self._codec, channel.name, channel.instrument, channel.interval, depth
        )
        key = self._new_key(lane.base)
        patient_until = self._now + ns(self._limits.resume_wait_s)
        less = None
        if channel.least_depth is not None and channel.least_depth < depth:
            less = self._cache.lane(
                source, self._codec, channel.name, channel.instrument, channel.interval, channel.least_depth
            )
        self._delivery.cursors[key] = Cursor(key, lane, channel, patient_until, less)
        instrument = self._sources.instruments[channel.instrument]
        grid = (str(instrument.tick_size), str(instrument.lot_size))
        granted = (channel.depth, channel.max_rate, channel.interval)
        self._delivery.reply(Subscribed(wish, key, channel.name, channel.instrument, *granted, *grid, index))

    def _wrong_with(self, channel: Channel) -> tuple[Code, str] | None:
        name, depth, rate = channel.name, channel.depth, channel.max_rate
        kind, known = CHANNEL_KINDS.get(name), self._sources.instruments
        grant = self._grant or Grant()
        if not grant.allows(name, channel.instrument):
            return Code.FORBIDDEN, _forbidden(name, channel.instrument)
        if kind is None:
            return Code.UNKNOWN, _wrong("channel", f"one of {', '.join(CHANNEL_KINDS)}", name)
        if channel.instrument not in known:
            return Code.UNKNOWN, _wrong("instrument", f"one of {', '.join(known)}", channel.instrument)
        if depth is not None and not 0 < depth <= WHOLE:
            return Code.PROTOCOL, _wrong("depth", "1 or more, or none for all", depth)
        least = channel.least_depth
        if least is not None and (kind.log or not 0 < least <= (depth or WHOLE)):
            wanted = "none for a log" if kind.log else f"1 to depth {depth or ''}".rstrip()
            return Code.PROTOCOL, _wrong("least_depth", wanted, least)
        if bool(channel.interval) is not kind.timed:
            wanted = "one above 0" if kind.timed else "none"
            return Code.PROTOCOL, _wrong("interval", f"{wanted} for {name}", channel.interval)
        if rate is not None and not (isfinite(rate) and rate >= _SLOWEST_RATE):
            return Code.PROTOCOL, _wrong("max_rate", f"{_SLOWEST_RATE} or more", rate)
        most = grant.most(self._limits.subscriptions)
        if len(self._delivery.cursors) >= most:
            return Code.LIMIT, _wrong("number of subscriptions", f"at most {most}", most + 1)
        return None

    def _new_key(self, base: int) -> int:
        # the same on all connections that subscribe alike, so that payloads are shared; on one never the same twice
        if base | self._generation << 32 in self._delivery.cursors:
            self._generation += 1
        return base | self._generation << 32

    def _unsubscribe(self, key: int) -> None:
        self._generation += 1
        if not self._delivery.end(key):
            self._refuse(Code.UNKNOWN, _wrong("key", "one of a Subscribed", key), key=key)

    def _resync(self, key: int) -> None:
        cursor = self._delivery.cursors.get(key)
        if cursor is None:
            self._refuse(Code.UNKNOWN, _wrong("key", "one of a Subscribed", key), key=key)
            return
        every, last = ns(self._limits.resync_every_s), cursor.resync_at
        if last is not None and self._now - last < every:
            what = f"the client resyncs too often: expected at most once in {every / SECOND:g} s, got key {key} again"
            wait = (every - (self._now - last)) / SECOND
            self._refuse(Code.TOO_MANY_REQUESTS, what, key=key, retry_after_s=wait)
            return
        cursor.resync_at = self._now
        cursor.reset()
        self._resyncs += 1
        self._delivery.credit.forget(key)

    def _refuse(
        self,
        code: Code,
        message: str,
        *,
        wish: int | None = None,
        index: int = 0,
        key: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self._refused += 1
        self._delivery.reply(Error(int(code), message, retry_after_s, wish, index, key))


def _forbidden(name: str, instrument: str) -> str:
    return f"the client's token does not allow {name[:40]!r} of {instrument[:40]!r}"


def _wrong(what: str, expected: str, got: object) -> str:
    return f"the client's {what} is not one we serve: expected {expected}, got {str(got)[:80]!r}"
