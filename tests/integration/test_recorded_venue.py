"""Recorded minutes of Binance through the live reader: no proof fails, and the book is the recording's."""

import gzip
import json
from itertools import islice

import pytest
from support.recorded import recorded
from support.venues.virtual import Follower

from rtlab.book import L2Book
from rtlab.book.venue import VenueBook
from rtlab.model import DepthSnapshot, DepthUpdate
from rtlab.sources import Binance
from rtlab.sources.venues.binance import BinanceMachine
from rtlab.sources.venues.kept import Listing
from rtlab.sources.venues.machine import Get, Send

RECORDS = 25_000
FILES = {"usdm": "binance/usdm_btcusdt_20240808.gz", "spot": "binance/spot_ethusdt_20240808.gz"}
STREAMS = {"usdm": ("depth@0ms", "bookTicker", "trade"), "spot": ("depth@100ms", "bookTicker", "trade")}
TICK_NS = 100_000_000


class Played:
    """The records of a file as a socket and HTTP brought them, by the clock of their receipt."""

    def __init__(self, market: str) -> None:
        self.source = Binance(recorded(FILES[market]))
        self.instrument = self.source.instrument
        listing = Listing(self.source.symbol, self.instrument)
        self.machine = BinanceMachine([listing], "/depth", STREAMS[market])
        self.follower = Follower()
        self.answers: list[str] = []
        self.snapshot: bytes | None = None
        self.asked: Get | None = None
        self.now = self.ticked = 0
        self.resyncs_wanted = 0

    def run(self, count: int, *, lose: int | None = None) -> None:
        with gzip.open(self.source.path, "rb") as file:
            for number, line in enumerate(islice(file, count)):
                received, _, payload = line.partition(b" ")
                self._pass_time(int(received))
                if payload.startswith(b'{"lastUpdateId"'):
                    self.snapshot = payload
                    self._answer()
                elif number != lose:
                    self.follower.take(self.machine.receive(payload, self.now))

    def _pass_time(self, now: int) -> None:
        if not self.now:
            self.now = self.ticked = now
            self.machine.opened(now, now)
        while self.ticked + TICK_NS < now:
            self.ticked += TICK_NS
            self.now = max(self.now, self.ticked)
            self._tick()
        self.now = now

    def _tick(self) -> None:
        self.follower.take(self.machine.tick(self.now))
        for request in self.machine.take_requests():
            if isinstance(request, Get):
                self.asked, self.resyncs_wanted = request, self.resyncs_wanted + 1
                self._answer()
            elif isinstance(request, Send):
                number = json.loads(request.text)["id"]
                listed = json.dumps({"result": self.machine.streams, "id": number})
                self.follower.take(self.machine.receive(listed, self.now))

    def _answer(self) -> None:
        # there is one snapshot in the file; whoever asks for another one later is not answered
        if self.snapshot is not None and self.asked is not None:
            self.follower.take(self.machine.answered(self.asked, self.snapshot, self.now))
            self.snapshot = None


def folded(source: Binance, records: int) -> L2Book:
    """The book as a plain fold of the same records has it."""
    venue = VenueBook(L2Book())
    for message in islice(source, records):
        if isinstance(message, DepthSnapshot | DepthUpdate):
            venue.apply(message)
    return venue.book


@pytest.mark.recorded
@pytest.mark.parametrize("market", FILES)
def test_recorded_minutes_prove_every_book_and_trade(market: str) -> None:
    played = Played(market)
    played.run(RECORDS)
    (sight,) = played.machine.sights()
    assert (sight.state, sight.gaps, sight.mismatches, sight.unreadable) == ("live", 0, 0, 0)
    assert (sight.resyncs, sight.staled, played.follower.emptied) == (1, 0, [])
    assert played.machine.statistics().trades_lost == 0
    trades = played.follower.trades[played.instrument.symbol]
    assert trades == list(range(trades[0], trades[0] + len(trades)))
    truth = folded(played.source, RECORDS)
    bids, asks = played.follower.levels(played.instrument.symbol)
    # below the reach of the snapshot nothing is kept
    assert bids == [level for level in truth.bids() if level[0] >= bids[-1][0]]
    assert asks == [level for level in truth.asks() if level[0] <= asks[-1][0]]
    assert len(bids) > 500
    assert len(asks) > 500


@pytest.mark.recorded
def test_a_lost_record_is_found_at_the_next_and_the_book_is_emptied() -> None:
    played = Played("usdm")
    number = depth_record(played, 5_000)
    played.run(RECORDS, lose=number)
    (sight,) = played.machine.sights()
    assert (sight.gaps, sight.state) == (1, "stale")  # the file has no second snapshot
    assert played.follower.emptied == [played.instrument.symbol]
    assert played.resyncs_wanted >= 2


def depth_record(played: Played, after: int) -> int:
    with gzip.open(played.source.path, "rb") as file:
        return next(n for n, line in enumerate(file) if n > after and b"@depth" in line)
