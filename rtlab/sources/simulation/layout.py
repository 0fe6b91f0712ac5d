"""The kernel's memory, and the numbers that make the market what it is.

A *half* is one side of one instrument: number 2 * instrument + side. A *rung* is one price of a half, in a ring
of RING prices; a *slot* is an index into `orders`. Prices are ticks; where half ticks matter they are counted in
1/ONE of a tick. Everything is an integer, so that the same seed gives the same commands on every machine.
"""

from typing import Annotated, NamedTuple, Protocol, TypeVar, get_type_hints

import numpy as np

Int32 = Annotated[int, "<i4"]
Int64 = Annotated[int, "<i8"]
UInt64 = Annotated[np.uint64, "<u8"]
Row = TypeVar("Row")

ONE = 1 << 16  # of a tick, and of a probability
RING = 1 << 12  # prices that a half can tell apart
ROOM = 1 << 10  # orders that a half can hold
USUAL = 320  # orders that a half tends to
LEAST = 24  # orders below which a half only gains
OPENING = 160  # orders of a half before trading begins, three at each price
NO_BID = -1
NO_ASK = 1 << 62
NOBODY = -1

VOLATILITY = ONE // 14  # of one command in the middle regime, 1/ONE tick

TABLE_BITS = 12  # every distribution is a table of its 4,096 quantiles
TABLE_MASK = (1 << TABLE_BITS) - 1
REGIMES = 32  # of volatility (two of these, one fast and one slow) and of pace
CLOCK_BITS = 8  # the clock counts 1/256 ns


class State:
    """The one row of what all instruments share."""

    random: UInt64
    start: Int64  # ns
    due: Int64  # when the next command comes, in 1/256 ns after `start`
    next_id: Int64
    pace: Int64  # regime
    opening: Int64  # commands that remain of the opening
    free: Int64  # slots in the stack of free ones


class Market:
    """One instrument. What it is worth wanders; the quotes follow, and who knows it first takes what is stale."""

    fair: Int64  # 1/ONE tick
    low: Int64  # the bounds of `fair`
    high: Int64
    volatility: Int64  # 1/ONE tick, of one command in the middle regime
    swing: Int64  # 1/ONE tick: of one command, in the regimes of now
    fast: Int64  # regimes
    slow: Int64
    sign: Int64  # +1: the order that is being worked in pieces buys
    pieces: Int64  # which are left of it
    last: Int64  # sign of the last trade
    until: Int64  # a draw of ONE below this, and not below the one before, belongs to this instrument


class Half:
    """One side of one instrument."""

    best: Int64  # NO_BID or NO_ASK when empty
    qty: Int64
    live: Int64


class Rung:
    """The orders at one price: first in, first out."""

    qty: Int64
    head: Int32
    tail: Int32
    count: Int32


class Order:
    """A resting order."""

    id: Int64
    qty: Int64
    price: Int64
    half: Int32
    next: Int32
    prev: Int32
    place: Int32  # in its half's part of `resting`


class Command(Protocol):
    """What the kernel writes of a COMMAND row; the rest stays 0."""

    ts: int
    kind: int
    instrument: int
    order_id: int
    side: int
    order_type: int
    tif: int
    flags: int
    price: int
    qty: int


def row_type(shape: type) -> np.dtype[np.void]:
    """Give the numpy type whose fields are the annotations of `shape`."""
    hints = get_type_hints(shape, include_extras=True)
    return np.dtype([(name, hint.__metadata__[0]) for name, hint in hints.items()], align=True)


class Rows(Protocol[Row]):
    """How a kernel sees an array of rows."""

    def __getitem__(self, slot: int, /) -> Row: ...

    def __setitem__(self, slot: int, row: Row, /) -> None: ...

    def __len__(self) -> int: ...


class Memory(NamedTuple):
    """All that the parts of the kernel work on."""

    state: Rows[State]  # one row
    markets: Rows[Market]
    halves: Rows[Half]
    rungs: Rows[Rung]  # RING of each half
    orders: Rows[Order]
    resting: Rows[int]  # ROOM of each half: its slots, in no order
    free: Rows[int]
    normal: Rows[int]  # tables: 1/4096 of a standard deviation
    wait: Rows[int]  # 1/256 ns
    paces: Rows[int]  # by regime: factor of the wait, in 1/ONE
    swings: Rows[int]  # by sum of two regimes: factor of the volatility, in 1/ONE
    away: Rows[int]  # ticks behind the best place
    sizes: Rows[int]  # lots
    runs: Rows[int]  # pieces of one worked order
    jumps: Rows[int]  # 1/ONE tick
