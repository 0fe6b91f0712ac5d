"""The newest values of an instrument, each under a key of its own: read in one step, without a stream."""

from typing import NamedTuple, TypeVar

import msgspec

from rtlab.book import Bar, InstrumentState, TickerRow
from rtlab.errors import StoreError
from rtlab.model import Level

DEPTH = 100


class HotBook(msgspec.Struct, frozen=True, array_like=True):
    """The best DEPTH levels of each side as (price, qty), best first, at (epoch, seq); `ts` in ns."""

    epoch: int
    seq: int
    ts: int
    bids: list[Level]
    asks: list[Level]


class HotTicker(msgspec.Struct, frozen=True, array_like=True):
    """The ticker at (epoch, seq)."""

    epoch: int
    seq: int
    row: TickerRow


class HotBars(msgspec.Struct, frozen=True, array_like=True):
    """The open bar of each interval (ns) that has one; `seq` is the last trade folded in."""

    epoch: int
    seq: int
    bars: dict[int, Bar]


class Newest(NamedTuple):
    """The packed values, in the order of KINDS."""

    book: bytes
    ticker: bytes
    bars: bytes


T = TypeVar("T")

KINDS = Newest._fields
_BOOK = msgspec.msgpack.Decoder(HotBook)
_TICKER = msgspec.msgpack.Decoder(HotTicker)
_BARS = msgspec.msgpack.Decoder(HotBars)


def pack_newest(state: InstrumentState) -> Newest:
    """Give the newest values as an instrument stands."""
    book, ticker, tape = state.book, state.ticker, state.tape
    opened = {interval: top[0] for interval, bars in state.bars.items() if (top := bars.rows(1))}
    encode = msgspec.msgpack.encode
    return Newest(
        encode(HotBook(book.epoch, book.seq, book.ts, book.bids(DEPTH), book.asks(DEPTH))),
        encode(HotTicker(ticker.epoch, ticker.seq, ticker.row)),
        encode(HotBars(tape.epoch, tape.seq, opened)),
    )


def unpack_book(data: bytes) -> HotBook:
    """Read a book; StoreError when it is none."""
    return _unpack(_BOOK, data)


def unpack_ticker(data: bytes) -> HotTicker:
    """Read a ticker; StoreError when it is none."""
    return _unpack(_TICKER, data)


def unpack_bars(data: bytes) -> HotBars:
    """Read bars; StoreError when they are none."""
    return _unpack(_BARS, data)


def _unpack(decoder: "msgspec.msgpack.Decoder[T]", data: bytes) -> T:
    try:
        return decoder.decode(data)
    except msgspec.DecodeError as problem:
        raise StoreError(f"a value of the store is not one of rtlab: {problem}") from None
