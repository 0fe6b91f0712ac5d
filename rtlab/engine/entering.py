"""New orders and replacements: everything that may refuse them or need memory comes before anything changes."""

from rtlab.compiling import outlined_part, pasted_part
from rtlab.engine.accounts import refused_by_account
from rtlab.engine.checks import (
    is_priced,
    is_resting,
    misfit,
    no_room,
    refused_by_market,
    refused_price,
)
from rtlab.engine.codes import (
    ACCEPTED,
    ALL_OR_NONE,
    BID,
    BUDGET,
    CONTINUOUS,
    FOK,
    FOK_UNFILLED,
    GTD,
    LIMIT,
    MARKET,
    MIN_QTY,
    NO_REASON,
    OVER_BUDGET,
    POST_ONLY,
    REPLACED,
    SLIDE,
    STOP_MARKET,
    UNSEEN,
    WOULD_TAKE,
)
from rtlab.engine.ending import price_of
from rtlab.engine.holding import hold_again, hold_new, lower, make_extra, new_expiry, no_extra, plain_extra
from rtlab.engine.layout import (
    AFTER,
    BOOK,
    READY,
    SETTLE,
    WHOLE,
    Command,
    Memory,
    State,
)
from rtlab.engine.limits import MAX_PRICE
from rtlab.engine.matching import accepts, reach, shows_of
from rtlab.engine.memory import memory_of
from rtlab.engine.output import emit, tell, tell_price
from rtlab.engine.queues import (
    ladder_of,
    open_qty,
    place_of,
    seen,
    side_of,
    take_out,
)
from rtlab.engine.settling import lead


@pasted_part
def enter(memory: Memory, command: Command) -> int:
    """Accept a new order, or give the reason why not."""
    state = memory.state
    market = memory.markets[command.instrument]
    priced = is_priced(command.order_type)
    reason = refused_by_market(memory, command, priced, True)
    if reason == NO_REASON and state.opened != 0:
        waits = command.order_type >= STOP_MARKET or (priced and is_resting(command.tif))
        reason = refused_by_account(
            state,
            command,
            command.owner,
            command.side,
            command.order_type,
            command.price,
            0,
            1 if waits else 0,
        )
    if reason != NO_REASON:
        return reason
    if not is_plain(command) and no_extra(memory):
        return NO_REASON
    if command.order_type >= STOP_MARKET:
        return hold_new(state, command)
    side, price = command.side, command.price if priced else 0
    rests = priced and is_resting(command.tif)
    place = WHOLE if command.flags & ALL_OR_NONE != 0 else BOOK
    limit = price
    if not priced:
        limit = MAX_PRICE if side == BID else 0
    other = memory.ladders[ladder_of(command.instrument, BOOK, 1 - side)].best
    crosses = market.phase == CONTINUOUS and accepts(side, limit, other)
    if crosses and command.flags & POST_ONLY != 0:
        price = other - 1 if side == BID else other + 1
        if command.flags & SLIDE == 0 or not 0 <= price <= MAX_PRICE:
            return WOULD_TAKE
        reason = refused_price(market, price, command.qty)
        if reason != NO_REASON:
            return reason
    if rests:
        reason = no_room(memory, command.instrument, place, side, price, command.qty, 0)
        if reason != NO_REASON or state.need != READY:
            return reason
    if command.tif == FOK or command.min_qty != 0:
        reason = refused_to_take(state, command, limit, crosses)
        if reason != NO_REASON:
            return reason
    at = 0
    if not is_plain(command):
        at = make_extra(memory, command)
    shown = shows_of(memory, at, command.qty)
    instrument, order_id, owner, qty = command.instrument, command.order_id, command.owner, command.qty
    emit(memory, command, instrument, ACCEPTED, 0, side, order_id, 0, price, qty, shown)
    if at != 0:
        memory.extras[at].entered = state.seq
    lead(memory, instrument, 0, at, order_id, owner, side, price, qty, rests, priced)
    memory.taker.place = place
    memory.taker.flags = command.flags
    state.stage = SETTLE
    return NO_REASON


@pasted_part
def is_plain(command: Command) -> bool:
    """Tell whether a new order needs nothing of an Extra."""
    unusual = command.display_qty | command.link_id | (command.flags & UNSEEN)
    return unusual == 0 and command.tif < GTD and command.order_type <= MARKET


