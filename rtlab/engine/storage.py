"""The kernel's arrays: made, and grown when the kernel asks. Growing changes no event."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rtlab.compiling import announce, door
from rtlab.engine.boxing import OBJECT
from rtlab.engine.growing import Growing, zeros
from rtlab.engine.ids import HASH_BITS
from rtlab.engine.kernel import lend, run
from rtlab.engine.layout import (
    ACCOUNT,
    BEGIN,
    CUT,
    EXTRA,
    LADDER,
    LADDERS,
    LEVEL,
    MARKET,
    NEEDS_ACCOUNTS,
    NEEDS_EVENTS,
    NEEDS_EXTRAS,
    NEEDS_IDS,
    NEEDS_LADDER,
    NEEDS_LEVELS,
    NEEDS_ORDERS,
    NONE_ABOVE,
    NONE_BELOW,
    NOWHERE,
    ORDER,
    POSITION_ROW,
    RUNG,
    STATE,
    TAKER,
    WORD,
)
from rtlab.engine.limits import SPAN
from rtlab.errors import LocalError
from rtlab.model.rows import COMMAND, EVENT
from rtlab.model.rules import Rules
from rtlab.signals import undisturbed

RowArray = npt.NDArray[np.void]
Words = npt.NDArray[np.int64]

EVENTS_PER_COMMAND = 4
"""Room to begin with; 2 is usual."""
FEW = 64
"""Commands that `execute` takes from where they lie: to name it another array takes a microsecond."""
MOST_SLOTS = 1 << (HASH_BITS - 1)
"""Of the order pool: the id map, which is never more than half full, has no more bits."""
FEW_ACCOUNTS = 8
"""Places for accounts to begin with, of which half are used before there are twice as many."""
FEW_SLOTS = 1 << 12
"""Room for levels and for orders that are not plain, to begin with."""
FEW_IDS = 1 << 13
"""Orders for which the id map has room to begin with: while it is small it stays in the near cache."""
SMALLEST_WINDOW = 1 << 12
LARGEST_WINDOW = 2 * SPAN
"""Twice the span, so that prices can drift by half of it before the window moves again."""

ARRAYS = [
    "taker",
    "orders",
    "levels",
    "extras",
    "ladders",
    "markets",
    "heap",
    "accounts",
    "positions",
    "rungs",
    "bits",
    "ids",
    "past",
]
KEPT = (
    "seq",
    "command",
    "live",
    "links",
    "clock",
    "timer",
    "free_order",
    "free_level",
    "free_extra",
    "used_orders",
    "used_levels",
    "used_extras",
    "heaped",
    "opened",
    "house",
)
"""Counters that are part of a snapshot."""


class Storage:
    """All memory of an engine with these rules, one for each instrument; there is room for `capacity` orders at first.

    The windows of ticks are as wide as the prices demand, up to LARGEST_WINDOW: 4.1 bytes a tick, of which the
    operating system gives only the pages that hold a price.
    """

    ids: Words
    past: Words

    def __init__(self, rules: Sequence[Rules], capacity: int, prevention: int) -> None:
        self._capacity = capacity
        self.pool_grown = self.ladders_moved = self.ladders_grown = 0
        self.state = np.zeros(1, STATE)
        self.address = self.state.ctypes.data
        self._words = self.state.view(np.int64).data
        self.count = 0  # of the lent commands that `execute` takes, as `state` says it
        self.state["prevention"], self.state["timer"] = prevention, NONE_ABOVE
        self.few = np.zeros(FEW, COMMAND)
        self.state["few_at"] = id(self.few)
        self.taker = np.zeros(1, TAKER)
        self.taker["at"] = self.taker["left"] = NOWHERE
        few = min(capacity, FEW_SLOTS) + 1
        self._pools = {
            "orders": Growing(capacity + 1, ORDER),
            "levels": Growing(few, LEVEL),
            "extras": Growing(few, EXTRA),
            "heap": Growing(few, RUNG),
        }
        self.orders, self.levels, self.extras, self.heap = (pool.rows for pool in self._pools.values())
        self.markets = _markets(rules)
        self.accounts = np.zeros(FEW_ACCOUNTS, ACCOUNT)
        self.positions = np.zeros(FEW_ACCOUNTS * len(rules), POSITION_ROW)
        self.ladders = np.zeros(LADDERS * len(rules), LADDER)
        self.ladders["best"][0::2], self.ladders["best"][1::2] = NONE_BELOW, NONE_ABOVE
        self.ladders["size"] = SMALLEST_WINDOW
        self._make_ids(min(capacity, FEW_IDS))
        self._make_windows(self.ladders.copy())
        self._bind()
        self.commands, self.events = np.zeros(0, COMMAND), np.zeros(0, EVENT)
        with announce("the matching engine"):
            self.execute: Callable[[int, int, int, object], Any] = door(run, self.address, 0, 0, OBJECT)
            self._lend = door(lend, self.address, self.commands, self.events)
        self.run(0)

    def lend(self, commands: RowArray, events: RowArray) -> None:
        """Name the COMMAND rows that may be executed, contiguous, and the EVENT rows to write."""
        if self._lend(self.address, commands, events):
            commands = commands.copy()
            self._lend(self.address, commands, events)
        self.commands, self.events = commands, events

    def run(self, count: int, begin: int = 0) -> int:
        """Execute the first `count` of the lent commands; their events come into `events` from row `begin` on.

        Gives the row after the last of them. `events` is another array if it was full.
        """
        if count != self.count:  # to write it takes longer than to look
            self.take(count)
        end: int | None = self.execute(self.address, begin, 0, self.few)
        if end is None:
            end = self.run_on(begin, 0)
        return end

    def take(self, count: int) -> None:
        """Let `execute` take so many of the lent commands."""
        self._words[_COMMANDS] = self.count = count

    def run_on(self, begin: int, table: int) -> Any:
        """Go on with more memory, as often as that is asked for, where `execute` gave None."""
        if self.state["need"] == CUT:
            raise LocalError(
                "the engine was left in the middle of a command", expected="one that is restored"
            )
        words = self._words
        try:
            with undisturbed():
                while True:
                    self._grow()
                    words[_START], words[_GOES_ON] = words[_AT], 1
                    if (done := self.execute(self.address, begin, table, self.few)) is not None:
                        return done
        except LocalError:
            self.state["stage"] = BEGIN  # the command that finds no room is given up
            raise
        finally:
            words[_START] = 0

    def live_levels(self, ladder: int | None = None) -> npt.NDArray[np.intp]:
        """Give the slots of the levels that hold orders, of one ladder or of all."""
        used = self.levels[: int(self.state["used_levels"][0]) + 1]
        mine = used["count"] > 0
        if ladder is not None:
            mine &= used["ladder"] == ladder
        return np.flatnonzero(mine)

    def load(self, parts: Mapping[str, RowArray], state: Mapping[str, int]) -> None:
        """Take over arrays and counters that `used` gave, with as much room as there is here."""
        for name, rows in parts.items():
            if len(rows) > len(getattr(self, name)):
                if name in self._pools:
                    self._enlarge(name, len(rows))
                else:
                    setattr(self, name, np.zeros(len(rows), rows.dtype))
            getattr(self, name)[: len(rows)] = rows
        for name, number in state.items():
            self.state[name] = number
        if len(self.heap) < len(self.extras):
            self._enlarge("heap", len(self.extras))
        self._make_ids(max(int(self.state["live"][0]), min(len(self.orders) - 1, FEW_IDS)))
        self._make_windows(self.ladders.copy())
        self._bind()
        self.commands, self.events = np.zeros(0, COMMAND), np.zeros(0, EVENT)
        self.lend(self.commands, self.events)
        self.run(0)

    def used(self) -> tuple[dict[str, RowArray], dict[str, int]]:
        """Give all that the future depends on: of each array the part that was ever used, and the counters."""
        state = self.state[0]
        counts = {name: int(state[f"used_{name}"]) + 1 for name in ("orders", "levels", "extras")}
        parts = {name: getattr(self, name)[:count] for name, count in counts.items()}
        parts |= {
            "heap": self.heap[: int(state["heaped"]) + 1],
            "ladders": self.ladders,
            "markets": self.markets,
            "accounts": self.accounts,
            "positions": self.positions,
        }
        return parts, {name: int(state[name]) for name in KEPT}

    @property
    def memory_bytes(self) -> int:
        """Give the bytes of all arrays but the windows, and of these the parts between the outermost levels."""
        arrays = (self.orders, self.levels, self.extras, self.heap, self.ids, self.past)
        whole = sum(array.nbytes for array in arrays)
        levels = self.levels[self.live_levels()]
        spans = 0
        for ladder in np.unique(levels["ladder"]):
            prices = levels["price"][levels["ladder"] == ladder]
            spans += int(prices.max() - prices.min()) + 1
        return whole + spans * RUNG.itemsize + spans // 7

    def _grow(self) -> None:
        state = self.state[0]
        if state["past"] == 0:
            self.past = np.zeros(0, WORD)  # all of it has moved
        if state["need"] == NEEDS_EVENTS:
            self._enlarge_events()
        elif state["need"] == NEEDS_ORDERS:
            self._enlarge("orders", twice(len(self.orders)))
            self.pool_grown += 1
        elif state["need"] == NEEDS_IDS:
            self._double_ids()
        elif state["need"] == NEEDS_LEVELS:
            self._enlarge("levels", twice(len(self.levels)))
        elif state["need"] == NEEDS_EXTRAS:
            self._enlarge("extras", twice(len(self.extras)))
            self._enlarge("heap", len(self.extras))
        elif state["need"] == NEEDS_ACCOUNTS:
            self._double_accounts()
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

    def _enlarge(self, pool: str, slots: int) -> None:
        delattr(self, pool)  # pages that somebody names are not moved
        setattr(self, pool, self._pools[pool].grow(slots))

    def _double_ids(self) -> None:
        """Let a map of twice the size follow; the kernel moves the entries, which it has done before the next."""
        state = self.state[0]
        self.past, state["past_shift"] = self.ids, state["ids_shift"]
        state["past_first"] = next(at for at in range(len(self.past)) if self.past[at] == 0)
        state["moved"] = 0
        self.ids = zeros(2 * len(self.past), WORD, foreseen=len(self.past) < 2 * self._capacity)
        state["ids_shift"] -= 1

    def _double_accounts(self) -> None:
        before, positions = self.accounts, self.positions.reshape(len(self.accounts), -1)
        self.accounts = np.zeros(2 * len(before), ACCOUNT)
        grown = np.zeros((len(self.accounts), positions.shape[1]), POSITION_ROW)
        for at in [0, *np.flatnonzero(before["owner"]).tolist()]:
            to = account_at(self.accounts["owner"], int(before["owner"][at])) if at else 0
            self.accounts[to], grown[to] = before[at], positions[at]
        self.positions = grown.reshape(-1)

    def _make_ids(self, orders: int) -> None:
        bits = max(1, (2 * orders - 1).bit_length())
        self.ids = zeros(1 << bits, WORD, foreseen=True)
        self.past = np.zeros(0, WORD)
        self.state["ids_shift"] = HASH_BITS - bits
        self.state["rehash"] = 1

    def _move_window(self, ladder: int, price: int) -> None:
        one = self.ladders[ladder]
        is_empty = one["best"] in (NONE_BELOW, NONE_ABOVE)
        slots = np.zeros(0, np.intp) if is_empty else self.live_levels(ladder)
        prices = self.levels["price"][slots]
        low = min(price, int(prices.min(initial=price)))
        span = max(price, int(prices.max(initial=price))) - low + 1
        before = int(one["size"])
        size = max(before, 1 << (2 * span - 1).bit_length())
        base = max(0, low - (size - span) // 2)
        if size > before:
            moved = self.ladders.copy()
            moved["base"][ladder], moved["size"][ladder] = base, size
            self._make_windows(moved)
            self.ladders_grown += 1
        else:
            self._mark(slots, live=False)
            self.ladders["base"][ladder] = base
            self._mark(slots, live=True)
            self.ladders_moved += 1

    def _make_windows(self, ladders: RowArray) -> None:
        sizes = ladders["size"]
        leaves = np.array([leaves_at(int(size)) for size in sizes], np.int64)
        words = ((leaves + sizes - 2) >> 6) + 1
        ladders["leaves_at"] = leaves
        ladders["rungs_at"] = np.cumsum(sizes) - sizes
        ladders["bits_at"] = np.cumsum(words) - words
        rungs, bits = zeros(int(sizes.sum()), RUNG), zeros(int(words.sum()), WORD)
        self.ladders[:], self.rungs, self.bits = ladders, rungs, bits
        self._mark(self.live_levels(), live=True)

    def _mark(self, slots: npt.NDArray[np.intp], *, live: bool) -> None:
        """Enter levels into rungs and bits, or wipe out every bit that stands for them."""
        ladders = self.ladders[self.levels["ladder"][slots]]
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
        for name in ARRAYS:
            array = getattr(self, name)
            state[f"{name}_at"], state[name] = array.ctypes.data, len(array)


_COMMANDS, _START, _AT, _GOES_ON = (
    next(field[1] for key, field in (STATE.fields or {}).items() if key == name) // WORD.itemsize
    for name in ("commands", "start", "at", "goes_on")
)


def _markets(rules: Sequence[Rules]) -> RowArray:
    markets = np.zeros(len(rules), MARKET)
    markets["last"] = markets["high"] = -1
    markets["low"] = NONE_ABOVE
    for at, one in enumerate(rules):
        for name in one.__struct_fields__:
            markets[name][at] = getattr(one, name)
        markets["anchor"][at] = one.reference_price or -1
    return markets


def account_at(owners: npt.NDArray[np.int64], owner: int) -> int:
    """Give where an owner's account is or would be: the search of `accounts.account_at`, for Python."""
    last = len(owners) - 1
    mixed = (owner * 0x5851F42D4C957F2D + (1 << 63)) % (1 << 64) - (1 << 63)
    at = (mixed >> 17) & last
    while at == 0 or owners[at] not in (0, owner):
        at = (at + 1) & last
    return at


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
