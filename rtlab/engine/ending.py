"""How a live order ends, and what of a pair goes with it."""

from rtlab.compiling import outlined_part, part
from rtlab.engine import ids
from rtlab.engine.codes import FILLED, LINKED, NO_REASON, REFILLED
from rtlab.engine.layout import BOOK, SETTLE, Command, Memory, State
from rtlab.engine.memory import memory_of
from rtlab.engine.output import emit_done, emit_level, tell
from rtlab.engine.queues import (
    close_empty,
    detach,
    open_qty,
    place_of,
    put,
    retire,
    seen,
    side_of,
)


@part
def price_of(memory: Memory, slot: int) -> int:
    """Give the limit of an order that is in a queue; 0 of one without."""
    order = memory.orders[slot]
    level = memory.levels[order.level]
    return level.price if place_of(level.ladder) & 1 == 0 else memory.extras[order.extra].price


@outlined_part
def end(state: State, command: Command, slot: int, reason: int) -> int:
    """End an order that is in a queue, and give the slot of its level, which is closed if it is empty.

    Its partner is the caller's, and so is to tell the level.
    """
    memory = memory_of(state)
    order = memory.orders[slot]
    side = side_of(memory.levels[order.level].ladder)
    price = price_of(memory, slot)
    emit_done(memory, command, order.instrument, reason, side, order.id, price, open_qty(memory, slot))
    at = detach(memory, slot)
    close_empty(memory, at)
    return at


@outlined_part
def end_alone(state: State, command: Command, slot: int, reason: int) -> None:
    """End an order that no taker is meeting: its level is told, then its partner goes."""
    memory = memory_of(state)
    order = memory.orders[slot]
    extra = order.extra
    shows = seen(memory, slot)
    at = end(memory.state, command, slot, reason)
    if shows and place_of(memory.levels[at].ladder) == BOOK:
        emit_level(memory, command, memory.levels[at])  # as it was left, though it may be closed
    if extra != 0:
        cancel_partner(state, command, order.instrument, extra, order.id)
    retire(memory, slot)


@part
def end_plain(memory: Memory, command: Command, slot: int, reason: int) -> None:
    """Do so for a plain order: the usual case, made short."""
    order = memory.orders[slot]
    level = memory.levels[order.level]
    instrument, side = order.instrument, level.ladder & 1
    emit_done(memory, command, instrument, reason, side, order.id, level.price, order.qty)
    at = detach(memory, slot)
    emit_level(memory, command, level)
    close_empty(memory, at)
    retire(memory, slot)


@part
def is_pair(memory: Memory, slot: int) -> bool:
    """Tell whether a live order and another one name each other."""
    order = memory.orders[slot]
    link = memory.extras[order.extra].link
    if link == 0:
        return False
    partner = memory.orders[ids.find(memory, order.instrument, link)]
    back = memory.extras[partner.extra].link
    return back != 0 and back == order.id


@part
def leave_taking(memory: Memory, instrument: int, link: int, order_id: int) -> bool:
    """Let the taker go no further if it is the other order of a pair; tell whether it is."""
    state, taker = memory.state, memory.taker
    mine = memory.extras[taker.extra]
    if state.stage != SETTLE or taker.id != link or taker.instrument != instrument:
        return False
    if mine.link == 0 or mine.link != order_id:
        return False
    mine.link = 0
    state.links -= 1
    if taker.ended == NO_REASON:
        taker.ended = LINKED
    return True


@outlined_part
def cancel_partner(state: State, command: Command, instrument: int, at: int, order_id: int) -> None:
    """End the other order of a pair, which is in a queue or takes; `at` is the extra of the one that goes first."""
    memory = memory_of(state)
    extra = memory.extras[at]
    if extra.link == 0:
        return
    link = extra.link
    extra.link = 0
    state.links -= 1
    if leave_taking(memory, instrument, link, order_id):
        return
    slot = ids.find(memory, instrument, link)
    if slot == 0:
        return
    partner = memory.orders[slot]
    back = memory.extras[partner.extra].link  # 0 of an order without one: nobody can name order 0
    if partner.level == 0 or back == 0 or back != order_id:
        return
    memory.extras[partner.extra].link = 0
    state.links -= 1
    shows = seen(memory, slot)
    reason = FILLED if open_qty(memory, slot) == 0 else LINKED  # the first traded with it
    level = memory.levels[end(memory.state, command, slot, reason)]
    if shows and place_of(level.ladder) == BOOK:
        taker = memory.taker
        here = taker.at == level.price and taker.instrument == instrument and taker.side != level.ladder & 1
        if here:
            taker.told = 1
        else:
            emit_level(memory, command, level)
    retire(memory, slot)


@outlined_part
def refill(state: State, command: Command, slot: int) -> None:
    """Show the next slice of an iceberg, at the back of its queue."""
    memory = memory_of(state)
    order = memory.orders[slot]
    level = memory.levels[order.level]
    at_ladder, price, total = level.ladder, level.price, open_qty(memory, slot)
    detach(memory, slot)
    put(state, at_ladder, slot, price, total)
    side = at_ladder & 1
    tell(memory.state, command, order.instrument, REFILLED, 0, side, order.id, price, order.qty, total)
