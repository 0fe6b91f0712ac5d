"""Explore everything that a reader and a network can do to a Credit, on scaled constants, to closure.

Breadth first over all states, each hashed by what decides its future. Of each state it is asked whether the
promises hold from there: what may be out is bounded, who cooperates becomes live and current, who does nothing is
given up in time, and what the server says of the reader is true.
"""

from collections import deque
from typing import NamedTuple

from rtlab.protocol.credit import Credit
from rtlab.protocol.ladder import LADDER, State
from rtlab.protocol.limits import Limits

KEY = 1
UNIT = 1e-9  # one ns of the model, in seconds
TRAP, GONE = -1, -2


def scaled(**changes):
    """Limits whose times are given in units of the model."""
    constants = {
        "heartbeat_s": 1,
        "first_answer_s": 2,
        "slack_s": 1,
        "ask_again_s": 1,
        "relapse_s": 0,
        "degrade_after_s": 1,
        "degraded_interval_s": 2,
        "evict_after_s": 4,
        **{name: value for name, value in changes.items() if name.endswith("_s")},
    }
    counts = {"round_trips": 1, "need": 1, "window_floor": 1, "window_ceiling": 2}
    counts |= {name: value for name, value in changes.items() if not name.endswith("_s")}
    return Limits(**{name: value * UNIT for name, value in constants.items()}, **counts)


def units(seconds):
    return round(seconds / UNIT)


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
        self.behind_since = 0  # None while LIVE
        self.batch_at = -units(limits.degraded_interval_s)
        self.wrong = None
        self.is_ours = ladder is LADDER
        times = (limits.heartbeat_s, limits.evict_after_s, limits.degraded_interval_s, limits.degrade_after_s)
        self.ages = (*(units(time) + 1 for time in times), units(max(limits.relapse_s, times[-1])) + 1)
        self.credit = Credit(self, limits, 0, ladder=ladder)
        self.tick()

    # Link

    def send_news(self, now):
        self.expect(not self.credit.paused, "something is sent while the transport is full")
        if not self.fresh:
            return 0
        limits = self.credit.limits
        if self.behind_since is not None and now - self.behind_since > units(limits.degrade_after_s):
            gap = now - self.batch_at
            self.expect(
                gap >= units(limits.degraded_interval_s),
                "a reader that lags for long is sent as much as before",
            )
        if self.behind_since is not None:
            self.batch_at = now
        self.fresh = 0
        self.sent_seq += 1
        self.down += (("news", self.sent_seq),)
        return 1

    def sent(self):
        return {KEY: (1, self.sent_seq)}

    furthest = sent

    def ping(self, now):
        self.expect(not self.credit.paused, "something is sent while the transport is full")
        self.pings += 1
        self.down += (("ping", self.pings),)
        return self.pings

    def moved(self, state, now):
        if state is State.LIVE:
            self.behind_since = None
        elif self.behind_since is None:
            self.behind_since = now

    # what can happen

    def tick(self):
        credit = self.credit
        rests = bool(until := credit.rests_until()) and self.now <= until
        before = credit.state, self.sent_seq, self.pings
        credit.tick(self.now)
        same = before == (credit.state, self.sent_seq, self.pings)
        if self.is_ours:  # what rests is said of our rules
            self.expect(same or not rests, "it is said to rest and does not")
        if credit.state is State.LIVE:
            late = credit.target is not None and self.now > credit.answer_by()
            self.expect(not (credit.paused or late), "it is called live and is not")

    def expect(self, holds, otherwise):
        if not holds:
            self.wrong = self.wrong or otherwise

    def pass_time(self):
        self.now += 1
        self.tick()

    def publish(self):
        self.fresh = 1
        self.tick()

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
        self.tick()

    def pause(self):
        self.credit.pause(self.now)
        self.tick()

    def resume(self):
        self.credit.resume(self.now)
        self.tick()

    def choices(self):
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
        world = _twin(self)
        world.credit = credit = _twin(self.credit)
        credit.link = world
        credit.round_trips = deque(credit.round_trips, credit.round_trips.maxlen)
        if credit.target is not None:
            credit.target = dict(credit.target)
        return world

    # what is asked of it

    @property
    def is_gone(self):
        return self.credit.state is State.EVICTED

    @property
    def is_current(self):
        return self.applied == self.sent_seq and not self.fresh

    @property
    def in_flight(self):
        return self.sent_seq - self.applied

    @property
    def is_due_to_go(self):
        """Whether no answer to another ping could come before the reader's time is up."""
        limits = self.credit.limits
        return self.credit.idle(self.now) + units(limits.ask_again_s) > units(limits.evict_after_s)

    def key(self):
        """What decides the future: sequences, nonces and times relative, ages only up to where they matter."""
        c, seq, now = self.credit, self.sent_seq, self.now
        heartbeat, evict, rest, degrade, long = self.ages
        behind = None if self.behind_since is None else min(now - self.behind_since, degrade)
        return (
            self.fresh,
            tuple((k, seq - n if k == "news" else c.nonce - n) for k, n in self.down),
            seq - self.received,
            seq - self.applied,
            tuple((c.nonce - n, seq - a) for n, a in self.up),
            c.state,
            c.paused,
            min(now - c.since, long),
            behind,
            min(now - self.batch_at, rest),
            min(now - c._sent_at, rest),
            c.need,
            c.window,
            c.unanswered,
            tuple(c.round_trips),
            None if c.target is None else seq - c.target.get(KEY, (1, 0))[1],
            c._asked == c.pinged,
            min(now - c._asked, evict),
            min(now - c.pinged, heartbeat),
            min(now - c._progress, evict),
            min(c._good, c.need),
            c._at_ask,
            c._partial,
            c.target is not None and seq - c._applied.get(KEY, (1, 0))[1],
        )

    # how it goes on from here

    def talk(self):
        """The reader and the network do their best, now."""
        if self.credit.paused:
            self.resume()
        while self.down or self.applied < self.received or self.up:
            while self.applied < self.received:
                self.apply()
            if self.down:
                self.receive()
            elif self.up:
                self.deliver()

    def cooperate(self):
        self.talk()
        self.pass_time()
        self.talk()

    def be_busy(self):
        self.publish()
        self.cooperate()

    def neglect(self):
        self.publish()
        self.pass_time()


