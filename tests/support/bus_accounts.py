"""An engine's trades, and the accounts that a plain fold over its rows gives: the oracle of positions."""

from collections import Counter, defaultdict

import numpy as np

from rtlab.engine import Engine
from rtlab.model import EventKind, Side
from rtlab.sources.simulated import Simulated, demo_instruments

OWNERS = 7


def traded(count: int, seed: int = 1):
    """(COMMAND rows with owners, EVENT rows) of `count` commands of a simulated market."""
    instruments = demo_instruments()
    commands = Simulated(instruments, seed=seed).batch(count)
    commands["owner"] = 1 + commands["order_id"] % OWNERS
    return commands, Engine(instruments).process(commands)


def accounts(events) -> dict[tuple[int, int], tuple[int, int, int]]:
    """(qty, cash, fills) by (account, instrument), from the rows alone; the owner is decided by the order's id."""
    trades = events[events["kind"] == EventKind.TRADE]
    held: dict[tuple[int, int], Counter] = defaultdict(Counter)
    for row in trades:
        sign = 1 if row["side"] == Side.BID else -1
        for order, direction in ((row["order_id"], sign), (row["maker_id"], -sign)):
            one = held[1 + int(order) % OWNERS, int(row["instrument"])]
            one["qty"] += direction * int(row["qty"])
            one["cash"] -= direction * int(row["qty"]) * int(row["price"])
            one["fills"] += 1
    return {key: (one["qty"], one["cash"], one["fills"]) for key, one in held.items()}


def batches(commands, events, size: int):
    """Both, cut by so many commands."""
    for start in range(0, len(commands), size):
        first, last = np.searchsorted(events["command"], [start, start + size])
        yield commands[start : start + size], events[first:last]
