from zlib import crc32

import msgspec
import numpy as np
import pytest
from support.every_kind import RULES, every_kind, traded

from rtlab.engine import Engine
from rtlab.engine.journal.framing import (
    ACKNOWLEDGED,
    BATCH_HEAD,
    MATCHING,
    MOST_ROWS,
    SEGMENT,
    SNAPSHOT,
    Position,
    SegmentHead,
    batch_at,
    fields_of,
    pack_batch,
    pack_segment_head,
    seal,
    unpack_segment_head,
    unseal,
    whole_batch_after,
)
from rtlab.errors import JournalError
from rtlab.model import COMMAND, SelfTradePrevention

START = Position(7, 99)


def rows(count, price=5):
    made = np.zeros(count, COMMAND)
    made["price"], made["order_id"] = price, range(count)
    return made


def batch(before, made):
    parts, after = pack_batch(before, made)
    return b"".join(parts), after


def test_what_was_sealed_comes_back_and_is_a_multiple_of_eight_bytes_long():
    for body in (b"", b"x", b"12345678", bytes(1000)):
        data = seal(SNAPSHOT, body)
        assert len(data) % 8 == 0
        assert unseal(SNAPSHOT, data + b"more", "f") == (body, len(data))


def test_every_changed_byte_and_every_cut_of_what_was_sealed_is_refused():
    data = seal(SNAPSHOT, b"the body of a snapshot")
    for at in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            with pytest.raises(JournalError, match=r"^f, offset"):
                unseal(SNAPSHOT, bytes(changed), "f")
        with pytest.raises(JournalError, match=r"^f, offset"):
            unseal(SNAPSHOT, data[:at], "f")


def test_a_file_of_another_kind_is_told_apart():
    with pytest.raises(JournalError, match="no such file"):
        unseal(SEGMENT, seal(ACKNOWLEDGED, b"x"), "f")


def test_the_head_of_a_segment_says_where_it_begins_and_where_its_batches_do():
    head = pack_segment_head(START)
    read, end = unpack_segment_head(head + b"rest", "f")
    assert (read.position, read.matching, end) == (START, MATCHING, len(head))
    assert len(head) % 8 == 0


def head_of(fields, row_bytes=COMMAND.itemsize):
    return seal(SEGMENT, msgspec.msgpack.encode(SegmentHead(0, 0, row_bytes, fields)))


def test_rows_of_another_layout_are_refused_by_the_name_of_what_differs():
    ours = fields_of(COMMAND)
    with pytest.raises(JournalError, match="it has 'peak', which is unknown here"):
        unpack_segment_head(head_of((*ours, ("peak", "<i8", COMMAND.itemsize)), COMMAND.itemsize + 8), "f")
    with pytest.raises(JournalError, match=f"it lacks '{ours[-1][0]}'"):
        unpack_segment_head(head_of(ours[:-1]), "f")
    with pytest.raises(JournalError, match="its 'ts' is <i4 at 0, here <i8 at 0"):
        unpack_segment_head(head_of((("ts", "<i4", 0), *ours[1:])), "f")
    wider = COMMAND.itemsize + 8
    with pytest.raises(
        JournalError, match=f"expected COMMAND of {COMMAND.itemsize} bytes, got rows of {wider} bytes"
    ):
        unpack_segment_head(head_of(ours, wider), "f")


def test_a_head_that_says_nothing_of_matching_is_of_the_first():
    old = {"commands": 7, "chain": 9, "row_bytes": COMMAND.itemsize, "fields": fields_of(COMMAND)}
    head, _ = unpack_segment_head(seal(SEGMENT, msgspec.msgpack.encode(old)), "f")
    assert (head.position, head.matching) == ((7, 9), 1)


def test_other_events_for_the_same_commands_need_another_number():
    """When this fails, the engine does something else than before: raise MATCHING, and write it and its number here."""
    done = given = 0
    for prevention in SelfTradePrevention:
        commands = every_kind(np.random.default_rng([7, prevention]), 10_000, ids=400)
        engine = Engine(traded(), self_trade_prevention=prevention, rules=RULES)
        given, done = crc32(commands, given), crc32(engine.process(commands), done)
    assert given == 1400580391, "the commands themselves are others"
    assert (MATCHING, done) == (2, 2141083521)


def test_a_head_that_makes_no_sense_is_refused():
    with pytest.raises(JournalError, match="makes no sense"):
        unpack_segment_head(seal(SEGMENT, b"\xc1"), "f")


def test_batches_follow_each_other_by_number_and_chain():
    one, middle = batch(START, rows(3))
    two, end = batch(middle, rows(2, price=6))
    data = one + two
    first = batch_at(data, 0, START)
    assert first.rows.tobytes() == rows(3).tobytes()
    assert first.position == middle == (10, first.position.chain)
    second = batch_at(data, first.end, middle)
    assert (second.position, second.end) == (end, len(data))
    assert second.rows.flags.aligned
    assert "does not follow" in batch_at(data, first.end, START)
    assert batch_at(data, first.end).position == end


def test_the_same_rows_after_others_have_another_chain():
    assert batch(Position(3, 1), rows(2))[1] != batch(Position(3, 2), rows(2))[1]


def test_every_changed_byte_and_every_cut_of_a_batch_is_told():
    data, _ = batch(START, rows(2))
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 0x41
        assert isinstance(batch_at(bytes(changed), 0, START), str)
        assert "cut off" in batch_at(data[:at], 0, START)


def test_a_batch_says_why_it_is_none():
    data, _ = batch(START, rows(2))
    assert batch_at(bytes(100), 0, START) == "no batch begins here"
    for count in (0, MOST_ROWS + 1):
        assert (
            batch_at(data[:4] + count.to_bytes(4, "little") + data[8:], 0, START)
            == f"the batch has {count} rows"
        )
    assert "checksum" in batch_at(data[:-1] + b"\xff", 0, START)


def test_a_whole_batch_is_found_wherever_it_comes_from():
    one, middle = batch(START, rows(3))
    two, _ = batch(middle, rows(2))
    assert whole_batch_after(one + two, 0) == len(one)
    assert whole_batch_after(bytes(13) + two, 0) == 13
    assert whole_batch_after(one + two[:-1], 0) is None
    assert whole_batch_after(one, BATCH_HEAD) is None
