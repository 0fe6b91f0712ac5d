"""A market, a subscriber and a reader over a connection that loses, delays, repeats, reorders and breaks.

The truth is kept apart, as plain as can be, for every sequence that was ever published.
"""

import random
from collections import deque
from decimal import Decimal

import numpy as np

from rtlab.book import WHOLE, Market, Totals
from rtlab.errors import ProtocolError
from rtlab.model import EVENT, EventKind, Instrument
from rtlab.protocol import Batch, Codec, Limits, PayloadCache, Reader, Subscribe, Subscribed, Subscriber

MS = 1_000_000
SYMBOLS = ("BTC-USD", "ETH-USD")
INTERVAL = 100 * MS
WISHES = (
    ("book", {"depth": 3}),
    ("book", {"depth": 10, "max_rate": 20.0}),
    ("book", {}),
    ("trades", {"depth": 50}),
    ("ticker", {}),
    ("bars", {"interval_ns": INTERVAL, "depth": 5}),
    ("bars", {"interval_ns": INTERVAL}),
)


class Truth:
    """What one instrument was after each of its changes."""

    def __init__(self):
        self.levels = ({}, {})
        self.books = {0: ([], [])}
        self.trades = []
        self.totals = [Totals()]
        self.changes = 0

    def level(self, side, price, qty):
        self.changes += 1
        self.levels[side][price] = qty
        if not qty:
            del self.levels[side][price]

    def trade(self, ts, price, qty, side):
        self.trades.append((ts, price, qty, side))
        seq, bought, sold = self.totals[-1]
        self.totals.append(Totals(seq + 1, bought + qty * (side == 0), sold + qty * (side == 1)))

    def publish(self):
        self.books[self.changes] = (
            sorted(self.levels[0].items(), reverse=True),
            sorted(self.levels[1].items()),
        )

    def bars(self, seq):
        """Bars of the first `seq` trades, newest first."""
        rows = {}
        for ts, price, qty, _ in self.trades[:seq]:
            rows.setdefault(ts - ts % INTERVAL, []).append((price, qty))
        return [
            (start, p[0], max(p), min(p), p[-1], sum(q for _, q in made), len(made))
            for start, made in sorted(rows.items(), reverse=True)
            for p in [[price for price, _ in made]]
        ]


