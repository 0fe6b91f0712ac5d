"""The depth cut: exhaustively at small scope, by random hops at large, and with each of its rules left out."""

import os
from itertools import product

import pytest
from property.book.depth_cut import run

from rtlab.book import WHOLE, BookView, KeyedTable, L2Book
from rtlab.book.side import KeyedSide, SortedSide

ROUNDS = int(os.environ.get("RTLAB_ROUNDS", "0"))
DEPTHS = (1, 2, 3, WHOLE)
SCOPES = [
    ((1, 2), (0, 1, 2), 1),
    ((1, 2), (0, 1, 2), 2),
    ((1, 2, 3), (0, 1, 2), 3),
    ((1, 2, 3), (0, 1), 4),
    ((1, 2, 3, 4), (0, 1), 4),
]
if ROUNDS:
    SCOPES += [((1, 2), (0, 1, 2), 5), ((1, 2, 3), (0, 1, 2), 5), ((1, 2, 3, 4), (0, 1), 5)]


def top_of(levels, depth):
    return sorted(levels.items(), reverse=True)[:depth]


def cut(levels, depth):
    return dict(top_of(levels, depth))


def ends(prices, qtys, length):
    """Every sequence of changes, as the list of states after each of them, and the changes themselves."""
    for changes in product(product(prices, qtys), repeat=length):
        levels, states = {}, [{}]
        for price, qty in changes:
            levels = {**levels, price: qty}
            if not qty:
                del levels[price]
            states.append(levels)
        yield changes, states


def differences(changes, states, *, tombstones):
    """Ask at the end for a reader at every point, with every depth held and wanted; count wrong views."""
    table = KeyedTable((-1,), 0, tombstones=tombstones)
    for price, qty in changes:
        table.change(0, price, qty, 0)
    wrong = asked = 0
    wanted = {depth: cut(states[-1], depth) for depth in DEPTHS}
    for seq, state in enumerate(states):
        for held in DEPTHS:
            seen = cut(state, held)
            for depth, end in wanted.items():
                asked += 1
                update = table.since(1, seq, depth, held)
                wrong += (seen if update is None else shown(seen, update)) != end
    return asked, wrong


def shown(seen, update):
    """What a reader sees who saw `seen` and takes this update."""
    if update.kind == "snapshot":
        return dict(update.body[0])
    view = dict(seen)
    for _, price, qty in update.body:
        view[price] = qty
    return cut({price: qty for price, qty in view.items() if qty}, update.depth)


@pytest.mark.rounds
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("tombstones", [1, 2, 100])
@pytest.mark.parametrize(("prices", "qtys", "length"), SCOPES)
def test_every_reader_of_every_small_book_gets_the_true_cut(prices, qtys, length, tombstones):
    asked = wrong = 0
    for changes, states in ends(prices, qtys, length):
        counts = differences(changes, states, tombstones=tombstones)
        asked, wrong = asked + counts[0], wrong + counts[1]
    assert asked > 0
    assert wrong == 0


@pytest.mark.rounds
@pytest.mark.timeout(1800)
def test_random_hops_show_no_difference():
    hops = 10_000 * ROUNDS if ROUNDS else 100_000
    result = run(hops, seed=1)
    print(", ".join(f"{count:,} {name}" for name, count in zip(result._fields, result, strict=True)))
    assert result.hops == hops
    assert result.differences == 0
    # and all ways to come by an update were taken
    assert min(result.snapshots, result.increments, result.silent, result.resumed, result.coded) > hops // 50


@pytest.mark.parametrize("width", [1, 2, 3])
def test_random_hops_on_the_narrowest_books_show_no_difference(width):
    assert run(10_000, seed=50, width=width).differences == 0


class WithoutTombstones(KeyedSide):
    def rows_since(self, seq, depth, held):
        return [row for row in super().rows_since(seq, depth, held) if row[2]]


