"""Events of the engine as frozen values: the row type EVENT, one at a time and by name.

Every accepted order ends in exactly one OrderDone. Prices in ticks, quantities in lots, times in ns.
"""

import msgspec

from rtlab.model.enums import Reason, Side


class OrderAccepted(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A new order passed every check; what it does next follows in the same command."""

    seq: int
    command: int
    ts: int
    instrument: str
    order_id: int
    side: Side
    price: int
    qty: int


class OrderReplaced(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A live order now stands at `price` with the open quantity `qty`."""

    seq: int
    command: int
    ts: int
    instrument: str
    order_id: int
    side: Side
    price: int
    qty: int


class Trade(msgspec.Struct, frozen=True, tag=True, kw_only=True):
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


class OrderDone(msgspec.Struct, frozen=True, tag=True, kw_only=True):
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


class CommandRejected(msgspec.Struct, frozen=True, tag=True, kw_only=True):
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


class LevelChanged(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The price level now holds `qty` in `orders` orders; 0 means that it is gone."""

    seq: int
    command: int
    ts: int
    instrument: str
    side: Side
    price: int
    qty: int
    orders: int


Event = OrderAccepted | OrderReplaced | Trade | OrderDone | CommandRejected | LevelChanged
