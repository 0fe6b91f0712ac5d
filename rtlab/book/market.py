"""All shared state of one server: for every instrument its book, tape, ticker and bars."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from rtlab.book.bars import INTERVALS_NS, Bars
from rtlab.book.l2 import L2Book
from rtlab.book.step import Step
from rtlab.book.tape import Tape, TapeRow
from rtlab.book.ticker import Ticker, TickerRow
from rtlab.book.venue import Reached, VenueBook
from rtlab.errors import ConfigError, InstrumentError, LocalError
from rtlab.model import DepthSnapshot, DepthUpdate, EventKind, Instrument, Level, VenueTrade

CHANNELS = ("book", "trades", "ticker", "bars")
_LEVEL, _TRADE = int(EventKind.LEVEL), int(EventKind.TRADE)
_FEW = 128  # up to this many rows plain Python is quicker than numpy

Column = list[int]


class InstrumentState:
    """The sources of one instrument. Bars exist from the first time that somebody asks for them."""

    def __init__(self, instrument: Instrument, epoch: int, tape_rows: int, tombstones: int) -> None:
        self.instrument = instrument
        self.book = L2Book(epoch=epoch, tombstones=tombstones)
        self.venue = VenueBook(self.book)
        self.tape = Tape(epoch=epoch, keep=tape_rows)
        self.ticker = Ticker(epoch=epoch)
        self.bars: dict[int, Bars] = {}

    @property
    def position(self) -> int:
        """How many level changes and trades this state is made of: where it stands in the epoch's steps."""
        return self.book.seq + self.tape.seq

    def fold(self, step: Step) -> None:
        """Take one step."""
        if step.sides:
            self.book.fold(step.sides, step.prices, step.qtys, step.ts)
        if step.trades:
            self.trades(step.trades)
        self.quote(step.ts)

    def trades(self, rows: Sequence[TapeRow]) -> None:
        """Add trades."""
        self.tape.extend(rows)
        for bars in self.bars.values():
            bars.fold(rows)

    def quote(self, ts: int) -> None:
        """Bring the ticker up to the book and the tape, as of `ts`."""
        (bids, asks), rows = self.book.sides, self.tape.rows
        bid = bids.keys[0] if bids.keys else None
        ask = asks.keys[0] if asks.keys else None
        self.ticker.set(
            TickerRow(
                ts,
                None if bid is None else -bid,
                0 if bid is None else bids.rows[bid],
                ask,
                0 if ask is None else asks.rows[ask],
                rows[-1][1] if rows else None,
                rows[-1][2] if rows else 0,
            )
        )

    def bars_of(self, interval_ns: int) -> Bars:
        """Give the bars of an interval, begun from what the tape still holds if nobody asked before."""
        if interval_ns not in self.bars:
            self.bars[interval_ns] = Bars.of(self.tape, interval_ns)
        return self.bars[interval_ns]


