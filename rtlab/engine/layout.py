"""The kernel's memory: what a row of each array holds. One definition serves numpy, numba and mypy.

Slots are indexes into `orders` and `levels`; slot 0 is nobody, so memory that is all zeros is empty.
"""

from typing import Annotated, NamedTuple, Protocol, TypeVar, get_type_hints

import numpy as np

Int8 = Annotated[int, "<i1"]
Int16 = Annotated[int, "<i2"]
Int32 = Annotated[int, "<i4"]
Int64 = Annotated[int, "<i8"]
Row = TypeVar("Row")

NONE_BELOW = -1
"""Best price of an empty ladder whose highest price is the first."""
NONE_ABOVE = (1 << 63) - 1
"""Best price of an empty ladder whose lowest price is the first."""

NOWHERE = -2
"""Price of the level at which a taker is, when he is at none."""

LADDERS = 8
"""Of an instrument: by place, twice the place plus 0 where the highest price is the first, 1 where the lowest is."""
BOOK, STOP, WHOLE, TRAIL = range(4)

(
    READY,
    NEEDS_EVENTS,
    NEEDS_ORDERS,
    NEEDS_LEVELS,
    NEEDS_EXTRAS,
    NEEDS_LADDER,
    NEEDS_ACCOUNTS,
    NEEDS_IDS,
    CUT,
) = range(9)
"""What must grow. CUT: a command was left in the middle, because it could not."""

BEGIN, TIME, MAIN, SETTLE, AFTER, UNCROSS, SWEEP, ENTER, END = range(9)
"""Where a command is. See `kernel`."""


class State:
    """The one row of counters, and where the arrays are: address and number of rows of each."""

    orders_at: Int64
    orders: Int64
    levels_at: Int64
    levels: Int64
    extras_at: Int64
    extras: Int64
    ladders_at: Int64
    ladders: Int64
    markets_at: Int64
    markets: Int64
    taker_at: Int64
    taker: Int64
    heap_at: Int64
    heap: Int64
    accounts_at: Int64
    accounts: Int64
    positions_at: Int64
    positions: Int64
    opened: Int64  # accounts in use
    house: Int64  # fees
    rungs_at: Int64
    rungs: Int64
    bits_at: Int64
    bits: Int64
    ids_at: Int64
    ids: Int64
    past_at: Int64  # the id map before this one, whose entries are still to be moved
    past: Int64  # 0: none
    past_first: Int64  # where moving began
    moved: Int64  # places of it that are empty now
    events_at: Int64
    events: Int64
    commands_at: Int64
    commands: Int64
    few_at: (
        Int64  # an array of commands, as numpy has it: others that are like it are taken from where they lie
    )
    start: Int64  # the first command to execute; at 0 the events begin anew
    seq: Int64  # of the last event
    command: Int64  # index of the current command
    written: Int64  # rows of the event buffer
    live: Int64  # orders in any queue
    links: Int64  # orders that are half of a pair
    clock: Int64  # the latest ts
    timer: Int64  # nothing is due before
    free_order: Int32  # heads of the lists of slots given back
    free_level: Int32
    free_extra: Int32
    used_orders: Int32  # slots ever used: from here on memory is untouched
    used_levels: Int32
    used_extras: Int32
    heaped: Int32  # orders that expire
    ids_shift: Int32
    past_shift: Int32
    need_instrument: Int32  # a ladder
    busy: Int32  # the instrument at work
    sweep_at: Int32  # the next instrument of a mass cancel
    sweep_end: Int32
    swept: Int64  # orders cancelled by this command
    need_price: Int64
    need_rows: Int64
    at: Int64
    cross_price: Int64
    cross_qty: Int64
    cross_surplus: Int64
    crossed: Int64  # lots that the auction has traded so far
    goes_on: Int64  # there is more memory now, for the command that asked for it
    prevention: Int8
    rehash: Int8  # the id map is new and empty
    need: Int8  # what must grow before command number `at` of the batch can go on
    stage: Int8
    back: Int8  # the stage that follows AFTER
    phase_to: Int8
    phase_reason: Int8


class Array:
    """The beginning of an array, as numpy has it (`PyArrayObject_fields` of its ndarraytypes.h)."""

    references: Int64
    kind: Int64
    data_at: Int64
    dimensions: Int32
    reserved: Int32
    lengths_at: Int64
    strides_at: Int64
    whole: Int64  # what it is a part of
    row: Int64  # its dtype


