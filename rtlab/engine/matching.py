"""Price-time priority: what an order that takes would meet, and what it does meet."""

from rtlab.compiling import outlined_part, part, pasted_part
from rtlab.engine.accounts import pay
from rtlab.engine.codes import (
    BID,
    CANCEL_BOTH,
    CANCEL_NEWEST,
    CANCEL_OLDEST,
    DECREMENT,
    FILLED,
    NO_REASON,
    POST_ONLY,
    REPLACED,
    SELF_TRADE,
    UNSEEN,
    VOLATILITY,
)
from rtlab.engine.ending import cancel_partner, end, is_pair, price_of, refill
from rtlab.engine.layout import (
    NEEDS_EVENTS,
    NONE_ABOVE,
    NONE_BELOW,
    NOWHERE,
    WHOLE,
    Command,
    Level,
    Market,
    Memory,
    State,
)
from rtlab.engine.limits import MAX_PRICE
from rtlab.engine.memory import memory_of
from rtlab.engine.output import emit_trade, tell, tell_price
from rtlab.engine.queues import count_open, ladder_of, level_at, next_price, open_qty, retire, seen

FEW = 16
"""Most events of one step: a trade, what it ends, refills and tells."""
DEAR = MAX_PRICE + 1
"""A cost that no budget covers: costs are counted no further."""


@part
def no_room_for_events(memory: Memory) -> bool:
    """Ask for room if the next step might not find it."""
    state = memory.state
    if state.written + FEW <= state.events:
        return False
    state.need = NEEDS_EVENTS
    state.need_rows = FEW
    return True


@part
def accepts(side: int, limit: int, price: int) -> bool:
    """Tell whether a taker of this side and limit would trade at the other side's best price, if there is one."""
    if side == BID:
        return price <= limit and price != NONE_ABOVE
    return price >= limit and price != NONE_BELOW


@part
def leaves_corridor(market: Market, price: int) -> bool:
    """Tell whether a trade at a price would move it further than one command may."""
    if market.volatility_ticks == 0 or market.anchor < 0:
        return False
    return abs(price - market.anchor) > market.volatility_ticks


@outlined_part
def reach(
    state: State, instrument: int, side: int, limit: int, qty: int, owner: int, order_id: int, link: int
) -> tuple[int, int]:
    """Give what an order is sure to get at once, no more than `qty`, and what it costs; `link` is whom it names.

    Orders are looked at one by one only where the taker might meet himself, or half of a pair, which is not
    counted: it may be gone before its turn.
    """
    memory = memory_of(state)
    market = memory.markets[instrument]
    one_by_one = (state.prevention != 0 and owner != 0) or state.links != 0
    sure = 0
    cost = 0
    at = ladder_of(instrument, 0, 1 - side)
    ladder = memory.ladders[at]
    price = ladder.best
    while sure < qty and accepts(side, limit, price) and not leaves_corridor(market, price):
        level = memory.levels[level_at(memory, ladder, price)]
        stops = False
        part_of_level = level.total
        if one_by_one:
            part_of_level, stops = _sure_of(memory, level, owner, order_id, link)
        part_of_level = min(part_of_level, qty - sure)
        sure += part_of_level
        cost = DEAR if price > 0 and part_of_level > (DEAR - cost) // price else cost + part_of_level * price
        if stops:
            break
        price = next_price(memory, at, price)
    return sure, cost


@pasted_part
def _sure_of(memory: Memory, level: Level, owner: int, order_id: int, link: int) -> tuple[int, bool]:
    prevention = memory.state.prevention if owner != 0 else 0
    stops = False
    slot = level.head
    while slot != 0 and prevention != 0 and prevention != CANCEL_OLDEST:
        stops = stops or memory.orders[slot].owner == owner
        slot = memory.orders[slot].next
    sure = 0
    slot = level.head
    while slot != 0:
        maker = memory.orders[slot]
        own = prevention != 0 and maker.owner == owner
        if own and stops:
            break
        named = memory.extras[maker.extra].link
        paired = named != 0 and (
            is_pair(memory, slot) or (named == order_id and link == maker.id and link != 0)
        )
        if not own and not paired:
            sure += maker.qty if stops else open_qty(memory, slot)  # a reserve stands behind his own order
        slot = maker.next
    return sure, stops


