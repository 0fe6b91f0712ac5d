from collections.abc import Sequence

import pytest

from rtlab.book.l2 import L2Book
from rtlab.book.venue import Reached, VenueBook
from rtlab.model import DepthSnapshot, DepthUpdate, Level


def update(
    first: int, last: int, *, prev: int | None = None, bids: Sequence[Level] = (), asks: Sequence[Level] = ()
) -> DepthUpdate:
    return DepthUpdate(
        instrument="X",
        ts_event=last,
        ts_recv=last,
        first_id=first,
        last_id=last,
        prev_id=prev,
        bids=list(bids),
        asks=list(asks),
    )


def snapshot(last: int, bids: Sequence[Level] = (), asks: Sequence[Level] = ()) -> DepthSnapshot:
    return DepthSnapshot(
        instrument="X", ts_event=last, ts_recv=last, last_id=last, bids=list(bids), asks=list(asks)
    )


@pytest.fixture
def venue() -> VenueBook:
    return VenueBook(L2Book())


def test_updates_wait_for_the_snapshot(venue: VenueBook) -> None:
    assert venue.needs_snapshot
    assert venue.apply(update(1, 5, bids=[(100, 7)])) == []
    assert venue.book.bids() == []
    assert venue.statistics().buffered == 1
    assert venue.last_id == -1


def test_what_the_snapshot_contains_is_dropped_and_what_follows_it_applied(venue: VenueBook) -> None:
    venue.apply(update(1, 5, bids=[(100, 1)]))
    venue.apply(update(6, 9, bids=[(100, 2)]))
    venue.apply(update(10, 12, bids=[(101, 3)]))
    reached = venue.apply(snapshot(9, bids=[(100, 5)], asks=[(102, 4)]))
    assert venue.book.bids() == [(101, 3), (100, 5)]
    assert venue.book.asks() == [(102, 4)]
    assert reached == [Reached(12, venue.book.seq)]
    assert venue.statistics() == (1, 1, 0, 2, 0, 0, 0)
    assert not venue.needs_snapshot


def test_the_first_update_after_the_snapshot_may_overlap_it(venue: VenueBook) -> None:
    venue.apply(snapshot(9, bids=[(100, 5)]))
    venue.apply(update(7, 12, bids=[(100, 6)]))
    assert venue.book.bids() == [(100, 6)]
    assert venue.last_id == 12
    assert venue.statistics().gaps == 0


def test_on_spot_each_update_begins_right_after_the_last(venue: VenueBook) -> None:
    venue.apply(snapshot(9))
    venue.apply(update(10, 12))
    venue.apply(update(13, 13))
    assert venue.statistics().gaps == 0
    venue.apply(update(15, 16))
    assert venue.statistics().gaps == 1


def test_on_futures_each_update_names_the_one_before(venue: VenueBook) -> None:
    venue.apply(snapshot(105))
    venue.apply(update(100, 110, prev=90))  # spans the snapshot
    venue.apply(update(500, 510, prev=110))  # ids of other symbols lie between
    assert venue.statistics().gaps == 0
    venue.apply(update(520, 530, prev=515))
    assert venue.statistics().gaps == 1


@pytest.mark.parametrize("prev", [108, 111])
def test_on_futures_any_other_name_is_a_gap(venue: VenueBook, prev: int) -> None:
    venue.apply(snapshot(105))
    venue.apply(update(100, 110, prev=90))
    venue.apply(update(111, 120, prev=prev))
    assert venue.statistics().gaps == 1
    assert venue.needs_snapshot


def test_an_update_that_overlaps_one_already_applied_is_a_gap(venue: VenueBook) -> None:
    venue.apply(snapshot(9))
    venue.apply(update(10, 12))
    venue.apply(update(12, 14))
    assert venue.statistics().gaps == 1


def test_an_update_that_came_already_is_dropped(venue: VenueBook) -> None:
    venue.apply(snapshot(9))
    again = update(10, 12, bids=[(100, 1)])
    venue.apply(again)
    seq = venue.book.seq
    assert venue.apply(again) == []
    assert venue.book.seq == seq
    assert venue.statistics().old == 1


def test_after_a_gap_the_book_stays_and_updates_wait(venue: VenueBook) -> None:
    venue.apply(snapshot(9, bids=[(100, 5)]))
    assert venue.apply(update(12, 13, bids=[(100, 9)])) == []
    venue.apply(update(14, 15, bids=[(99, 1)]))
    assert venue.needs_snapshot
    assert venue.book.bids() == [(100, 5)]
    assert venue.statistics().buffered == 2


