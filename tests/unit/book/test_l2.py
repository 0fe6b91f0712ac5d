import random
import struct
from zlib import crc32

import numpy as np
import pytest

from rtlab.book import WHOLE, BookView, L2Book, Update
from rtlab.book.l2 import pack_levels, pack_rows
from rtlab.model import EVENT, EventKind, Side


def level_rows(changes):
    rows = np.zeros(len(changes), EVENT)
    rows["kind"] = EventKind.LEVEL
    rows["side"], rows["price"], rows["qty"] = np.array(changes).T
    rows["ts"] = np.arange(len(changes)) + 1
    return rows


def random_changes(count, seed):
    rnd = random.Random(seed)
    return [(rnd.randrange(2), rnd.randrange(1, 60), rnd.choice((0, 1, 2, 3))) for _ in range(count)]


def folded(changes):
    levels = ({}, {})
    for side, price, qty in changes:
        levels[side][price] = qty
    bids, asks = ([(p, q) for p, q in side.items() if q] for side in levels)
    return sorted(bids, reverse=True), sorted(asks)


@pytest.mark.parametrize("batch", [1, 7, 255, 256, 3000])
def test_batches_of_level_rows_fold_to_the_same_book_whatever_their_size(batch):
    changes, book = random_changes(3000, 5), L2Book()
    for start in range(0, len(changes), batch):
        book.apply_levels(level_rows(changes[start : start + batch]))
    assert (book.bids(), book.asks()) == folded(changes)
    assert book.seq == 3000


def test_a_large_batch_leaves_the_same_changes_to_tell_as_single_rows():
    changes = random_changes(2000, 6)
    one, many = L2Book(), L2Book()
    one.apply_levels(level_rows(changes))
    for start in range(0, 2000, 10):
        many.apply_levels(level_rows(changes[start : start + 10]))
    for seq in range(1500, 2000, 7):
        for depth in (1, 5, WHOLE):
            left, right = one.since(1, seq, depth, depth), many.since(1, seq, depth, depth)
            assert (left is None) == (right is None)
            if left is not None:
                assert left.kind == right.kind
                assert sorted(left.body) == sorted(right.body)


def test_no_rows_are_no_change():
    book = L2Book()
    book.apply_levels(np.zeros(0, EVENT))
    assert (book.seq, book.bids(), book.asks()) == (0, [], [])


def test_set_level_counts_only_what_changes():
    book = L2Book()
    assert book.set_level(Side.BID, 100, 5, 1)
    assert not book.set_level(Side.BID, 100, 5, 2)
    assert not book.set_level(Side.ASK, 101, 0, 3)
    assert book.set_level(Side.BID, 100, 0, 4)
    assert (book.seq, book.ts) == (2, 4)


def test_replace_all_makes_the_least_changes_within_the_epoch():
    book = L2Book(epoch=4)
    book.replace_all([(100, 1), (99, 2)], [(101, 3)], 1)
    changes = book.replace_all([(100, 1), (98, 5)], [(101, 4), (102, 0)], 2)
    assert changes == 3  # 99 gone, 98 new, 101 changed
    assert (book.bids(), book.asks()) == ([(100, 1), (98, 5)], [(101, 4)])
    assert (book.epoch, book.seq) == (4, 6)
    assert book.clear(3) == 3
    assert (book.bids(), book.asks(), book.epoch) == ([], [], 4)


def test_a_reader_follows_replace_all_by_an_increment():
    book, view = L2Book(), BookView()
    book.replace_all([(100 - i, 1) for i in range(20)], [(101 + i, 1) for i in range(20)], 1)
    view.load(book.since(0, 0, 5, 0))
    book.replace_all([(99 - i, 1) for i in range(20)], [(101 + i, 1) for i in range(20)], 1)
    update = book.since(view.epoch, view.seq, 5, 5)
    assert update.kind == "increment"
    view.apply(update)
    assert (view.bids(), view.asks()) == (book.bids(5), book.asks(5))


def test_the_checksum_is_the_crc32_of_little_endian_pairs_bids_then_asks_best_first():
    book = L2Book()
    book.replace_all([(99, 1), (100, 2)], [(102, 3), (101, 4)], 0)
    plain = struct.pack("<8q", 100, 2, 99, 1, 101, 4, 102, 3)
    assert book.digest(WHOLE) == plain
    assert book.checksum() == crc32(plain)
    assert book.checksum(1) == crc32(struct.pack("<4q", 100, 2, 101, 4))
    assert L2Book().checksum() == crc32(b"")


def test_negative_prices_keep_their_order_and_their_checksum():
    book, view = L2Book(), BookView()
    book.replace_all([(-3, 1), (-2, 2)], [(-1, 3), (0, 4)], 0)
    view.load(book.since(0, 0, WHOLE, 0))
    assert (view.bids(), view.asks()) == ([(-2, 2), (-3, 1)], [(-1, 3), (0, 4)])
    assert view.checksum() == book.checksum()


def test_rows_packed_as_they_stand_equal_the_sides_they_came_from():
    book = L2Book()
    book.replace_all([(99, 1), (100, 2)], [(102, 3), (101, 4)], 0)
    assert pack_rows(book.bids(), book.asks()) == pack_levels(book.sides, WHOLE)


def test_a_view_stands_where_its_last_update_brought_it():
    view = BookView()
    assert (view.epoch, view.seq, view.held) == (0, 0, 0)
    view.load(Update("snapshot", 3, 0, 7, 2, 55, ([(10, 1), (9, 1)], [(11, 1)])))
    assert (view.epoch, view.seq, view.held, view.ts) == (3, 7, 2, 55)
    view.apply(Update("increment", 3, 8, 9, 2, 56, [(0, 12, 4), (1, 11, 0)]))
    assert (view.seq, view.ts) == (9, 56)
    assert (view.bids(), view.asks()) == ([(12, 4), (10, 1)], [])
    assert view.bids(1) == [(12, 4)]


def test_an_increment_that_removes_an_unknown_price_changes_nothing():
    view = BookView()
    view.load(Update("snapshot", 1, 0, 1, 5, 0, ([(10, 1)], [])))
    view.apply(Update("increment", 1, 2, 2, 5, 0, [(0, 4, 0), (1, 4, 0)]))
    assert (view.bids(), view.asks()) == ([(10, 1)], [])


def bring(view, update):
    if update is not None:
        (view.load if update.kind == "snapshot" else view.apply)(update)


def test_an_overlapping_increment_is_safe():
    book, view, overlaps = L2Book(), BookView(), 0
    for seed in range(200):
        at = view.seq
        for middle in (True, False):
            for change in random_changes(4, 2 * seed + middle):
                book.change(*change, 0)
            # the second is from before what the first has brought
            update = book.since(view.epoch, at, 5, view.held)
            overlaps += update is not None and update.kind == "increment" and at < view.seq
            bring(view, update)
        assert (view.bids(), view.asks()) == (book.bids(5), book.asks(5))
    assert overlaps > 20
