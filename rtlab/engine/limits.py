"""The rules about sizes that kernel and twin share. All are about the market, none about memory."""

MAX_PRICE = 1 << 62
"""Highest price in ticks; above it a command is rejected with BAD_PRICE."""

MAX_QTY = 1 << 62
"""Most lots in an order, and in all orders of a side together that rest or that wait alike; beyond it BAD_QUANTITY.

So no sum of quantities that the engine forms can leave an int64.
"""

MAX_AMOUNT = 1 << 52
"""Most money (ticks x lots) or lots in one deposit, either way; beyond it BAD_AMOUNT."""

MAX_MONEY = 1 << 62
"""Most money or lots that a deposit may leave in an account, either way."""

DEAREST = (1 << 63) - 1
"""What a lot and its fees cost at most, as far as funds are looked at."""

NEVER = (1 << 63) - 1
"""The last time of all, in ns."""

SLICES = 10_000
"""Most slices of an iceberg: one that would show a smaller part of its quantity is rejected with BAD_DISPLAY.

Each slice that trades is told by itself. Without a bound two icebergs of 2**60 lots that show one lot each would
have no end of events when they meet.
"""

SPAN = 1 << 24
"""Ticks between the lowest and the highest price of one side of an instrument's book are fewer than this.

An order that may rest and would break it is rejected with BAD_PRICE. IOC, FOK and market orders never rest, so
their price may be anywhere.
"""
