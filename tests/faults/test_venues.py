"""Each live venue with each fault, over sockets: its books are the venue's or empty, never wrong for two seconds."""

import asyncio
import time
from typing import NamedTuple

import pytest
from support.venues.all_venues import NAMES, listings_of, loopback
from support.venues.faults import FAULTS, Fault
from support.venues.server import VenueServer
from support.venues.virtual import Follower

from rtlab.sources.venues import VENUES, LiveSource, TrustState

MOST_S = 2.0
DEADLINE_S = 20.0
SETTLED_S = 1.0
LOOK_S = 0.02


class Cell(NamedTuple):
    """What became of a fault: how long a book was wrong and shown, after what time it was emptied and right again."""

    venue: str
    fault: str
    wrong_s: float
    empty_after_s: float | None
    right_after_s: float
    resyncs: int
    late_s: float  # of this machine, at most: it had other things to do

    def __str__(self) -> str:
        empty = "not emptied" if self.empty_after_s is None else f"empty after {self.empty_after_s:.2f} s"
        return (
            f"{self.venue:13} {self.fault:15} wrong and shown for {self.wrong_s:.2f} s at most, {empty}, "
            f"right from {self.right_after_s:.2f} s on, {self.resyncs} more snapshots"
        )


class Watch:
    """Looks at the books of a follower all the time."""

    def __init__(self, server: VenueServer, follower: Follower) -> None:
        self.server, self.follower = server, follower
        self.worst = self.late = 0.0
        self.empty_at: float | None = None
        self.right_since: float | None = None
        self._wrong_since: dict[str, float] = {}

    def look(self) -> None:
        now, are_right = time.monotonic(), True
        for name, book in self.server.venue.books.items():
            if not self.follower.holds(name):
                self.empty_at = self.empty_at or now
                self._wrong_since.pop(name, None)
                are_right = False
            elif book.was(*self.follower.levels(name), self.server.venue.depth):
                self._wrong_since.pop(name, None)
            else:
                since = self._wrong_since.setdefault(name, now)
                self.worst = max(self.worst, now - since)
                are_right = False
        self.right_since = (self.right_since or now) if are_right else None


async def after(fault: Fault, source: LiveSource, watch: Watch) -> float:
    """Prepare and do a fault; give when it began."""
    venue = watch.server.venue
    while source.statistics().live < len(venue.books):
        await asyncio.sleep(LOOK_S)
    fault.prepare(venue)
    await asyncio.sleep(0.6)
    watch.worst, watch.empty_at = 0.0, None
    struck = time.monotonic()
    fault.strike(venue)
    for session in venue.sessions:
        session.on_out()
    await asyncio.sleep(fault.lasts_s)
    fault.mend(venue)
    return struck


async def cell(name: str, kind: str, seed: int) -> Cell:
    async with VenueServer(loopback(name, seed)) as server:
        # as the venue allows it, but for the distance between connections, which is minutes on average
        source = LiveSource(VENUES[name]._replace(connect_every_s=0.1), listings_of(server.venue), server.url)
        follower = Follower()
        watch = Watch(server, follower)
        running = asyncio.create_task(source.run(follower.take))
        looking = asyncio.create_task(look_always(watch))
        try:
            async with asyncio.timeout(DEADLINE_S):
                struck = await after(FAULTS[kind], source, watch)
                before = source.statistics().resyncs
                while time.monotonic() - struck < MOST_S + SETTLED_S or not settled(source, watch):
                    await asyncio.sleep(LOOK_S)
        finally:
            for task in (running, looking):
                task.cancel()
            await asyncio.gather(running, looking, return_exceptions=True)
    empty = None if watch.empty_at is None else watch.empty_at - struck
    assert watch.right_since is not None
    right = max(0.0, watch.right_since - struck)
    return Cell(name, kind, watch.worst, empty, right, source.statistics().resyncs - before, watch.late)


def settled(source: LiveSource, watch: Watch) -> bool:
    lasts = watch.right_since is not None and time.monotonic() - watch.right_since > SETTLED_S
    return lasts and {one.state for one in source.sights()} == {TrustState.LIVE}


async def look_always(watch: Watch) -> None:
    while True:
        began = time.monotonic()
        watch.look()
        await asyncio.sleep(LOOK_S)
        watch.late = max(watch.late, time.monotonic() - began - LOOK_S)


@pytest.mark.timeout(60)
async def test_every_venue_with_every_fault_is_right_or_empty_within_two_seconds(capsys):
    asked = [cell(name, kind, seed) for seed, name in enumerate(NAMES) for kind in FAULTS]
    cells = await asyncio.gather(*asked)
    with capsys.disabled():
        print("\n" + "\n".join(map(str, cells)))
        print(f"this machine was late by {max(one.late_s for one in cells):.2f} s at most")
    assert len(cells) == len(NAMES) * len(FAULTS)
    assert [str(one) for one in cells if one.wrong_s > MOST_S + one.late_s] == []
    assert [str(one) for one in cells if one.fault == "unknown" and (one.wrong_s or one.resyncs)] == []
    # what must have been noticed was: of the others, some heal by the next message
    noticed = ("disconnect", "silence", "limited (429)", "banned (418)", "closed (1008)", "stale snapshot")
    assert [str(one) for one in cells if one.fault in noticed and not one.resyncs] == []
    assert [
        str(one) for one in cells if one.venue == "coinbase" and one.fault == "gap" and not one.resyncs
    ] == []