class Market:
    """The state of `instruments`, folded from engine events or from what a venue publishes.

    `epoch` must be new whenever this state does not follow what was published before: two histories under one
    epoch would be taken for one by every reader that comes back. Sequences are dense per channel and
    instrument: the book's count level changes, trades and bars trades, the ticker its own changes.
    `on_step`, when set, is told of each step of an instrument right after it was folded.
    """

    def __init__(
        self, instruments: Sequence[Instrument], epoch: int, *, tape_rows: int = 4096, tombstones: int = 4096
    ) -> None:
        self.epoch = epoch
        self.on_step: Callable[[InstrumentState, Step], None] | None = None
        self._states = [InstrumentState(one, epoch, tape_rows, tombstones) for one in instruments]
        self._by_symbol = {state.instrument.symbol: state for state in self._states}
        if len(self._by_symbol) != len(self._states):
            raise InstrumentError("the caller's instruments share a symbol", expected="one each")

    def begin(self, epoch: int) -> None:
        """Begin a new epoch with the state as it is: what comes next is not known to follow what was published.

        Sequences go on. LocalError when `epoch` is not above the market's.
        """
        if epoch <= self.epoch:
            raise LocalError("the caller's epoch is not new", expected=f"above {self.epoch}", got=epoch)
        self.epoch = epoch
        for state in self._states:
            state.book.epoch = state.tape.epoch = state.ticker.epoch = epoch
            for bars in state.bars.values():
                bars.epoch = epoch

    def restart(self, epoch: int) -> None:
        """Begin a new epoch with nothing in it, every sequence at 0: what comes next is another history.

        LocalError when `epoch` is not above the market's.
        """
        if epoch <= self.epoch:
            raise LocalError("the caller's epoch is not new", expected=f"above {self.epoch}", got=epoch)
        self.epoch = epoch
        for state in self._states:
            state.book.new_epoch(epoch)
            state.tape.new_epoch(epoch)
            state.ticker.restart(epoch)
            for bars in state.bars.values():
                bars.new_epoch(epoch)

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Give the instruments by symbol."""
        return {symbol: state.instrument for symbol, state in self._by_symbol.items()}

    @property
    def symbols(self) -> list[str]:
        """Give the symbols, in the order of the engine's indexes."""
        return list(self._by_symbol)

    def state(self, symbol: str) -> InstrumentState:
        """Give everything about one instrument; InstrumentError when it is unknown."""
        try:
            return self._by_symbol[symbol]
        except KeyError:
            raise InstrumentError(
                "the instrument is unknown here", expected=f"one of {', '.join(self._by_symbol)}", got=symbol
            ) from None

    def book(self, symbol: str) -> L2Book:
        """Give the L2 book of an instrument."""
        return self.state(symbol).book

    def source(self, channel: str, symbol: str, interval_ns: int = 0) -> L2Book | Tape | Ticker | Bars:
        """Give what `channel` publishes of an instrument; ConfigError on an unknown channel or interval."""
        state = self.state(symbol)
        if channel == "bars":
            if interval_ns not in INTERVALS_NS.values():
                raise ConfigError(
                    "the bars' interval is not kept",
                    expected=f"one of {', '.join(INTERVALS_NS)}, in ns",
                    got=interval_ns,
                )
            return state.bars_of(interval_ns)
        if channel == "book":
            return state.book
        if channel == "trades":
            return state.tape
        if channel == "ticker":
            return state.ticker
        raise ConfigError("the channel is unknown", expected=f"one of {', '.join(CHANNELS)}", got=channel)

    def apply(self, events: np.ndarray) -> None:
        """Fold EVENT rows of any instruments, in order. A batch is one step: the ticker sees its end."""
        if len(events) <= _FEW:
            self._apply_few(events)
        else:
            self._apply_many(events)

    def _apply_few(self, events: np.ndarray) -> None:
        columns = (events[name].tolist() for name in ("kind", "instrument", "side", "price", "qty", "ts"))
        levels: dict[int, tuple[Column, Column, Column]] = {}
        trades: dict[int, list[TapeRow]] = {}
        ends: dict[int, int] = {}
        for kind, index, side, price, qty, ts in zip(*columns, strict=True):
            if kind == _LEVEL:
                if index not in levels:
                    levels[index] = ([], [], [])
                sides, prices, qtys = levels[index]
                sides.append(side)
                prices.append(price)
                qtys.append(qty)
            elif kind == _TRADE:
                trades.setdefault(index, []).append((ts, price, qty, side))
            else:
                continue
            ends[index] = ts
        nothing: tuple[Column, Column, Column] = ([], [], [])
        for index, ts in ends.items():
            self._step(index, Step(ts, *levels.get(index, nothing), trades.get(index, [])))

    def _apply_many(self, events: np.ndarray) -> None:
        kinds = events["kind"]
        wanted = events[(kinds == _LEVEL) | (kinds == _TRADE)]
        # sorted once: looking for each instrument's rows among all would cost instruments times rows
        grouped = wanted[np.argsort(wanted["instrument"], kind="stable")]
        indexes, starts = np.unique(grouped["instrument"], return_index=True)
        for index, rows in zip(indexes.tolist(), np.split(grouped, starts[1:]), strict=True):
            is_level = rows["kind"] == _LEVEL
            changes, made = rows[is_level], rows[~is_level]
            levels = (changes["side"].tolist(), changes["price"].tolist(), changes["qty"].tolist())
            trades = list(zip(*(made[name].tolist() for name in ("ts", "price", "qty", "side")), strict=True))
            self._step(index, Step(int(rows["ts"][-1]), *levels, trades))

    def _step(self, index: int, step: Step) -> None:
        if index >= len(self._states):
            raise InstrumentError(
                "an event's instrument is unknown here", expected=f"below {len(self._states)}", got=index
            )
        state = self._states[index]
        state.fold(step)
        if self.on_step is not None:
            self.on_step(state, step)

    def fold(self, symbol: str, step: Step) -> None:
        """Fold one step of an instrument, as another market made it."""
        state = self.state(symbol)
        state.fold(step)
        if self.on_step is not None:
            self.on_step(state, step)

    def apply_depth(self, symbol: str, message: DepthSnapshot | DepthUpdate) -> list[Reached]:
        """Take a venue's depth message in; give the venue's updates that the book went through by it."""
        with self._one_step(self.state(symbol)) as state:
            return state.venue.apply(message)

    def replace_book(self, symbol: str, bids: Sequence[Level], asks: Sequence[Level], ts: int) -> None:
        """Make a book hold exactly these levels, by the least changes, as one step."""
        with self._one_step(self.state(symbol)) as state:
            state.book.replace_all(bids, asks, ts)

    @contextmanager
    def _one_step(self, state: InstrumentState) -> Iterator[InstrumentState]:
        """Make a step of the level changes that are made within."""
        book = state.book
        changes: list[tuple[int, int, int]] = []
        book.told = None if self.on_step is None else changes
        before = book.seq
        try:
            yield state
        finally:
            book.told = None
        if book.seq != before:
            state.quote(book.ts)
            if self.on_step is not None:
                sides, prices, qtys = (list(column) for column in zip(*changes, strict=True))
                self.on_step(state, Step(book.ts, sides, prices, qtys, []))

    def apply_trade(self, trade: VenueTrade) -> None:
        """Add one trade that a venue made."""
        state = self.state(trade.instrument)
        row = (trade.ts_event, trade.price, trade.qty, int(trade.aggressor_side))
        step = Step(trade.ts_event, [], [], [], [row])
        state.fold(step)
        if self.on_step is not None:
            self.on_step(state, step)
