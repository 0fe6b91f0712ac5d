import numpy as np

from rtlab.book import BookView, L2Book, Market
from rtlab.cli.bench.fanout.ticks import DEPTH, INSTRUMENTS, TOGETHER, make_ticks, of_all_instruments
from rtlab.protocol import Codec
from rtlab.protocol.channels import update_of


def test_every_tick_is_one_increment_and_its_payload_brings_a_reader_to_the_same_book():
    ticks, codec = make_ticks(300), Codec()
    book, view = L2Book(epoch=1), BookView()
    book.apply_levels(ticks.opening)
    view.load(book.snapshot(DEPTH))
    for rows, payload in zip(ticks.rows, ticks.payloads, strict=True):
        book.apply_levels(rows)
        message = codec.decode_server(payload)
        assert message.first_seq == view.seq + 1
        view.apply(update_of(message, DEPTH))
        assert view.checksum(DEPTH) == book.checksum(DEPTH) == message.checksum
        assert view.seq == book.seq
    assert len(ticks.payloads) == 300


def test_the_same_changes_come_for_each_of_ten_instruments():
    ticks = make_ticks(5)
    market = Market(INSTRUMENTS, epoch=1)
    market.apply(of_all_instruments(ticks.opening))
    for rows in ticks.rows:
        market.apply(of_all_instruments(rows))
    assert len({one.symbol for one in INSTRUMENTS}) == TOGETHER
    assert len({market.book(one.symbol).checksum() for one in INSTRUMENTS}) == 1
    assert {market.book(one.symbol).seq for one in INSTRUMENTS} == {
        sum(map(len, [ticks.opening, *ticks.rows]))
    }


def test_ticks_are_always_the_same():
    one, other = make_ticks(50), make_ticks(50)
    assert one.payloads == other.payloads
    assert np.array_equal(np.concatenate(one.rows), np.concatenate(other.rows))