def test_a_snapshot_heals_a_gap_within_the_epoch_by_what_differs(venue: VenueBook) -> None:
    venue.apply(snapshot(9, bids=[(100, 5), (99, 4), (98, 3)]))
    venue.apply(update(12, 13, bids=[(97, 1)]))
    epoch, seq = venue.book.epoch, venue.book.seq
    reached = venue.apply(snapshot(12, bids=[(100, 5), (99, 6)]))
    assert venue.book.epoch == epoch
    assert venue.book.seq == seq + 3  # 99 changed, 98 went, 97 came by the update that waited
    assert venue.book.bids() == [(100, 5), (99, 6), (97, 1)]
    assert reached == [Reached(13, venue.book.seq)]
    assert not venue.needs_snapshot
    assert venue.statistics().snapshots == 2


def test_a_snapshot_from_before_the_waiting_updates_is_no_help(venue: VenueBook) -> None:
    venue.apply(snapshot(9, bids=[(100, 5)]))
    venue.apply(update(20, 25, bids=[(99, 1)]))
    assert venue.apply(snapshot(15, bids=[(98, 1)])) == []
    assert venue.needs_snapshot
    assert venue.book.bids() == [(100, 5)]
    assert venue.statistics().stale == 1
    venue.apply(snapshot(19, bids=[(98, 1)]))
    assert venue.book.bids() == [(99, 1), (98, 1)]


def test_a_snapshot_from_before_the_book_is_no_help(venue: VenueBook) -> None:
    venue.apply(snapshot(9))
    venue.apply(update(10, 20, bids=[(100, 1)]))
    venue.apply(update(30, 31))
    venue.apply(snapshot(15, bids=[(1, 1)]))
    assert venue.book.bids() == [(100, 1)]
    assert venue.statistics().stale == 1


def test_a_snapshot_that_nobody_needs_is_passed_over(venue: VenueBook) -> None:
    venue.apply(snapshot(9, bids=[(100, 5), (50, 1)]))
    venue.apply(snapshot(9, bids=[(100, 5)]))  # a shallower one would remove what is known to be there
    assert venue.book.bids() == [(100, 5), (50, 1)]
    assert venue.statistics().stale == 1


def test_a_gap_within_the_buffer_needs_another_snapshot(venue: VenueBook) -> None:
    venue.apply(update(10, 11, bids=[(100, 1)]))
    venue.apply(update(14, 15, bids=[(100, 2)]))
    venue.apply(update(16, 17, bids=[(100, 3)]))
    reached = venue.apply(snapshot(9))
    assert [r.last_id for r in reached] == [11]
    assert venue.needs_snapshot
    assert venue.statistics().gaps == 1
    assert venue.statistics().buffered == 2
    reached = venue.apply(snapshot(13))
    assert [r.last_id for r in reached] == [15, 17]
    assert not venue.needs_snapshot
    assert venue.book.bids() == [(100, 3)]


def test_a_full_buffer_forgets_the_oldest_and_says_so() -> None:
    venue = VenueBook(L2Book(), buffer=3)
    for i in range(10, 15):
        venue.apply(update(i, i, bids=[(i, 1)]))
    assert venue.statistics().buffered == 3
    assert venue.statistics().forgotten == 2
    venue.apply(snapshot(10))  # 11 is forgotten: this snapshot cannot be followed
    assert venue.needs_snapshot
    venue.apply(snapshot(11))
    assert not venue.needs_snapshot
    assert venue.last_id == 14


def test_what_changes_nothing_leaves_the_seq_alone(venue: VenueBook) -> None:
    venue.apply(snapshot(9, bids=[(100, 5)]))
    seq = venue.book.seq
    reached = venue.apply(update(10, 11, bids=[(100, 5), (90, 0)], asks=[(101, 0)]))
    assert reached == [Reached(11, seq)]


def test_each_waiting_update_is_reached_one_after_the_other(venue: VenueBook) -> None:
    venue.apply(update(10, 10, bids=[(100, 1)]))
    venue.apply(update(11, 11, bids=[(100, 2)], asks=[(103, 1)]))
    reached = venue.apply(snapshot(9, bids=[(99, 1)]))
    assert reached == [Reached(10, 2), Reached(11, 4)]
