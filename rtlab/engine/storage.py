"""The kernel's arrays: made, and grown when the kernel asks. Growing changes no event."""

import numpy as np
import numpy.typing as npt

from rtlab.compiling import announce
from rtlab.engine.ids import HASH_BITS
from rtlab.engine.kernel import run
from rtlab.engine.layout import (
    LADDER,
    LEVEL,
    NEEDS_EVENTS,
    NEEDS_LADDER,
    NEEDS_ORDERS,
    NO_ASK,
    NO_BID,
    ORDER,
    RUNG,
    STATE,
    WORD,
)
from rtlab.engine.limits import SPAN
from rtlab.errors import LocalError
from rtlab.model.rows import COMMAND, EVENT

RowArray = npt.NDArray[np.void]

EVENTS_PER_COMMAND = 4
"""Room to begin with; 2 is usual."""
MOST_SLOTS = 1 << (HASH_BITS - 1)
"""Of the order pool: the id map, which is never more than half full, has no more bits."""
SMALLEST_WINDOW = 1 << 12
LARGEST_WINDOW = 2 * SPAN
"""Twice the span, so that prices can drift by half of it before the window moves again."""


class Storage:
    """All memory of an engine of `instruments` instruments; pool and id map begin with room for `capacity` orders.

    The windows of ticks are as wide as the prices demand, up to LARGEST_WINDOW: 4.1 bytes a tick, of which the
    operating system gives only the pages that hold a price.
    """

    def __init__(self, instruments: int, capacity: int, prevention: int) -> None:
        self.pool_grown = self.ladders_moved = self.ladders_grown = 0
        self.state = np.zeros(1, STATE)
        self._state_words = self.state.view(np.int64)
        self._words = self._state_words.data
        self.state["prevention"] = prevention
        self.orders = np.zeros(capacity + 1, ORDER)
        self.levels = np.zeros(capacity + 1, LEVEL)
        self.ladders = np.zeros(instruments, LADDER)
        self.ladders["best_bid"], self.ladders["best_ask"] = NO_BID, NO_ASK
        self.ladders["size"] = SMALLEST_WINDOW
        self._make_ids(capacity + 1)
        self._make_windows(self.ladders.copy())
        self._bind()
        self.commands, self.events = np.zeros(0, COMMAND), np.zeros(0, EVENT)
        with announce("the matching engine"):
            self.run()

    def lend(self, commands: RowArray, events: RowArray) -> None:
        """Name the COMMAND rows to execute, contiguous, and the EVENT rows to write."""
        words = self._words
        address = commands.ctypes.data
        if address % WORD.itemsize:
            commands = commands.copy()
            address = commands.ctypes.data
        words[_COMMANDS_AT], words[_COMMANDS] = address, len(commands)
        if events is not self.events:
            words[_EVENTS_AT], words[_EVENTS] = events.ctypes.data, len(events)
        self.commands, self.events = commands, events

    def run(self) -> int:
        """Execute the lent commands and give the number of rows in `events`: another array if it was full."""
        self._words[_START] = 0
        while (written := run(self._state_words)) < 0:
            self._grow()
            self._words[_START] = self._words[_AT]
        return written

    def live_levels(self, instrument: int | None = None) -> npt.NDArray[np.intp]:
        """Give the slots of the levels that hold orders, of one instrument or of all."""
        used = self.levels[: int(self.state["used_levels"][0]) + 1]
        mine = used["count"] > 0
        if instrument is not None:
            mine &= used["instrument"] == instrument
        return np.flatnonzero(mine)

    def _grow(self) -> None:
        state = self.state[0]
        if state["need"] == NEEDS_EVENTS:
            self._enlarge_events()
        elif state["need"] == NEEDS_ORDERS:
            self._double_pool()
        elif state["need"] == NEEDS_LADDER:
            self._move_window(int(state["need_instrument"]), int(state["need_price"]))
        self._bind()

    def _enlarge_events(self) -> None:
        state = self.state[0]
        written = int(state["written"])
        usual = EVENTS_PER_COMMAND * (len(self.commands) - int(state["at"]))
        rows = max(2 * len(self.events), written + int(state["need_rows"]) + usual)
        enlarged = np.empty(rows, self.events.dtype)
        enlarged[:written] = self.events[:written]
        self.lend(self.commands, enlarged)

    def _double_pool(self) -> None:
        slots = twice(len(self.orders))
        grown = _enlarged(self.orders, slots), _enlarged(self.levels, slots)
        self._make_ids(slots)
        self.orders, self.levels = grown
        self.pool_grown += 1

    def _make_ids(self, slots: int) -> None:
        bits = max(1, (2 * slots - 1).bit_length())
        self.ids = np.zeros(1 << bits, np.int64)
        self.state["ids_shift"] = HASH_BITS - bits
        self.state["rehash"] = 1

    def _move_window(self, instrument: int, price: int) -> None:
        slots = self.live_levels(instrument)
        prices = self.levels["price"][slots]
        low = min(price, int(prices.min(initial=price)))
        span = max(price, int(prices.max(initial=price))) - low + 1
        before = int(self.ladders["size"][instrument])
        size = max(before, 1 << (2 * span - 1).bit_length())
        moved = self.ladders.copy()
        moved["base"][instrument], moved["size"][instrument] = max(0, low - (size - span) // 2), size
        if size > before:
            self._make_windows(moved)
            self.ladders_grown += 1
        else:
            self._mark(slots, live=False)
            self.ladders[:] = moved
            self._mark(slots, live=True)
            self.ladders_moved += 1

    def _make_windows(self, ladders: RowArray) -> None:
        sizes = ladders["size"]
        leaves = np.array([leaves_at(int(size)) for size in sizes], np.int64)
        words = ((leaves + sizes - 2) >> 6) + 1
        ladders["leaves_at"] = leaves
        ladders["rungs_at"] = np.cumsum(sizes) - sizes
        ladders["bits_at"] = np.cumsum(words) - words
        rungs, bits = np.zeros(int(sizes.sum()), RUNG), np.zeros(int(words.sum()), WORD)
        self.ladders[:], self.rungs, self.bits = ladders, rungs, bits
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

    def _bind(self) -> None:
        state = self.state[0]
        for name in ("orders", "levels", "ladders", "rungs", "bits", "ids"):
            array = getattr(self, name)
            state[f"{name}_at"], state[name] = array.ctypes.data, len(array)


_COMMANDS_AT, _COMMANDS, _EVENTS_AT, _EVENTS, _START, _AT = (
    next(field[1] for key, field in (STATE.fields or {}).items() if key == name) // WORD.itemsize
    for name in ("commands_at", "commands", "events_at", "events", "start", "at")
)


def _enlarged(rows: RowArray, count: int) -> RowArray:
    grown = np.zeros(count, rows.dtype)
    grown[: len(rows)] = rows
    return grown


def twice(slots: int) -> int:
    """Give the next size of a pool of `slots`; LocalError when it may grow no more."""
    if 2 * slots > MOST_SLOTS:
        raise LocalError("the engine is full", expected=f"fewer than {slots} live orders")
    return 2 * slots


def leaves_at(size: int) -> int:
    """Give the number of nodes above the leaves of a tree that has at least `size` leaves."""
    nodes, row = 1, 64
    while row < size:
        nodes, row = nodes + row, 64 * row
    return nodes
