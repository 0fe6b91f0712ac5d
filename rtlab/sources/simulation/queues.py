"""The simulated book: price-time priority in a ring of prices. The engine that gets the commands agrees."""

from rtlab.compiling import part
from rtlab.sources.simulation.layout import NO_ASK, NO_BID, NOBODY, RING, ROOM, Memory


@part
def rung_of(half: int, price: int) -> int:
    """Give the rung of a price: that of every RING-th price is the same."""
    return half * RING + (price & (RING - 1))


@part
def has_room(memory: Memory, half: int, price: int) -> bool:
    """Tell whether an order may rest at a price: its rung is not another price's."""
    rung = memory.rungs[rung_of(half, price)]
    return rung.count == 0 or memory.orders[rung.head].price == price


@part
def rest(memory: Memory, half: int, order_id: int, price: int, qty: int) -> None:
    """Put an order at the back of its price."""
    state, owner = memory.state[0], memory.halves[half]
    state.free -= 1
    slot = memory.free[state.free]
    rung = memory.rungs[rung_of(half, price)]
    order = memory.orders[slot]
    order.id, order.qty, order.price, order.half = order_id, qty, price, half
    order.next, order.prev, order.place = NOBODY, NOBODY, owner.live
    memory.resting[half * ROOM + owner.live] = slot
    if rung.count == 0:
        rung.head = slot
    else:
        order.prev = rung.tail
        memory.orders[rung.tail].next = slot
    rung.tail = slot
    rung.count += 1
    rung.qty += qty
    owner.live += 1
    owner.qty += qty
    if (half & 1 == 0 and price > owner.best) or (half & 1 == 1 and price < owner.best):
        owner.best = price


@part
def remove(memory: Memory, slot: int) -> None:
    """Take an order out."""
    order = memory.orders[slot]
    half = order.half
    owner, rung = memory.halves[half], memory.rungs[rung_of(half, order.price)]
    if order.prev == NOBODY:
        rung.head = order.next
    else:
        memory.orders[order.prev].next = order.next
    if order.next == NOBODY:
        rung.tail = order.prev
    else:
        memory.orders[order.next].prev = order.prev
    rung.count -= 1
    rung.qty -= order.qty
    owner.qty -= order.qty
    owner.live -= 1
    last = memory.resting[half * ROOM + owner.live]
    memory.resting[half * ROOM + order.place] = last
    memory.orders[last].place = order.place
    memory.free[memory.state[0].free] = slot
    memory.state[0].free += 1
    if rung.count == 0 and order.price == owner.best:
        step_back(memory, half)


@part
def step_back(memory: Memory, half: int) -> None:
    """Find the next best price of a half whose best is gone."""
    owner = memory.halves[half]
    if owner.live == 0:
        owner.best = NO_BID if half & 1 == 0 else NO_ASK
        return
    step = -1 if half & 1 == 0 else 1
    price = owner.best + step
    while memory.rungs[rung_of(half, price)].count == 0:
        price += step
    # the ring wraps: what it shows there may be another price, further away
    owner.best = memory.orders[memory.rungs[rung_of(half, price)].head].price


@part
def take(memory: Memory, half: int, qty: int, limit: int) -> int:
    """Trade up to `qty` with a half at `limit` or better for the taker; give what is left."""
    owner, sign = memory.halves[half], -1 if half & 1 == 0 else 1
    while qty > 0 and owner.live > 0 and owner.best * sign <= limit * sign:
        rung = memory.rungs[rung_of(half, owner.best)]
        slot = rung.head
        order = memory.orders[slot]
        if order.qty > qty:
            order.qty -= qty
            rung.qty -= qty
            owner.qty -= qty
            qty = 0
        else:
            qty -= order.qty
            remove(memory, slot)
    return qty
