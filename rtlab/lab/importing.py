"""Recordings of a venue straight into a store: the book and trades that they make, and their own messages beside.

    Binance    `book` and `trades`, as depth messages and trades make them; book tickers in the own channel `quotes`
    LOBSTER    `book` and `trades`, as our engine matches the messages; the messages in the own channel `messages`,
               those of hidden orders with price 0: they may lie between two ticks

No Redis is asked: nothing of a recording is hot. `rtlab record --source FILE` plays one through it instead.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

from rtlab.book import InstrumentState, Market, Step
from rtlab.engine import Engine
from rtlab.lab.recording import WINDOW_NS, Target, match_step, take_messages
from rtlab.model import MarketMessage, Quote
from rtlab.sources import Binance, Lobster, LobsterCheck
from rtlab.store.brought import kept_schema
from rtlab.store.cold.columns import Stand, StepRows
from rtlab.store.cold.own import OwnWriter, own_rows
from rtlab.store.cold.schema import Levels
from rtlab.store.cold.writer import ColdWriter

PIECE = 50_000
QUOTES = {
    "received": "int",
    "update_id": "int",
    "bid": "price",
    "bid_qty": "qty",
    "ask": "price",
    "ask_qty": "qty",
}
MESSAGES = {"kind": "text", "order_id": "int", "size": "qty", "price": "price", "side": "side"}


class Imported(NamedTuple):
    """How many rows came into each channel; `beside` is the name of the own one."""

    instrument: str
    book: int
    trades: int
    beside: str
    beside_rows: int


class _Beside:
    """Rows of an own channel, written by pieces. A clock of the venue that runs back is kept as it came."""

    def __init__(self, writer: OwnWriter) -> None:
        self.writer, self.count = writer, 0
        self._rows: list[tuple[object, ...]] = []

    def add(self, *row: object) -> None:
        self._rows.append(row)
        self.count += 1
        if len(self._rows) >= PIECE:
            self.write()

    def write(self) -> None:
        self.writer.append(own_rows(self._rows, self.writer.schema))
        self._rows = []


def import_recording(source: Binance | Lobster, target: Target) -> Imported:
    """Add a recording to the store, as an epoch of its own.

    SourceError and GridError as the source has them, and StoreError; what came before is then in the store.
    """
    instrument = source.instrument
    name, kinds = ("messages", MESSAGES) if isinstance(source, Lobster) else ("quotes", QUOTES)
    with ExitStack() as stack:
        writer = stack.enter_context(ColdWriter(*target, instrument))
        own = OwnWriter(*target, name, instrument.symbol, kept_schema(kinds, instrument))
        beside = _Beside(stack.enter_context(own))
        stand = Stand(writer.stand.epoch + 1, ts=writer.stand.ts)
        writer.begin(stand, Levels.empty(), "imported")
        rows, market = StepRows(stand), Market(source.instruments, stand.epoch)

        def note(state: InstrumentState, step: Step) -> None:
            rows.add(step)

        market.on_step = note
        try:
            for _ in _brought(source, market, beside):
                if len(rows) > PIECE:
                    writer.append(rows.take(), rows.stand)
        finally:
            writer.append(rows.take(), rows.stand)
            beside.write()
            writer.roll()
            own.roll()
        return Imported(instrument.symbol, rows.stand.book, rows.stand.trades, name, beside.count)


def _brought(source: Binance | Lobster, market: Market, beside: _Beside) -> Iterator[None]:
    if isinstance(source, Lobster):
        check = LobsterCheck(source, Engine(source.instruments))
        for step in source:
            row = step.row
            beside.add(row.ts, row.type.name.lower(), row.order_id, row.size, row.price, int(row.side))
            match_step(market, check, step)
            yield
        return
    for _, messages in source.chunks(WINDOW_NS):
        take_messages(market, _noted(messages, beside))
        yield


def _noted(messages: Iterable[MarketMessage], beside: _Beside) -> Iterator[MarketMessage]:
    for message in messages:
        if isinstance(message, Quote):
            levels = (message.bid, message.bid_qty, message.ask, message.ask_qty)
            beside.add(message.ts_event, message.ts_recv, message.update_id, *levels)
        yield message
