"""Why a command is refused, and what memory it needs: all of it before anything changes."""

from rtlab.compiling import part
from rtlab.engine.bits import highest_bit, lowest_bit
from rtlab.engine.codes import (
    ASK,
    BAD_PRICE,
    BAD_QUANTITY,
    BID,
    CANCEL,
    FOK,
    FOK_UNFILLED,
    GTC,
    LIMIT,
    MARKET,
    NEW,
    NO_REASON,
    POST_ONLY,
    REPLACE,
    UNKNOWN_INSTRUMENT,
    UNSUPPORTED,
    WOULD_TAKE,
)
from rtlab.engine.layout import NEEDS_EVENTS, NEEDS_LADDER, NEEDS_ORDERS, Command, Ladder, Memory
from rtlab.engine.limits import MAX_PRICE, MAX_QTY, SPAN
from rtlab.engine.matching import crosses, reach
from rtlab.engine.queues import level_at

FEW = 8
"""Events that a command makes besides those of `reach`, rounded up."""


@part
def malformed(memory: Memory, command: Command) -> int:
    """Give the reason to refuse a command whatever the book holds, or NO_REASON."""
    if not 0 <= command.instrument < len(memory.ladders):
        return UNKNOWN_INSTRUMENT
    if not NEW <= command.kind <= REPLACE:
        return UNSUPPORTED
    unused = command.stop_price | command.display_qty | command.expire_ts | command.phase
    if (unused | command.min_qty | command.link_id | command.trail) != 0:
        return UNSUPPORTED
    if command.kind == NEW:
        if not BID <= command.side <= ASK or not LIMIT <= command.order_type <= MARKET:
            return UNSUPPORTED
        if not GTC <= command.tif <= FOK or (command.flags & ~POST_ONLY) != 0:
            return UNSUPPORTED
        if command.flags != 0 and (command.tif != GTC or command.order_type == MARKET):
            return UNSUPPORTED  # it could do nothing at all
    elif command.flags != 0:
        return UNSUPPORTED
    if command.kind == CANCEL:
        return NO_REASON
    if not 0 < command.qty <= MAX_QTY:
        return BAD_QUANTITY
    priced = command.kind == REPLACE or command.order_type == LIMIT
    return BAD_PRICE if priced and not 0 <= command.price <= MAX_PRICE else NO_REASON


@part
def refused_to_rest(memory: Memory, ladder: Ladder, command: Command, slot: int, side: int) -> int:
    """Give the reason why an order may not rest at its price, or NO_REASON; `slot` is the order it replaces."""
    inside = 0 <= command.price - ladder.base < ladder.size
    if (not inside or ladder.size > SPAN) and not _span_allows(memory, ladder, command.price):
        return BAD_PRICE
    if not inside:
        memory.state.need = NEEDS_LADDER
        memory.state.need_instrument = command.instrument
        memory.state.need_price = command.price
        return NO_REASON
    at = level_at(memory, ladder, command.price)
    level = memory.levels[at]
    if at != 0 and level.side == side:
        held = level.qty
        if slot != 0 and memory.orders[slot].level == at:
            held -= memory.orders[slot].qty
        if command.qty > MAX_QTY - held:
            return BAD_QUANTITY
    if slot == 0 and memory.state.free_order == 0 and memory.state.used_orders + 1 >= len(memory.orders):
        memory.state.need = NEEDS_ORDERS
    return NO_REASON


@part
def refused_to_take(
    memory: Memory, ladder: Ladder, command: Command, side: int, limit: int, owner: int
) -> int:
    """Give the reason why an order may not meet what it would meet, or NO_REASON."""
    fill_or_kill = command.kind == NEW and command.tif == FOK
    if not crosses(ladder, side, limit):
        return FOK_UNFILLED if fill_or_kill else NO_REASON
    if command.flags != 0:
        return WOULD_TAKE
    tradable, rows = reach(memory, ladder, side, limit, command.qty, owner)
    if fill_or_kill and tradable < command.qty:
        return FOK_UNFILLED
    state = memory.state
    if state.written + rows + FEW > len(memory.events):
        state.need = NEEDS_EVENTS
        state.need_rows = rows + FEW
    return NO_REASON


@part
def _span_allows(memory: Memory, ladder: Ladder, price: int) -> bool:
    if memory.bits[ladder.bits_at] == 0:
        return True
    low = 0
    high = 0
    while low < ladder.leaves_at:
        low = (low << 6) + 1 + lowest_bit(memory.bits[ladder.bits_at + low])
        high = (high << 6) + 1 + highest_bit(memory.bits[ladder.bits_at + high])
    low += ladder.base - ladder.leaves_at
    high += ladder.base - ladder.leaves_at
    return max(high, price) - min(low, price) < SPAN
