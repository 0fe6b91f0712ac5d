import random

import msgspec
import pytest

from rtlab.errors import ConfigError, ProtocolError
from rtlab.protocol import (
    SUBPROTOCOLS,
    Bars,
    Batch,
    Channel,
    Codec,
    Error,
    Increment,
    Malformed,
    Ping,
    Pong,
    Resync,
    Snapshot,
    Status,
    Subscribe,
    Subscribed,
    Ticker,
    TotalsBefore,
    Trades,
    Unsubscribe,
    Welcome,
)

ENCODINGS = ("msgpack", "json", "packed")
CLIENT = [
    Subscribe(1, [Channel("book", "BTC-USD", 10, 0, 5.0, (1, 2, 3)), Channel("bars", "B", interval=10**9)]),
    Unsubscribe(3 << 32),
    Pong(4, {1: (1, 2), 5 << 32: (3, 2**63 - 1)}),
    Resync(1),
]
SERVER = [
    Welcome(1, 5, 1.0, {"window": 65536.0}, [("BTC-USD", "0.01", "0.001")]),
    Subscribed(1, 2, "book", "A", None, 2.5, 0, "0.01", "0.001", 1),
    Snapshot(2, 1, 9, 10, [(100, 1)], [(101, 2)], 12345, 7),
    Increment(2, 1, 10, 12, 10, 99, [(0, 100, 0), (1, -5, 2**62)], None),
    Trades(3, 1, 1, 2, TotalsBefore(0, 0, 0), [(1, 2, 3, 0), (2, 2, 3, 1)]),
    Ticker(4, 1, 2, 3, None, 0, 101, 5, 100, 1),
    Bars(5, 1, 9, 0, 3, [(0, 1, 2, 1, 2, 5, 2)]),
    Status("LAGGING", 5, 6, 12.5),
    Ping(1, 2, {3: (1, 5, 9)}),
    Error(4004, "unknown", 1.5, 3, 0, None),
]


@pytest.fixture(params=ENCODINGS)
def codec(request):
    return Codec(request.param)


@pytest.mark.parametrize("message", CLIENT, ids=lambda m: type(m).__name__)
def test_client_messages_survive_the_wire(codec, message):
    assert codec.decode_client(codec.encode(message)) == message


@pytest.mark.parametrize("message", SERVER, ids=lambda m: type(m).__name__)
def test_server_messages_survive_the_wire(codec, message):
    assert codec.decode_server(codec.encode(message)) == message


@pytest.mark.parametrize("count", [2, 15, 16, 65_535, 65_536])
def test_a_batch_of_encoded_messages_is_a_batch_of_the_messages(codec, count):
    if codec.encoding == "json" and count > 100:
        count //= 100
    payloads = [codec.encode(SERVER[at % len(SERVER)]) for at in range(min(count, 20))]
    payloads += [codec.encode(SERVER[7])] * (count - len(payloads))
    whole = codec.decode_server(codec.batch(payloads))
    assert isinstance(whole, Batch)
    assert len(whole.messages) == count
    assert whole.messages[:10] == SERVER[: min(10, count)]
    if count < 100:
        assert codec.encode(whole) == codec.batch(payloads)


def test_json_is_the_fields_by_name():
    fields = msgspec.json.decode(Codec("json").encode(SERVER[2]))
    assert fields == {
        "type": "Snapshot",
        "key": 2,
        "epoch": 1,
        "seq": 9,
        "depth": 10,
        "bids": [[100, 1]],
        "asks": [[101, 2]],
        "checksum": 12345,
        "ts_event": 7,
    }


def test_msgpack_is_the_values_in_order():
    assert msgspec.msgpack.decode(Codec().encode(SERVER[2])) == [
        18,
        2,
        1,
        9,
        10,
        [[100, 1]],
        [[101, 2]],
        12345,
        7,
    ]


def test_json_may_come_as_text():
    assert Codec("json").decode_client('{"type":"Resync","key":1}') == Resync(1)


def test_missing_optional_fields_take_their_defaults():
    asked = b'{"type":"Subscribe","id":1,"channels":[{"name":"book","instrument":"A"}]}'
    assert Codec("json").decode_client(asked) == Subscribe(1, [Channel("book", "A")])
    packed = msgspec.msgpack.encode([1, 1, [["book", "A"]]])
    assert Codec().decode_client(packed) == Subscribe(1, [Channel("book", "A")])


