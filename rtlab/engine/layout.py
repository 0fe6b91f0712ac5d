"""The kernel's memory: what a row of each array holds. One definition serves numpy, numba and mypy.

Slots are indexes into `orders` and `levels`; slot 0 is nobody, so memory that is all zeros is empty.
"""

from typing import Annotated, NamedTuple, Protocol, TypeVar, get_type_hints

import numpy as np

Int8 = Annotated[int, "<i1"]
Int32 = Annotated[int, "<i4"]
Int64 = Annotated[int, "<i8"]
Row = TypeVar("Row")

NO_BID = -1
NO_ASK = (1 << 63) - 1

READY, NEEDS_EVENTS, NEEDS_ORDERS, NEEDS_LADDER = range(4)


class State:
    """The one row of counters, and where the arrays are: address and number of rows of each."""

    orders_at: Int64
    orders: Int64
    levels_at: Int64
    levels: Int64
    ladders_at: Int64
    ladders: Int64
    rungs_at: Int64
    rungs: Int64
    bits_at: Int64
    bits: Int64
    ids_at: Int64
    ids: Int64
    events_at: Int64
    events: Int64
    commands_at: Int64
    commands: Int64
    start: Int64  # the first command to execute; at 0 the events begin anew
    seq: Int64  # of the last event
    command: Int64  # index of the current command
    written: Int64  # rows of the event buffer
    live: Int64  # resting orders
    free_order: Int32  # heads of the lists of slots given back
    free_level: Int32
    used_orders: Int32  # slots ever used: from here on memory is untouched
    used_levels: Int32
    ids_shift: Int32
    prevention: Int8
    stopped: Int8  # the taker met an order of its owner
    rehash: Int8  # the id map is new and empty
    need: Int8  # what must grow before the next command, which is number `at` of the batch
    need_instrument: Int32
    need_price: Int64
    need_rows: Int64
    at: Int64


class Order:
    """A resting order, in the queue of its level."""

    id: Int64
    owner: Int64
    qty: Int64  # open
    next: Int32
    prev: Int32
    level: Int32
    instrument: Int32


class Level:
    """A price with at least one order."""

    price: Int64
    qty: Int64
    count: Int32
    head: Int32
    tail: Int32
    instrument: Int32
    side: Int8


class Ladder:
    """One instrument: its best prices, and its window of ticks [base, base + size)."""

    best_bid: Int64
    best_ask: Int64
    base: Int64
    size: Int64
    rungs_at: Int64  # where in `rungs` its window begins: tick -> level
    bits_at: Int64  # where in `bits` its tree begins
    leaves_at: Int64  # number of the tree's first leaf


class Command:
    """A COMMAND row with signed codes, so that no unsigned integer turns arithmetic into floats."""

    ts: Int64
    order_id: Int64
    owner: Int64
    price: Int64
    qty: Int64
    stop_price: Int64
    display_qty: Int64
    expire_ts: Int64
    min_qty: Int64
    link_id: Int64
    trail: Int64
    instrument: Int32
    flags: Int32
    kind: Int8
    side: Int8
    order_type: Int8
    tif: Int8
    phase: Int32


class Event:
    """An EVENT row with signed codes."""

    seq: Int64
    command: Int64
    ts: Int64
    order_id: Int64
    maker_id: Int64
    price: Int64
    qty: Int64
    remaining: Int64
    instrument: Int32
    kind: Int8
    reason: Int8
    side: Int8
    reserved: Int8


def row_type(shape: type) -> np.dtype[np.void]:
    """Give the numpy type whose fields are the annotations of `shape`, aligned as C would."""
    hints = get_type_hints(shape, include_extras=True)
    return np.dtype([(name, hint.__metadata__[0]) for name, hint in hints.items()], align=True)


class Rows(Protocol[Row]):
    """How a kernel sees an array of rows."""

    def __getitem__(self, slot: int, /) -> Row: ...

    def __setitem__(self, slot: int, row: Row, /) -> None: ...

    def __len__(self) -> int: ...


STATE, ORDER, LEVEL, LADDER = row_type(State), row_type(Order), row_type(Level), row_type(Ladder)
COMMAND_ROW, EVENT_ROW = row_type(Command), row_type(Event)
RUNG, WORD = np.dtype("<i4"), np.dtype("<i8")


class Memory(NamedTuple):
    """All that the parts of the kernel work on."""

    state: State
    orders: Rows[Order]
    levels: Rows[Level]
    ladders: Rows[Ladder]
    rungs: Rows[int]
    bits: Rows[int]
    ids: Rows[int]
    events: Rows[Event]
