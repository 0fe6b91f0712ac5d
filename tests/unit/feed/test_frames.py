import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from rtlab.feed.frames import SMALLEST, Frames, websocket_frame, whole_messages


def as_a_client_reads(frame: bytes) -> list[tuple[Opcode, bytes]]:
    protocol = ClientProtocol(parse_uri("ws://127.0.0.1"), state=OPEN, max_size=None)
    protocol.receive_data(frame)
    return [(event.opcode, bytes(event.data)) for event in protocol.events_received()]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
def test_a_client_reads_back_every_size_around_the_limits_of_the_length_field(size):
    payload = bytes(size)
    assert as_a_client_reads(websocket_frame(payload, text=False)) == [(Opcode.BINARY, payload)]


@given(payloads=st.lists(st.tuples(st.binary(max_size=300), st.booleans()), max_size=10))
def test_frames_in_a_row_are_read_back_as_they_went_in(payloads):
    stream = b"".join(websocket_frame(payload, text=text) for payload, text in payloads)
    assert as_a_client_reads(stream) == [
        (Opcode.TEXT if text else Opcode.BINARY, payload) for payload, text in payloads
    ]


def test_who_asks_for_an_equal_payload_gets_the_same_frame_object():
    frames = Frames()
    first = frames.frame(b"payload", text=False)
    assert frames.frame(bytes(bytearray(b"payload")), text=False) is first
    assert (frames.built, frames.shared) == (1, 1)


def test_text_and_binary_frames_of_one_payload_are_two():
    frames = Frames()
    assert frames.frame(b"{}", text=True) != frames.frame(b"{}", text=False)
    assert frames.built == 2


@given(payloads=st.lists(st.binary(max_size=40), max_size=60), limit=st.integers(0, 200))
def test_every_answer_equals_a_fresh_frame_whatever_was_forgotten(payloads, limit):
    frames = Frames(limit_bytes=limit)
    for payload in payloads:
        assert frames.frame(payload, text=False) == websocket_frame(payload, text=False)
    assert frames.built + frames.shared == len(payloads)


def test_what_is_kept_stays_within_its_bytes_and_the_newest():
    frames = Frames(limit_bytes=1000)
    for number in range(1000):
        frames.frame(number.to_bytes(98, "big"), text=False)
    kept = sum(map(len, frames._frames[False, 0].values()))
    assert 0 < kept <= 1000 + 100
    built = frames.built
    frames.frame((999).to_bytes(98, "big"), text=False)
    assert frames.built == built


def as_a_client_writes(payload: bytes, opcode: Opcode = Opcode.BINARY, *, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=True)


@given(payloads=st.lists(st.binary(max_size=300), max_size=6), text=st.booleans())
def test_whole_frames_of_a_client_are_read_as_they_went_in(payloads, text):
    opcode = Opcode.TEXT if text else Opcode.BINARY
    data = b"".join(as_a_client_writes(payload, opcode) for payload in payloads)
    assert whole_messages(data) == payloads


@pytest.mark.parametrize("size", [0, 125, 126, 65535])
def test_a_frame_that_is_not_whole_is_left_to_a_parser(size):
    data = as_a_client_writes(bytes(size))
    for cut in (1, 2, 5, len(data) - 1):
        assert whole_messages(data[:cut]) is None
    assert whole_messages(data + b"\x82") is None


@pytest.mark.parametrize(
    "data",
    [
        as_a_client_writes(b"part", fin=False),
        as_a_client_writes(b"rest", Opcode.CONT),
        as_a_client_writes(b"ping", Opcode.PING),
        as_a_client_writes(b"", Opcode.CLOSE),
        b"\xc2" + as_a_client_writes(b"compressed")[1:],
        as_a_client_writes(bytes(65536)),
        websocket_frame(b"unmasked", text=False),
        websocket_frame(bytes(200), text=False),
    ],
    ids=["part", "rest", "ping", "close", "compressed", "long", "unmasked", "unmasked long"],
)
def test_what_is_no_whole_plain_message_is_left_to_a_parser(data):
    assert whole_messages(data) is None
    assert whole_messages(as_a_client_writes(b"before") + data) is None


def test_a_message_above_the_limit_is_for_the_parser_which_refuses_it():
    data = as_a_client_writes(bytes(100))
    assert whole_messages(data, 100) == [bytes(100)]
    assert whole_messages(data, 99) is None


def as_a_compressing_client_reads(frame: bytes, bits: int) -> list[tuple[Opcode, bytes]]:
    protocol = ClientProtocol(parse_uri("ws://127.0.0.1"), state=OPEN, max_size=None)
    protocol.extensions = [PerMessageDeflate(True, True, bits, 15)]
    protocol.receive_data(frame)
    return [(event.opcode, bytes(event.data)) for event in protocol.events_received()]


@pytest.mark.parametrize("bits", [9, 12, 15])
@pytest.mark.parametrize("payload", [b"", b"short", b"ab" * 5000, bytes(range(256)) * 300])
def test_a_client_reads_back_compressed_frames_in_any_order(payload, bits):
    frames = Frames()
    for _ in range(2):
        stream = frames.frame(payload, text=False, bits=bits) + frames.frame(
            b"other" * 30, text=False, bits=bits
        )
        assert as_a_compressing_client_reads(stream, bits) == [
            (Opcode.BINARY, payload),
            (Opcode.BINARY, b"other" * 30),
        ]


def test_a_compressed_frame_is_built_once_for_all_and_says_what_it_saved():
    frames, payload = Frames(), b"the same again and again " * 40
    first = frames.frame(payload, text=False, bits=15)
    assert frames.frame(payload, text=False, bits=15) is first
    assert frames.frame(payload, text=False) != first
    assert (frames.compressed, frames.built, frames.shared) == (1, 2, 1)
    assert frames.saved == 2 * (len(payload) + 2 - len(first))


def test_what_is_short_or_grows_is_sent_as_it_is():
    frames = Frames()
    noise = random.Random(1).randbytes(SMALLEST)
    for payload in (b"a" * (SMALLEST - 1), noise):
        assert frames.frame(payload, text=True, bits=15) == websocket_frame(payload, text=True)
    assert (frames.compressed, frames.saved) == (0, 0)