@pasted_part
def take(memory: Memory, command: Command) -> None:
    """Let the taker trade with the book until quantity or prices are used up, or he may not go on.

    It stops where the events are full and goes on from there when it is called again.
    """
    taker = memory.taker
    market = memory.markets[taker.instrument]
    at = ladder_of(taker.instrument, 0, 1 - taker.side)
    ladder = memory.ladders[at]
    while taker.qty > 0 and taker.ended == NO_REASON:
        if no_room_for_events(memory):
            return
        price = ladder.best
        if price != taker.at:
            leave_level(memory, command)
            if not accepts(taker.side, taker.limit, price):
                break
            if leaves_corridor(market, price):
                taker.ended = VOLATILITY
                break
            taker.at = price
        meet(memory, command, memory.levels[level_at(memory, ladder, price)].head)
    leave_level(memory, command)


@part
def leave_level(memory: Memory, command: Command) -> None:
    """Tell the level that the taker took from, if anybody sees that."""
    taker = memory.taker
    if taker.told != 0:
        at = ladder_of(taker.instrument, 0, 1 - taker.side)
        tell_price(memory.state, command, at, taker.at)
    taker.told = 0
    taker.at = NOWHERE


@pasted_part
def meet(memory: Memory, command: Command, slot: int) -> None:
    """Let the taker trade with an order of the book, or prevent that."""
    state, taker = memory.state, memory.taker
    maker = memory.orders[slot]
    if state.prevention != 0 and taker.owner != 0 and maker.owner == taker.owner:
        prevent(state, command, slot)
        return
    qty = min(taker.qty, maker.qty)
    taker.qty -= qty
    fill(memory, slot, qty)
    rest = maker.qty
    if maker.extra != 0:
        rest += memory.extras[maker.extra].reserve
    if maker.extra == 0 or memory.extras[maker.extra].flags & UNSEEN == 0:
        taker.told = 1
    record_trade(memory.markets[taker.instrument], taker.at)
    if state.opened != 0:
        book_trade(memory, maker.owner, taker.at, qty)
    emit_trade(memory, command, taker.instrument, taker.side, taker.id, maker.id, taker.at, qty, rest)
    if taker.extra != 0:
        cancel_partner(state, command, taker.instrument, taker.extra, taker.id)
    if maker.level != 0:
        settle_fill(memory, command, slot)


@part
def fill(memory: Memory, slot: int, qty: int) -> None:
    """Take traded quantity off an order that is in the book, its level and its ladder."""
    order = memory.orders[slot]
    level = memory.levels[order.level]
    order.qty -= qty
    level.total -= qty
    if seen(memory, slot):
        level.qty -= qty
        if order.qty == 0:
            level.shown -= 1
    memory.ladders[level.ladder].total -= qty
    if memory.state.opened != 0 and order.owner != 0:
        count_open(memory, slot, -qty, 0)


@part
def book_trade(memory: Memory, owner: int, price: int, qty: int) -> None:
    """Let the taker and the owner of what it met pay each other, and their fees."""
    taker = memory.taker
    market = memory.markets[taker.instrument]
    maker_ppm, taker_ppm = market.maker_fee_ppm, market.taker_fee_ppm
    if taker.side == BID:
        pay(memory.state, taker.instrument, taker.owner, owner, taker_ppm, maker_ppm, price, qty)
    else:
        pay(memory.state, taker.instrument, owner, taker.owner, maker_ppm, taker_ppm, price, qty)


@part
def record_trade(market: Market, price: int) -> None:
    """Remember the price of a trade."""
    market.last = price
    market.high = max(market.high, price)
    market.low = min(market.low, price)


@part
def settle_fill(memory: Memory, command: Command, slot: int) -> None:
    """A resting order has traded: it ends, or shows its next slice; its partner goes."""
    order = memory.orders[slot]
    if order.qty > 0 and order.extra == 0:
        return
    if open_qty(memory, slot) == 0:
        finish(memory.state, command, slot, FILLED)
        return
    if order.qty == 0:
        refill(memory.state, command, slot)
    cancel_partner(memory.state, command, order.instrument, order.extra, order.id)


