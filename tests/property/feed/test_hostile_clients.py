"""Hostile clients, seeded: each thing they send is answered by an Error, a close code or an HTTP 4xx, nothing else.

Of the messages most go into Subscribers without a socket, the others and all handshakes into a real gateway with a
reader beside them. RTLAB_ROUNDS=200 (`make test-full`) is 100,000 of them.
"""

import asyncio
import logging
import os
import time
from collections import Counter

import pytest
from support.command_flow import INSTRUMENTS, Flow
from support.hostile import BAD_TOKENS, CODECS, CODES, FRAMING, Hostile, fresh, secrets
from support.live_market import LiveMarket, follow
from support.tokens import tokens

from rtlab.book import Market
from rtlab.client import connect
from rtlab.engine import Engine
from rtlab.errors import ProtocolError
from rtlab.feed.admission import Admission
from rtlab.feed.policy import Policy
from rtlab.protocol import (
    OPEN,
    Authenticate,
    Batch,
    Error,
    Grant,
    Limits,
    PayloadCache,
    Pong,
    Reader,
    Resync,
    Subscribe,
    Subscribed,
    Subscriber,
    Unsubscribe,
)

ROUNDS = int(os.environ.get("RTLAB_ROUNDS", "6"))
PURE, FRAMED, ASKED = 450, 25, 25  # of a round: messages without a socket, frames and handshakes on sockets
STEP = 5_000_000  # ns

pytestmark = [pytest.mark.rounds, pytest.mark.timeout(60 + ROUNDS)]


def messages_of(codec, payloads):
    for payload in payloads:
        message = codec.decode_server(payload)
        yield from message.messages if isinstance(message, Batch) else [message]


def may_pass_in_silence(codec, payload: bytes) -> bool:
    """Tell whether a message is one that an honest client may send, and that nobody has to answer."""
    match codec.decode_client(payload):
        case Pong() | Unsubscribe() | Resync() | Subscribe(channels=[]):
            return True
    return False


class Victim:
    """A subscriber that hostile messages are sent to; a new one where it closes."""

    def __init__(self, market: Market, cache: PayloadCache, encoding: str, grant: Grant | None) -> None:
        self.market, self.cache, self.encoding, self.grant = market, cache, encoding, grant
        self.codec, self.counts = CODECS[encoding], Counter[str]()
        self.open(0)

    def open(self, now: int) -> None:
        self.subscriber = Subscriber(
            self.market,
            codec=self.codec,
            cache=self.cache,
            limits=Limits(messages_per_s=1000, messages_burst=100),
            now=now,
            grant=self.grant,
            authority=None if self.grant is OPEN else lambda token, now: tokens().verify(token).grant,
        )
        list(self.subscriber.payloads_to_send(now))

    def hear(self, payload: bytes, now: int) -> str:
        """Give how a message was answered: "error", "served", "silence", or the code of the close."""
        refused = self.subscriber.statistics().refused
        try:
            self.subscriber.receive(payload, now)
        except ProtocolError as closed:
            self.open(now)
            return str(closed.code) if "\n" not in str(closed) else "several lines"
        answers = list(messages_of(self.codec, self.subscriber.payloads_to_send(now)))
        if self.subscriber.closing is not None:
            self.open(now)
            return "closed"
        errors = [one for one in answers if isinstance(one, Error)]
        assert all(one.code in CODES for one in errors)
        if errors:
            assert self.subscriber.statistics().refused == refused + len(errors)
            return "error"
        return "served" if any(isinstance(one, Subscribed) for one in answers) else "silence"


class Witness:
    """An honest reader without a socket, on the same cache."""

    def __init__(self, market: Market, cache: PayloadCache) -> None:
        codec = CODECS["msgpack"]
        self.market, self.reader = market, Reader(codec)
        self.subscriber = Subscriber(market, codec=codec, cache=cache, limits=Limits(), now=0)
        self.reader.connected(0)
        self.subscription = self.reader.subscribe("book", "BTC-USD", depth=10)

    def look(self, now: int) -> None:
        for _ in range(2):
            for payload in self.reader.payloads_to_send(now):
                self.subscriber.receive(payload, now)
            for payload in self.subscriber.payloads_to_send(now):
                self.reader.receive(payload, now)

    def assert_true(self) -> None:
        book, view = self.market.book("BTC-USD"), self.subscription.view
        assert (view.bids(), view.asks()) == (book.bids(10), book.asks(10))
        statistics = self.reader.statistics()
        assert (statistics.gaps, statistics.checksum_failures, statistics.resyncs) == (0, 0, 0)