class WithoutChanged(KeyedSide):
    def rows_since(self, seq, depth, held):
        rows = super().rows_since(seq, depth, held)
        gone = [row for row in rows if not row[2]]
        count = min(depth, len(self.keys))
        refill = max(0, count - held + len(gone))
        refilled = {self.sign * place for place in self.keys[count - min(count, refill) : count]}
        return gone + [row for row in rows if row[1] in refilled and row[2]]


class WithoutRefill(KeyedSide):
    def rows_since(self, seq, depth, held):
        rows = super().rows_since(seq, depth, held)
        return [row for row in rows if not row[2] or self.changed[self.sign * row[1]] > seq]


class RefillWithoutCountingTombstones(KeyedSide):
    def rows_since(self, seq, depth, held):
        rows = super().rows_since(seq, depth, held)
        count = min(depth, len(self.keys))
        refilled = {self.sign * place for place in self.keys[count - max(0, count - held) : count]}
        keep = []
        for row in rows:
            changed = row[2] and self.changed[self.sign * row[1]] > seq
            if not row[2] or changed or row[1] in refilled:
                keep.append(row)
        return keep


class WithoutFloor(KeyedSide):
    @property
    def floor(self):
        return 0

    @floor.setter
    def floor(self, seq):
        pass


class SilentAboutDepth(L2Book):
    # the rule of a sketch: a reader that is to hold less lacks nothing and is told nothing
    def since(self, epoch, seq, depth, held):
        update = super().since(epoch, seq, depth, held)
        if update is not None and update.kind == "increment" and not update.body:
            return None
        return update


class ViewThatDoesNotCut(BookView):
    def __init__(self):
        super().__init__()
        self._sides = (SideThatDoesNotCut(-1), SideThatDoesNotCut(1))


class SideThatDoesNotCut(SortedSide):
    def cut(self, depth):
        pass


def book_of(side):
    class Book(L2Book):
        def _clear(self):
            self.sides = [side(sign, code, 0, self._tombstones) for code, sign in enumerate((-1, 1))]

    return Book


@pytest.mark.parametrize(
    "side",
    [
        WithoutTombstones,
        WithoutChanged,
        WithoutRefill,
        RefillWithoutCountingTombstones,
        WithoutFloor,
    ],
)
def test_leaving_out_a_rule_of_the_cut_shows_at_once(side):
    assert run(2_000, seed=1, new_book=book_of(side)).differences > 0


def test_the_same_harness_without_a_mutation_shows_nothing():
    assert run(2_000, seed=1, new_book=book_of(KeyedSide)).differences == 0


def test_a_reader_that_does_not_cut_differs():
    assert run(2_000, seed=1, new_view=ViewThatDoesNotCut).differences > 0


def test_a_reader_that_is_not_told_of_a_lower_depth_differs():
    assert run(20_000, seed=1, new_book=SilentAboutDepth).differences > 0


@pytest.mark.parametrize(("kind", "best"), [(L2Book, 10), (SilentAboutDepth, 11)])
def test_the_counter_example_to_silence_about_a_lower_depth(kind, best):
    book, view = kind(), BookView()
    for price in (12, 11, 10, 9):
        book.change(0, price, 1, 0)
    view.load(book.since(0, 0, 4, 0))
    book.change(0, 11, 0, 0)  # beyond depth 1
    update = book.since(1, 4, 1, 4)
    if update is not None:
        assert (update.kind, update.body, update.depth) == ("increment", [], 1)
        view.apply(update)
    book.change(0, 12, 0, 0)
    update = book.since(1, 5, 1, view.held)  # from 5: until there all was told
    (view.load if update.kind == "snapshot" else view.apply)(update)
    assert view.bids() == [(best, 1)]


def test_a_thousand_deep_changes_cost_a_shallow_reader_nothing():
    book = L2Book()
    for price in range(100):
        book.change(0, 1000 - price, 5, 0)
    for change in range(1000):
        book.change(0, 950 - change % 50, change % 2, 0)
    assert book.since(1, 100, 10, 10) is None
    assert book.since(1, 100, 100, 100) is not None
