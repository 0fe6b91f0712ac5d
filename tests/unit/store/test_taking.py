import random

import msgspec
from support.kept import BTC
from support.small_market import SmallMarket

from rtlab.book import InstrumentState, pack_state
from rtlab.store.cold.columns import Stand
from rtlab.store.entry import StoredState, unpack_entry
from rtlab.store.keys import Point
from rtlab.store.log import LogLimits
from rtlab.store.outgoing import History, Outgoing
from rtlab.store.taking import Taking, known_of


class World:
    """A small market, what goes out to its stream, and a recorder that takes some of it."""

    def __init__(self, seed=1):
        self.small = SmallMarket(seed)
        self.rnd = random.Random(seed)
        limits, history = LogLimits(entry_steps=3), History(snapshot_s=1e9)
        self.out = Outgoing(self.small.state, limits, history)
        self.out.log.jump()
        self.small.market.on_step = lambda state, step: self.out.append(step, 0)
        self.stream = self.write()
        self.taking = Taking(self.small.state.instrument, Stand())
        self.stands = {0: Stand(5)}

    def write(self):
        writes = []
        while due := self.out.due(0):
            for write in due:
                self.out.log.wrote(write.position, 0)
            writes += due
        return writes

    def go(self, steps):
        for _ in range(steps):
            self.small.step()
            state = self.small.state
            self.stands[state.position] = (state.book.seq, state.tape.seq)
            if self.rnd.random() < 0.5:
                self.stream += self.write()
        self.stream += self.write()

    def take(self, writes):
        begun = []
        for write in writes:
            end, entry = Point(5, write.position), unpack_entry(write.entry)
            begin = self.taking.begins(end, entry, write.state if write.jumps else None)
            if begin is not None:
                begun.append(begin)
                self.taking.begin(begin)
            self.taking.take(end, entry)
        return begun


def test_every_row_is_taken_once_and_the_sequences_are_those_of_the_market():
    world = World()
    world.go(200)
    begun = world.take(world.stream)
    assert [(one.reason, one.levels.book()) for one in begun] == [("start", ([], []))]
    state = world.small.state
    assert world.taking.stand[:4] == (5, state.position, state.book.seq, state.tape.seq)
    assert len(world.taking.rows) == state.position


def test_entries_that_were_written_again_in_other_pieces_are_not_taken_twice():
    world = World()
    world.go(60)
    world.take(world.stream[:10])
    at = world.stream[5].position
    assert world.out.log.rewind(at)
    again = world.write()
    assert world.take(again) == []
    assert len(world.taking.rows) == world.small.state.position


def test_lost_entries_are_a_gap_whose_sequences_are_right_and_whose_book_is_unknown():
    world = World()
    world.go(100)
    world.take(world.stream[:5])
    after = world.stream[20].position
    begun = world.take(world.stream[21:])
    assert [(one.reason, one.levels) for one in begun] == [("entries are lost", None)]
    assert (begun[0].stand.book, begun[0].stand.trades) == world.stands[after]
    state = world.small.state
    assert world.taking.stand[2:4] == (state.book.seq, state.tape.seq)


def test_a_jump_carries_its_state():
    world = World()
    world.go(20)
    world.take(world.stream)
    world.out.log.jump()
    world.small.step()
    begun = world.take(world.write())
    state = world.small.state
    assert [one.reason for one in begun] == ["the market jumped"]
    assert begun[0].levels.book() == (state.book.bids(), state.book.asks())
    assert begun[0].stand[:4] == (5, state.position, state.book.seq, state.tape.seq)


def test_the_book_becomes_known_where_a_state_says_so_and_nowhere_else():
    world = World()
    world.go(30)
    rest = world.stream[8:]
    state = world.small.state
    packed = StoredState(5, state.position, 0, pack_state(state))
    world.go(10)
    world.taking.begin(world.taking.begins(Point(5, rest[0].position), unpack_entry(rest[0].entry), None))
    world.taking.expected = known_of(state.instrument, packed)
    found = [
        (write.position, known)
        for write in world.stream[8:]
        if (known := world.taking.take(Point(5, write.position), unpack_entry(write.entry))) is not None
    ]
    assert [position for position, _ in found] == [packed.position]
    assert world.taking.expected is None


def test_another_history_under_the_same_epoch_is_told_and_counted():
    one, other = World(1), World(2)
    one.go(30)
    other.go(300)
    one.take(one.stream)
    position = one.small.state.position
    entry = unpack_entry(other.stream[3].entry)
    forged = msgspec.structs.replace(entry, before=position, chain_before=1)
    begin = one.taking.begins(Point(5, position + 50), forged, None)
    assert begin.reason == "another history under the same epoch"
    assert one.taking.contradictions == 1


def test_a_newer_epoch_goes_on_where_it_begins():
    world = World()
    world.go(10)
    world.take(world.stream)
    state = InstrumentState(BTC, 9, 10, 10)
    packed = msgspec.msgpack.encode(StoredState(9, 0, 0, pack_state(state)))
    jump = msgspec.structs.replace(unpack_entry(world.stream[0].entry), before=0)
    world.taking.instrument = BTC
    begin = world.taking.begins(Point(9, 0), jump, packed)
    assert (begin.stand, begin.reason) == (Stand(9), "a new epoch")
