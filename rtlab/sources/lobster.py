"""Recorded NASDAQ order flow (LOBSTER, level 1) as commands for our engine.

A level-1 file shows a price level only while it is the best of its side. What rested there before is *seeded* as
one order of nobody when the level is revealed; from then on each message becomes one command, and what the book
shows next is for the engine to say. Worse levels stay as they were last seen until they are revealed again.

    added      a limit order under its own id
    reduced    a replace of that order, deleted a cancel; where it is not known by id, of the seed
    executed   an IOC order from the other side at that price: price-time priority decides whom it meets
    hidden     nothing: it does not touch the visible book
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rtlab.errors import RtlabError, SourceError
from rtlab.model import COMMAND, Instrument, Level, Side
from rtlab.sources.flow import Commands
from rtlab.sources.lobster_files import LobsterRow, MessageType, pair_of, rows, symbol_and_day
from rtlab.sources.lobster_queues import TAKERS, CommandRow, Queues

_CENTS = (Decimal("0.01"), Decimal(1))


class Step(NamedTuple):
    """A row of the files as commands: `message` does what it says, `seeds` then brings what it revealed.

    `left` is what the file says was left of the message's order before it; None when it was not added live.
    """

    row: LobsterRow
    message: list[CommandRow]
    seeds: list[CommandRow]
    left: int | None


def command_rows(commands: list[CommandRow]) -> Commands:
    """Give commands as an array of COMMAND."""
    return np.array(commands, dtype=COMMAND)


class Lobster:
    """A pair of LOBSTER files, read anew by each iteration. Times are the exchange's wall clock, as if UTC.

    Give the path of either file, or of both. Raises SourceError at once when one is missing, empty or foreign;
    while they are read, SourceError or GridError that names the row, after every good one before it was given.
    Without an instrument: the symbol of the file name, a tick of 0.01 and a lot of 1.
    """

    def __init__(
        self,
        path: str | Path,
        orderbook_path: str | Path | None = None,
        instrument: Instrument | None = None,
    ) -> None:
        if orderbook_path is None:
            self.message_path, self.orderbook_path = pair_of(Path(path))
        else:
            self.message_path, self.orderbook_path = Path(path), Path(orderbook_path)
        symbol, self._day_ns = symbol_and_day(self.message_path)
        self.instrument = instrument or Instrument(symbol, *_CENTS)
        if next(self.rows(), None) is None:
            raise SourceError(f"{self.message_path}: the file holds no message", got="an empty file")

    @property
    def instruments(self) -> tuple[Instrument]:
        """The one instrument."""
        return (self.instrument,)

    def rows(self) -> Iterator[LobsterRow]:
        """Yield both files, row by row."""
        return rows(self.message_path, self.orderbook_path, self.instrument, self._day_ns)

    def __iter__(self) -> Iterator[Step]:
        transcript = Transcript()
        return map(transcript.step, self.rows())

    def chunks(self, window_ns: int = 0) -> Iterator[tuple[int, Commands]]:
        """Yield (ts of the first command, COMMAND rows of the messages within `window_ns` of it)."""
        first, chunk = 0, list[CommandRow]()
        try:
            for step in self:
                if chunk and step.row.ts - first > window_ns:
                    yield first, command_rows(chunk)
                    chunk = []
                if not chunk:
                    first = step.row.ts
                chunk += step.message
                chunk += step.seeds
        except RtlabError:
            if chunk:
                yield first, command_rows(chunk)
            raise
        if chunk:
            yield first, command_rows(chunk)


class Transcript:
    """Writes the steps of one replay, row by row; a row is never read before its step is written."""

    def __init__(self) -> None:
        self._queues = Queues()
        self._left: dict[int, int] = {}  # by order that was added live: its rest, as the file tells it
        self._best: list[int | None] = [None, None]  # the price that each side showed last
        self._begun = False

    def step(self, row: LobsterRow) -> Step:
        """Give the commands of the next row."""
        left = self._left.get(row.order_id)
        message = self._message(row) if self._begun else []
        self._begun = True
        return Step(row, message, self._reveal(row), left)

    def _message(self, row: LobsterRow) -> list[CommandRow]:
        queues, (_, ts, kind, order_id, size, price, side, _) = self._queues, row
        if kind > MessageType.EXECUTED:
            return []
        if kind == MessageType.ADDED:
            self._left[order_id] = size
            return [queues.add(ts, order_id, side, price, size)]
        if order_id in self._left:
            self._left[order_id] -= size
            if self._left[order_id] <= 0:
                del self._left[order_id]
        if kind == MessageType.EXECUTED:
            return [queues.execute(ts, TAKERS + row.number, side, price, size)]
        open_qty = queues.open_qty(side, price, order_id)
        if not open_qty:
            return queues.reduce_seeds(ts, side, price, size)
        return [queues.reduce(ts, order_id, side, price, open_qty if kind == MessageType.DELETED else size)]

    def _reveal(self, row: LobsterRow) -> list[CommandRow]:
        cancels, seeds = list[CommandRow](), list[CommandRow]()
        for side in (Side.BID, Side.ASK):
            level = row.best[side]
            if level is None or self._is_news(side, level):
                orders, ids = self._queues.clear(row.ts, side, level[0] if level else None)
                cancels += orders
                for order_id in ids:
                    self._left.pop(order_id, None)
                if level is not None:
                    seeds.append(self._queues.seed(row.ts, side, level))
            self._best[side] = level[0] if level else None
        return cancels + seeds  # in this order: no seed may meet what is about to go

    def _is_news(self, side: Side, level: Level) -> bool:
        price, qty = level
        best, queues = self._best[side], self._queues
        if best is None or queues.total(side, price) != qty:
            return True
        # a worse level than before: what became of it while it was covered is unknown, even if it looks the same
        return price < best if side is Side.BID else price > best
