"""Orders in their queues: slots of the pools, price levels, and the best prices."""

from rtlab.compiling import outlined_part, part
from rtlab.engine import ids
from rtlab.engine.accounts import commit
from rtlab.engine.bits import clear_tick, next_above, next_below, set_tick
from rtlab.engine.codes import UNSEEN
from rtlab.engine.expiry import forget_expiry
from rtlab.engine.layout import BOOK, NONE_ABOVE, NONE_BELOW, Ladder, Memory, State
from rtlab.engine.memory import memory_of


@part
def ladder_of(instrument: int, place: int, side: int) -> int:
    """Give the index of a ladder: stops of those who buy wait for higher prices."""
    return 8 * instrument + 2 * place + (side ^ (place & 1))


@part
def side_of(ladder: int) -> int:
    """Give the side of the orders in the ladder with this index."""
    return (ladder & 1) ^ ((ladder >> 1) & 1)


@part
def place_of(ladder: int) -> int:
    """Give the place of the ladder with this index."""
    return (ladder >> 1) & 3


@part
def admit(memory: Memory, instrument: int, order_id: int, owner: int, extra: int) -> int:
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
    order.extra = extra
    order.level = 0
    if extra != 0:
        memory.extras[extra].order = slot
    ids.insert(memory, slot)
    state.live += 1
    return slot


@part
def retire(memory: Memory, slot: int) -> None:
    """Forget an order that has left its queue: its id and its slots are free again."""
    ids.remove(memory, slot)
    order = memory.orders[slot]
    if order.extra != 0:
        free_extra(memory.state, order.extra)
    order.instrument = -1
    order.next = memory.state.free_order
    memory.state.free_order = slot
    memory.state.live -= 1


@outlined_part
def free_extra(state: State, at: int) -> None:
    """Give back the slot of what a plain order does not have."""
    memory = memory_of(state)
    extra = memory.extras[at]
    if extra.link != 0:
        memory.state.links -= 1
    if extra.heap != 0:
        forget_expiry(memory, at)
    extra.heap = memory.state.free_extra
    memory.state.free_extra = at


@part
def open_qty(memory: Memory, slot: int) -> int:
    """Give all of an order that may still trade."""
    order = memory.orders[slot]
    return order.qty if order.extra == 0 else order.qty + memory.extras[order.extra].reserve


@part
def seen(memory: Memory, slot: int) -> bool:
    """Tell whether an order shows in the book."""
    extra = memory.orders[slot].extra
    return extra == 0 or memory.extras[extra].flags & UNSEEN == 0


@part
def count_open(memory: Memory, slot: int, qty: int, orders: int) -> None:
    """Let an owner's account know what of an order in a queue has come or gone."""
    order = memory.orders[slot]
    level = memory.levels[order.level]
    price = level.price if place_of(level.ladder) & 1 == 0 else memory.extras[order.extra].price
    commit(memory.state, order.owner, order.instrument, side_of(level.ladder), price, qty, orders)


@part
def attach(memory: Memory, at_ladder: int, slot: int, price: int, qty: int) -> int:
    """Put an order at the back of the queue of a price within the window; give the level's slot."""
    order = memory.orders[slot]
    ladder = memory.ladders[at_ladder]
    at = memory.rungs[ladder.rungs_at + price - ladder.base]
    if at == 0:
        at = _open_level(memory, ladder, at_ladder, price)
    level = memory.levels[at]
    order.qty = qty
    shown = 1
    if order.extra != 0:
        extra = memory.extras[order.extra]
        if extra.flags & UNSEEN != 0:
            shown = 0
        elif place_of(at_ladder) == BOOK and 0 < extra.display < qty:
            order.qty = extra.display
        extra.reserve = qty - order.qty
    order.level = at
    order.next = 0
    order.prev = level.tail
    if level.tail != 0:
        memory.orders[level.tail].next = slot
    else:
        level.head = slot
    level.tail = slot
    level.qty += order.qty * shown
    level.total += qty
    level.shown += shown
    level.count += 1
    ladder.total += qty
    if at_ladder & 6 != 0:
        memory.markets[at_ladder >> 3].waiting += 1
    if memory.state.opened != 0 and order.owner != 0:
        count_open(memory, slot, qty, 1)
    return at


