"""Cancel many orders at once: those of an owner, or those that last for the day."""

from rtlab.compiling import outlined_part, pasted_part
from rtlab.engine.codes import ALL_OWNERS, BOTH_SIDES, DAY, EXPIRED, MASS_CANCEL
from rtlab.engine.ending import cancel_partner, end
from rtlab.engine.layout import (
    BOOK,
    LADDERS,
    NEEDS_EVENTS,
    NONE_ABOVE,
    NONE_BELOW,
    Command,
    Memory,
    State,
)
from rtlab.engine.matching import FEW
from rtlab.engine.memory import memory_of
from rtlab.engine.output import tell_price
from rtlab.engine.queues import level_at, next_price, place_of, retire, seen, side_of


@outlined_part
def sweep(state: State, command: Command, instrument: int, reason: int) -> None:
    """Cancel all orders of an instrument that are meant, level by level; where events are full, begin once more."""
    memory = memory_of(state)
    for kind in range(LADDERS):
        at = LADDERS * instrument + kind
        ladder = memory.ladders[at]
        price = ladder.best
        while price != NONE_BELOW and price != NONE_ABOVE:
            level_slot = level_at(memory, ladder, price)
            each = 3 if reason == EXPIRED else 1  # then a partner goes too, and its level is told
            rows = each * memory.levels[level_slot].count + FEW
            if state.written + rows > state.events:
                state.need = NEEDS_EVENTS
                state.need_rows = rows
                return
            told = _sweep_level(memory, command, at, price, reason)
            if told and place_of(at) == BOOK:
                tell_price(memory.state, command, at, price)
            price = next_price(memory, at, price)


@pasted_part
def _sweep_level(memory: Memory, command: Command, at: int, price: int, reason: int) -> bool:
    ladder = memory.ladders[at]
    told = False
    slot = memory.levels[level_at(memory, ladder, price)].head
    while slot != 0:
        order = memory.orders[slot]
        following, extra = order.next, order.extra
        if _is_meant(memory, command, slot, side_of(at), reason):
            told = told or seen(memory, slot)
            end(memory.state, command, slot, reason)
            if reason == EXPIRED:
                links = memory.state.links
                cancel_partner(memory.state, command, order.instrument, extra, order.id)
                if links - memory.state.links > 1:
                    # his partner went too, who may have been the one that follows
                    following = memory.levels[level_at(memory, ladder, price)].head
            retire(memory, slot)
            memory.state.swept += 1
        slot = following
    return told


@pasted_part
def _is_meant(memory: Memory, command: Command, slot: int, side: int, reason: int) -> bool:
    order = memory.orders[slot]
    if reason == EXPIRED:
        return order.extra != 0 and memory.extras[order.extra].tif == DAY
    if command.kind != MASS_CANCEL:
        return order.owner == command.owner
    mine = command.flags & ALL_OWNERS != 0 or order.owner == command.owner
    return mine and (command.flags & BOTH_SIDES != 0 or side == command.side)