@outlined_part
def refused_to_take(state: State, command: Command, limit: int, crosses: bool) -> int:
    """Give the reason why what an order would get at once is not enough, or NO_REASON."""
    fill_or_kill = command.tif == FOK
    wanted = command.qty if fill_or_kill else command.min_qty
    sure = 0
    cost = 0
    if crosses:
        sure, cost = reach(
            state,
            command.instrument,
            command.side,
            limit,
            command.qty,
            command.owner,
            command.order_id,
            command.link_id,
        )
    if sure < wanted:
        return FOK_UNFILLED if fill_or_kill else MIN_QTY
    if command.flags & BUDGET != 0:
        over = cost > command.price if command.side == BID else cost < command.price
        return OVER_BUDGET if over else NO_REASON
    return NO_REASON


@outlined_part
def replace(state: State, command: Command, slot: int) -> int:
    """Give a live order other terms, or give the reason why not."""
    memory = memory_of(state)
    order = memory.orders[slot]
    level = memory.levels[order.level]
    place, side = place_of(level.ladder), side_of(level.ladder)
    reason = misfit(memory, command, order.extra)
    if reason == NO_REASON:
        priced = order.extra == 0 or is_priced(memory.extras[order.extra].order_type)
        reason = refused_by_market(memory, command, priced, False)
    if reason == NO_REASON and state.opened != 0:
        order_type = LIMIT if order.extra == 0 else memory.extras[order.extra].order_type
        standing, at_price = open_qty(memory, slot), price_of(memory, slot)
        reason = refused_by_account(
            state, command, order.owner, side, order_type, command.price, standing, at_price
        )
    if reason != NO_REASON:
        return reason
    if place & 1 != 0:
        return hold_again(memory, command, slot, place, side)
    display = 0 if order.extra == 0 else memory.extras[order.extra].display
    same = command.price == level.price and (command.display_qty == 0 or command.display_qty == display)
    if same and command.qty <= open_qty(memory, slot):
        _keep_place(memory, command, slot, side)
        return NO_REASON
    return _enter_again(memory, command, slot, place, side)


@pasted_part
def _keep_place(memory: Memory, command: Command, slot: int, side: int) -> None:
    """Lower an order's quantity where it stands: first what does not show."""
    order = memory.orders[slot]
    level = memory.levels[order.level]
    shows = seen(memory, slot)
    before = order.qty
    lower(memory, slot, open_qty(memory, slot) - command.qty)
    shown = 0
    if shows:
        level.qty -= before - order.qty
        shown = order.qty
    new_expiry(memory.state, order.extra, command.expire_ts)
    instrument = order.instrument
    tell(memory.state, command, instrument, REPLACED, 0, side, order.id, level.price, command.qty, shown)
    if shows:
        tell_price(memory.state, command, level.ladder, level.price)
    memory.state.busy = instrument
    memory.state.stage = AFTER


@pasted_part
def _enter_again(memory: Memory, command: Command, slot: int, place: int, side: int) -> int:
    """Let an order that loses its place trade and rest once more."""
    state = memory.state
    order = memory.orders[slot]
    instrument, price, qty = order.instrument, command.price, command.qty
    if order.extra == 0 and command.display_qty != 0 and no_extra(memory):
        return NO_REASON
    reason = no_room(memory, instrument, place, side, price, qty, open_qty(memory, slot))
    if reason != NO_REASON or state.need != READY:
        return reason
    if command.display_qty != 0:
        if order.extra == 0:
            order.extra = plain_extra(memory, command, slot)
        memory.extras[order.extra].display = command.display_qty
    new_expiry(memory.state, order.extra, command.expire_ts)
    shown = shows_of(memory, order.extra, qty)
    shows = seen(memory, slot)
    tell(memory.state, command, instrument, REPLACED, 0, side, order.id, price, qty, shown)
    level = memory.levels[take_out(state, slot)]
    left, at_ladder = level.price, level.ladder
    lead(memory, instrument, slot, order.extra, order.id, order.owner, side, price, qty, True, True)
    memory.taker.place = place
    if shows and place == BOOK:
        if left == price:
            memory.taker.left = left
        else:
            tell_price(memory.state, command, at_ladder, left)
    state.stage = SETTLE
    return NO_REASON