class Order:
    """A resting order, in the queue of its level."""

    id: Int64
    owner: Int64
    qty: Int64  # open, without an iceberg's reserve
    next: Int32
    prev: Int32
    level: Int32  # 0: in no queue, it is taking
    extra: Int32  # 0: a plain order
    instrument: Int32
    reserved: Int32  # no row of a snapshot has hidden padding, whose bytes are anything


class Extra:
    """What only orders that are not plain have."""

    reserve: Int64
    display: Int64
    expire: Int64
    link: Int64
    stop: Int64
    price: Int64  # limit of a stop that waits
    trail: Int64
    entered: Int64  # seq of its ACCEPTED
    heap: Int32  # place in the heap, from 1; while free: the next free slot
    order: Int32  # its slot
    flags: Int32
    order_type: Int8
    tif: Int8
    reserved: Int16


class Level:
    """A price with at least one order."""

    price: Int64
    qty: Int64  # that shows
    total: Int64
    count: Int32
    shown: Int32  # orders that show
    head: Int32
    tail: Int32
    ladder: Int32
    reserved: Int32


class Ladder:
    """The levels of one instrument, place and side, in a window of ticks [base, base + size)."""

    best: Int64
    total: Int64  # open quantity of all its orders
    base: Int64
    size: Int64
    rungs_at: Int64  # where in `rungs` its window begins: tick -> level
    bits_at: Int64  # where in `bits` its tree begins
    leaves_at: Int64  # number of the tree's first leaf


class Market:
    """One instrument: its state, its rules and its last price."""

    last: Int64  # -1: none
    high: Int64  # of the command's trades
    low: Int64
    anchor: Int64  # reference price when the command began, -1: none
    until: Int64  # when its auction ends, 0: by a command
    waiting: Int64  # orders that wait for something else than a taker
    told_price: Int64  # the last INDICATIVE
    told_qty: Int64
    told_surplus: Int64
    phase: Int64
    reference_price: Int64
    price_band: Int64
    max_qty: Int64
    max_notional: Int64
    volatility_ticks: Int64
    volatility_ns: Int64
    maker_fee_ppm: Int64
    taker_fee_ppm: Int64


class Account:
    """What an owner has in money, and his limits."""

    owner: Int64  # 0: none is here
    money: Int64
    reserved: Int64  # what his live bids could cost at most
    orders: Int64  # that are live
    most_orders: Int64  # 0: no limit
    checks: Int32  # orders need funds
    killed: Int32


class Position:
    """What an owner has of one instrument."""

    lots: Int64
    buys: Int64  # lots that live orders could buy
    sells: Int64
    limit: Int64  # of lots either way, 0: none


class Taker:
    """The order that trades now."""

    id: Int64
    owner: Int64
    qty: Int64
    limit: Int64
    price: Int64  # as told
    at: Int64  # price of the level that it is taking, or NOWHERE
    instrument: Int64
    slot: Int64  # 0: a new order
    extra: Int64
    side: Int64
    place: Int64
    rests: Int64
    told: Int64  # that level has changed for those who see it
    left: Int64  # price that it left, told only if it does not come back, or NOWHERE
    ended: Int64  # why it may not go on
    flags: Int64


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
EXTRA, MARKET, TAKER = row_type(Extra), row_type(Market), row_type(Taker)
ACCOUNT, POSITION_ROW = row_type(Account), row_type(Position)
COMMAND_ROW, EVENT_ROW, ARRAY = row_type(Command), row_type(Event), row_type(Array)
RUNG, WORD = np.dtype("<i4"), np.dtype("<i8")
WORD_BYTES = WORD.itemsize


class Memory(NamedTuple):
    """All that the parts of the kernel work on."""

    state: State
    taker: Taker
    orders: Rows[Order]
    levels: Rows[Level]
    extras: Rows[Extra]
    ladders: Rows[Ladder]
    markets: Rows[Market]
    heap: Rows[int]
    accounts: Rows[Account]
    positions: Rows[Position]
    rungs: Rows[int]
    bits: Rows[int]
    ids: Rows[int]
    events: Rows[Event]
