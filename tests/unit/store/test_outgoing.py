import msgspec
import pytest
from support.small_market import SmallMarket

from rtlab.book import INTERVALS_NS, pack_state
from rtlab.errors import FencedError
from rtlab.store.entry import unpack_entry, unpack_state
from rtlab.store.keys import Point
from rtlab.store.log import LogLimits
from rtlab.store.outgoing import End, History, Outgoing

SECOND = 1_000_000_000


def made(steps=5, **history):
    small = SmallMarket()
    out = Outgoing(small.state, LogLimits(entry_steps=2), History(**history))
    small.market.on_step = lambda state, step: out.append(step, 0)
    for _ in range(steps):
        small.step()
    return small, out


def end_of(write, epoch=5):
    return End(Point(epoch, write.position), unpack_entry(write.entry).chain)


def write_all(out, now=0):
    writes = out.due(now)
    for write in writes:
        out.log.wrote(write.position, now)
    return writes


def two_entries_waiting():
    small, out = made(0)
    out.open(None, 0)
    write_all(out)
    for _ in range(4):
        small.step()
    return small, out


def test_all_bars_are_kept_for_any_gateway():
    small, _ = made()
    assert set(small.state.bars) == set(INTERVALS_NS.values())


def test_a_new_stream_begins_with_the_state_and_goes_on_with_steps():
    small, out = made()
    out.open(None, 0)
    (first,) = out.due(0)
    assert unpack_entry(first.entry).steps == []
    stored = unpack_state(first.state)
    assert (stored.epoch, stored.position, stored.state) == (5, small.state.position, pack_state(small.state))
    assert out.due(0) == []
    small.step()
    (next_one,) = out.due(0)
    assert next_one.state is None
    assert unpack_entry(next_one.entry).before == first.position


def test_entries_follow_each_other_and_the_last_may_carry_the_state():
    small, out = made(0)
    out.open(None, 0)
    out.due(0)
    for _ in range(5):
        small.step()
    early, late = out.due(SECOND), out.due(3 * SECOND)
    assert [write.state for write in early] == [None] * 3
    assert [write.state is None for write in late] == [True, True, False]
    entries = [unpack_entry(write.entry) for write in early]
    assert [e.before for e in entries[1:]] == [w.position for w in early[:-1]]
    assert [e.chain_before for e in entries[1:]] == [e.chain for e in entries[:-1]]


def test_a_stream_is_kept_by_age_and_by_bytes_but_never_beyond_its_state():
    for history in ({"seconds": 5.0}, {"bytes": 1}):
        small, out = made(0, snapshot_s=2.0, **history)
        out.open(None, 0)
        for second in range(20):
            small.step()
            for write in write_all(out, second * SECOND):
                assert write.oldest <= write.position
        assert write.state is None or write.oldest > 0
        small.step()
        (last,) = out.due(60 * SECOND)
        assert last.oldest == last.position


def test_what_a_stream_holds_is_counted_and_beyond_the_limit_the_oldest_are_to_go():
    small, out = made(0, seconds=3600.0, snapshot_s=0.0, limit_bytes=400)
    out.open(None, 0)
    sizes = {}
    for second in range(30):
        small.step()
        for write in write_all(out, second * SECOND):
            sizes[write.position] = len(write.entry)
            assert out.held_bytes <= 400
            assert out.held_bytes == sum(size for at, size in sizes.items() if at >= write.limit)
    assert write.limit > 0
    middle = sorted(sizes)[-2]
    out.trimmed(Point(4, middle))  # of another epoch: not of this stream
    assert out.held_bytes > sizes[middle] + sizes[write.position]
    out.trimmed(Point(5, middle))
    assert out.held_bytes == sizes[middle] + sizes[write.position]


def test_what_redis_lost_is_held_once_when_it_is_written_again():
    small, out = two_entries_waiting()
    first, _ = write_all(out)
    held = out.held_bytes
    out.stands_at(end_of(first), 0)
    assert out.held_bytes < held
    write_all(out)
    assert out.held_bytes == held


def test_what_was_sent_and_not_confirmed_is_found_or_sent_again():
    small, out = two_entries_waiting()
    first, second = out.due(0)
    out.stands_at(end_of(first), 0)
    assert [write.position for write in out.due(0)] == [second.position]
    out.stands_at(end_of(second), 0)
    assert out.due(0) == []
    assert (out.lost, out.log.jumps) == (0, 1)


def test_what_redis_lost_is_written_again():
    small, out = two_entries_waiting()
    first, second = write_all(out)
    out.stands_at(end_of(first), 0)
    again = out.due(0)
    assert [(w.position, w.entry) for w in again] == [(second.position, second.entry)]
    assert (out.lost, out.log.jumps) == (1, 1)


@pytest.mark.parametrize("end", [None, End(Point(4, 3), 9), End(Point(5, 1), 9), End(Point(5, 1), None)])
def test_where_the_log_does_not_reach_the_state_is_written(end):
    small, out = made(0)
    out.open(None, 0)
    small.step()
    write_all(out)
    for _ in range(4):
        small.step()
    write_all(out)
    out.stands_at(end, 0)
    (write,) = out.due(0)
    assert unpack_state(write.state).position == write.position == small.state.position
    assert (out.lost, out.log.jumps) == (1, 2)


def test_another_engine_fences_this_one():
    small, out = made()
    out.open(None, 0)
    (write,) = out.due(0)
    for end in (
        End(Point(6, 0), 0),  # a newer epoch
        End(Point(5, write.position + 100), 0),  # further on than we have ever been
        End(Point(5, write.position), 12345),  # another history of the same length
    ):
        with pytest.raises(FencedError, match="another engine writes BTC-USD now"):
            out.stands_at(end, 0)


def test_what_was_given_up_while_it_was_on_its_way_is_no_other_engine():
    small, out = made(0)
    out.open(None, 0)
    write_all(out)
    small.step()
    (sent,) = out.due(0)
    out.log.jump()  # it waited too long
    out.stands_at(end_of(sent), 0)
    (write,) = out.due(0)
    assert write.state is not None


def test_a_state_continues_a_stream_of_its_own_steps_only():
    small, out = made()
    chain = out.log.chain
    assert out.continues(End(Point(5, small.state.position), chain))
    assert not out.continues(End(Point(5, small.state.position), chain + 1))
    assert not out.continues(End(Point(4, small.state.position), chain))
    assert not out.continues(End(Point(5, small.state.position + 1), chain))
    assert not out.continues(None)
    out.open(End(Point(5, small.state.position), chain), 0)
    assert out.due(0) == []
    assert msgspec.msgpack.encode(out.log.jumps) == b"\x00"
