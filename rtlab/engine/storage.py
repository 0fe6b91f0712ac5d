"""The kernel's arrays: made, and grown when the kernel asks. Growing changes no event."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from rtlab.compiling import announce
from rtlab.engine import kernel
from rtlab.engine.ids import HASH_BITS
from rtlab.engine.layout import (
    NEEDS_LADDER,
    NEEDS_ORDERS,
    NO_ASK,
    NO_BID,
    Command,
    Event,
    Ladder,
    Level,
    Order,
    State,
    row_type,
)
from rtlab.engine.limits import SPAN

RowArray = npt.NDArray[np.void]

STATE, ORDER, LEVEL, LADDER = row_type(State), row_type(Order), row_type(Level), row_type(Ladder)
SIGNED_COMMAND, SIGNED_EVENT = row_type(Command), row_type(Event)
SMALLEST_WINDOW = 1 << 12
LARGEST_WINDOW = (
    2 * SPAN
)  # twice the span, so that prices can drift by half of it before the window moves again


class Storage:
    """All memory of an engine of `instruments` instruments; pool and id map begin with room for `capacity` orders.

    The windows of ticks are as wide as the prices demand, up to LARGEST_WINDOW: 4.1 bytes a tick, of which the
    operating system gives only the pages that hold a price.
    """

    def __init__(self, instruments: int, capacity: int, prevention: int) -> None:
        self.pool_grown = self.ladders_moved = self.ladders_grown = 0
        self.state = np.zeros(1, STATE)
        self.state["prevention"] = prevention
        self.orders = np.zeros(capacity + 1, ORDER)
        self.levels = np.zeros(capacity + 1, LEVEL)
        self.ladders = np.zeros(instruments, LADDER)
        self.ladders["best_bid"], self.ladders["best_ask"] = NO_BID, NO_ASK
        self.ladders["size"] = SMALLEST_WINDOW
        self._make_ids()
        self._make_windows()
        self._arrays = self._bound()
        with announce("the matching engine"):
            self.run(np.zeros(0, SIGNED_COMMAND), 0, np.zeros(0, SIGNED_EVENT))

    def run(self, commands: RowArray, start: int, events: RowArray) -> int:
        """Call the kernel: give the number of rows in `events`, or -1 when memory must grow first."""
        return _run(*self._arrays, events, commands, start)

    def grow(self) -> None:
        """Make room for what the kernel stopped at, except events: their buffer is the caller's."""
        state = self.state[0]
        if state["need"] == NEEDS_ORDERS:
            self._double_pool()
        elif state["need"] == NEEDS_LADDER:
            self._move_window(int(state["need_instrument"]), int(state["need_price"]))
        self._arrays = self._bound()

    def live_levels(self, instrument: int | None = None) -> npt.NDArray[np.intp]:
        """Give the slots of the levels that hold orders, of one instrument or of all."""
        used = self.levels[: int(self.state["used_levels"][0]) + 1]
        mine = used["count"] > 0
        if instrument is not None:
            mine &= used["instrument"] == instrument
        return np.flatnonzero(mine)

    def _double_pool(self) -> None:
        self.pool_grown += 1
        self.orders = _doubled(self.orders)
        self.levels = _doubled(self.levels)
        self._make_ids()

    def _make_ids(self) -> None:
        bits = max(1, (2 * len(self.orders) - 1).bit_length())
        self.ids = np.zeros(1 << bits, np.int64)
        self.state["ids_shift"] = HASH_BITS - bits
        self.state["rehash"] = 1

    def _move_window(self, instrument: int, price: int) -> None:
        ladder = self.ladders[instrument]
        slots = self.live_levels(instrument)
        prices = self.levels["price"][slots]
        low = min(price, int(prices.min(initial=price)))
        span = max(price, int(prices.max(initial=price))) - low + 1
        size = max(int(ladder["size"]), 1 << (2 * span - 1).bit_length())
        grows = size > ladder["size"]
        if not grows:
            self._mark(slots, live=False)
        ladder["base"], ladder["size"] = max(0, low - (size - span) // 2), size
        if grows:
            self.ladders_grown += 1
            self._make_windows()
        else:
            self.ladders_moved += 1
            self._mark(slots, live=True)

    def _make_windows(self) -> None:
        sizes = self.ladders["size"]
        leaves = np.array([_leaves_at(int(size)) for size in sizes], np.int64)
        words = ((leaves + sizes - 2) >> 6) + 1
        self.ladders["leaves_at"] = leaves
        self.ladders["rungs_at"] = np.cumsum(sizes) - sizes
        self.ladders["bits_at"] = np.cumsum(words) - words
        self.rungs = np.zeros(int(sizes.sum()), np.int32)
        self.bits = np.zeros(int(words.sum()), np.int64)
        self._mark(self.live_levels(), live=True)

    def _mark(self, slots: npt.NDArray[np.intp], *, live: bool) -> None:
        """Enter levels into rungs and bits, or wipe out every bit that stands for them."""
        ladders = self.ladders[self.levels["instrument"][slots]]
        ticks = self.levels["price"][slots] - ladders["base"]
        self.rungs[ladders["rungs_at"] + ticks] = slots if live else 0
        nodes, trees = ladders["leaves_at"] + ticks, ladders["bits_at"]
        while nodes.size:
            bit, nodes = (nodes - 1) & 63, (nodes - 1) >> 6
            if live:
                np.bitwise_or.at(self.bits, trees + nodes, np.left_shift(1, bit))
            else:
                self.bits[trees + nodes] = 0
            below_root = nodes > 0
            nodes, trees = nodes[below_root], trees[below_root]

    def _bound(self) -> tuple[RowArray | npt.NDArray[np.int64] | npt.NDArray[np.int32], ...]:
        return (self.state, self.orders, self.levels, self.ladders, self.rungs, self.bits, self.ids)


_run: Callable[..., int] = kernel.run


def _doubled(rows: RowArray) -> RowArray:
    grown = np.zeros(2 * len(rows), rows.dtype)
    grown[: len(rows)] = rows
    return grown


def _leaves_at(size: int) -> int:
    nodes, row = 1, 64
    while row < size:
        nodes, row = nodes + row, 64 * row
    return nodes
