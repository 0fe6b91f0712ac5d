from zlib import crc32

import msgspec

from rtlab.book import Step
from rtlab.store.log import LogLimits, StepLog

SECOND = 1_000_000_000


def step(number, changes=2):
    return Step(number, [0] * changes, list(range(changes)), [number] * changes, [])


def filled(count, limits=None, *, every_ns=0):
    log = StepLog(0, limits=limits)
    for number in range(count):
        log.append(step(number), number * every_ns)
    return log


def ends(log, after):
    found = []
    while entry := log.next_entry(after):
        after = entry[-1].after
        found.append((entry[0].before, after))
    return found


def test_steps_wait_in_order_and_the_chain_is_over_all_of_them():
    log = filled(3)
    chain = 0
    for number, one in enumerate(log.next_entry(0)):
        packed = msgspec.msgpack.encode(step(number))
        assert (one.before, one.after, one.chain_before, one.packed) == (
            2 * number,
            2 * number + 2,
            chain,
            packed,
        )
        chain = crc32(packed, chain)
        assert one.chain == chain
    assert (log.position, log.chain, log.waiting) == (6, chain, 3)


def test_entries_are_cut_by_steps_and_by_bytes():
    assert ends(filled(5, LogLimits(entry_steps=2)), 0) == [(0, 4), (4, 8), (8, 10)]
    assert ends(filled(3, LogLimits(entry_bytes=1)), 0) == [(0, 2), (2, 4), (4, 6)]
    assert ends(filled(5, LogLimits(entry_steps=2)), 4) == [(4, 8), (8, 10)]


def test_what_was_written_is_kept_for_a_while_and_can_be_written_again():
    log = filled(5)
    log.wrote(8, 0)
    assert (log.written, log.waiting) == (8, 1)
    assert log.rewind(4)
    assert (log.written, log.waiting, log.rewritten) == (4, 3, 2)
    assert ends(log, 4) == [(4, 10)]
    log.wrote(10, 6 * SECOND)  # what is kept is older than keep_s now
    assert (log.waiting, log.bytes) == (0, 0)
    assert not log.rewind(8)


def test_a_rewind_to_where_no_step_began_is_refused():
    log = filled(5)
    log.wrote(10, 0)
    assert not log.rewind(3)
    assert not log.rewind(10)
    assert log.waiting == 0


def test_the_chain_is_known_wherever_the_log_reaches():
    log = filled(4)
    known = [log.chain_at(position) for position in (0, 2, 4, 6, 8)]
    assert None not in known
    assert len(set(known)) == 5
    assert log.chain_at(3) is None
    log.wrote(4, 0)
    log.wrote(4, 6 * SECOND)  # forgets what was written
    assert [log.chain_at(position) for position in (0, 2, 4, 6, 8)] == [None, None, *known[2:]]


def test_too_many_bytes_are_given_up_for_the_state():
    log = filled(10, LogLimits(buffer_bytes=1000))
    assert log.jumps_next
    assert (log.waiting, log.bytes, log.given_up) == (1, 0, 10)
    assert log.next_entry(0) == []
    log.begin_jump()
    assert (log.written, log.jumps, log.jumps_next) == (20, 1, False)
    assert log.chain_at(20) == log.chain
    log.append(step(10), 0)
    assert ends(log, log.written) == [(20, 22)]


def test_too_long_a_wait_is_given_up_too():
    log = filled(12, LogLimits(buffer_s=10), every_ns=SECOND)
    assert log.jumps_next
    assert log.given_up == 12
    assert filled(11, LogLimits(buffer_s=10), every_ns=SECOND).given_up == 0


def test_memory_is_bounded_whatever_is_written():
    limits = LogLimits(buffer_bytes=20_000)
    log = StepLog(0, limits=limits)
    for number in range(2000):
        log.append(step(number), 0)
        assert log.bytes <= limits.buffer_bytes
        if number % 7 == 0 and not log.jumps_next:
            log.wrote(log.position, 0)
    assert log.given_up == 0


def test_how_long_the_oldest_waits():
    log = filled(2, every_ns=SECOND)
    assert log.waits_ns(3 * SECOND) == 3 * SECOND
    log.wrote(4, SECOND)
    assert log.waits_ns(3 * SECOND) == 0