def test_a_reader_passes_over_fields_that_a_later_server_added():
    packed = msgspec.msgpack.encode([23, "LIVE", 1, 2, 3.0, "later"])
    assert Codec().decode_server(packed) == Status("LIVE", 1, 2, 3.0)
    named = b'{"type":"Status","state":"LIVE","merged":1,"dropped":2,"lag_ms":3.0,"later":true}'
    assert Codec("json").decode_server(named) == Status("LIVE", 1, 2, 3.0)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b'{"type":"Resync","key":"x"}', "Expected `int`, got `str` - at `$.key`"),
        (b'{"type":"Resync"}', "missing required field `key`"),
        (b'{"type":"Resync","key":1,"colour":2}', "unknown field `colour`"),
        (
            b'{"type":"Subscribe","id":1,"channels":[{"name":"book","instrument":"A","depth":"deep"}]}',
            "Expected `int | null`, got `str` - at `$.channels[0].depth`",
        ),
        (b'{"type":"Pong","nonce":1,"applied":{"1":[1,-2]}}', "Expected `int` >= 0"),
    ],
)
def test_a_known_message_with_a_wrong_field_is_malformed_and_says_where(payload, why):
    malformed = Codec("json").decode_client(payload)
    assert isinstance(malformed, Malformed)
    assert why in malformed.why
    assert malformed.message in payload.decode()


@pytest.mark.parametrize("fields", [[4, "x"], [4], [4, 1, 2], [1, 1, [["book"]]], [3, 1, {1: 5}]])
def test_the_same_holds_in_msgpack(fields):
    assert isinstance(Codec().decode_client(msgspec.msgpack.encode(fields)), Malformed)


FOREIGN = [
    b"",
    b"\x00",
    b"\xc1",
    b"null",
    b"3",
    b"[]",
    b"{}",
    b'"x"',
    b"\x90",
    b"\x80",
    b"\x91\x60",
    b"\x91\x10",
]
FOREIGN += [b'{"type":"Buy"}', b'{"type":3}', b'{"type":["Resync"]}', b"\x92\x91\x04\x01", b"\x92\xc3\x01"]
FOREIGN += [
    b"[" * 100_000,
    b"\x91" * 100_000,
    b'{"type":"Resync","x":' + b"[" * 100_000,
    b"\xff\xfe\xfd",
    b"1e999",
]
FOREIGN += [b'{"type":"\xff"}', b'{"type":"Resync","key":1}{}', b"\x92\x04\x01\x01"]


@pytest.mark.parametrize("payload", FOREIGN, ids=lambda p: repr(p[:20]))
def test_foreign_bytes_are_a_protocol_error_in_both_directions(codec, payload):
    for decode in (codec.decode_client, codec.decode_server):
        with pytest.raises(ProtocolError, match=f"no message.*expected one of {codec.subprotocol}") as wrong:
            decode(payload)
        assert wrong.value.code == 4002
        assert "\n" not in str(wrong.value)
        assert len(str(wrong.value)) < 400


@pytest.mark.parametrize("payload", ["", "abc", "\ud800", "[[["])
def test_foreign_text_is_a_protocol_error_that_can_be_printed(codec, payload):
    for decode in (codec.decode_client, codec.decode_server):
        with pytest.raises(ProtocolError) as wrong:
            decode(payload)
        assert str(wrong.value).encode()


def test_nested_batches_are_refused(codec):
    inner = codec.batch([codec.encode(SERVER[7])] * 2)
    with pytest.raises(ProtocolError):
        codec.decode_server(codec.batch([inner, inner]))


def test_a_client_message_is_no_server_message_and_the_other_way_round(codec):
    with pytest.raises(ProtocolError):
        codec.decode_server(codec.encode(CLIENT[3]))
    with pytest.raises(ProtocolError):
        codec.decode_client(codec.encode(SERVER[7]))


def test_random_bytes_and_broken_messages_raise_nothing_else(codec):
    rnd = random.Random(1)
    payloads = [codec.encode(message) for message in CLIENT + SERVER]
    refused = 0
    for _ in range(20_000):
        if rnd.random() < 0.3:
            payload = rnd.randbytes(rnd.randrange(60))
        else:
            payload = bytearray(rnd.choice(payloads))
            for _ in range(rnd.randrange(1, 4)):
                payload[rnd.randrange(len(payload))] = rnd.randrange(256)
            payload = bytes(payload[: rnd.randrange(len(payload) + 1)] if rnd.random() < 0.3 else payload)
        for decode in (codec.decode_client, codec.decode_server):
            try:
                decode(payload)
            except ProtocolError as wrong:
                refused += wrong.code == 4002
    assert refused > 10_000


def test_an_unknown_encoding_is_the_callers_fault():
    with pytest.raises(ConfigError, match="expected msgpack, json or packed, got xml"):
        Codec("xml")


def test_subprotocols_name_the_encodings_the_default_first():
    assert list(SUBPROTOCOLS) == ["rtlab.v1.msgpack", "rtlab.v1.json", "rtlab.v1.packed"]
    assert all(Codec(encoding).subprotocol == name for name, encoding in SUBPROTOCOLS.items())


@pytest.mark.parametrize(
    ("payload", "names"),
    [
        (b'{"type":"Subscribe","id":1,"channels":[{"channel":"book"}]}', "of name, instrument, depth"),
        (b'{"type":"Pong","nonce":1,"applid":{}}', "of nonce, applied"),
    ],
)
def test_an_unknown_field_is_answered_with_those_that_are_known(payload, names):
    answer = Codec("json").decode_client(payload)
    assert isinstance(answer, Malformed)
    assert "unknown field" in answer.why
    assert f": expected {names}" in answer.why
