"""Many readers of one market, served one by one or carried by cohorts, with everything that can come between."""

import random
from collections import deque

import numpy as np
from support.markets import HandMarket

from rtlab.protocol import (
    Batch,
    Codec,
    Increment,
    Limits,
    PayloadCache,
    Ping,
    Reader,
    Snapshot,
    State,
    Subscriber,
    Ticker,
    Trades,
)
from rtlab.protocol.cohort import Cohorts
from rtlab.protocol.pulse import Pulse

MS = 1_000_000
WISHES = (("book", 3), ("trades", 20), ("book", None), ("ticker", None))


class Guest:
    """One reader and what is on its way to it and from it."""

    def __init__(self, crowd, number):
        self.crowd, self.number = crowd, number
        self.codec = crowd.codecs[number % 3 == 2]
        self.reader = Reader(self.codec)
        self.wishes = WISHES[: 2 + number % 3]
        self.subscriptions = [
            self.reader.subscribe(name, "BTC-USD", depth=depth) for name, depth in self.wishes
        ]
        self.pace = crowd.random.choice((1, 3, 100, 100))  # payloads that it takes at once
        self.connect()

    def connect(self):
        crowd = self.crowd
        self.down, self.up, self.last, self.paused = deque(), deque(), {}, False
        self.tables, self.has_ended = 0, False  # messages of tables; whether a subscription ended
        self.subscriber = Subscriber(
            crowd.market,
            codec=self.codec,
            cache=crowd.cache,
            limits=crowd.limits,
            now=crowd.now,
            pulse=crowd.pulse,
        )
        self.reader.connected(crowd.now)
        self.serve()

    def disconnect(self):
        self.subscriber.leave()
        self.reader.disconnected(self.crowd.now)
        self.connect()

    def serve(self):
        self.down.extend(self.subscriber.payloads_to_send(self.crowd.now))
        self.up.extend(self.reader.payloads_to_send(self.crowd.now))
        if self.subscriber.closing:
            self.crowd.evicted += 1
            self.disconnect()

    def take(self, count):
        for _ in range(min(count, len(self.down))):
            payload = self.down.popleft()
            self.check(payload)
            self.reader.receive(payload, self.crowd.now)
            self.up.extend(self.reader.payloads_to_send(self.crowd.now))

    def say(self, count):
        for _ in range(min(count, len(self.up))):
            subscriber, payload = self.subscriber, self.up.popleft()
            subscriber.receive(payload, self.crowd.now)
            self.serve()
            if self.subscriber is not subscriber:
                return

    def check(self, payload):
        """Hold each message against the one before: nothing is skipped, nothing comes twice."""
        message = self.codec.decode_server(payload)
        for part in message.messages if isinstance(message, Batch) else [message]:
            self.tables += isinstance(part, Increment | Snapshot | Ticker)
            if isinstance(part, Increment | Trades):
                before = self.last.get(part.key, part.first_seq - 1)  # a log begins anywhere
                assert part.first_seq == before + 1, (self.number, part.first_seq, before)
                assert part.last_seq >= before  # an empty log has nothing
                self.last[part.key] = part.last_seq
                self.crowd.checked += 1
            elif isinstance(part, Snapshot):
                self.last[part.key] = part.seq
            elif isinstance(part, Ping):
                for key, (_, sent, exact_to) in part.heads.items():
                    if key in self.last:
                        assert self.last[key] == sent, (self.number, key, self.last[key], sent)
                        self.last[key] = exact_to

    def is_equal(self):
        market = self.crowd.market
        for subscription in self.subscriptions:
            source = market.source(subscription.channel, "BTC-USD")
            if not subscription.is_live or subscription.view.seq != source.seq:
                return False
            if subscription.channel == "book":
                depth = subscription.depth
                if subscription.view.digest(depth) != source.digest(depth):
                    return False
        return True


