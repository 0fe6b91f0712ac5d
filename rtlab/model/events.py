"""Events of the engine as frozen values: the row type EVENT, one at a time and by name.

Every accepted order ends in exactly one OrderDone. Prices in ticks, quantities in lots, times in ns. Their fields
have an order, because a value made by position takes half the time of one made by names; and they hold nothing that
could hold them again, so the collector of garbage need not look at them.
"""

import msgspec

from rtlab.model.enums import Phase, Reason, Side


class OrderAccepted(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A new order passed every check; what it does next follows. `shown` is what others see of it when it rests."""

    seq: int
    command: int
    ts: int
    instrument: str
    order_id: int
    side: Side
    price: int
    qty: int
    shown: int


class OrderReplaced(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A live order now stands at `price` with the open quantity `qty`, by command or, SELF_TRADE, decremented."""

    seq: int
    command: int
    ts: int
    instrument: str
    order_id: int
    side: Side
    price: int
    qty: int
    shown: int
    reason: Reason


class Trade(msgspec.Struct, frozen=True, tag=True, gc=False):
    """`qty` changed hands at the maker's `price`; `remaining` is what is left of the maker."""

    seq: int
    command: int
    ts: int
    instrument: str
    aggressor_side: Side
    taker_id: int
    maker_id: int
    price: int
    qty: int
    remaining: int


class OrderDone(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An order's life is over; `remaining` is the quantity that will never trade."""

    seq: int
    command: int
    ts: int
    instrument: str
    order_id: int
    side: Side
    price: int
    remaining: int
    reason: Reason


class CommandRejected(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A command changed nothing, for `reason`."""

    seq: int
    command: int
    ts: int
    instrument: str
    order_id: int
    side: Side
    price: int
    qty: int
    reason: Reason


class LevelChanged(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The price level now shows `qty` in `orders` orders; 0 means that nothing shows any more."""

    seq: int
    command: int
    ts: int
    instrument: str
    side: Side
    price: int
    qty: int
    orders: int


class OrderTriggered(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The last price has reached an order's stop, which was `price`; what it does next follows."""

    seq: int
    command: int
    ts: int
    instrument: str
    order_id: int
    side: Side
    price: int
    qty: int
    shown: int


class OrderRefilled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An iceberg shows a new slice of `qty`, at the back of its queue; `remaining` is all that is open."""

    seq: int
    command: int
    ts: int
    instrument: str
    order_id: int
    side: Side
    price: int
    qty: int
    remaining: int


class PhaseChanged(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The market is in another state; an auction before it traded `qty` at `price`, or 0.

    Where an order went in the auction with the other half of its pair, what still crossed traded after it, at the
    price found then: `qty` is of both, and `price` the last.
    """

    seq: int
    command: int
    ts: int
    instrument: str
    phase: Phase
    price: int
    qty: int
    reason: Reason


class Indicative(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An auction would now trade `qty` at `price`, with `surplus` left over: of bids above 0, of asks below.

    Both halves of a pair count, of which one alone will trade.
    """

    seq: int
    command: int
    ts: int
    instrument: str
    price: int
    qty: int
    surplus: int


class MassCancelled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A mass cancel is through: `orders` are gone."""

    seq: int
    command: int
    ts: int
    instrument: str
    owner: int
    orders: int


class AccountChanged(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What an owner's account holds after a command about it."""

    seq: int
    command: int
    ts: int
    instrument: str
    owner: int
    money: int
    lots: int


class TimePassed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What was due has happened."""

    seq: int
    command: int
    ts: int
    instrument: str


Event = (
    OrderAccepted
    | OrderReplaced
    | Trade
    | OrderDone
    | CommandRejected
    | LevelChanged
    | OrderTriggered
    | OrderRefilled
    | PhaseChanged
    | Indicative
    | MassCancelled
    | AccountChanged
    | TimePassed
)
