"""The memory of a simulated market before its first command."""

from collections.abc import Sequence

import numpy as np

from rtlab.sources.simulation import tables
from rtlab.sources.simulation.layout import (
    NO_ASK,
    NO_BID,
    ONE,
    OPENING,
    REGIMES,
    RING,
    ROOM,
    VOLATILITY,
    Half,
    Market,
    Memory,
    Order,
    Rung,
    State,
    row_type,
)


def make_memory(prices: Sequence[int], *, rate: float, seed: int, start: int) -> Memory:
    """Give the memory for instruments that open at these prices, in ticks.

    The second is traded half as much as the first, the third a third, and so on; `rate` is that of all together.
    """
    count = len(prices)
    state = np.zeros(1, row_type(State))
    state["random"] = seed
    state["start"], state["pace"] = start, REGIMES // 2
    state["opening"], state["free"] = 2 * count * OPENING, 2 * count * ROOM
    markets = np.zeros(count, row_type(Market))
    markets["fair"] = np.array(prices) * ONE + ONE // 2
    markets["low"], markets["high"] = markets["fair"] // 2, markets["fair"] * 2
    markets["volatility"] = VOLATILITY
    markets["fast"] = markets["slow"] = REGIMES // 2
    shares = np.cumsum([1 / rank for rank in range(1, count + 1)])
    markets["until"] = np.rint(shares / shares[-1] * ONE)
    halves = np.zeros(2 * count, row_type(Half))
    halves["best"][0::2], halves["best"][1::2] = NO_BID, NO_ASK
    return Memory(
        state,
        markets,
        halves,
        np.zeros(2 * count * RING, row_type(Rung)),
        np.zeros(2 * count * ROOM, row_type(Order)),
        np.zeros(2 * count * ROOM, np.int32),
        np.arange(2 * count * ROOM, dtype=np.int32),
        tables.normal(),
        tables.wait(rate),
        tables.paces(),
        tables.swings(),
        tables.away(),
        tables.sizes(),
        tables.runs(),
        tables.jumps(),
    )
