"""Orders that wait for something else than a taker: for the last price, or for their whole quantity."""

from rtlab.compiling import outlined_part, part, pasted_part
from rtlab.engine.accounts import commit
from rtlab.engine.checks import no_room, reference_of
from rtlab.engine.codes import (
    LIMIT,
    MARKET,
    NO_REASON,
    STOP_LIMIT,
    TRAILING_STOP_LIMIT,
    TRIGGERED,
)
from rtlab.engine.ending import cancel_partner
from rtlab.engine.holding import distance
from rtlab.engine.layout import (
    BOOK,
    NONE_ABOVE,
    NONE_BELOW,
    READY,
    SETTLE,
    STOP,
    TRAIL,
    WHOLE,
    Command,
    Extra,
    Market,
    Memory,
    State,
)
from rtlab.engine.limits import MAX_PRICE
from rtlab.engine.matching import reach, shows_of
from rtlab.engine.memory import memory_of
from rtlab.engine.output import emit_done, tell
from rtlab.engine.queues import (
    ladder_of,
    level_at,
    next_price,
    open_qty,
    place_of,
    retire,
    side_of,
    take_out,
)
from rtlab.engine.settling import lead


@part
def settle_prices(market: Market) -> None:
    """Between two commands: the next one moves the price from here."""
    market.anchor = reference_of(market)
    if market.last >= 0:
        market.high = market.low = market.last


@outlined_part
def due(state: State, instrument: int) -> int:
    """Give the slot of the order whose turn it is: a stop, a trailing stop, one that can have all it wants; or 0."""
    memory = memory_of(state)
    market = memory.markets[instrument]
    sells = memory.ladders[8 * instrument + 2 * STOP]
    buys = memory.ladders[8 * instrument + 2 * STOP + 1]
    if sells.best != NONE_BELOW and sells.best >= market.low:
        return memory.levels[level_at(memory, sells, sells.best)].head
    if buys.best <= market.high:
        return memory.levels[level_at(memory, buys, buys.best)].head
    slot = _trailing_due(memory, market, instrument) if market.last >= 0 else 0
    return slot if slot != 0 else _whole_due(memory, instrument)


@pasted_part
def _trailing_due(memory: Memory, market: Market, instrument: int) -> int:
    found = 0
    for direction in range(2):
        ladder = memory.ladders[8 * instrument + 2 * TRAIL + direction]
        slot = memory.levels[level_at(memory, ladder, 0)].head if ladder.total != 0 else 0
        while slot != 0:
            extra = memory.extras[memory.orders[slot].extra]
            qty, before = memory.orders[slot].qty, extra.price
            _follow(extra, market.last, direction)
            if before != extra.price and memory.state.opened != 0:
                owner, side = memory.orders[slot].owner, direction ^ 1
                commit(memory.state, owner, instrument, side, before, -qty, 0)
                commit(memory.state, owner, instrument, side, extra.price, qty, 0)
            reached = extra.stop <= market.last if direction == 1 else extra.stop >= market.last
            if reached and found == 0:
                found = slot
            slot = memory.orders[slot].next
    return found


@pasted_part
def _follow(extra: Extra, last: int, direction: int) -> None:
    """Move a trailing stop, and its limit with it, if `last` has gone its way."""
    away = distance(extra, last)
    # each difference of two prices fits, the sum of a price and a distance might not
    moved = last + min(away, extra.stop - last) if direction == 1 else last - min(away, last - extra.stop)
    if extra.order_type == TRAILING_STOP_LIMIT:
        extra.price = min(max(extra.price + (moved - extra.stop), 0), MAX_PRICE)
    extra.stop = moved


@pasted_part
def _whole_due(memory: Memory, instrument: int) -> int:
    for side in range(2):
        at = ladder_of(instrument, WHOLE, side)
        ladder = memory.ladders[at]
        price = ladder.best
        while price != NONE_BELOW and price != NONE_ABOVE:
            slot = memory.levels[level_at(memory, ladder, price)].head
            while slot != 0:
                order = memory.orders[slot]
                link = memory.extras[order.extra].link
                sure, _ = reach(memory.state, instrument, side, price, order.qty, order.owner, order.id, link)
                if sure >= order.qty:
                    return slot
                slot = order.next
            price = next_price(memory, at, price)
    return 0


@outlined_part
def follow_last(state: State, instrument: int) -> None:
    """Let trailing stops follow the last price where none is triggered."""
    memory = memory_of(state)
    market = memory.markets[instrument]
    if market.last >= 0:
        _trailing_due(memory, market, instrument)


@outlined_part
def activate(state: State, command: Command, slot: int) -> None:
    """Let an order whose turn has come take; or ask for the memory that it needs when it rests."""
    memory = memory_of(state)
    order = memory.orders[slot]
    level = memory.levels[order.level]
    instrument, place, side = order.instrument, place_of(level.ladder), side_of(level.ladder)
    extra = memory.extras[order.extra]
    price, qty = level.price, open_qty(memory, slot)
    if place == WHOLE:
        take_out(state, slot)
        lead(memory, instrument, slot, order.extra, order.id, order.owner, side, price, qty, True, True)
        memory.taker.place = WHOLE
        state.stage = SETTLE
        return
    limited = extra.order_type == STOP_LIMIT or extra.order_type == TRAILING_STOP_LIMIT
    price = extra.price
    reason = no_room(memory, instrument, BOOK, side, price, qty, 0) if limited else NO_REASON
    if reason == NO_REASON and state.need != READY:
        return
    take_out(state, slot)
    shown = shows_of(memory, order.extra, qty)
    tell(memory.state, command, instrument, TRIGGERED, 0, side, order.id, extra.stop, qty, shown)
    extra.order_type = LIMIT if limited else MARKET
    cancel_partner(state, command, instrument, order.extra, order.id)
    if reason != NO_REASON:
        emit_done(memory, command, instrument, reason, side, order.id, price, qty)
        retire(memory, slot)
        return
    lead(memory, instrument, slot, order.extra, order.id, order.owner, side, price, qty, limited, limited)
    state.stage = SETTLE
