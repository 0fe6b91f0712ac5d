"""What a command may be: a quote, a cancellation, a replacement, a taker. Each does it and writes its row."""

from rtlab.compiling import part
from rtlab.model.enums import CommandKind, Flag, OrderType, TimeInForce
from rtlab.sources.simulation.layout import LEAST, NO_ASK, ONE, ROOM, TABLE_MASK, Command, Memory
from rtlab.sources.simulation.queues import has_room, remove, rest, rung_of, take
from rtlab.sources.simulation.randomness import chance, draw, pick

NEW, CANCEL, REPLACE = int(CommandKind.NEW), int(CommandKind.CANCEL), int(CommandKind.REPLACE)
LIMIT, MARKET = int(OrderType.LIMIT), int(OrderType.MARKET)
GTC, IOC = int(TimeInForce.GTC), int(TimeInForce.IOC)
POST_ONLY = int(Flag.POST_ONLY)


@part
def write(command: Command, kind: int, order_id: int, half: int, price: int, qty: int) -> None:
    """Fill a row in; a new order's type, time in force and flags are the caller's."""
    command.kind = kind
    command.order_id = order_id
    command.instrument = half >> 1
    command.side = half & 1
    command.price = price
    command.qty = qty


@part
def fresh_price(memory: Memory, half: int) -> int:
    """Draw where a new quote goes: around what the instrument is worth, and never so that it would trade."""
    fair, bits = memory.markets[half >> 1].fair, draw(memory)
    margin = ONE // 8 + (bits & (ONE - 1))
    away = memory.away[(bits >> 20) & TABLE_MASK]
    other = memory.halves[half ^ 1].best
    if half & 1 == 0:
        price = min((fair - margin) // ONE - away, other - 1)
    else:
        price = max(-((-fair - margin) // ONE) + away, other + 1)
    return price if has_room(memory, half, price) else memory.halves[half].best


@part
def new_id(memory: Memory) -> int:
    """Give the next order id."""
    memory.state[0].next_id += 1
    return memory.state[0].next_id


@part
def quote(memory: Memory, command: Command, half: int) -> None:
    """Rest a new order."""
    order_id, price, qty = new_id(memory), fresh_price(memory, half), pick(memory, memory.sizes)
    rest(memory, half, order_id, price, qty)
    write(command, NEW, order_id, half, price, qty)
    command.flags = POST_ONLY if order_id & 3 == 0 else 0


@part
def chosen(memory: Memory, half: int, front: int) -> int:
    """Choose a resting order: with a chance of `front` the newest at the best price, else any."""
    bits, owner = draw(memory), memory.halves[half]
    if (bits & (ONE - 1)) < front:
        return memory.rungs[rung_of(half, owner.best)].tail
    return memory.resting[half * ROOM + (bits >> 20) % owner.live]


@part
def cancel(memory: Memory, command: Command, half: int, front: int) -> None:
    """Take a resting order out."""
    slot = chosen(memory, half, front)
    write(command, CANCEL, memory.orders[slot].id, half, 0, 0)
    remove(memory, slot)


@part
def replace(memory: Memory, command: Command, half: int, front: int) -> None:
    """Lower a resting order where it stands, or quote it anew."""
    slot = chosen(memory, half, front)
    order = memory.orders[slot]
    order_id, price, qty = order.id, order.price, order.qty
    if qty > 1 and chance(memory) < ONE // 3:
        lower = qty // 2
        memory.rungs[rung_of(half, price)].qty -= lower
        memory.halves[half].qty -= lower
        order.qty -= lower
        write(command, REPLACE, order_id, half, price, qty - lower)
        return
    fresh = fresh_price(memory, half)
    write(command, REPLACE, order_id, half, fresh, qty)
    if fresh != price:  # else nothing changes, its place neither
        remove(memory, slot)
        rest(memory, half, order_id, fresh, qty)


@part
def trade(memory: Memory, command: Command, half: int, informed: bool) -> None:
    """Take from the half: a market order, an IOC or a limit order whose rest stays, mostly within the best level.

    What nobody expected moves the price: a trade against the sign of the last one, more than one with it. Who
    is informed only takes what is known.
    """
    bits, owner, market = draw(memory), memory.halves[half], memory.markets[half >> 1]
    best = owner.best
    shown = memory.rungs[rung_of(half, best)].qty
    wanted = memory.sizes[bits & TABLE_MASK]
    style = (bits >> 20) & 15
    qty = shown if style < 2 else 2 * wanted if style < 5 else min(wanted, shown)
    qty = max(1, min(qty, owner.qty // 8))
    sign = 1 if half & 1 == 1 else -1
    if not informed:
        surprise = 2 if sign == market.last else 8
        market.fair += sign * market.swing * (surprise if qty >= shown else surprise // 2) // 8
    market.last = sign
    order_id, mine = new_id(memory), half ^ 1
    write(command, NEW, order_id, mine, best, qty)
    command.tif = IOC
    if style & 1 == 0:
        command.order_type = MARKET
        command.price = 0
        take(memory, half, qty, best + sign * NO_ASK // 2)
    elif (bits >> 24) & 7 == 0 and memory.halves[mine].live < ROOM - 1 and has_room(memory, mine, best):
        command.tif = GTC
        left = take(memory, half, qty, best)
        if left > 0:
            rest(memory, mine, order_id, best, left)
    else:
        command.price = best + sign * ((bits >> 27) & 1)
        take(memory, half, qty, command.price)


@part
def may_lose(memory: Memory, half: int) -> bool:
    """Tell whether a half has orders to spare."""
    return memory.halves[half].live > LEAST
