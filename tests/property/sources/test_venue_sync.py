"""A venue whose messages get lost, late and twice: while a book says that it is in step, it is the venue's."""

import random
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from rtlab.book.l2 import BookView, L2Book
from rtlab.book.update import WHOLE
from rtlab.book.venue import VenueBook
from rtlab.model import DepthSnapshot, DepthUpdate, Level

Books = tuple[dict[int, int], dict[int, int]]


class Venue:
    """Changes levels at random and publishes them; remembers what its book was after every update."""

    def __init__(self, rng: random.Random, *, futures: bool) -> None:
        self.rng, self.futures = rng, futures
        self.sides: Books = ({}, {})
        self.last_id = 0
        self.after: dict[int, Books] = {0: ({}, {})}

    def update(self) -> DepthUpdate:
        rng, prev = self.rng, self.last_id
        changed: Books = ({}, {})
        gap = rng.randrange(4) if self.futures else 0  # ids of other symbols
        first = self.last_id + 1 + gap
        for self.last_id in range(first, first + rng.randint(1, 3)):
            side, price = rng.randrange(2), rng.randrange(12)
            qty = changed[side][price] = rng.choice([0, 0, 1, 2, 3])
            self.sides[side].pop(price, None)
            if qty:
                self.sides[side][price] = qty
        self.after[self.last_id] = (dict(self.sides[0]), dict(self.sides[1]))
        return DepthUpdate(
            instrument="X",
            ts_event=self.last_id,
            ts_recv=self.last_id,
            first_id=first,
            last_id=self.last_id,
            prev_id=prev if self.futures else None,
            bids=list(changed[0].items()),
            asks=list(changed[1].items()),
        )

    def snapshot(self) -> DepthSnapshot:
        bids, asks = (list(side.items()) for side in self.sides)
        return DepthSnapshot(
            instrument="X", ts_event=0, ts_recv=0, last_id=self.last_id, bids=bids, asks=asks
        )


def received(rng: random.Random, venue: Venue, count: int) -> Iterator[DepthUpdate | DepthSnapshot]:
    """What arrives of the venue: updates in order, some lost, some twice; snapshots late."""
    late: list[DepthSnapshot] = []
    for _ in range(count):
        if rng.random() < 0.15:
            late.append(venue.snapshot())
        update = venue.update()
        for _ in range(rng.choice([0, 1, 1, 1, 1, 1, 1, 1, 1, 2])):
            yield update
        if late and rng.random() < 0.4:
            yield late.pop(0)


def levels(book: L2Book | BookView) -> tuple[list[Level], list[Level]]:
    return book.bids(), book.asks()


@settings(deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_a_book_in_step_is_the_venues_and_so_is_its_readers(seed: int, futures: bool) -> None:
    rng = random.Random(seed)
    venue = Venue(rng, futures=futures)
    synced = VenueBook(L2Book(), buffer=rng.choice([3, 1_000]))
    view, in_step = BookView(), 0
    for message in received(rng, venue, 120):
        before = synced.book.seq
        reached = synced.apply(message)
        assert synced.book.epoch == 1
        assert [r.last_id for r in reached] == sorted({r.last_id for r in reached})
        assert all(before <= r.seq <= synced.book.seq for r in reached)
        if not synced.needs_snapshot and synced.last_id in venue.after:
            bids, asks = venue.after[synced.last_id]
            assert levels(synced.book) == (sorted(bids.items(), reverse=True), sorted(asks.items()))
            in_step += 1
        update = synced.book.since(view.epoch, view.seq, WHOLE, view.held)
        if update is not None:
            view.load(update) if update.kind == "snapshot" else view.apply(update)
        assert levels(view) == levels(synced.book)
        assert view.seq == synced.book.seq or not view.held  # every seq is a state that a reader can stand at
    statistics = synced.statistics()
    assert statistics.snapshots <= statistics.gaps + 1
    if statistics.snapshots:
        assert in_step


@settings(deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_without_loss_there_is_no_gap(seed: int, futures: bool) -> None:
    rng = random.Random(seed)
    venue, synced = Venue(rng, futures=futures), VenueBook(L2Book())
    for number in range(60):
        synced.apply(venue.update())
        if number == 10:
            snapshot = venue.snapshot()
        if number == 14:
            synced.apply(snapshot)
    assert synced.statistics().gaps == 0
    assert not synced.needs_snapshot
    assert synced.last_id == venue.last_id
    assert (dict(synced.book.bids()), dict(synced.book.asks())) == venue.sides
