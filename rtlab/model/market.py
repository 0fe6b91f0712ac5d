"""What a venue publishes, venue-neutral: prices in ticks, quantities in lots, times in ns.

`ts_event` is when the venue says that it happened, `ts_recv` when it was received.
"""

import msgspec

from rtlab.model.enums import Side

Level = tuple[int, int]
"""(price in ticks, new total quantity in lots; 0 removes the level)"""


class DepthSnapshot(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The book as of the venue's update `last_id`, best first."""

    instrument: str
    ts_event: int
    ts_recv: int
    last_id: int
    bids: list[Level]
    asks: list[Level]


class DepthUpdate(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Absolute quantities of changed levels, the venue's updates `first_id` to `last_id`.

    `prev_id` is the `last_id` of the update before it where the venue says so, else None (then ids are dense).
    """

    instrument: str
    ts_event: int
    ts_recv: int
    first_id: int
    last_id: int
    prev_id: int | None
    bids: list[Level]
    asks: list[Level]


class VenueTrade(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """One trade that a venue made."""

    instrument: str
    ts_event: int
    ts_recv: int
    trade_id: int
    aggressor_side: Side
    price: int
    qty: int


class Quote(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Best bid and ask as of the venue's update `update_id`."""

    instrument: str
    ts_event: int
    ts_recv: int
    update_id: int
    bid: int
    bid_qty: int
    ask: int
    ask_qty: int


MarketMessage = DepthSnapshot | DepthUpdate | VenueTrade | Quote
