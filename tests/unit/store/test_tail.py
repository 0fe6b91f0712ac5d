import msgspec
from support.small_market import BTC, SmallMarket

from rtlab.book import Market, pack_state
from rtlab.store.entry import Entry, StoredState, unpack_entry, unpack_state
from rtlab.store.keys import Point
from rtlab.store.log import LogLimits
from rtlab.store.outgoing import History, Outgoing
from rtlab.store.tail import Tail


class Writing:
    """A market, what it wrote, and a tail that has loaded its first state."""

    def __init__(self, epoch=5, seed=1):
        self.small = SmallMarket(seed, epoch)
        self.out = Outgoing(self.small.state, LogLimits(), History())
        self.small.market.on_step = lambda state, step: self.out.append(step, 0)
        self.out.open(None, 0)
        (first,) = self.out.due(0)
        self.tail = Tail(Market([BTC], 1, tape_rows=20, tombstones=50).state(BTC.symbol))
        assert self.tail.load(unpack_state(first.state))

    def entry(self, steps=1) -> tuple[Point, Entry]:
        for _ in range(steps):
            self.small.step()
        (write,) = self.out.due(0)
        self.out.log.wrote(write.position, 0)
        return Point(self.out.epoch, write.position), unpack_entry(write.entry)

    def stored(self) -> StoredState:
        state = self.small.state
        return StoredState(state.book.epoch, state.position, self.out.log.chain, pack_state(state))

    def is_equal(self) -> bool:
        return pack_state(self.tail.state) == pack_state(self.small.state)


def test_entries_in_order_keep_it_equal():
    w = Writing()
    for steps in (1, 3, 2):
        assert w.tail.take(*w.entry(steps))
    assert w.is_equal()
    assert (w.tail.gaps, w.tail.loads, w.tail.is_loading) == (0, 1, False)


def test_what_is_known_is_passed_over_and_of_an_overlap_the_rest_is_folded():
    w = Writing()
    first = w.entry()
    second = w.entry()
    both = (
        second[0],
        Entry(first[1].before, first[1].chain_before, second[1].chain, first[1].steps + second[1].steps),
    )
    assert w.tail.take(*first)
    assert not w.tail.take(*first)
    assert w.tail.take(*both)
    assert not w.tail.take(*second)
    assert w.is_equal()


def test_a_gap_folds_nothing_until_a_later_state_is_loaded():
    w = Writing()
    old = w.stored()
    w.entry()
    later = w.entry()
    assert not w.tail.take(*later)
    assert (w.tail.gaps, w.tail.is_loading) == (1, True)
    assert not w.tail.take(*w.entry())
    assert not w.tail.load(old), "a state must be further on"
    assert w.tail.load(w.stored())
    assert w.tail.take(*w.entry())
    assert w.is_equal()
    assert w.tail.contradictions == 0


def test_an_entry_without_steps_is_a_gap_to_who_does_not_stand_there():
    w = Writing()
    for _ in range(2):
        w.small.step()
    w.out.log.jump()
    (write,) = w.out.due(0)
    assert not w.tail.take(Point(5, write.position), unpack_entry(write.entry))
    assert w.tail.is_loading
    assert w.tail.load(unpack_state(write.state))
    assert not w.tail.take(Point(5, write.position), unpack_entry(write.entry))
    assert not w.tail.is_loading
    assert w.is_equal()


def test_a_newer_epoch_is_loaded_and_an_older_one_passed_over():
    w, other = Writing(), Writing(epoch=6, seed=2)
    newer = other.entry()
    w.tail.take(*w.entry())
    assert not w.tail.take(*newer)
    assert w.tail.is_loading
    assert not w.tail.load(w.stored()), "the old epoch's state is not further on"
    assert w.tail.load(other.stored())
    assert (w.tail.epochs, w.tail.gaps) == (1, 0)
    assert pack_state(w.tail.state) == pack_state(other.small.state)
    assert not w.tail.take(*w.entry())
    assert not w.tail.is_loading


def test_another_history_under_the_same_epoch_is_seen_and_replaced():
    w, other = Writing(), Writing(seed=2)
    w.tail.take(*w.entry())
    while other.small.state.position < w.small.state.position:
        other.entry()
    position = w.tail.point.position
    end, entry = other.entry()
    foreign = Entry(position, entry.chain_before, entry.chain, entry.steps)
    assert not w.tail.take(Point(5, position + end.position - entry.before), foreign)
    assert (w.tail.contradictions, w.tail.is_loading) == (1, True)
    assert w.tail.load(other.stored())
    assert pack_state(w.tail.state) == pack_state(other.small.state)


def test_steps_that_do_not_end_where_the_entry_says_are_a_contradiction():
    w = Writing()
    end, entry = w.entry()
    assert not w.tail.take(Point(end.epoch, end.position + 1), entry)
    assert w.tail.contradictions == 1


def test_a_step_across_the_point_where_it_stands_is_a_contradiction():
    w = Writing()
    end, entry = w.entry(4)
    assert w.tail.take(end, entry)
    step = entry.steps[0]
    wide = msgspec.structs.replace(step, sides=[0] * 30, prices=list(range(30)), qtys=[1] * 30, trades=[])
    assert not w.tail.take(Point(5, entry.before + 30), Entry(entry.before, 0, 1, [wide]))
    assert w.tail.contradictions == 1