def test_every_hostile_message_is_answered_and_the_others_do_not_notice():
    engine, market, flow, cache = Engine(INSTRUMENTS), Market(INSTRUMENTS, 1), Flow(41), PayloadCache()
    market.apply(engine.process(flow.take(500)))
    witness, hostile, outcomes, now = (
        Witness(market, cache),
        Hostile(41, fresh("r", ["book"])),
        Counter[str](),
        0,
    )
    victims = [
        Victim(market, cache, encoding, grant)
        for encoding in CODECS
        for grant in (OPEN, None, Grant.of(["trades/ETH-USD"], subscriptions=2))
    ]
    for count in range(ROUNDS * PURE):
        now += STEP
        if count % 50 == 0:
            market.apply(engine.process(flow.take(20)))
            witness.look(now)
        victim = hostile.rnd.choice(victims)
        kind, payload = hostile.message(victim.encoding)
        outcome = victim.hear(payload, now)
        outcomes[outcome] += 1
        if outcome == "silence":
            assert kind == "token" or may_pass_in_silence(victim.codec, payload), (kind, payload)
    for _ in range(10):
        now += 1000 * STEP
        witness.look(now)
    witness.assert_true()
    assert sum(outcomes.values()) == ROUNDS * PURE
    assert set(outcomes) - {"error", "served", "silence", "closed"} <= {str(code) for code in CODES}
    assert {"error", "4001", "4002"} <= set(outcomes)
    assert outcomes["silence"] < sum(outcomes.values()) / 10


class Talk:
    """A socket to the gateway, and what came over it."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def __aenter__(self) -> "Talk":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *problem: object) -> None:
        self.writer.transport.abort()

    async def ask(self, request: bytes) -> int:
        """Send a request and give the status of the answer."""
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        return int(head.split()[1])

    async def frame(self) -> tuple[int, bytes]:
        """Read one frame of the server."""
        first, size = await self.reader.readexactly(2)
        if size > 125:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
        return first & 15, await self.reader.readexactly(size)

    async def verdict(self, codec) -> int:
        """Read on to an Error or a close, and give its code."""
        while True:
            opcode, payload = await self.frame()
            if opcode == 8:
                return int.from_bytes(payload[:2], "big") if payload else 1000
            if opcode in (1, 2):
                for message in messages_of(codec, [payload]):
                    if isinstance(message, Error):
                        return message.code


async def hostile_request(port: int, hostile: Hostile) -> tuple[str, int]:
    kind, request = hostile.request()
    async with Talk(port) as talk:
        return kind, await talk.ask(request)


async def hostile_frames(port: int, hostile: Hostile, bearer: str) -> tuple[str, int]:
    """Give how a client is answered that was let in, or has still to say who it is, and then sends what it likes."""
    encoding, known = hostile.rnd.choice(list(CODECS)), hostile.rnd.random() < 0.7
    codec = CODECS[encoding]
    async with Talk(port) as talk:
        assert await talk.ask(hostile.good(encoding, bearer if known else None)) == 101
        if hostile.rnd.random() < 0.6:
            kind, data = hostile.frames(encoding)
        else:
            kind, payload = hostile.message(encoding)
            served = isinstance(_decoded(codec, payload), Subscribe | Pong | Unsubscribe | Resync)
            if known and served:
                kind, payload = "noise", b"\xc1"
            data = hostile.frame(1 if encoding == "json" else 2, payload)
            if kind == "token" and not known:
                kind, data = "bad token", hostile.frame(1, codec.encode(_bad(hostile)))
        talk.writer.write(data)
        return kind, await talk.verdict(codec)


def _decoded(codec, payload):
    try:
        return codec.decode_client(payload)
    except ProtocolError:
        return None


def _bad(hostile: Hostile):
    return Authenticate(hostile.rnd.choice(list(BAD_TOKENS.values())))


async def test_a_gateway_answers_hostile_sockets_and_its_readers_do_not_notice(caplog):
    caplog.set_level(logging.DEBUG)
    replayed, bearer, honest = fresh("r", ["book"]), fresh("h", ["trades/ETH-USD"]), fresh("w", ["*"])
    admission = Admission(Policy(connections_per_token=16, handshake_s=2), tokens())
    hostile, outcomes, kinds = Hostile(42, replayed), Counter[int](), Counter[str]()
    async with (
        LiveMarket(seed=42, admission=admission, limits=Limits(messages_burst=200)) as live,
        connect(live.gateway.url, token=honest) as client,
    ):
        live.step(300)
        subscriptions = await follow(client, ("book", "BTC-USD", 20), ("trades", "ETH-USD", 100))
        held = [admission.arrived("::1", time.monotonic_ns(), lambda code, reason: None) for _ in range(16)]
        for visit in held:
            admission.authenticate(visit, replayed, time.monotonic_ns())
        for _ in range(ROUNDS):
            asked = [hostile_request(live.gateway.port, hostile) for _ in range(ASKED)]
            framed = [hostile_frames(live.gateway.port, hostile, bearer) for _ in range(FRAMED)]
            for many in (asked, framed):
                for some in (many[i : i + 10] for i in range(0, len(many), 10)):
                    answers = await asyncio.wait_for(asyncio.gather(*some), 30)
                    live.step(20)
                    for kind, code in answers:
                        allowed = range(400, 600) if many is asked else CODES | FRAMING
                        assert code in allowed, (kind, code)
                        outcomes[code] += 1
                        kinds[kind] += 1
        assert sum(outcomes.values()) == ROUNDS * (ASKED + FRAMED)
        assert len(kinds) > 30
        await live.caught_up(*subscriptions)
        live.assert_true(*subscriptions)
        statistics = client.statistics()
        assert (statistics.opened, statistics.reader.gaps, statistics.reader.resyncs) == (1, 0, 0)
    for record in caplog.records:
        assert record.exc_info is None, record
        assert record.levelno < logging.ERROR, record
    said = caplog.text
    assert not [secret for secret in secrets(replayed) if secret in said]
