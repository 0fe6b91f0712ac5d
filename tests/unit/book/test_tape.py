import random
from struct import pack

import pytest

from rtlab.book import WHOLE, Tape, TapeView, Totals
from rtlab.errors import LocalError


def row(number):
    return (1000 + number, 50 + number % 3, number, number % 2)


def tape_of(count, **options):
    tape = Tape(**options)
    tape.extend([row(number) for number in range(1, count + 1)])
    return tape


def true_totals(count):
    rows = [row(number) for number in range(1, count + 1)]
    return Totals(count, sum(r[2] for r in rows if not r[3]), sum(r[2] for r in rows if r[3]))


def test_totals_count_each_side_by_the_aggressor():
    tape = tape_of(10)
    assert tape.totals == true_totals(10)
    assert (tape.seq, tape.ts) == (10, 1010)
    assert Totals().after([row(1), row(2)]) == true_totals(2)
    assert true_totals(9).less(true_totals(4)) == Totals().after([row(n) for n in range(5, 10)])


def test_an_empty_tape_tells_a_fresh_reader_so():
    tape = Tape(epoch=3)
    update = tape.since(0, 0, 10, 0)
    assert (update.kind, update.epoch, update.first_seq, update.last_seq) == ("snapshot", 3, 1, 0)
    assert update.body == (Totals(), [])
    assert tape.since(3, 0, 10, 10) is None
    assert tape.ts == 0


def test_a_fresh_reader_gets_the_newest_rows_with_the_totals_before_them():
    update = tape_of(10).since(0, 0, 3, 0)
    assert (update.kind, update.first_seq, update.last_seq) == ("snapshot", 8, 10)
    assert update.body == (true_totals(7), [row(8), row(9), row(10)])


def test_a_reader_gets_what_follows_and_nothing_at_the_head():
    tape = tape_of(10)
    update = tape.since(1, 8, 3, 3)
    assert (update.kind, update.first_seq, update.last_seq) == ("increment", 9, 10)
    assert update.body == (true_totals(8), [row(9), row(10)])
    assert tape.since(1, 10, 3, 3) is None
    assert tape.since(1, 11, 3, 3) is None


def test_what_left_the_ring_is_a_prefix_and_a_subtraction():
    tape = tape_of(100, keep=10)
    update = tape.since(1, 50, 5, 5)
    before, rows = update.body
    assert (update.first_seq, update.last_seq) == (51, 100)
    assert before == true_totals(90)
    assert rows == [row(n) for n in range(91, 101)]


def test_far_behind_comes_in_chunks_oldest_first():
    tape, seen, seq = tape_of(250, chunk=64), [], 0
    while (update := tape.since(1, seq, 10, 10)) is not None:
        before, rows = update.body
        assert len(rows) <= 64
        assert before == true_totals(seq)
        seen += rows
        seq = update.last_seq
    assert seen == [row(n) for n in range(1, 251)]


def test_another_epoch_is_a_fresh_start():
    tape = tape_of(10)
    tape.new_epoch(2)
    assert (tape.epoch, tape.seq) == (2, 0)
    tape.extend([row(1)])
    update = tape.since(1, 10, 5, 5)
    assert (update.kind, update.epoch, update.last_seq) == ("snapshot", 2, 1)
    with pytest.raises(LocalError, match="epoch is not new"):
        tape.new_epoch(2)


def test_the_digest_is_the_totals():
    tape = tape_of(10)
    assert tape.digest(5) == pack("<3q", *true_totals(10))


def bring(view, update):
    (view.load if update.kind == "snapshot" else view.apply)(update)


def test_a_view_counts_what_it_was_not_given_exactly_per_side():
    tape, view = tape_of(20, keep=10), TapeView()
    bring(view, tape.since(0, 0, 5, 0))
    assert (view.dropped, view.totals) == (Totals(), true_totals(20))
    tape.extend([row(n) for n in range(21, 101)])
    bring(view, tape.since(1, 20, 5, 5))
    assert view.totals == true_totals(100)
    assert view.dropped == true_totals(90).less(true_totals(20))
    assert view.before_news == true_totals(90)
    assert view.news == [row(n) for n in range(91, 101)]


def test_a_view_takes_each_row_once_when_a_snapshot_overlaps():
    tape, view = tape_of(20), TapeView()
    bring(view, tape.since(0, 0, 10, 0))
    tape.extend([row(21)])
    view.load(tape.since(0, 0, 5, 0))
    assert view.news == [row(21)]
    assert list(view.rows) == [row(n) for n in range(11, 22)]
    assert view.dropped == Totals()
    view.load(tape.since(0, 0, 5, 0))
    assert view.news == []


def test_a_snapshot_beyond_what_a_view_has_is_a_drop_within_the_epoch():
    tape, view = tape_of(20), TapeView()
    bring(view, tape.since(0, 0, 10, 0))
    tape.extend([row(n) for n in range(21, 41)])
    view.load(tape.since(0, 0, 5, 0))
    assert view.dropped == true_totals(35).less(true_totals(20))
    assert view.totals == true_totals(40)


def test_a_new_epoch_is_not_a_drop():
    tape, view = tape_of(20), TapeView()
    bring(view, tape.since(0, 0, 10, 0))
    tape.new_epoch(9)
    tape.extend([row(1), row(2)])
    bring(view, tape.since(1, 20, 10, 10))
    assert (view.epoch, view.seq, view.totals) == (9, 2, true_totals(2))
    assert (view.dropped, view.epochs) == (Totals(), 2)


def test_a_view_keeps_only_the_newest_rows():
    tape, view = tape_of(20), TapeView(keep=4)
    bring(view, tape.since(0, 0, WHOLE, 0))
    assert list(view.rows) == [row(n) for n in range(17, 21)]
    assert len(view.news) == 20


def test_rows_given_and_dropped_add_up_for_any_way_of_reading():
    rnd = random.Random(4)
    for _ in range(50):
        tape, view, given = Tape(keep=rnd.choice((5, 40)), chunk=rnd.choice((3, 64))), TapeView(), []
        for number in range(1, 400):
            tape.extend([row(number)])
            if rnd.random() < 0.1:
                update = tape.since(view.epoch, view.seq, rnd.choice((1, 10)), view.held)
                if update is not None:
                    bring(view, update)
                    given += enumerate(view.news, view.before_news.seq + 1)
        assert all(r == row(seq) for seq, r in given)
        first = given[0][0]
        assert view.totals == true_totals(view.totals.seq)
        assert len(given) + view.dropped.seq == view.totals.seq - first + 1


def test_a_view_holds_the_rows_of_one_epoch_only():
    first, second, view = Tape(epoch=1), Tape(epoch=2), TapeView()
    first.extend([(1, 100, 1, 0), (2, 101, 2, 1)])
    second.extend([(3, 102, 3, 0)])
    view.load(first.since(0, 0, 10, 0))
    view.load(second.since(1, 2, 10, 10))
    assert list(view.rows) == [(3, 102, 3, 0)]
    assert (view.epochs, view.totals.seq, view.dropped.seq) == (2, 1, 0)
