import zlib
from struct import pack

import pytest

from rtlab.book import BookView
from rtlab.protocol import Codec, Limits, Pong, Reader, Subscribed, Subscription
from rtlab.protocol.channels import update_of
from rtlab.protocol.examples import ASKS, ASKS_AFTER, BIDS, BIDS_AFTER, EXAMPLES, packed
from rtlab.protocol.meanings import MEANINGS
from rtlab.protocol.messages import Channel
from rtlab.protocol.wire import CLIENT_MESSAGES, PARTS, SERVER_MESSAGES

CLIENT = {form.__name__ for form in CLIENT_MESSAGES}


def test_every_message_has_an_example():
    assert set(EXAMPLES) == set(MEANINGS) - {form.__name__ for form in PARTS}
    assert all(type(message).__name__ == name for name, message in EXAMPLES.items())
    assert {form.__name__ for form in (*CLIENT_MESSAGES, *SERVER_MESSAGES)} == set(EXAMPLES)


@pytest.mark.parametrize("encoding", ["json", "msgpack", "packed"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_decodes_to_itself_and_encodes_to_the_same_bytes(name, encoding):
    codec = Codec(encoding)
    payload = codec.encode(EXAMPLES[name])
    decoded = codec.decode_client(payload) if name in CLIENT else codec.decode_server(payload)
    assert decoded == EXAMPLES[name]
    assert codec.encode(decoded) == payload


def test_the_books_of_the_examples_follow_from_each_other_and_their_checksums_are_true():
    subscription = Subscription(1, Channel("book", "BTCUSDT", 2))
    subscription.grant(EXAMPLES["Subscribed"])
    assert subscription.take(EXAMPLES["Snapshot"]) == "snapshot"
    assert (subscription.view.bids(), subscription.view.asks()) == (BIDS, ASKS)
    assert subscription.take(EXAMPLES["Increment"]) == "increment"
    assert (subscription.view.bids(), subscription.view.asks()) == (BIDS_AFTER, ASKS_AFTER)
    assert BIDS[1] not in BIDS_AFTER  # the cut has something to do


def test_a_checksum_is_the_crc_of_little_endian_pairs_bids_before_asks():
    flat = [number for level in (*BIDS, *ASKS) for number in level]
    assert packed(BIDS, ASKS) == pack("<8q", *flat)
    assert EXAMPLES["Snapshot"].checksum == zlib.crc32(pack("<8q", *flat))
    assert zlib.crc32(packed([], [])) == 0


def test_the_conversation_goes_as_it_is_told():
    reader = Reader(Codec("json"))
    wish = reader.subscribe("book", "BTCUSDT", depth=2)
    reader.connected(0)
    assert isinstance(EXAMPLES["Subscribed"], Subscribed)
    for name in ("Welcome", "Batch", "Increment", "Ping"):
        reader.receive(Codec("json").encode(EXAMPLES[name]), 0)
    assert isinstance(wish.view, BookView)
    assert wish.view.seq == 44  # moved on by the Ping
    sent = [Codec("json").decode_client(payload) for payload in reader.payloads_to_send(0)]
    assert sent[-1] == Pong(7, {2: EXAMPLES["Pong"].applied[2]})
    assert reader.statistics().gaps == 0


@pytest.mark.parametrize("name", ["Trades", "Bars", "Ticker"])
def test_the_examples_of_the_other_channels_make_sense_to_their_views(name):
    message = EXAMPLES[name]
    update = update_of(message, 100)
    if name == "Trades":
        assert message.before.seq + len(message.trades) == message.last_seq
        assert message.before.seq >= message.first_seq
    assert update.last_seq == getattr(message, "last_seq", None) or message.seq


def test_the_example_of_a_welcome_tells_the_limits_that_a_server_tells():
    told = Limits().told()
    assert EXAMPLES["Welcome"].limits == told
    assert all(name in MEANINGS["Welcome"]["limits"] for name in told)
