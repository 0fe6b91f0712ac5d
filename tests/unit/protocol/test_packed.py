import json
import random
import subprocess

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.javascript import PROGRAM, node

from rtlab.errors import ProtocolError
from rtlab.protocol import Batch, Codec, Increment, Status
from rtlab.protocol.examples import EXAMPLES
from rtlab.protocol.packed import pack, unpack
from rtlab.protocol.wire import SERVER_MESSAGES

PACKED, PLAIN = Codec("packed"), Codec("msgpack")
WHOLE = 1 << 40
MS = 1_000_000
counts = st.integers(0, 2**63 - 1)
integers = st.integers(-(2**63), 2**63 - 1)
times = integers | st.integers(0, 2**40).map(lambda ms: ms * MS)


@st.composite
def increments(draw):
    last, prices = (
        draw(counts),
        draw(st.dictionaries(st.tuples(st.integers(0, 1), integers), counts, max_size=8)),
    )
    changes = [(side, price, qty) for (side, price), qty in sorted(prices.items())]
    checksum = draw(st.none() | st.integers(0, 2**32 - 1))
    first = draw(st.integers(0, min(last + 1, 2**63 - 1)))
    return Increment(draw(counts), draw(counts), first, last, draw(counts), draw(times), changes, checksum)


@given(increments())
@example(
    Increment(1, 1, 8, 7, 10, 0, [(1, -5, 0)], None)
)  # only the depth is another: no change lies between
@example(Increment(1, 1, 1, 1, 10, 0, [], 0))
def test_what_was_packed_is_what_it_was(message):
    assert unpack(pack(message)) == message


@given(increments())
def test_it_is_never_longer_than_the_arrays_by_more_than_a_few_bytes(message):
    assert len(pack(message)) <= len(PLAIN.encode(message)) + 6 + 2 * len(message.changes)


def test_an_increment_as_markets_have_them_takes_less_than_half_the_bytes():
    changes = [(0, 612_340 + 3 * n, 1_234 * n) for n in range(6)]
    changes += [(1, 612_390 + 3 * n, 234 * n) for n in range(6)]
    message = Increment(2, 1, 5_000_010, 5_000_012, 25, 1_723_161_600_123 * MS, changes, 123_456_789)
    assert unpack(pack(message)) == message
    assert 2 * len(pack(message)) < len(PLAIN.encode(message))


def test_changes_come_sorted_however_they_were_given():
    changes = [(1, 7, 1), (0, 9, 2), (1, 5, 0), (0, 3, 4)]
    message = Increment(1, 1, 1, 1, 5, 0, changes, None)
    assert unpack(pack(message)).changes == sorted(changes)


@pytest.mark.parametrize("change", [{"key": -1}, {"first_seq": 9}, {"depth": -1}, {"epoch": -1}])
def test_what_has_no_packed_form_goes_as_an_array(change):
    fields = {"key": 1, "epoch": 1, "first_seq": 3, "last_seq": 3, "depth": 5, "ts_event": 0} | change
    message = Increment(**fields, changes=[], checksum=None)
    assert pack(message) is None
    assert PACKED.encode(message) == PLAIN.encode(message)


def bodies():
    message = Increment(1, 1, 5, 9, WHOLE, 12 * MS, [(0, 100, 5), (0, 130, 0), (1, 131, 300)], 77)
    return pack(message)


