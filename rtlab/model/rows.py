"""Commands and events as columns: the numpy row types COMMAND and EVENT.

Both are aligned, without hidden padding, little-endian; a COMMAND row on disk is the journal's record.
"""

import numpy as np

COMMAND = np.dtype(
    [
        ("ts", "<i8"),  # ns
        ("order_id", "<i8"),
        ("owner", "<i8"),  # 0: nobody
        ("price", "<i8"),  # ticks
        ("qty", "<i8"),  # lots
        ("stop_price", "<i8"),
        ("display_qty", "<i8"),
        ("expire_ts", "<i8"),
        ("instrument", "<u4"),  # index into the engine's instruments
        ("flags", "<u4"),
        ("kind", "u1"),
        ("side", "u1"),
        ("order_type", "u1"),
        ("tif", "u1"),
        ("reserved", "<u4"),
    ]
)
"""One command, 80 bytes. Codes: CommandKind, Side, OrderType, TimeInForce, Flag."""

EVENT = np.dtype(
    [
        ("seq", "<i8"),  # dense, from 1, over the engine's life
        ("command", "<i8"),  # index of the causing command, dense, from 0, over the engine's life
        ("ts", "<i8"),  # ts of that command
        ("order_id", "<i8"),  # TRADE: the taker; LEVEL: 0
        ("maker_id", "<i8"),  # TRADE: the maker; else 0
        ("price", "<i8"),  # TRADE: the maker's price
        (
            "qty",
            "<i8",
        ),  # ACCEPTED, REPLACED: open quantity; TRADE: traded; DONE: 0; LEVEL: new total; REJECTED: as asked
        (
            "remaining",
            "<i8",
        ),  # ACCEPTED, REPLACED: as qty; TRADE: the maker's rest; DONE: never traded; LEVEL: orders
        ("instrument", "<u4"),
        ("kind", "u1"),
        ("reason", "u1"),
        ("side", "u1"),  # TRADE: the aggressor's
        ("reserved", "u1"),
    ]
)
"""One event, 72 bytes. Codes: EventKind, Reason, Side."""
