"""The order in which a consumer may work: events of one key one after the other, other keys beside it. Pure.

Theory of operation. Entries come in the order of their shard, each with its position. Their events wait in a lane
per key. A lane is *ready*, *busy* (its first events are being handled) or *parked* (its first event is tried again
later). What was finished counts down its entry; the position up to which every entry is finished is what may be
committed, and it only grows. What is handled and not committed when the consumer dies is handled again by the next
one: that is why effects are applied once by event id.

Suspects are events that a consumer which died or froze may have been handling. They are given out singly, and
nothing beside them, so that a mark made before each tells which one it was.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

from rtlab.bus.event import Event

P = TypeVar("P")


class Work(Generic[P]):
    """One event on its way through the lanes. `tries` counts the tries that failed; `alone` keeps it out of batches."""

    __slots__ = ("alone", "event", "parcel", "suspect", "tries")

    def __init__(self, event: Event, parcel: "Parcel[P]", *, suspect: bool) -> None:
        self.event, self.parcel, self.suspect = event, parcel, suspect
        self.tries, self.alone = 0, suspect


class Parcel(Generic[P]):
    """An entry: `left` of its events are not finished; its commit counts `events`."""

    __slots__ = ("events", "left", "position")

    def __init__(self, position: P, left: int, events: int) -> None:
        self.position, self.left, self.events = position, left, events


class Lanes(Generic[P]):
    """The unfinished work of one shard. `held` events are in it, whatever their state."""

    def __init__(self) -> None:
        self.held = 0
        self._suspects = 0
        self._busy = 0
        self._lanes: dict[str, deque[Work[P]]] = {}
        self._ready: deque[str] = deque()
        self._parked: list[tuple[float, str]] = []
        self._parcels: deque[Parcel[P]] = deque()

    def add(
        self, position: P, events: Sequence[Event], *, suspect: bool = False, whole: int | None = None
    ) -> None:
        """Take the events of the entry at `position`, which follows all that were added before.

        `whole` is how many events its commit counts, where some of them are for others.
        """
        parcel = Parcel(position, len(events), len(events) if whole is None else whole)
        self._parcels.append(parcel)
        for event in events:
            lane = self._lanes.get(event.key)
            if lane is None:
                lane = self._lanes[event.key] = deque()
                self._ready.append(event.key)
            lane.append(Work(event, parcel, suspect=suspect))
        self.held += len(events)
        self._suspects += suspect * len(events)

    def take(self, now: float, most: int = 1) -> list[Work[P]]:
        """Give up to `most` events that may be handled in one call now, in order per key; empty when none may."""
        while self._parked and self._parked[0][0] <= now:
            self._ready.append(heapq.heappop(self._parked)[1])
        if self._suspects and self._busy:
            return []
        taken: list[Work[P]] = []
        while self._ready and len(taken) < most:
            lane = self._lanes[self._ready[0]]
            if lane[0].alone or self._suspects:
                if not taken:
                    taken.append(lane.popleft())
                    self._ready.popleft()
                break
            while lane and len(taken) < most and not lane[0].alone:
                taken.append(lane.popleft())
            self._ready.popleft()
        self._busy += len(taken)
        return taken

    def settle(self, done: Sequence[Work[P]], again: Sequence[Work[P]] = (), due: float = 0.0) -> None:
        """Note what became of one `take`: `done` are done with; `again` are tried singly, in order, from `due` on."""
        if len(done) == 1 and not again:  # the usual case, worth a way of its own
            self._finish(done[0])
            return
        for work in done:
            work.parcel.left -= 1
            self._suspects -= work.suspect
        for work in reversed(again):
            work.alone = True
            self._lanes[work.event.key].appendleft(work)
        self.held -= len(done)
        self._busy -= len(done) + len(again)
        parked = dict.fromkeys(work.event.key for work in again)
        for key in parked:
            heapq.heappush(self._parked, (due, key))
        for key in dict.fromkeys(work.event.key for work in done if work.event.key not in parked):
            if self._lanes[key]:
                self._ready.append(key)
            else:
                del self._lanes[key]

    def _finish(self, work: Work[P]) -> None:
        work.parcel.left -= 1
        self._suspects -= work.suspect
        self.held -= 1
        self._busy -= 1
        key = work.event.key
        if self._lanes[key]:
            self._ready.append(key)
        else:
            del self._lanes[key]

    def committable(self) -> tuple[P, int] | None:
        """Give the position up to which all is finished and how many events that are, once; None when no further."""
        found, events = None, 0
        while self._parcels and self._parcels[0].left == 0:
            parcel = self._parcels.popleft()
            found, events = parcel, events + parcel.events
        return None if found is None else (found.position, events)

    @property
    def next_due(self) -> float | None:
        """When the first parked lane may go on; None when none is parked."""
        return self._parked[0][0] if self._parked else None
