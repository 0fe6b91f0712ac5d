"""Play a recorded session as a feed: at any speed, held, and from any moment, while readers stay connected.

A seek begins a new epoch of the market that is served: readers drop what they had and are given the books of that
moment, as after any other break in history. Between two seeks they see every step.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, Self

from rtlab.book import Market
from rtlab.config import Settings
from rtlab.errors import ConfigError
from rtlab.feed import Gateway
from rtlab.lab.analysed import bring_on
from rtlab.lab.door import gateway_of
from rtlab.lab.notes import Note
from rtlab.lab.pace import check_speed
from rtlab.lab.session import Move, RecordedSession
from rtlab.store.moments import Moment, ns_of

WINDOW_NS = 5_000_000  # moves within this are published together
MOST_BEHIND_S = 1.0


class PlayClock:
    """When a moment of the market is due. Its own time is an argument: seconds of any steady clock.

    `speed` 1.0 is as recorded, None as fast as possible. Who falls behind by more than a second does not rush: the
    rest is due later by as much (`slipped_s`).
    """

    def __init__(self, speed: float | None = 1.0) -> None:
        self._speed = check_speed(speed)
        self._from: tuple[int, float] | None = None
        self.held = False
        self.slipped_s = 0.0

    @property
    def speed(self) -> float | None:
        """How many times faster than recorded; None: as fast as possible."""
        return self._speed

    def set(self, speed: float | None, ts: int, now: float) -> None:
        """Go on from `ts` (ns) at another speed."""
        self._speed, self._from = check_speed(speed), (ts, now)

    def begin(self, ts: int, now: float) -> None:
        """Let `ts` be due now."""
        self._from = ts, now

    def due_in(self, ts: int, now: float) -> float:
        """Give how many seconds it is until `ts` is due; infinity while the clock is held."""
        if self.held:
            return float("inf")
        if self._speed is None:
            return 0.0
        if self._from is None:
            self._from = ts, now
        first, begun = self._from
        ahead = begun + (ts - first) / 1e9 / self._speed - now
        if ahead < -MOST_BEHIND_S:
            self._from = first, begun - ahead
            self.slipped_s -= ahead
        return max(0.0, ahead)


class PlayerStatistics(NamedTuple):
    """`moves` folded, `seeks` made, `slipped_s` that the replay is behind its clock, and the market's `ts` (ns)."""

    moves: int
    seeks: int
    slipped_s: float
    ts: int


class Player:
    """Serves `session` from `start` to `end`; `async with` opens its gateway, `run` plays.

    `on_note` is told of each note when its moment comes.
    """

    def __init__(
        self,
        session: RecordedSession,
        settings: Settings,
        *,
        speed: float | None = 1.0,
        start: Moment | None = None,
        end: Moment | None = None,
        on_note: Callable[[Note], object] = lambda note: None,
    ) -> None:
        self.session, self.clock, self.on_note = session, PlayClock(speed), on_note
        self.market = Market(list(session.instruments.values()), time.time_ns() // 1_000_000)
        self.gateway: Gateway = gateway_of(settings, self.market, more={"replay": self.statistics})
        self.ts = session.start if start is None else self._within(start)
        self._end = None if end is None else ns_of(end)
        self._start: int | None = None if start is None else self.ts
        self._moves = self._seeks = 0
        self._sought = False
        self._turned = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.gateway.__aenter__()
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.gateway.close()

    def seek(self, moment: Moment) -> None:
        """Go on from another moment of the session; ConfigError when it has no such moment."""
        self._start = self.ts = self._within(moment)
        self._sought = True
        self._turned.set()

    def set_speed(self, speed: float | None) -> None:
        """Go on at another speed; ConfigError when it is not above 0."""
        self.clock.set(speed, self.ts, time.monotonic())
        self._turned.set()

    def hold(self) -> None:
        """Stand still at this moment."""
        self.clock.held = True
        self._turned.set()

    def go_on(self) -> None:
        """Play on from where it was held."""
        self.clock.held = False
        self.clock.begin(self.ts, time.monotonic())
        self._turned.set()

    def statistics(self) -> PlayerStatistics:
        """Count what was played."""
        return PlayerStatistics(self._moves, self._seeks, self.clock.slipped_s, self.ts)

    async def run(self, *, stay: bool = False) -> None:
        """Play to the end of the session, from wherever it is sent meanwhile; with `stay` wait there for a seek."""
        while True:
            if self._sought:
                self._sought = False
                self._seeks += 1
                self.market.restart(self.market.epoch + 1)
            moves = self.session.moves(self._start, self._end)
            notes = [note for note in self.session.notes if note.ts >= self.ts]
            self.clock.begin(self.ts, time.monotonic())
            for ts, chunk in chunks(moves, WINDOW_NS):
                if not await self._until_due(ts):
                    break
                self._take(ts, chunk)
                while notes and notes[0].ts <= ts:
                    self.on_note(notes.pop(0))
            while stay and not self._sought:
                self._turned.clear()
                await self._turned.wait()
            if not self._sought:
                return

    def _take(self, ts: int, chunk: list[Move]) -> None:
        self._moves += bring_on(self.market, chunk)
        self.ts = ts
        self.gateway.publish()

    async def _until_due(self, ts: int) -> bool:
        """Wait until `ts` is due; False when a seek came first."""
        await asyncio.sleep(0)
        while not self._sought:
            wait = self.clock.due_in(ts, time.monotonic())
            if wait == 0.0:
                return True
            self._turned.clear()
            try:
                async with asyncio.timeout(None if wait == float("inf") else wait):
                    await self._turned.wait()
            except TimeoutError:
                continue
        return False

    def _within(self, moment: Moment) -> int:
        ts = ns_of(moment)
        if not self.session.start <= ts <= self.session.end:
            span = f"{self.session.start} to {self.session.end} (ns)"
            raise ConfigError("the session has no such moment", expected=span, got=ts)
        return ts


def chunks(moves: Iterator[Move], window_ns: int) -> Iterator[tuple[int, list[Move]]]:
    """Cut moves into (time of the last, moves) that lie within `window_ns` of the first of them."""
    held: list[Move] = []
    for move in moves:
        if held and move[0] - held[0][0] >= window_ns:
            yield held[-1][0], held
            held = []
        held.append(move)
    if held:
        yield held[-1][0], held
