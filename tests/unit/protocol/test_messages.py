from typing import get_args

import msgspec
import pytest

from rtlab.protocol import Batch, ClientMessage, ServerMessage
from rtlab.protocol.messages import Authenticate, Channel, Increment, SingleMessage, Snapshot, Trades

ALL = {*get_args(ClientMessage), *get_args(ServerMessage)}


def test_every_message_has_a_tag_of_its_own():
    tags = [kind.__struct_config__.tag for kind in ALL]
    assert len(set(tags)) == len(tags)
    assert all(isinstance(tag, int) and 0 < tag < 128 for tag in tags)  # one byte in msgpack


def test_tags_and_fields_are_what_other_languages_were_told():
    wire = {kind.__name__: (kind.__struct_config__.tag, kind.__struct_fields__) for kind in ALL}
    assert wire["Subscribe"] == (1, ("id", "channels"))
    assert wire["Unsubscribe"] == (2, ("key",))
    assert wire["Pong"] == (3, ("nonce", "applied"))
    assert wire["Resync"] == (4, ("key",))
    assert wire["Welcome"] == (16, ("version", "server_time", "heartbeat_s", "limits", "instruments"))
    assert wire["Snapshot"] == (
        18,
        ("key", "epoch", "seq", "depth", "bids", "asks", "checksum", "ts_event"),
    )
    assert wire["Increment"] == (
        19,
        ("key", "epoch", "first_seq", "last_seq", "depth", "ts_event", "changes", "checksum"),
    )
    assert wire["Trades"] == (20, ("key", "epoch", "first_seq", "last_seq", "before", "trades"))
    assert wire["Bars"] == (22, ("key", "epoch", "seq", "first_seq", "depth", "bars"))
    assert wire["Status"] == (23, ("state", "merged", "dropped", "lag_ms"))
    assert wire["Ping"] == (24, ("nonce", "server_time", "heads"))
    assert wire["Error"] == (25, ("code", "message", "retry_after_s", "id", "index", "key"))
    assert wire["Authenticate"] == (5, ("token",))
    channel = ("name", "instrument", "depth", "interval", "max_rate", "resume", "least_depth")
    assert Channel.__struct_fields__ == channel


def test_a_token_is_not_shown_by_the_message_that_carries_it():
    assert "secret" not in f"{Authenticate('secret')} {Authenticate('secret')!r}"
    assert "6 characters" in repr(Authenticate("secret"))


def test_messages_cannot_be_changed():
    with pytest.raises(AttributeError):
        Batch([]).messages = []


def test_a_batch_holds_every_message_but_batches():
    assert {*get_args(SingleMessage), Batch} == {*get_args(ServerMessage)}


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Snapshot, [18, 1, 1, 1, 1, [(1, -1)], [], 0]),  # a negative quantity
        (Snapshot, [18, 1, -1, 1, 1, [], [], 0]),  # a negative epoch
        (Increment, [19, 1, 1, 1, 1, 1, 0, [(2, 5, 5)], 0]),  # a third side
        (Trades, [20, 1, 1, 1, 1, [0, 0, 0], [(1, 2, 3)]]),  # a row without its side
        (Trades, [20, 1, 1, 1, 1, [0, 0], []]),  # totals without their last
    ],
)
def test_values_beyond_their_range_are_refused(kind, fields):
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(fields), type=kind)
