"""The channels by name: which messages carry them, and which view folds them. Only here does the wire meet the book."""

from collections.abc import Callable
from typing import Any, NamedTuple

from rtlab.book import AnyUpdate, BarsView, BookView, TapeView, TickerView, Update
from rtlab.book.tape import Totals
from rtlab.protocol.messages import (
    Bars,
    Increment,
    Snapshot,
    StateMessage,
    Ticker,
    TotalsBefore,
    Trades,
)

AnyView = BookView | TapeView | TickerView | BarsView


class ChannelKind(NamedTuple):
    """How one channel speaks. `log`: rows that are never merged; `checked`: messages carry a checksum."""

    view: Callable[[], AnyView]
    message: Callable[[int, AnyUpdate, int | None], StateMessage]
    speaks: tuple[type[Any], ...]
    log: bool = False
    checked: bool = False
    timed: bool = False


def _book_message(key: int, update: AnyUpdate, checksum: int | None) -> Snapshot | Increment:
    kind, epoch, first, last, depth, ts, body = update
    if kind == "increment":
        return Increment(key, epoch, first, last, depth, ts, body, checksum)
    return Snapshot(key, epoch, last, depth, body[0], body[1], checksum, ts)


def _trades_message(key: int, update: AnyUpdate, checksum: int | None) -> Trades:
    before, rows = update.body
    return Trades(key, update.epoch, update.first_seq, update.last_seq, TotalsBefore(*before), rows)


def _ticker_message(key: int, update: AnyUpdate, checksum: int | None) -> Ticker:
    return Ticker(key, update.epoch, update.last_seq, *update.body)


def _bars_message(key: int, update: AnyUpdate, checksum: int | None) -> Bars:
    kind, epoch, first, last, depth, _, body = update
    if kind == "increment":
        return Bars(key, epoch, last, first, depth, [row for _, _, row in body])
    return Bars(key, epoch, last, 0, depth, [row for _, row in body[0]])


CHANNEL_KINDS: dict[str, ChannelKind] = {
    "book": ChannelKind(BookView, _book_message, (Snapshot, Increment), checked=True),
    "trades": ChannelKind(TapeView, _trades_message, (Trades,), log=True),
    "ticker": ChannelKind(TickerView, _ticker_message, (Ticker,)),
    "bars": ChannelKind(BarsView, _bars_message, (Bars,), timed=True),
}
"""Channel name -> how it speaks."""


def update_of(message: StateMessage, depth: int) -> AnyUpdate:
    """Give what a message says as an update; `depth` is what was granted, for those that do not carry it."""
    match message:
        case Increment():
            m = message
            return Update("increment", m.epoch, m.first_seq, m.last_seq, m.depth, m.ts_event, m.changes)
        case Snapshot():
            body = (message.bids, message.asks)
            return Update("snapshot", message.epoch, 0, message.seq, message.depth, message.ts_event, body)
        case Trades():
            b, rows = message.before, message.trades
            ts = rows[-1][0] if rows else 0
            log = (Totals(b.seq, b.bought, b.sold), rows)
            return Update("increment", message.epoch, message.first_seq, message.last_seq, depth, ts, log)
        case Ticker():
            t = message
            row = (t.ts_event, t.bid, t.bid_qty, t.ask, t.ask_qty, t.last, t.last_qty)
            return Update("snapshot", t.epoch, 0, t.seq, 1, t.ts_event, row)
        case Bars():
            return _bars_update(message)


def _bars_update(message: Bars) -> AnyUpdate:
    epoch, seq, depth, bars = message.epoch, message.seq, message.depth, message.bars
    ts = bars[0][0] if bars else 0
    if message.first_seq:
        rows = [(0, row[0], row) for row in bars]
        return Update("increment", epoch, message.first_seq, seq, depth, ts, rows)
    return Update("snapshot", epoch, 0, seq, depth, ts, ([(row[0], row) for row in bars],))