class Crowd:
    """The market, the readers, and rounds that are cut anywhere."""

    def __init__(self, seed, *, carried=True, cohorts=Cohorts, readers=7):
        self.random = random.Random(seed)
        self.now, self.checked, self.evicted, self.rounds, self.most = 10**12, 0, 0, 0, 0
        self.market = HandMarket()
        self.codecs = (Codec("msgpack"), Codec("json"))
        self.cache = PayloadCache()
        self.limits = Limits(window_floor=512, evict_after_s=4, heartbeat_s=0.3, messages_per_s=1e6)
        self.pulse = Pulse(self.limits, pings_per_s=200)
        self.cohorts = cohorts(self.cache, self.pulse, self) if carried else None
        self.pending = deque()
        self.guests = [Guest(self, number) for number in range(readers)]

    # Carrier

    def joined(self, owner, slot):
        self.most = max(self.most, self.cohorts.members)

    def fell_out(self, owner, slot):
        pass

    # what happens

    def move(self):
        rnd = self.random
        levels = []
        for _ in range(rnd.choice((1, 1, 2, 6))):
            side, far = rnd.randrange(2), rnd.randrange(12)
            levels.append((side, 101 + far if side else 100 - far, rnd.randrange(1, 50)))
        self.market.set_levels(*levels, ts=self.now)
        if rnd.random() < 0.4:
            count = rnd.choice((1, 2, 2, 40))
            self.market.trade(*((rnd.randrange(2), 100, 1 + n) for n in range(count)), ts=self.now)

    def begin(self):
        """Begin a round where none is under way, as the gateway does."""
        if self.pending:
            return
        self.rounds += 1
        steps = self.cohorts.begin(self.now) if self.cohorts else ()
        for guest in self.random.sample(self.guests, len(self.guests)):
            self.serve(guest)
        if self.cohorts:
            self.cohorts.forget()
        for step in steps:
            size = self.random.choice((1, 2, 5))
            slots = self.random.sample(step.slots.tolist(), len(step.slots))
            self.pending.extend(
                (step, np.array(slots[i : i + size], np.int64)) for i in range(0, len(slots), size)
            )

    def serve(self, guest):
        guest.serve()
        if self.cohorts and not guest.paused:
            guest.subscriber.join(self.cohorts, guest, self.now)

    def chunk(self):
        """Send to some members; end the round after the last."""
        if not self.pending:
            return
        step, slots = self.pending.popleft()
        slots = self.cohorts.ready(step, slots, self.now)
        if step.payload is not None:
            for slot in slots.tolist():
                guest = self.cohorts.owners[slot]
                statistics = guest.subscriber.statistics()
                assert statistics.state is State.LIVE
                assert statistics.unanswered < statistics.window
                guest.down.append(step.payload)
            self.cohorts.sent(step, slots)
        asked = self.cohorts.ask(step, slots, self.now)
        if asked is not None:
            for slot in asked[1].tolist():
                self.cohorts.owners[slot].down.append(asked[0])
        if not self.pending:
            self.cohorts.end(self.now)

    def step(self):
        rnd = self.random
        self.now += rnd.choice((0, 0, MS, 5 * MS, 30 * MS))
        guest, what = rnd.choice(self.guests), rnd.random()
        if what < 0.2:
            self.move()
        elif what < 0.4:
            self.begin()
        elif what < 0.6:
            self.chunk()
        elif what < 0.8:
            for each in self.guests:
                each.take(each.pace)
                each.say(3)
        elif what < 0.9:
            guest.take(guest.pace)
            guest.say(1)
        elif what < 0.94:
            self.trouble(guest)
        elif what < 0.97:
            guest.paused = not guest.paused
            (guest.subscriber.pause if guest.paused else guest.subscriber.resume)(self.now)
        elif what < 0.98:
            self.now += rnd.choice((400, 900)) * MS  # late answers
        else:
            guest.serve()

    def trouble(self, guest):
        what = self.random.randrange(4)
        if what == 0:
            guest.disconnect()
        elif what == 1 and len(guest.subscriptions) > 1:
            guest.reader.unsubscribe(guest.subscriptions.pop(self.random.randrange(len(guest.subscriptions))))
            guest.has_ended = True
            guest.serve()
        elif what == 2 and len(guest.subscriptions) < 4:
            name, depth = self.random.choice(WISHES)
            guest.subscriptions.append(guest.reader.subscribe(name, "BTC-USD", depth=depth))
            guest.serve()
        else:
            guest.subscriber.leave()

    def settle(self):
        """Let everybody come to the end, with nothing new."""
        for guest in self.guests:
            if guest.paused:
                guest.paused = False
                guest.subscriber.resume(self.now)
        for _ in range(600):
            self.now += 25 * MS
            while self.pending:
                self.chunk()
            self.begin()
            while self.pending:
                self.chunk()
            for guest in self.guests:
                guest.take(1000)
                guest.say(1000)
