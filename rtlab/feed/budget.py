"""The memory that a gateway spends on readers who do not take what they were sent, and who is given up for it."""

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from rtlab.feed.connection import Connection
from rtlab.protocol import State, Subscriber

Who = TypeVar("Who")

BYTES = 64 << 20
"""What all readers of a gateway together may hold, where nothing else is said."""
LOOK_EVERY_NS = 100_000_000
HIGH = 0.95
"""From this part of the limit on readers are given up: what is left is room to grow in until the next look."""
LOW = 0.8
"""Who is given up frees the memory down to this part of what is allowed, so that it is not exceeded again at once."""

_RANK = {State.DEGRADED: 0, State.LAGGING: 1, State.LIVE: 2, State.EVICTED: 3}


class Held(NamedTuple):
    """What is held for one reader: bytes, how it is treated, and for how long (ns) it has made no progress."""

    bytes: int
    state: State
    idle_ns: int


def victims(readers: Iterable[tuple[Who, Held]], limit: int) -> list[Who]:
    """Choose who is to be given up so that all readers together hold at most `limit` bytes; mostly nobody.

    The worst laggards first: the degraded before the lagging before the live, of these who has made no progress
    for longest, of these who holds most. Nobody is given up who holds nothing.
    """
    holding = [(who, held) for who, held in readers if held.bytes > 0]
    total = sum(held.bytes for _, held in holding)
    if total <= limit:
        return []
    holding.sort(key=lambda one: (_RANK[one[1].state], -one[1].idle_ns, -one[1].bytes))
    chosen = []
    for who, held in holding:
        if total <= LOW * limit:
            break
        chosen.append(who)
        total -= held.bytes
    return chosen


class Budget:
    """Keeps what is held for all readers within `limit` bytes: in send buffers, and as answers that wait.

    Somebody looks ten times a second, and whenever what was added to send buffers since then might exceed the limit:
    what readers took meanwhile only a look tells, and which answers wait. `held` is what was held when it last
    looked, `given_up` how many readers it gave up so far.
    """

    def __init__(self, limit: int = BYTES) -> None:
        self.limit = limit
        self.held = self.given_up = 0
        self._grown = 0  # bytes added since the last look
        self._next_look = 0

    def grew(self, size: int) -> bool:
        """Take in that `size` bytes more are held; tell whether one has to look now."""
        self._grown += size
        return self.held + self._grown > self.limit

    def is_due(self, now: int) -> bool:
        """Tell whether it is time to look; `now` is monotonic ns."""
        return now >= self._next_look

    def look(self, readers: Iterable[tuple[Connection, Subscriber]], now: int) -> None:
        """Give readers up where they hold too much; `now` is monotonic ns."""
        self._next_look = now + LOOK_EVERY_NS
        sizes = [(one, one[0].held() + one[1].waiting_bytes) for one in readers]
        self.held, self._grown = sum(size for _, size in sizes), 0
        allowed = round(HIGH * self.limit)
        if self.held <= allowed:
            return  # which is nearly always so, and thousands may be looked at
        holding = [(one, Held(size, one[1].state, one[1].idle_ns)) for one, size in sizes if size]
        for connection, subscriber in victims(holding, allowed):
            self.given_up += 1
            subscriber.give_up("too slow: the server needs the memory that it holds for this reader", now)
            held = connection.held() + subscriber.waiting_bytes
            connection.write_due(now)
            self.held -= held