@pytest.mark.parametrize("end", range(len(bodies())))
def test_what_was_cut_off_is_refused_or_has_no_half_level(end):
    try:
        message = PACKED.decode_server(bodies()[:end])
    except ProtocolError:
        return
    assert message.changes == unpack(bodies()).changes[: len(message.changes)]
    assert end >= 5  # not within its head


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "begins so"),
        (b"\x10", "begins so"),
        (b"\x00" + b"\x01" * 6, "too soon"),
        (b"\x00" + b"\xff" * 11, "too long"),
        (b"\x00" + b"\x00" * 6 + b"\x80", "within a number"),
        (b"\x00" + b"\x00" * 6 + b"\x01", "within its bids"),
        (b"\x00" + b"\x00" * 7 + b"\x02", "before a quantity"),
        (b"\x00\x00\x00\x01\x05\x00\x00\x00", "out of range"),  # a first_seq below 0
        (b"\x00" + b"\x00" * 7 + b"\x00" + b"\xff" * 9 + b"\x01", "level .* out of range"),
    ],
)
def test_what_is_no_packed_increment_is_refused_and_says_why(body, why):
    with pytest.raises(ValueError, match=why):
        unpack(body)
    with pytest.raises(ProtocolError):
        PACKED.decode_server(body)


@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda body: bodies()[:9] + body))
def test_any_bytes_are_a_message_or_a_protocol_error(payload):
    try:
        message = PACKED.decode_server(payload)
    except ProtocolError:
        return
    assert PACKED.decode_server(PACKED.encode(message)) == message


def test_a_batch_holds_packed_ones_as_binaries_beside_arrays():
    message, status = unpack(bodies()), Status("LIVE", 1, 2, 3.0)
    payload = PACKED.batch([bodies(), PACKED.encode(status), bodies()])
    assert msgspec.msgpack.decode(payload) == [26, [bodies(), [23, "LIVE", 1, 2, 3.0], bodies()]]
    assert PACKED.decode_server(payload) == Batch([message, status, message])
    assert PACKED.encode(Batch([message, status, message])) == payload


INNER = PLAIN.batch([PLAIN.encode(Status("", 0, 0, 0))])
FOREIGN = (b"\xc4\x01\xff", b"\xc4\x00", b"\xc4\x01\x00", b"\x93\x01\x02\x03", b"\xc0", INNER)


@pytest.mark.parametrize("part", FOREIGN)
def test_a_batch_with_a_part_that_is_none_is_refused(part):
    with pytest.raises(ProtocolError):
        PACKED.decode_server(b"\x92\x1a\x91" + part)


def test_every_other_message_is_as_in_msgpack():
    status = Status("LIVE", 1, 2, 3.0)
    assert PACKED.encode(status) == PLAIN.encode(status)
    with pytest.raises(ProtocolError):
        PLAIN.decode_server(bodies())


def exact_up_to_doubles(value):
    if isinstance(value, list):
        return [exact_up_to_doubles(one) for one in value]
    if isinstance(value, dict):
        return {key: exact_up_to_doubles(one) for key, one in value.items()}
    return float(value) if type(value) is int and abs(value) >= 2**53 else value


def test_a_reader_in_javascript_written_from_the_description_reads_the_same():
    chance, messages = random.Random(5), [EXAMPLES[form.__name__] for form in SERVER_MESSAGES]
    for _ in range(200):
        prices = {
            (chance.randrange(2), chance.choice((1, -1)) * chance.getrandbits(chance.randrange(50)))
            for _ in range(9)
        }
        changes = [(*one, chance.choice((0, chance.getrandbits(40)))) for one in sorted(prices)]
        last, ts = (
            chance.getrandbits(chance.randrange(1, 53)),
            chance.choice((0, -5, 123 * MS, 10**18 + 7 * 10**9)),
        )
        checksum = chance.choice((None, chance.getrandbits(32)))
        messages.append(
            Increment(chance.getrandbits(40), 9, chance.randint(0, last), last, WHOLE, ts, changes, checksum)
        )
    lines = "".join(PACKED.encode(message).hex() + "\n" for message in messages)
    program = [node(), str(PROGRAM.with_name("packed.mjs"))]
    done = subprocess.run(program, input=lines, capture_output=True, text=True, timeout=60, check=True)
    told = [exact_up_to_doubles(json.loads(line)) for line in done.stdout.splitlines()]
    assert told == [exact_up_to_doubles(json.loads(Codec("json").encode(message))) for message in messages]
