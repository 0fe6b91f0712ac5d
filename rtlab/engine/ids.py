"""Order ids to slots: open addressing, linear probing, never more than half full.

An entry is 31 bits of the hash and 31 of the slot, so that a search reads an order only when the hashes agree.
0 is empty. Ids are per instrument, and any int64 will do.
"""

import numpy as np

from rtlab.compiling import part
from rtlab.engine.layout import Memory

HASH_BITS = 31


@part
def hash_of(instrument: int, order_id: int) -> int:
    """Give 31 well mixed bits."""
    mixed = np.uint64(order_id) + np.uint64(instrument) * np.uint64(0xD6E8FEB86659FD93)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64(mixed >> np.uint64(64 - HASH_BITS))  # type: ignore[return-value]


@part
def find(memory: Memory, instrument: int, order_id: int) -> int:
    """Give the slot of a live order, or 0."""
    ids = memory.ids
    wanted = hash_of(instrument, order_id)
    at = wanted >> memory.state.ids_shift
    while ids[at] != 0:
        if ids[at] >> 32 == wanted:
            slot = ids[at] & 0x7FFFFFFF
            order = memory.orders[slot]
            if order.id == order_id and order.instrument == instrument:
                return slot
        at = (at + 1) & (len(ids) - 1)
    return 0


@part
def insert(memory: Memory, slot: int) -> None:
    """Enter the order in `slot`, whose id is not in the map."""
    ids = memory.ids
    order = memory.orders[slot]
    entry = hash_of(order.instrument, order.id)
    at = entry >> memory.state.ids_shift
    while ids[at] != 0:
        at = (at + 1) & (len(ids) - 1)
    ids[at] = (entry << 32) | slot


@part
def remove(memory: Memory, slot: int) -> None:
    """Take the order in `slot` out, and close the gap."""
    ids = memory.ids
    last = len(ids) - 1
    order = memory.orders[slot]
    entry = hash_of(order.instrument, order.id)
    gap = entry >> memory.state.ids_shift
    while ids[gap] != (entry << 32) | slot:
        gap = (gap + 1) & last
    at = (gap + 1) & last
    while ids[at] != 0:
        home = (ids[at] >> 32) >> memory.state.ids_shift
        if ((at - home) & last) >= ((at - gap) & last):
            ids[gap] = ids[at]
            gap = at
        at = (at + 1) & last
    ids[gap] = 0
