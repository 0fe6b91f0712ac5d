"""A machine and a loopback venue in one thread and a time of their own: no socket, no clock, always the same."""

from support.venues.session import Session
from support.venues.venue import STEP_NS, LoopbackVenue

from rtlab.model import DepthSnapshot, DepthUpdate, MarketMessage, VenueTrade
from rtlab.sources.venues.directory import Lane
from rtlab.sources.venues.machine import Get, HangUp, Send

TICK_NS = 10_000_000
MOST_NS = 2_000_000_000
LATE_NS = 30_000_000  # of an answer by HTTP


class Follower:
    """Folds what a source gives into plain dicts, as its documentation says that one may."""

    def __init__(self) -> None:
        self.sides: dict[str, tuple[dict[int, int], dict[int, int]]] = {}
        self.trades: dict[str, list[int]] = {}
        self.emptied: list[str] = []

    def take(self, messages: list[MarketMessage]) -> None:
        for message in messages:
            name = message.instrument
            if isinstance(message, DepthSnapshot):
                self.sides[name] = (dict(message.bids), dict(message.asks))
                if not message.bids and not message.asks:
                    self.emptied.append(name)
            elif isinstance(message, DepthUpdate):
                for side, levels in zip(self.sides[name], (message.bids, message.asks), strict=True):
                    for price, qty in levels:
                        side.pop(price, None)
                        if qty:
                            side[price] = qty
            elif isinstance(message, VenueTrade):
                self.trades.setdefault(name, []).append(message.trade_id)

    def levels(self, name: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        bids, asks = self.sides.get(name, ({}, {}))
        return sorted(bids.items(), reverse=True), sorted(asks.items())

    def holds(self, name: str) -> bool:
        return any(self.sides.get(name, ({}, {})))


class Virtual:
    """Runs lanes of one venue against its loopback."""

    def __init__(self, venue: LoopbackVenue, lanes: list[Lane]) -> None:
        self.venue, self.lanes = venue, lanes
        self.follower = Follower()
        self.now = 1
        self.sessions: dict[int, Session] = {}
        self._answers: list[tuple[int, Lane, Get]] = []
        self._again: dict[int, int] = dict.fromkeys(range(len(lanes)), 0)
        self.wrong_since: dict[str, int] = {}
        self.violations: list[str] = []
        self.hung_up: list[str] = []

    def run(self, seconds: float, *, is_checked: bool = True) -> None:
        """Let time pass, and check at each tick that no book is wrong and silent."""
        end = self.now + int(seconds * 1e9)
        while self.now < end:
            self.now += TICK_NS
            if self.now % STEP_NS < TICK_NS:
                self.venue.step(self.now)
            for index, lane in enumerate(self.lanes):
                self._serve(index, lane)
            if is_checked:
                self.check()

    def check(self) -> None:
        """Note a book that is wrong, not empty, and that since more than MOST_NS."""
        for name, book in self.venue.books.items():
            bids, asks = self.follower.levels(name)
            if not (bids or asks) or book.was(bids, asks, self.venue.depth):
                self.wrong_since.pop(name, None)
            elif self.now - self.wrong_since.setdefault(name, self.now) > MOST_NS:
                self.violations.append(f"{self.now / 1e9:.2f} s: {name} is wrong and silent for 2 s")

    def _serve(self, index: int, lane: Lane) -> None:
        if index not in self.sessions:
            if self.now < self._again[index]:
                pass
            elif self.venue.is_limited():
                self._again[index] = self.now + self.venue.retry_after_s * 1_000_000_000
                lane.machine.lost(f"refused with {self.venue.limit_status}", self.now)
            else:
                self.sessions[index] = self.venue.open(lane.url)
                lane.machine.opened(self.now, self.venue.wall + self.now)
        session = self.sessions.get(index)
        if session is not None:
            for payload in session.take():
                self.follower.take(lane.machine.receive(payload, self.now))
            if session.close is not None:
                self._end(index, str(session.close))
        self._answer(lane)
        self.follower.take(lane.machine.tick(self.now))
        for request in lane.machine.take_requests():
            self._do(index, lane, request)

    def _do(self, index: int, lane: Lane, request: Send | Get | HangUp) -> None:
        match request:
            case Send(text):
                if index in self.sessions:
                    self.venue.heard(self.sessions[index], text)
            case Get():
                self._answers.append((self.now + LATE_NS, lane, request))
            case HangUp(reason):
                self.hung_up.append(reason)
                self._end(index, reason)

    def _answer(self, lane: Lane) -> None:
        for due, asker, get in list(self._answers):
            if asker is not lane or due > self.now:
                continue
            self._answers.remove((due, asker, get))
            reply = self.venue.http(get.path)
            if reply.status == 200:
                self.follower.take(lane.machine.answered(get, reply.body, self.now))
            else:
                lane.machine.refused(
                    get, f"the venue answered {reply.status}", self.now, reply.retry_after_s or 0
                )

    def _end(self, index: int, reason: str) -> None:
        session = self.sessions.pop(index, None)
        if session is not None:
            self.venue.leave(session)
            self.lanes[index].machine.lost(reason, self.now)
            self._again[index] = self.now + 200_000_000
