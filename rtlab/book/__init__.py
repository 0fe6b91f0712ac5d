"""Shared state of a market, folded from events or venue increments, that can say what changed since a sequence."""

from rtlab.book.bars import INTERVALS_NS, Bar, Bars, BarsView
from rtlab.book.l2 import BookView, L2Book
from rtlab.book.l3 import L3Book, OrderRow
from rtlab.book.market import CHANNELS, InstrumentState, Market
from rtlab.book.side import KeyedSide, SortedSide
from rtlab.book.snapshot import load_state, pack_state
from rtlab.book.step import Step
from rtlab.book.table import KeyedTable
from rtlab.book.tape import Tape, TapeView, Totals
from rtlab.book.ticker import Ticker, TickerRow, TickerView
from rtlab.book.update import WHOLE, AnyUpdate, Update

__all__ = [
    "CHANNELS",
    "INTERVALS_NS",
    "WHOLE",
    "AnyUpdate",
    "Bar",
    "Bars",
    "BarsView",
    "BookView",
    "InstrumentState",
    "KeyedSide",
    "KeyedTable",
    "L2Book",
    "L3Book",
    "Market",
    "OrderRow",
    "SortedSide",
    "Step",
    "Tape",
    "TapeView",
    "Ticker",
    "TickerRow",
    "TickerView",
    "Totals",
    "Update",
    "load_state",
    "pack_state",
]
