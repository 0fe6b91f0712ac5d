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
        ("stop_price", "<i8"),  # ticks; of a trailing stop: where it begins, 0 is `trail` from the last price
        ("display_qty", "<i8"),  # lots that an iceberg shows; 0: all
        ("expire_ts", "<i8"),  # ns, of a GTD order
        ("min_qty", "<i8"),  # lots that must trade at once
        ("link_id", "<i8"),  # the other order of a pair of which one cancels the other; 0: none
        ("trail", "<i8"),  # ticks or basis points
        ("instrument", "<u4"),  # index into the engine's instruments
        ("flags", "<u4"),
        ("kind", "u1"),
        ("side", "u1"),
        ("order_type", "u1"),
        ("tif", "u1"),
        ("phase", "<u4"),
    ]
)
"""One command, 104 bytes. Codes: CommandKind, Side, OrderType, TimeInForce, Flag, Phase."""

EVENT = np.dtype(
    [
        ("seq", "<i8"),  # dense, from 1, over the engine's life
        ("command", "<i8"),  # index of the causing command, dense, from 0, over the engine's life
        ("ts", "<i8"),  # ts of that command
        ("order_id", "<i8"),
        ("maker_id", "<i8"),  # TRADE: the maker; else 0
        ("price", "<i8"),
        ("qty", "<i8"),
        ("remaining", "<i8"),
        ("instrument", "<u4"),
        ("kind", "u1"),
        ("reason", "u1"),
        ("side", "u1"),  # of a TRADE the aggressor's
        ("reserved", "u1"),
    ]
)
"""One event, 72 bytes. Codes: EventKind, Reason, Side. What `price`, `qty` and `remaining` are depends on the kind:

| kind | order_id | price | qty | remaining |
|---|---|---|---|---|
| ACCEPTED, REPLACED | the order | its limit; 0 for market | open quantity | what of it shows when it rests |
| TRIGGERED | the order | its stop | open quantity | what of it shows when it rests |
| TRADE | the taker | the maker's price | traded | the maker's rest, shown or not |
| REFILLED | the order | its price | the new slice | open quantity |
| DONE | the order | its price | 0 | never traded |
| REJECTED | as asked | as asked | as asked | 0 |
| LEVEL | 0 | of the level | its new total that shows | orders that show |
| PHASE | 0 | auction price, or 0 | auction volume | the Phase |
| INDICATIVE | 0 | the price at which an auction would trade | its volume | bid minus ask quantity left over |
| MASS_CANCELLED | the owner | 0 | orders cancelled | 0 |
| ACCOUNT | the owner | his money | his lots of the instrument | 0 |
| TIME | 0 | 0 | 0 | 0 |

In an auction's TRADE the bid is `order_id` and the ask `maker_id`. Every event is of the instrument it tells of,
which is not the command's when time passes for another instrument.
"""