@part
def detach(memory: Memory, slot: int) -> int:
    """Take an order out of its queue and give the level's slot; that may be empty: see `close_empty`."""
    order = memory.orders[slot]
    at = order.level
    level = memory.levels[at]
    if order.prev != 0:
        memory.orders[order.prev].next = order.next
    else:
        level.head = order.next
    if order.next != 0:
        memory.orders[order.next].prev = order.prev
    else:
        level.tail = order.prev
    shown = 1 if order.qty != 0 else 0  # what is filled shows no more: see `fill`
    total = order.qty
    if order.extra != 0:
        extra = memory.extras[order.extra]
        total += extra.reserve
        if extra.flags & UNSEEN != 0:
            shown = 0
    level.qty -= order.qty * shown
    level.total -= total
    level.shown -= shown
    level.count -= 1
    memory.ladders[level.ladder].total -= total
    if memory.state.opened != 0 and order.owner != 0:
        count_open(memory, slot, -total, -1)
    if level.ladder & 6 != 0:
        memory.markets[level.ladder >> 3].waiting -= 1
    order.level = 0
    return at


@outlined_part
def put(state: State, at_ladder: int, slot: int, price: int, qty: int) -> int:
    """Do as `attach` where that is seldom done."""
    return attach(memory_of(state), at_ladder, slot, price, qty)


@outlined_part
def take_out(state: State, slot: int) -> int:
    """Take an order out of its queue and close the level if it is empty; give the level's slot."""
    memory = memory_of(state)
    at = detach(memory, slot)
    close_empty(memory, at)
    return at


@part
def close_empty(memory: Memory, at: int) -> None:
    """Close the level if no order is left in it, and find the next best price."""
    level = memory.levels[at]
    if level.count != 0:
        return
    ladder = memory.ladders[level.ladder]
    tick = level.price - ladder.base
    memory.rungs[ladder.rungs_at + tick] = 0
    level.head = memory.state.free_level
    memory.state.free_level = at
    clear_tick(memory.bits, ladder, tick)
    if level.price == ladder.best:
        if level.ladder & 1 == 0:
            tick = next_below(memory.bits, ladder, tick)
            ladder.best = ladder.base + tick if tick >= 0 else NONE_BELOW
        else:
            tick = next_above(memory.bits, ladder, tick)
            ladder.best = ladder.base + tick if tick >= 0 else NONE_ABOVE


@part
def _open_level(memory: Memory, ladder: Ladder, at_ladder: int, price: int) -> int:
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
    level.total = 0
    level.count = 0
    level.shown = 0
    level.head = 0
    level.tail = 0
    level.ladder = at_ladder
    tick = price - ladder.base
    memory.rungs[ladder.rungs_at + tick] = at
    set_tick(memory.bits, ladder, tick)
    if at_ladder & 1 == 0:
        ladder.best = max(ladder.best, price)
    else:
        ladder.best = min(ladder.best, price)
    return at


@part
def next_price(memory: Memory, at_ladder: int, price: int) -> int:
    """Give the price that follows in a ladder; one beyond all prices when there is none."""
    ladder = memory.ladders[at_ladder]
    if at_ladder & 1 == 0:
        tick = next_below(memory.bits, ladder, price - ladder.base)
        return ladder.base + tick if tick >= 0 else NONE_BELOW
    tick = next_above(memory.bits, ladder, price - ladder.base)
    return ladder.base + tick if tick >= 0 else NONE_ABOVE


@part
def level_at(memory: Memory, ladder: Ladder, price: int) -> int:
    """Give the slot of the level at a price within the window, or 0."""
    return memory.rungs[ladder.rungs_at + price - ladder.base]