class Course:
    """One market and one reader that connects again and again."""

    def __init__(self, seed, *, encoding="msgpack", faults=(), reader=Reader, wishes=WISHES, limits=None):
        self.random = random.Random(seed)
        self.faults = faults
        self.now = 10**12
        instruments = [Instrument(symbol, Decimal("0.01"), Decimal("0.001")) for symbol in SYMBOLS]
        self.market = Market(instruments, epoch=5)
        self.truths = {symbol: Truth() for symbol in SYMBOLS}
        for symbol in SYMBOLS:
            self.market.source("bars", symbol, INTERVAL)
        self.codec, self.cache = Codec(encoding), PayloadCache(points=4, batch_bytes=4096)
        self.limits = limits or Limits(window_floor=2048)
        self.reader = reader(self.codec)
        self.subscriptions = [
            self.reader.subscribe(channel, symbol, **wish) for symbol in SYMBOLS for channel, wish in wishes
        ]
        self.rows_given = {id(s): {} for s in self.subscriptions if s.channel == "trades"}
        self.down, self.up = deque(), deque()
        self.subscriber = None
        self.ended = dict.fromkeys(("broken", "refused", "evicted", "foreign", "cut"), 0)
        self.codes = set()
        self.checked = 0
        self.connect()

    # the connection

    def connect(self):
        self.down.clear()
        self.up.clear()
        self.subscriber = Subscriber(
            self.market, codec=self.codec, cache=self.cache, limits=self.limits, now=self.now
        )
        self.reader.connected(self.now)
        self.serve()

    def end(self, why):
        self.ended[why] += 1
        self.reader.disconnected(self.now)
        self.connect()

    def serve(self):
        if len(self.down) > 50:
            self.subscriber.pause(self.now)
        elif len(self.down) < 10:
            self.subscriber.resume(self.now)
        self.down.extend(self.subscriber.payloads_to_send(self.now))
        self.up.extend(self.reader.payloads_to_send(self.now))
        if self.subscriber.closing:
            self.end("evicted")

    def deliver_down(self):
        if not self.down:
            return
        payload = self.down.popleft()
        try:
            applied = self.reader.receive(payload, self.now)
        except ProtocolError as wrong:
            self.codes.add(wrong.code)
            self.end("foreign")
            return
        for one in applied:
            if one.how in ("snapshot", "increment") and one.subscription.channel == "trades":
                self.note_rows(one)
        self.up.extend(self.reader.payloads_to_send(self.now))

    def note_rows(self, applied):
        given, message = self.rows_given[id(applied.subscription)], applied.message
        for seq, row in enumerate(message.trades, message.before.seq + 1):
            assert seq not in given, f"trade {seq} was given twice"
            given[seq] = row

    def deliver_up(self):
        if not self.up:
            return
        try:
            self.subscriber.receive(self.up.popleft(), self.now)
        except ProtocolError as wrong:
            self.codes.add(wrong.code)
            self.end("refused")
            return
        self.serve()

    # what happens

    def publish(self, count):
        rnd = self.random
        rows = np.zeros(count, EVENT)
        for row in rows:
            index = rnd.randrange(len(SYMBOLS))
            truth = self.truths[SYMBOLS[index]]
            side = rnd.randrange(2)
            price = min(rnd.randrange(30), rnd.randrange(30))
            price = 1000 + price if side else 999 - price
            row["instrument"], row["side"], row["price"], row["ts"] = index, side, price, self.now
            if rnd.random() < 0.3:
                row["kind"], row["qty"] = EventKind.TRADE, rnd.randrange(1, 50)
                truth.trade(self.now, price, int(row["qty"]), side)
            elif rnd.random() < 0.4 and price in truth.levels[side]:
                row["kind"], row["qty"] = EventKind.LEVEL, 0
                truth.level(side, price, 0)
            else:
                row["kind"], row["qty"] = EventKind.LEVEL, rnd.randrange(1, 1000)
                truth.level(side, price, int(row["qty"]))
        self.market.apply(rows)
        for truth in self.truths.values():
            truth.publish()
        self.serve()

    def step(self):
        rnd = self.random
        what = rnd.random()
        self.now += rnd.choice((0, 0, MS, 20 * MS, 200 * MS))
        if what < 0.3:
            self.publish(rnd.choice((1, 3, 20, 20, 200)))
        elif what < 0.6:
            for _ in range(rnd.choice((1, 2, 10, 100))):
                self.deliver_down()
        elif what < 0.9:
            for _ in range(rnd.choice((1, 2, 10))):
                self.deliver_up()
        elif self.faults:
            getattr(self, rnd.choice(self.faults))()
        self.serve()
        self.check_live()

    def settle(self, seconds=30):
        """Let both halves talk in peace, with nothing new."""
        for _ in range(seconds * 20):
            self.now += 50 * MS
            self.serve()
            while self.down or self.up:
                self.deliver_down()
                self.deliver_up()

    # faults

    def lose(self):
        index = self.any_but_a_wish(self.down, self.codec.decode_server)
        if index is not None:
            del self.down[index]

    def lose_up(self):
        index = self.any_but_a_wish(self.up, self.codec.decode_client)
        if index is not None:
            del self.up[index]

    def any_but_a_wish(self, way, decode):
        # nothing asks twice for what it subscribed to: that a wish arrives as it was is TCP's part
        if not way:
            return None
        index = self.random.randrange(len(way))
        try:
            message = decode(way[index])
        except ProtocolError:
            return index
        parts = message.messages if isinstance(message, Batch) else [message]
        return None if any(isinstance(part, Subscribe | Subscribed) for part in parts) else index

    def repeat(self):
        if self.down:
            self.down.insert(
                self.random.randrange(len(self.down) + 1), self.down[self.random.randrange(len(self.down))]
            )

    def reorder(self):
        if len(self.down) > 1:
            one = self.random.randrange(len(self.down) - 1)
            self.down[one], self.down[one + 1] = self.down[one + 1], self.down[one]

    def cut(self):
        self.end("cut")

    def stall(self):
        self.now += self.random.randrange(15_000) * MS
        self.serve()

    def garble(self):
        if self.down:
            self.down.insert(
                self.random.randrange(len(self.down) + 1), self.random.randbytes(self.random.randrange(40))
            )

    def garble_up(self):
        self.up.append(self.random.randbytes(self.random.randrange(40)))

    def truncate(self):
        if self.down:
            index = self.random.randrange(len(self.down))
            payload = self.down[index]
            self.down[index] = payload[: self.random.randrange(len(payload))]

    def flip(self):
        self.flip_one(self.down, self.any_but_a_wish(self.down, self.codec.decode_server))

    def flip_up(self):
        self.flip_one(self.up, self.any_but_a_wish(self.up, self.codec.decode_client))

    def flip_one(self, way, index):
        if index is not None:
            payload = bytearray(way[index])
            payload[self.random.randrange(len(payload))] ^= 1 << self.random.randrange(8)
            way[index] = bytes(payload)

    # what must hold

    def check_live(self):
        """Every view that says it is live is what the truth was at its sequence."""
        for s in self.subscriptions:
            if s.is_live:
                self.checked += 1
                assert self.is_true(s), (s.channel, s.asked, s.view.seq)

    def is_true(self, s):
        truth, view = self.truths[s.instrument], s.view
        if s.channel == "book":
            bids, asks = truth.books[view.seq]
            depth = s.asked.depth or WHOLE
            return (view.bids(), view.asks()) == (bids[:depth], asks[:depth])
        if s.channel == "trades":
            given = self.rows_given[id(s)]
            return view.totals == truth.totals[view.totals.seq] and all(
                truth.trades[seq - 1] == row for seq, row in given.items()
            )
        if s.channel == "bars":
            return view.rows() == truth.bars(view.seq)[: s.asked.depth or WHOLE]
        return view.seq < self.market.source("ticker", s.instrument).seq or self.is_newest(s)

    def is_newest(self, s):
        """Whether the view is what the server has now."""
        truth, view = self.truths[s.instrument], s.view
        if s.channel == "book":
            bids, asks = truth.books[max(truth.books)]
            depth = s.asked.depth or WHOLE
            return (view.bids(), view.asks()) == (bids[:depth], asks[:depth])
        if s.channel == "trades":
            return view.totals == truth.totals[-1]
        if s.channel == "bars":
            return view.rows() == truth.bars(len(truth.trades))[: s.asked.depth or WHOLE]
        (bids, asks), last = truth.books[max(truth.books)], truth.trades[-1:]
        row = (
            *(bids[0] if bids else (None, 0)),
            *(asks[0] if asks else (None, 0)),
            *((last[0][1], last[0][2]) if last else (None, 0)),
        )
        return tuple(view.row[1:]) == row
