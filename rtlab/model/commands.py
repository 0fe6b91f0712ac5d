"""Commands to the engine as frozen values: the row type COMMAND, one at a time and by name."""

import msgspec

from rtlab.model.enums import Flag, OrderType, Phase, Side, TimeInForce


class NewOrder(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Enter an order. Prices in ticks (ignored for MARKET), quantities in lots, times in ns; `owner` 0 is nobody.

    What the other fields mean, and which orders have them, is written at COMMAND, OrderType, TimeInForce and Flag.
    """

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
    stop_price: int = 0
    display_qty: int = 0
    expire_ts: int = 0
    min_qty: int = 0
    link_id: int = 0
    trail: int = 0


class CancelOrder(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Take a resting order out of the book."""

    instrument: str
    order_id: int
    ts: int = 0


class ReplaceOrder(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Give a resting order a new open quantity and price; another field that is 0 keeps its value.

    Lowering only the quantity, or another `expire_ts`, keeps its priority; any other change loses it and may trade
    at once.
    """

    instrument: str
    order_id: int
    qty: int
    price: int
    ts: int = 0
    stop_price: int = 0
    display_qty: int = 0
    expire_ts: int = 0
    trail: int = 0


class MassCancel(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Cancel all orders of an owner on one side of an instrument, or of more by flags."""

    instrument: str
    owner: int = 0
    side: Side = Side.BID
    flags: Flag = Flag.NONE
    ts: int = 0


class ChangePhase(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Bring an instrument's market into another state; CONTINUOUS and CLOSED begin with its auction."""

    instrument: str
    phase: Phase
    ts: int = 0


class Deposit(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Add money (ticks x lots) and lots of the instrument to an owner's account; below 0 takes them out.

    Where his orders need funds (CHECK_FUNDS), what live ones have reserved stays: FUNDS.
    """

    instrument: str
    owner: int
    money: int = 0
    lots: int = 0
    ts: int = 0


class SetLimits(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Bound an owner's open orders, and his position in the instrument; 0 is no bound."""

    instrument: str
    owner: int
    position: int = 0
    open_orders: int = 0
    flags: Flag = Flag.NONE
    ts: int = 0


class KillOwner(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Cancel all orders of an owner, everywhere, and refuse new ones until he is revived."""

    instrument: str
    owner: int
    ts: int = 0


class ReviveOwner(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Take an owner's orders again."""

    instrument: str
    owner: int
    ts: int = 0


class PassTime(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Let what is due by `ts` happen."""

    instrument: str
    ts: int


Command = (
    NewOrder
    | CancelOrder
    | ReplaceOrder
    | MassCancel
    | ChangePhase
    | Deposit
    | SetLimits
    | KillOwner
    | ReviveOwner
    | PassTime
)