def _twin(one):
    twin = object.__new__(type(one))
    twin.__dict__.update(one.__dict__)
    return twin


class Course:
    """A way on from any state, by `step`, until `goal`: how long it takes is remembered by state."""

    def __init__(self, step, goal):
        self.step, self.goal = step, goal
        self.lengths = {}

    def length(self, world):
        """Give the number of steps to the goal, TRAP when they lead nowhere, GONE when the reader is given up."""
        path, world, lengths = [], world.clone(), self.lengths
        while True:
            if self.goal(world):
                length = 0
                break
            if world.is_gone:
                length = GONE
                break
            key = world.key()
            if key in lengths:
                length = lengths[key]
                break
            lengths[key] = TRAP  # who comes here again goes round in circles
            path.append(key)
            self.step(world)
        for key in reversed(path):
            length = length + 1 if length >= 0 else length
            lengths[key] = length
        return length


class Found(NamedTuple):
    """What an exploration found: `wrong` is None, or what the state in `world` shows. Times in units."""

    states: int
    in_flight: int = 0
    to_live: int = 0
    to_current: int = 0
    to_window: int = 0
    to_eviction: int = 0
    wrong: str | None = None
    world: World | None = None


class Promises:
    """What must hold from every state on."""

    def __init__(self, limits):
        self.most = max(2 * limits.window_floor, limits.window_ceiling) + 1  # and one batch
        self.evicted_by = units(2 * limits.evict_after_s + limits.heartbeat_s) + 2
        # a batch may just have gone and be answered short: then it rests, or is asked again
        self.current_by = units(max(limits.degraded_interval_s, limits.ask_again_s)) + 1
        self.live = Course(World.cooperate, lambda w: w.credit.state is State.LIVE and w.is_current)
        self.current = Course(World.cooperate, lambda w: w.is_current)
        self.window = Course(
            World.be_busy,
            lambda w: w.credit.state is State.LIVE and w.credit.window == limits.window_ceiling,
        )
        self.evicted = Course(World.neglect, lambda w: w.is_gone)
        self.found = [0, 0, 0, 0, 0]

    def broken_by(self, world):
        """Give what is wrong with `world`, None if nothing."""
        to_live, to_current, to_window, to_eviction = (
            course.length(world) for course in (self.live, self.current, self.window, self.evicted)
        )
        now = (world.in_flight, to_live, to_current, to_window, to_eviction)
        self.found = [max(pair) for pair in zip(self.found, now, strict=True)]
        if world.in_flight > self.most:
            return "more is out than the window and a batch"
        if to_live == TRAP or (to_live == GONE and not world.is_due_to_go):
            return "a reader that does its best does not become live"
        if to_current > self.current_by:
            return "a reader that does its best waits for its news"
        if to_window == TRAP:
            return "a reader that does its best is not given the whole window"
        if not 0 <= to_eviction <= self.evicted_by:
            return "a reader that does nothing is kept"
        given_up = world.clone()
        given_up.credit.give_up(world.now)
        return None if given_up.is_gone else "the memory for a reader cannot be had back"


def explore(limits, *, ladder=LADDER, most=5_000_000):
    """Visit every state there is, and ask of each whether the promises of the ladder hold from there."""
    promises = Promises(limits)
    start = World(limits, ladder)
    seen = {start.key()}
    queue = deque([start])
    while queue:
        world = queue.popleft()
        if world.is_gone:
            continue
        wrong = promises.broken_by(world)
        if wrong:
            return Found(len(seen), *promises.found, wrong, world)
        for choice in world.choices():
            follower = world.after(choice)
            if follower.wrong:  # the way there was wrong, whether or not the state is known
                return Found(len(seen), *promises.found, follower.wrong, follower)
            key = follower.key()
            if key not in seen:
                assert len(seen) < most, f"not closed after {most} states"
                seen.add(key)
                queue.append(follower)
    return Found(len(seen), *promises.found)
