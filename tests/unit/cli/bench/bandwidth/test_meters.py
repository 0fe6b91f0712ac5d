import zlib

import pytest

from rtlab.book import Market
from rtlab.cli.bench.bandwidth.meters import Deflate, FullState, Increments, framed
from rtlab.cli.bench.load import INSTRUMENT
from rtlab.model import Side
from rtlab.protocol import Codec, Snapshot


def test_a_push_of_the_whole_is_made_only_when_the_cut_has_changed():
    market = Market([INSTRUMENT], epoch=1)
    book = market.book(INSTRUMENT.symbol)
    book.set_level(Side.BID, 100, 5, 1)
    full = FullState(book, INSTRUMENT, 1, "msgpack")
    ours = Increments(market, INSTRUMENT.symbol, 1, "msgpack", 1)
    book.set_level(Side.BID, 90, 5, 2)  # below the cut
    for meter in (full, ours):
        meter.take(2)
    assert (full.pushes, ours.sends, ours.changes) == (0, 0, 0)
    book.set_level(Side.BID, 101, 7, 3)
    for meter in (full, ours):
        meter.take(3)
    assert (full.pushes, ours.sends, ours.changes) == (1, 1, 1)
    whole = Codec().encode(Snapshot(1, 1, book.seq, 1, [(101, 7)], [], None, 3))
    assert full.bytes_sent()["full state"] == framed(len(whole))
    assert ours.digest(1) == book.digest(1)


def test_a_deflated_message_is_what_a_client_inflates():
    text = b"the same words, the same words, the same words"
    made = zlib.compressobj(6, zlib.DEFLATED, -15)
    whole = made.compress(text) + made.flush(zlib.Z_SYNC_FLUSH)
    assert whole.endswith(b"\x00\x00\xff\xff")
    alone, in_context = Deflate(in_context=False), Deflate(in_context=True)
    assert alone.size(text) == alone.size(text) == in_context.size(text) == len(whole) - 4
    assert in_context.size(text) < alone.size(text)


@pytest.mark.parametrize(("size", "whole"), [(0, 2), (125, 127), (126, 130), (65535, 65539), (65536, 65546)])
def test_a_frame_has_its_head(size, whole):
    assert framed(size) == whole
