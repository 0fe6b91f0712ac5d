"""A reader behind a link of so many bytes a second, in simulated time: how old is what it shows?"""

from collections import deque
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from rtlab.book import Market
from rtlab.model import EVENT, EventKind, Instrument
from rtlab.protocol import Codec, Limits, PayloadCache, Reader, Subscriber, Trades

MS = 1_000_000


def flow(count, seed):
    rng = np.random.default_rng(seed)
    events = np.zeros(count, EVENT)
    events["kind"] = rng.choice(
        [EventKind.LEVEL, EventKind.TRADE, EventKind.ACCEPTED], count, p=[0.5, 0.1, 0.4]
    )
    events["side"] = rng.integers(0, 2, count)
    away = np.abs(rng.normal(0, 15, count)).astype(int) + 1
    events["price"] = 10_000 + np.where(events["side"] == 1, away, -away)
    gone = (rng.random(count) < 0.2) & (events["kind"] == EventKind.LEVEL)
    events["qty"] = np.where(gone, 0, rng.integers(1, 10**6, count))
    return events


class Seen(NamedTuple):
    """How the reader fared: ages (ms) of the book and of the newest trade, and states, all from 5 s on."""

    book_p50: float
    book_p99: float
    trades_p99: float
    given: int
    dropped: int
    trades: int
    merged: int
    most_waiting: int
    states: set
    closing: tuple | None


class Link:
    """Bytes on their way to the reader, taken at `rate` a second and not at all while it `sleeps`."""

    def __init__(self, rate, delay_ms):
        self.rate, self.delay = rate / 1000, delay_ms * MS
        self.pipe, self.ready, self.most = deque(), 0.0, 0

    def put(self, payloads, now):
        self.pipe.extend((now + self.delay, payload) for payload in payloads)
        self.most = max(self.most, sum(len(payload) for _, payload in self.pipe))

    def take(self, now):
        """Give the payloads that arrive within this ms."""
        self.ready = min(self.ready + self.rate, self.rate + (len(self.pipe[0][1]) if self.pipe else 0))
        while self.pipe and self.pipe[0][0] <= now and len(self.pipe[0][1]) <= self.ready:
            payload = self.pipe.popleft()[1]
            self.ready -= len(payload)
            yield payload


def simulate(
    *, rate, seconds, events_per_s=10_000, tick_ms=5, delay_ms=1, sleeps=lambda ms: False, limits=None
):
    market = Market([Instrument("A", Decimal("0.01"), Decimal("0.001"))], 1)
    codec, now = Codec(), 10**12
    subscriber = Subscriber(market, codec=codec, cache=PayloadCache(), limits=limits or Limits(), now=now)
    reader = Reader(codec)
    book = reader.subscribe("book", "A", depth=10)
    trades = reader.subscribe("trades", "A")
    reader.subscribe("ticker", "A")
    reader.connected(now)
    events, size, down, up = flow(20_000, 1), events_per_s * tick_ms // 1000, Link(rate, delay_ms), deque()
    ages, trade_ages, states, given = [], [], set(), 0
    for ms in range(seconds * 1000):
        now += MS
        if ms % tick_ms == 0:
            start = ms // tick_ms * size % (len(events) - size)
            rows = events[start : start + size].copy()
            rows["ts"] = now
            market.apply(rows)
            down.put(subscriber.payloads_to_send(now), now)
        if not sleeps(ms):
            for payload in down.take(now):
                for applied in reader.receive(payload, now):
                    given += len(applied.message.trades) if isinstance(applied.message, Trades) else 0
            up.extend((now + delay_ms * MS, payload) for payload in reader.payloads_to_send(now))
        while up and up[0][0] <= now:
            subscriber.receive(up.popleft()[1], now)
            down.put(subscriber.payloads_to_send(now), now)
        if ms > 5000:
            states.add(subscriber.state.value)
        if subscriber.closing:
            break
        if ms > 5000:
            ages.append((now - book.view.ts) / MS)
            trade_ages.append((now - trades.view.rows[-1][0]) / MS)
    statistics = subscriber.statistics()
    return Seen(
        *(float(np.percentile(ages or [0], p)) for p in (50, 99)),
        float(np.percentile(trade_ages or [0], 99)),
        given,
        statistics.dropped,
        market.source("trades", "A").seq,
        statistics.merged,
        down.most,
        states,
        subscriber.closing,
    )