@outlined_part
def finish(state: State, command: Command, slot: int, reason: int) -> None:
    """End an order whose level somebody else will tell; its partner goes."""
    memory = memory_of(state)
    order = memory.orders[slot]
    end(state, command, slot, reason)
    if order.extra != 0:
        cancel_partner(state, command, order.instrument, order.extra, order.id)
    retire(memory, slot)


@outlined_part
def prevent(state: State, command: Command, slot: int) -> None:
    """Do what self-trade prevention demands where the taker meets an order of his own."""
    memory = memory_of(state)
    taker = memory.taker
    if state.prevention != CANCEL_NEWEST and seen(memory, slot):
        taker.told = 1
    if state.prevention == CANCEL_NEWEST or state.prevention == CANCEL_BOTH:
        taker.ended = SELF_TRADE
    if state.prevention == CANCEL_OLDEST or state.prevention == CANCEL_BOTH:
        finish(memory.state, command, slot, SELF_TRADE)
    if state.prevention == DECREMENT:
        _decrement(memory, command, slot)


@pasted_part
def _decrement(memory: Memory, command: Command, slot: int) -> None:
    taker = memory.taker
    maker = memory.orders[slot]
    qty = min(taker.qty, maker.qty)
    if open_qty(memory, slot) == qty:
        finish(memory.state, command, slot, SELF_TRADE)
    else:
        fill(memory, slot, qty)
        shown = maker.qty if seen(memory, slot) else 0
        side, price, rest = 1 - taker.side, price_of(memory, slot), open_qty(memory, slot)
        instrument = maker.instrument
        tell(memory.state, command, instrument, REPLACED, SELF_TRADE, side, maker.id, price, rest, shown)
        if maker.qty == 0:
            refill(memory.state, command, slot)
    if taker.qty == qty:
        taker.ended = SELF_TRADE
    else:
        taker.qty -= qty
        shown = shows_of(memory, taker.extra, taker.qty)
        instrument, price = taker.instrument, taker.price
        tell(
            memory.state,
            command,
            instrument,
            REPLACED,
            SELF_TRADE,
            taker.side,
            taker.id,
            price,
            taker.qty,
            shown,
        )


@part
def shows_of(memory: Memory, at: int, qty: int) -> int:
    """Give what shows of an open quantity; `at` is the order's extra."""
    if at == 0:
        return qty
    extra = memory.extras[at]
    if extra.flags & UNSEEN != 0:
        return 0
    return min(extra.display, qty) if extra.display != 0 else qty


@outlined_part
def take_whole(state: State, command: Command) -> None:
    """Let the taker trade with those who wait for a quantity that he still has."""
    memory = memory_of(state)
    taker = memory.taker
    if taker.flags & POST_ONLY != 0:
        return
    market = memory.markets[taker.instrument]
    at = ladder_of(taker.instrument, WHOLE, 1 - taker.side)
    ladder = memory.ladders[at]
    price = ladder.best
    while taker.qty > 0 and taker.ended == NO_REASON and accepts(taker.side, taker.limit, price):
        slot = 0
        if not leaves_corridor(market, price):
            slot = _first_that_fits(memory, memory.levels[level_at(memory, ladder, price)])
        if slot == 0:
            price = next_price(memory, at, price)
            continue
        if no_room_for_events(memory):
            return
        maker = memory.orders[slot]
        qty = maker.qty
        taker.qty -= qty
        fill(memory, slot, qty)
        record_trade(market, price)
        if state.opened != 0:
            book_trade(memory, maker.owner, price, qty)
        emit_trade(memory, command, taker.instrument, taker.side, taker.id, maker.id, price, qty, 0)
        if taker.extra != 0:
            cancel_partner(state, command, taker.instrument, taker.extra, taker.id)
        if maker.level != 0:
            finish(memory.state, command, slot, FILLED)
        price = ladder.best


@pasted_part
def _first_that_fits(memory: Memory, level: Level) -> int:
    taker = memory.taker
    slot = level.head
    while slot != 0:
        maker = memory.orders[slot]
        own = memory.state.prevention != 0 and taker.owner != 0 and maker.owner == taker.owner
        if maker.qty <= taker.qty and not own:
            return slot
        slot = maker.next
    return 0
