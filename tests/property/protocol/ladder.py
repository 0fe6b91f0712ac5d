"""Explore everything that a reader and a network can do to a Credit, on scaled constants, to closure."""

import copy
from collections import deque
from typing import NamedTuple

from rtlab.protocol.credit import Credit
from rtlab.protocol.ladder import LADDER, State
from rtlab.protocol.limits import Limits

KEY = 1
UNIT = 1e-9  # one ns of the model, in seconds


def scaled(**changes):
    constants = {
        "heartbeat_s": 2 * UNIT,
        "first_answer_s": 2 * UNIT,
        "slack_s": 2 * UNIT,
        "round_trips": 1,
        "ask_again_s": 1 * UNIT,
        "relapse_s": 2 * UNIT,
        "evict_after_s": 6 * UNIT,
        "degrade_after_s": 2 * UNIT,
        "degraded_interval_s": 2 * UNIT,
        "need": 2,
        "window_floor": 1,
        "window_ceiling": 2,
    }
    return Limits(**{**constants, **changes})


class World:
    """One connection: the source's news, what is on its way to the reader, what he did, what is on its way back.

    Sequences count messages of one byte. It implements Link.
    """

    def __init__(self, limits, ladder=LADDER):
        self.now = 0
        self.sent_seq = 0
        self.fresh = 0  # whether the source has news
        self.down = ()  # ("news", seq) and ("ping", nonce), oldest first
        self.received = self.applied = 0
        self.up = ()  # (nonce, applied), oldest first
        self.pings = 0
        self.states = 0
        self.credit = Credit(self, limits, 0, ladder=ladder)
        self.credit.tick(0)

    # Link

    def send_news(self, now):
        if not self.fresh:
            return 0
        self.fresh = 0
        self.sent_seq += 1
        self.down += (("news", self.sent_seq),)
        return 1

    def sent(self):
        return {KEY: (1, self.sent_seq)}

    furthest = sent

    def ping(self, now):
        self.pings += 1
        self.down += (("ping", self.pings),)
        return self.pings

    def moved(self, state, now):
        self.states += 1

    # what can happen

    def pass_time(self):
        self.now += 1
        self.credit.tick(self.now)

    def publish(self):
        self.fresh = 1
        self.credit.tick(self.now)

    def receive(self):
        (kind, number), self.down = self.down[0], self.down[1:]
        if kind == "news":
            self.received = number
        else:
            self.up += ((number, self.applied),)

    def apply(self):
        self.applied += 1

    def deliver(self):
        (nonce, applied), self.up = self.up[0], self.up[1:]
        self.credit.answer(nonce, {KEY: (1, applied)}, self.now)
        self.credit.tick(self.now)

    def pause(self):
        self.credit.pause(self.now)
        self.credit.tick(self.now)

    def resume(self):
        self.credit.resume(self.now)
        self.credit.tick(self.now)

    def choices(self):
        if self.credit.state is State.EVICTED:
            return
        yield "pass_time"
        if not self.fresh:
            yield "publish"
        if self.down:
            yield "receive"
        if self.applied < self.received:
            yield "apply"
        if self.up:
            yield "deliver"
        yield "resume" if self.credit.paused else "pause"

    def after(self, choice):
        world = self.clone()
        getattr(world, choice)()
        return world

    def clone(self):
        world = copy.copy(self)
        world.credit = credit = copy.copy(self.credit)
        credit.link = world
        credit.round_trips = deque(credit.round_trips, credit.round_trips.maxlen)
        if credit.target is not None:
            credit.target = dict(credit.target)
        return world

    def in_flight(self):
        return self.sent_seq - self.applied

    def key(self):
        """What decides the future: sequences, nonces and times relative, ages only up to where they matter."""
        c, seq, now = self.credit, self.sent_seq, self.now
        limits = c.limits

        def age(then, most):
            return min(now - then, round(most / UNIT) + 1)

        target = None if c.target is None else seq - c.target.get(KEY, (1, 0))[1]
        return (
            self.fresh,
            tuple((k, seq - n if k == "news" else c.nonce - n) for k, n in self.down),
            seq - self.received,
            seq - self.applied,
            tuple((c.nonce - n, seq - a) for n, a in self.up),
            c.state,
            c.paused,
            age(c.since, max(limits.relapse_s, limits.degrade_after_s)),
            age(c._sent_at, limits.degraded_interval_s),
            c.need,
            c.window,
            c.unanswered,
            tuple(c.round_trips),
            target,
            c._asked == c.pinged,
            age(c._asked, limits.evict_after_s),
            age(c.pinged, limits.heartbeat_s),
            age(c._progress, limits.evict_after_s),
            min(c._good, c.need),
            c._at_ask,
            c._partial,
            c.target is not None and seq - c._applied.get(KEY, (1, 0))[1],
        )

    def is_due_to_go(self):
        """Whether no answer to another ping could come before the reader's time is up."""
        c = self.credit
        return self.now - c._progress + round(c.limits.ask_again_s / UNIT) > round(
            c.limits.evict_after_s / UNIT
        )

    def neglect(self):
        """Let only time pass, and news come; tell whether the reader was given up."""
        world = self.clone()
        limits = world.credit.limits
        for _ in range(round((2 * limits.evict_after_s + limits.heartbeat_s) / UNIT) + 2):
            world.publish()
            world.pass_time()
        return world.credit.state is State.EVICTED

    def cooperate(self, steps=120):
        """Let the reader and the network do their best from here; give how many units of time it took to be live."""
        world = self.clone()
        for step in range(steps):
            if world.credit.paused:
                world.resume()
            while world.down or world.applied < world.received or world.up:
                while world.down:
                    if world.applied < world.received:
                        world.apply()
                    else:
                        world.receive()
                while world.applied < world.received:
                    world.apply()
                if world.up:
                    world.deliver()
            if world.credit.state is State.LIVE and world.applied == world.sent_seq and not world.fresh:
                return step
            if world.credit.state is State.EVICTED:
                return None
            world.pass_time()
        return None


class Found(NamedTuple):
    """What an exploration found: `wrong` is None, or what the state in `world` shows."""

    states: int
    in_flight: int
    time_to_live: int
    wrong: str | None = None
    world: World | None = None


def explore(limits, *, ladder=LADDER, most=2_000_000):
    """Visit every state there is, and ask of each whether the promises of the ladder hold from there."""
    bound = max(2 * limits.window_floor, limits.window_ceiling) + 1  # and one batch
    start = World(limits, ladder)
    seen = {start.key()}
    queue = deque([start])
    flight = time = 0
    while queue:
        world = queue.popleft()
        if world.credit.state is State.EVICTED:
            continue
        flight = max(flight, world.in_flight())
        if flight > bound:
            return Found(len(seen), flight, time, "more is out than the window and a batch", world)
        took = world.cooperate()
        if took is None and not world.is_due_to_go():
            return Found(len(seen), flight, time, "a reader that does its best does not become live", world)
        time = max(time, took or 0)
        if not world.neglect():
            return Found(len(seen), flight, time, "a reader that does nothing is kept", world)
        for choice in world.choices():
            follower = world.after(choice)
            key = follower.key()
            if key not in seen:
                assert len(seen) < most, f"not closed after {most} states"
                seen.add(key)
                queue.append(follower)
    return Found(len(seen), flight, time)
