"""Price-time priority: what an order that takes would meet, and what it does meet."""

from rtlab.compiling import part
from rtlab.engine.bits import next_above, next_below
from rtlab.engine.codes import BID, CANCEL_NEWEST, FILLED, SELF_TRADE
from rtlab.engine.layout import NO_BID, Command, Ladder, Level, Memory
from rtlab.engine.output import emit_done, emit_level, emit_trade
from rtlab.engine.queues import close_empty, detach, level_at, retire


@part
def crosses(ladder: Ladder, side: int, limit: int) -> bool:
    """Tell whether an order of this side and limit would meet the best price of the other side."""
    if side == BID:
        return ladder.best_ask <= limit
    return ladder.best_bid >= limit


@part
def reach(memory: Memory, ladder: Ladder, side: int, limit: int, qty: int, owner: int) -> tuple[int, int]:
    """Give what an order could trade at once (no more than `qty` matters), and at most how many events it makes.

    Orders are looked at one by one only where the taker might meet himself.
    """
    one_by_one = memory.state.prevention != 0 and owner != 0
    tradable = 0
    rows = 0
    price = ladder.best_ask if side == BID else ladder.best_bid
    while tradable < qty and (NO_BID < price <= limit if side == BID else price >= limit):
        level = memory.levels[level_at(memory, ladder, price)]
        rows += 2 * level.count + 1
        if one_by_one:
            met, stops = _tradable_with_others(memory, level, owner)
            tradable += met
            if stops:
                break
        else:
            tradable += level.qty
        tick = price - ladder.base
        tick = next_above(memory.bits, ladder, tick) if side == BID else next_below(memory.bits, ladder, tick)
        price = ladder.base + tick if tick >= 0 else NO_BID
    return tradable, rows


@part
def _tradable_with_others(memory: Memory, level: Level, owner: int) -> tuple[int, bool]:
    tradable = 0
    slot = level.head
    while slot != 0:
        maker = memory.orders[slot]
        if maker.owner != owner:
            tradable += maker.qty
        elif memory.state.prevention == CANCEL_NEWEST:
            return tradable, True
        slot = maker.next
    return tradable, False


@part
def take(
    memory: Memory,
    command: Command,
    ladder: Ladder,
    order_id: int,
    owner: int,
    side: int,
    limit: int,
    qty: int,
) -> int:
    """Trade until `qty` or the acceptable prices are used up; give what is left.

    `state.stopped` says that self-trade prevention ended the taker.
    """
    state = memory.state
    state.stopped = 0
    while qty > 0 and state.stopped == 0 and crosses(ladder, side, limit):
        price = ladder.best_ask if side == BID else ladder.best_bid
        level = memory.levels[level_at(memory, ladder, price)]
        before = level.count
        open_before = level.qty
        while qty > 0 and level.count > 0:
            slot = level.head
            maker = memory.orders[slot]
            met_himself = state.prevention != 0 and owner != 0 and maker.owner == owner
            if met_himself and state.prevention == CANCEL_NEWEST:
                state.stopped = 1
                break
            if not met_himself:
                traded = min(maker.qty, qty)
                qty -= traded
                maker.qty -= traded
                level.qty -= traded
                emit_trade(memory, command, side, order_id, maker.id, price, traded, maker.qty)
                if maker.qty > 0:
                    break
            reason = SELF_TRADE if met_himself else FILLED
            emit_done(memory, command, reason, level.side, maker.id, price, maker.qty)
            detach(memory, slot)
            retire(memory, slot)
        if level.count != before or level.qty != open_before:
            emit_level(memory, command, level)
        close_empty(memory, ladder, level)
    return qty
