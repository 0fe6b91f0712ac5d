"""Order ids to slots: open addressing, linear probing, never more than half full.

An entry is 31 bits of the hash and 31 of the slot, so that a search reads an order only when the hashes agree.
0 is empty. Ids are per instrument, and any int64 will do.

A map that is too small is followed by one of twice its size, without a pause: with each new entry some of the past
map are moved. An entry's home is the first bits of its hash, so that both maps have them in the same order, and moving
goes through both from one end to the other. What has its home before `state.moved` is in the new map, and what has it
behind is in the past one, where it is entered too: a new map is touched from one end to the other, for its memory comes
a page at a time, and each takes the operating system its time. Moving halts at empty places only: no search in the past
map is cut in two.
"""

import numpy as np

from rtlab.compiling import outlined_part, part
from rtlab.engine.layout import WORD, Memory, Rows, State
from rtlab.engine.memory import fetch, memory_of, rows_at

HASH_BITS = 31
STRIDE = 16
"""Places of the past map that are emptied for each new entry: all are, long before the new map is full."""


@part
def hash_of(instrument: int, order_id: int) -> int:
    """Give 31 well mixed bits."""
    mixed = np.uint64(order_id) + np.uint64(instrument) * np.uint64(0xD6E8FEB86659FD93)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64(mixed >> np.uint64(64 - HASH_BITS))  # type: ignore[return-value]


@part
def expect(memory: Memory, instrument: int, order_id: int) -> None:
    """Ask for the entry of an order before it is needed: with many orders it is in no near cache."""
    fetch(memory.ids, hash_of(instrument, order_id) >> memory.state.ids_shift)


@part
def find(memory: Memory, instrument: int, order_id: int) -> int:
    """Give the slot of a live order, or 0."""
    if memory.state.past != 0 and is_past(memory.state, hash_of(instrument, order_id)):
        return find_past(memory.state, instrument, order_id)
    return look_up(memory, memory.ids, memory.state.ids_shift, instrument, order_id)


@part
def insert(memory: Memory, slot: int) -> None:
    """Enter the order in `slot`, whose id is not in the map."""
    order = memory.orders[slot]
    entry = hash_of(order.instrument, order.id)
    if memory.state.past != 0:
        move_some(memory.state)
        if memory.state.past != 0 and is_past(memory.state, entry):
            enter_past(memory.state, entry, slot)
            return
    enter_at(memory.ids, memory.state.ids_shift, entry, slot)


@part
def remove(memory: Memory, slot: int) -> None:
    """Take the order in `slot` out, and close the gap."""
    order = memory.orders[slot]
    entry = hash_of(order.instrument, order.id)
    if memory.state.past != 0 and is_past(memory.state, entry):
        erase_past(memory.state, entry, slot)
        return
    erase(memory.ids, memory.state.ids_shift, entry, slot)


@part
def look_up(memory: Memory, ids: Rows[int], shift: int, instrument: int, order_id: int) -> int:
    """Give the slot of an order that is in one of the maps, or 0."""
    wanted = hash_of(instrument, order_id)
    at = wanted >> shift
    while ids[at] != 0:
        if ids[at] >> 32 == wanted:
            slot = ids[at] & 0x7FFFFFFF
            order = memory.orders[slot]
            if order.id == order_id and order.instrument == instrument:
                return slot
        at = (at + 1) & (len(ids) - 1)
    return 0


@part
def enter_at(ids: Rows[int], shift: int, entry: int, slot: int) -> None:
    """Put an entry at its home, or at the first free place after it."""
    at = entry >> shift
    while ids[at] != 0:
        at = (at + 1) & (len(ids) - 1)
    ids[at] = (entry << 32) | slot


@part
def erase(ids: Rows[int], shift: int, entry: int, slot: int) -> None:
    """Take an entry out of one of the maps, and close the gap."""
    last = len(ids) - 1
    gap = entry >> shift
    while ids[gap] != (entry << 32) | slot:
        gap = (gap + 1) & last
    at = (gap + 1) & last
    while ids[at] != 0:
        home = (ids[at] >> 32) >> shift
        if ((at - home) & last) >= ((at - gap) & last):
            ids[gap] = ids[at]
            gap = at
        at = (at + 1) & last
    ids[gap] = 0


@part
def is_past(state: State, entry: int) -> bool:
    """Tell whether the place of an entry is still in the past map."""
    return (((entry >> state.past_shift) - state.past_first) & (state.past - 1)) >= state.moved


@outlined_part
def find_past(state: State, instrument: int, order_id: int) -> int:
    """Give the slot of an order in the past map, or 0."""
    past = rows_at(state.past_at, state.past, WORD)
    return look_up(memory_of(state), past, state.past_shift, instrument, order_id)


@outlined_part
def enter_past(state: State, entry: int, slot: int) -> None:
    """Put an entry into the past map, which is half full and moves on before it is much fuller."""
    enter_at(rows_at(state.past_at, state.past, WORD), state.past_shift, entry, slot)


@outlined_part
def erase_past(state: State, entry: int, slot: int) -> None:
    """Take an entry out of the past map."""
    erase(rows_at(state.past_at, state.past, WORD), state.past_shift, entry, slot)


@outlined_part
def move_some(state: State) -> None:
    """Move the entries of some places of the past map, up to an empty one."""
    past = rows_at(state.past_at, state.past, WORD)
    ids = memory_of(state).ids
    enough = state.moved + STRIDE
    between = False
    while state.moved < enough or not between:
        at = (state.past_first + state.moved) & (state.past - 1)
        between = past[at] == 0
        if not between:
            enter_at(ids, state.ids_shift, past[at] >> 32, past[at] & 0x7FFFFFFF)
            past[at] = 0
        state.moved += 1
    if state.moved >= state.past:
        state.past = 0
