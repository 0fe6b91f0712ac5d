"""Everything about one instrument as bytes, and back: what stands at one point of an epoch's steps.

What is loaded tells any reader what the packed state would have told it: rows keep the sequence of their last
change, removals theirs, and the bars of every interval come along.
"""

from collections import OrderedDict
from typing import Generic

import msgspec

from rtlab.book.bars import Bars
from rtlab.book.market import InstrumentState
from rtlab.book.side import KeyedSide, Row
from rtlab.book.table import KeyedTable
from rtlab.book.tape import TapeRow, Totals
from rtlab.book.ticker import TickerRow
from rtlab.errors import InstrumentError, LocalError

VERSION = 1


class SideRows(msgspec.Struct, Generic[Row], frozen=True, array_like=True):
    """One KeyedSide: (place, row, seq) in the order of their last change, removals likewise, and the floor."""

    places: list[int]
    rows: list[Row]
    seqs: list[int]
    removed: list[int]
    removed_at: list[int]
    floor: int


class BarsRows(msgspec.Struct, frozen=True, array_like=True):
    """The bars of one interval (ns)."""

    interval: int
    seq: int
    ts: int
    late: int
    side: SideRows[tuple[int, ...]]


class StateRows(msgspec.Struct, frozen=True, array_like=True):
    """One instrument at one point."""

    version: int
    symbol: str
    tick_size: str
    lot_size: str
    epoch: int
    book: tuple[int, int]
    """seq and ts"""
    sides: tuple[SideRows[int], SideRows[int]]
    totals: Totals
    trades: list[TapeRow]
    ticker: tuple[int, TickerRow]
    """seq and row"""
    bars: list[BarsRows]


def _pack_side(side: KeyedSide[Row]) -> SideRows[Row]:
    changed, removed, rows = side.changed, side.removed, side.rows
    return SideRows(
        list(changed),
        [rows[place] for place in changed],
        list(changed.values()),
        list(removed),
        list(removed.values()),
        side.floor,
    )


def _load_side(side: KeyedSide[Row], packed: SideRows[Row]) -> None:
    side.rows = dict(zip(packed.places, packed.rows, strict=True))
    side.keys = sorted(side.rows)
    side.changed = dict(zip(packed.places, packed.seqs, strict=True))
    side.removed = OrderedDict(zip(packed.removed, packed.removed_at, strict=True))
    side.floor = packed.floor
    while len(side.removed) > side.tombstones:
        side.floor = side.removed.popitem(last=False)[1]


def pack_state(state: InstrumentState) -> bytes:
    """Give all that readers may be told of an instrument, as it stands."""
    book, tape, ticker, instrument = state.book, state.tape, state.ticker, state.instrument
    bars = [
        BarsRows(interval, one.seq, one.ts, one.late, _pack_side(one.sides[0]))
        for interval, one in sorted(state.bars.items())
    ]
    return msgspec.msgpack.encode(
        StateRows(
            VERSION,
            instrument.symbol,
            str(instrument.tick_size),
            str(instrument.lot_size),
            book.epoch,
            (book.seq, book.ts),
            (_pack_side(book.sides[0]), _pack_side(book.sides[1])),
            tape.totals,
            list(tape.rows),
            (ticker.seq, ticker.row),
            bars,
        )
    )


_DECODER = msgspec.msgpack.Decoder(StateRows)


def load_state(state: InstrumentState, data: bytes) -> None:
    """Bring an instrument to where `pack_state` stood, in place: who holds its sources sees them move.

    InstrumentError when the bytes are of another instrument or grid, LocalError when they are no such state.
    """
    try:
        packed = _DECODER.decode(data)
    except msgspec.DecodeError as problem:
        raise LocalError(f"these bytes are no state of an instrument: {problem}") from None
    if packed.version != VERSION:
        raise LocalError("the state is of another version", expected=VERSION, got=packed.version)
    mine = state.instrument
    wanted = (mine.symbol, str(mine.tick_size), str(mine.lot_size))
    if wanted != (packed.symbol, packed.tick_size, packed.lot_size):
        got = f"{packed.symbol} at {packed.tick_size} and {packed.lot_size}"
        raise InstrumentError("the state is of another instrument", expected=" ".join(wanted), got=got)
    _stand(state.book, packed.epoch, *packed.book)
    for side, rows in zip(state.book.sides, packed.sides, strict=True):
        _load_side(side, rows)
    state.tape.load(packed.epoch, packed.totals, packed.trades)
    state.ticker.epoch = packed.epoch
    state.ticker.seq, state.ticker.row = packed.ticker
    for one in packed.bars:
        bars = state.bars.setdefault(one.interval, Bars(one.interval))
        _stand(bars, packed.epoch, one.seq, one.ts)
        bars.late = one.late
        _load_side(bars.sides[0], one.side)


def _stand(table: KeyedTable[Row], epoch: int, seq: int, ts: int) -> None:
    table.epoch, table.seq, table.ts = epoch, seq, ts
