"""Orders in their queues: slots of the pool, price levels, and the best prices."""

from rtlab.compiling import part
from rtlab.engine import ids
from rtlab.engine.bits import clear_tick, next_above, next_below, set_tick
from rtlab.engine.codes import ASK, BID
from rtlab.engine.layout import NO_ASK, NO_BID, Ladder, Level, Memory


@part
def admit(memory: Memory, instrument: int, order_id: int, owner: int) -> int:
    """Give a new live order a slot and enter its id; it is in no queue yet."""
    state = memory.state
    slot = state.free_order
    if slot != 0:
        state.free_order = memory.orders[slot].next
    else:
        state.used_orders += 1
        slot = state.used_orders
    order = memory.orders[slot]
    order.id = order_id
    order.owner = owner
    order.instrument = instrument
    ids.insert(memory, slot)
    state.live += 1
    return slot


@part
def retire(memory: Memory, slot: int) -> None:
    """Forget an order that has left its queue: its id and its slot are free again."""
    ids.remove(memory, slot)
    memory.orders[slot].next = memory.state.free_order
    memory.state.free_order = slot
    memory.state.live -= 1


@part
def attach(memory: Memory, ladder: Ladder, slot: int, side: int, price: int, qty: int) -> Level:
    """Put an order at the back of the queue of its price; the price is within the window."""
    order = memory.orders[slot]
    at = memory.rungs[ladder.rungs_at + price - ladder.base]
    if at == 0:
        at = _open_level(memory, ladder, order.instrument, side, price)
    level = memory.levels[at]
    order.qty = qty
    order.level = at
    order.next = 0
    order.prev = level.tail
    if level.tail != 0:
        memory.orders[level.tail].next = slot
    else:
        level.head = slot
    level.tail = slot
    level.qty += qty
    level.count += 1
    return level


@part
def detach(memory: Memory, slot: int) -> Level:
    """Take an order out of its queue; the level that it leaves may be empty: see `close_empty`."""
    order = memory.orders[slot]
    level = memory.levels[order.level]
    if order.prev != 0:
        memory.orders[order.prev].next = order.next
    else:
        level.head = order.next
    if order.next != 0:
        memory.orders[order.next].prev = order.prev
    else:
        level.tail = order.prev
    level.qty -= order.qty
    level.count -= 1
    return level


@part
def close_empty(memory: Memory, ladder: Ladder, level: Level) -> None:
    """Close the level if no order is left in it, and find the next best price."""
    if level.count != 0:
        return
    tick = level.price - ladder.base
    at = memory.rungs[ladder.rungs_at + tick]
    memory.rungs[ladder.rungs_at + tick] = 0
    level.head = memory.state.free_level
    memory.state.free_level = at
    clear_tick(memory.bits, ladder, tick)
    if level.price == ladder.best_bid:
        tick = next_below(memory.bits, ladder, tick)
        ladder.best_bid = ladder.base + tick if tick >= 0 else NO_BID
    elif level.price == ladder.best_ask:
        tick = next_above(memory.bits, ladder, tick)
        ladder.best_ask = ladder.base + tick if tick >= 0 else NO_ASK


@part
def _open_level(memory: Memory, ladder: Ladder, instrument: int, side: int, price: int) -> int:
    state = memory.state
    at = state.free_level
    if at != 0:
        state.free_level = memory.levels[at].head
    else:
        state.used_levels += 1
        at = state.used_levels
    level = memory.levels[at]
    level.price = price
    level.qty = 0
    level.count = 0
    level.head = 0
    level.tail = 0
    level.instrument = instrument
    level.side = side
    tick = price - ladder.base
    memory.rungs[ladder.rungs_at + tick] = at
    set_tick(memory.bits, ladder, tick)
    if side == BID:
        ladder.best_bid = max(ladder.best_bid, price)
    elif side == ASK:
        ladder.best_ask = min(ladder.best_ask, price)
    return at


@part
def level_at(memory: Memory, ladder: Ladder, price: int) -> int:
    """Give the slot of the level at a price within the window, or 0."""
    return memory.rungs[ladder.rungs_at + price - ladder.base]
