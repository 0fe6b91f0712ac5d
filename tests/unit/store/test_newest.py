import pytest
from support.small_market import SmallMarket

from rtlab.errors import StoreError
from rtlab.store.newest import DEPTH, KINDS, pack_newest, unpack_bars, unpack_book, unpack_ticker


def test_the_newest_values_are_those_of_the_instrument():
    small = SmallMarket()
    small.state.bars_of(10**9)
    for _ in range(100):
        small.step()
    state, newest = small.state, pack_newest(small.state)
    book, ticker, bars = unpack_book(newest.book), unpack_ticker(newest.ticker), unpack_bars(newest.bars)
    assert KINDS == ("book", "ticker", "bars")
    assert (book.epoch, book.seq, book.ts) == (5, state.book.seq, state.book.ts)
    assert (book.bids, book.asks) == (state.book.bids(DEPTH), state.book.asks(DEPTH))
    assert (ticker.seq, ticker.row) == (state.ticker.seq, state.ticker.row)
    assert (bars.seq, bars.bars) == (state.tape.seq, {10**9: state.bars[10**9].rows(1)[0]})


def test_an_empty_instrument_has_values_too():
    newest = pack_newest(SmallMarket().state)
    assert unpack_book(newest.book).bids == []
    assert unpack_bars(newest.bars).bars == {}


@pytest.mark.parametrize("unpack", [unpack_book, unpack_ticker, unpack_bars])
def test_foreign_bytes_are_one_clear_error(unpack):
    with pytest.raises(StoreError, match="a value of the store is not one of rtlab"):
        unpack(b"foreign")
