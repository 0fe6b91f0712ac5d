import random

import pytest

from rtlab.book import WHOLE, KeyedSide, SortedSide


def filled(sign, rows):
    side = SortedSide(sign)
    for key, row in rows:
        side.put(key, row)
    return side


@pytest.mark.parametrize(("sign", "best"), [(-1, [30, 20, 10]), (1, [10, 20, 30])])
def test_the_sign_says_which_key_is_best(sign, best):
    side = filled(sign, [(20, 2), (10, 1), (30, 3)])
    assert side.top(WHOLE) == [(key, key // 10) for key in best]
    assert side.top(2) == side.top(WHOLE)[:2]
    assert len(side) == 3


def test_an_empty_row_removes_and_an_unknown_key_is_a_no_op():
    side = filled(1, [(10, 1), (20, 2)])
    side.put(10, 0)
    side.put(99, 0)
    assert side.top(WHOLE) == [(20, 2)]
    assert (side.get(10), side.get(20)) == (None, 2)


def test_load_holds_exactly_what_it_is_given():
    side = filled(-1, [(10, 1)])
    side.load([(5, 5), (7, 7)])
    assert side.top(WHOLE) == [(7, 7), (5, 5)]
    side.load([])
    assert side.top(WHOLE) == []


def test_cut_forgets_the_worst():
    side = filled(-1, [(10, 1), (20, 2), (30, 3)])
    side.cut(2)
    assert side.top(WHOLE) == [(30, 3), (20, 2)]
    assert side.get(10) is None
    side.cut(5)
    assert len(side) == 2


def test_a_sorted_side_equals_a_sorted_dictionary_after_any_puts():
    rnd = random.Random(3)
    for sign in (-1, 1):
        side, truth = SortedSide(sign), {}
        for _ in range(2000):
            key, row = rnd.randrange(40), rnd.randrange(3)
            side.put(key, row)
            truth[key] = row
            if not row:
                del truth[key]
            assert side.top(WHOLE) == sorted(truth.items(), key=lambda pair: pair[0] * sign)


def keyed(changes, *, tombstones=100):
    side = KeyedSide(-1, 0, 0, tombstones)
    for seq, (key, row) in enumerate(changes, 1):
        side.change(seq, key, row)
    return side


def test_changed_rows_of_the_cut_are_told_and_those_below_it_are_not():
    side = keyed([(30, 1), (20, 1), (10, 1), (30, 2), (10, 2)])
    assert side.rows_since(3, 2, 2) == [(0, 30, 2)]
    assert side.rows_since(3, 3, 3) == [(0, 10, 2), (0, 30, 2)]


def test_a_removal_is_told_with_what_comes_up_from_below():
    side = keyed([(30, 1), (20, 1), (10, 1), (30, 0)])
    assert side.rows_since(3, 2, 2) == [(0, 30, 0), (0, 10, 1)]


def test_a_removal_below_the_cut_is_not_told():
    side = keyed([(30, 1), (20, 1), (10, 1), (10, 0)])
    assert side.rows_since(3, 2, 2) == []


def test_every_removal_is_told_when_the_side_is_shorter_than_the_cut():
    side = keyed([(30, 1), (10, 1), (10, 0)])
    assert side.rows_since(2, 2, 2) == [(0, 10, 0)]


def test_a_price_that_returned_is_told_as_a_level_only():
    side = keyed([(30, 1), (20, 1), (30, 0), (30, 7)])
    assert side.rows_since(2, 2, 2) == [(0, 30, 7)]
    assert not side.removed


def test_a_raised_depth_brings_the_rows_that_were_not_held():
    side = keyed([(30, 1), (20, 1), (10, 1)])
    assert side.rows_since(3, 3, 1) == [(0, 20, 1), (0, 10, 1)]


def test_the_floor_rises_to_the_removal_that_was_forgotten():
    side = keyed([(1, 1), (2, 1), (3, 1), (1, 0), (2, 0), (3, 0)], tombstones=2)
    assert side.floor == 4
    assert list(side.removed.values()) == [5, 6]


def test_removing_an_unknown_key_leaves_a_tombstone_for_readers_of_other_batches():
    side = keyed([(30, 1), (20, 0)])
    assert side.rows_since(1, 5, 5) == [(0, 20, 0)]


def test_removing_twice_keeps_the_tombstones_in_order():
    side = keyed([(1, 0), (2, 0), (1, 0)], tombstones=2)
    assert list(side.removed.values()) == [2, 3]
    assert side.floor == 0


def test_forget_drops_the_worst_without_a_tombstone():
    side = keyed([(30, 1), (20, 1), (10, 1)])
    side.forget(2)
    assert side.top(WHOLE) == [(30, 1), (20, 1)]
    assert not side.removed
    assert side.rows_since(0, 5, 5) == [(0, 20, 1), (0, 30, 1)]


def test_rows_since_equals_a_plain_scan_of_every_key():
    rnd = random.Random(8)
    side, last, live = KeyedSide(1, 1, 0, 10**6), {}, {}
    for seq in range(1, 3000):
        key, row = rnd.randrange(30), rnd.randrange(3)
        side.change(seq, key, row)
        last[key], live[key] = seq, row
        since, depth = rnd.randrange(max(1, seq - 40), seq + 1), rnd.choice((1, 3, 8, WHOLE))
        top = [k for k in sorted(live) if live[k]][:depth]
        gone = [k for k in live if not live[k] and last[k] > since and (len(top) < depth or k < top[-1])]
        refill = top[max(0, len(top) - max(0, len(top) - depth + len(gone))) :]
        wanted = dict.fromkeys(gone, 0) | {k: live[k] for k in top if last[k] > since or k in refill}
        rows = side.rows_since(since, depth, depth)
        assert len(rows) == len(wanted)
        assert {k: row for _, k, row in rows} == wanted
