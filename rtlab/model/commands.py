"""Commands to the engine as frozen values: the row type COMMAND, one at a time and by name."""

import msgspec

from rtlab.model.enums import Flag, OrderType, Side, TimeInForce


class NewOrder(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Enter an order. `price` in ticks (ignored for MARKET), `qty` in lots, `ts` in ns; `owner` 0 is nobody."""

    instrument: str
    order_id: int
    side: Side
    qty: int
    price: int = 0
    order_type: OrderType = OrderType.LIMIT
    tif: TimeInForce = TimeInForce.GTC
    flags: Flag = Flag.NONE
    owner: int = 0
    ts: int = 0


class CancelOrder(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Take a resting order out of the book."""

    instrument: str
    order_id: int
    ts: int = 0


class ReplaceOrder(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Give a resting order a new open quantity and price.

    Lowering only the quantity keeps its priority; any other change loses it and may trade at once.
    """

    instrument: str
    order_id: int
    qty: int
    price: int
    ts: int = 0


Command = NewOrder | CancelOrder | ReplaceOrder
