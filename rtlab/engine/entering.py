"""New orders and replacements: everything that may refuse them or need memory comes before anything changes."""

from rtlab.compiling import outlined_part, part, pasted_part
from rtlab.engine.accounts import refused_by_account
from rtlab.engine.checks import (
    is_priced,
    is_resting,
    misfit,
    no_room,
    refused_by_market,
)
from rtlab.engine.codes import (
    ACCEPTED,
    ALL_OR_NONE,
    BAD_STOP,
    BASIS_POINTS,
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
    TRAILING_STOP,
    UNSEEN,
    WOULD_TAKE,
)
from rtlab.engine.ending import price_of
from rtlab.engine.expiry import forget_expiry, remember_expiry
from rtlab.engine.layout import (
    AFTER,
    BOOK,
    NEEDS_EXTRAS,
    READY,
    SETTLE,
    STOP,
    TRAIL,
    WHOLE,
    Command,
    Extra,
    Memory,
    State,
)
from rtlab.engine.limits import MAX_PRICE
from rtlab.engine.matching import accepts, reach, shows_of
from rtlab.engine.memory import memory_of
from rtlab.engine.output import emit, tell, tell_price
from rtlab.engine.queues import (
    admit,
    count_open,
    ladder_of,
    open_qty,
    place_of,
    put,
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
    emit(
        memory, command, command.instrument, ACCEPTED, 0, side, command.order_id, 0, price, command.qty, shown
    )
    if at != 0:
        memory.extras[at].entered = state.seq
    owner, qty = command.owner, command.qty
    lead(memory, command.instrument, 0, at, command.order_id, owner, side, price, qty, rests, priced)
    memory.taker.place = place
    memory.taker.flags = command.flags
    state.stage = SETTLE
    return NO_REASON


@pasted_part
def is_plain(command: Command) -> bool:
    """Tell whether a new order needs nothing of an Extra."""
    unusual = command.display_qty | command.link_id | (command.flags & UNSEEN)
    return unusual == 0 and command.tif < GTD and command.order_type <= MARKET


@part
def no_extra(memory: Memory) -> bool:
    """Ask for more extras if there is none left."""
    state = memory.state
    if state.free_extra != 0 or state.used_extras + 1 < state.extras:
        return False
    state.need = NEEDS_EXTRAS
    return True


@part
def make_extra(memory: Memory, command: Command) -> int:
    """Give a slot with what only this new order has."""
    state = memory.state
    at = state.free_extra
    if at != 0:
        state.free_extra = memory.extras[at].heap
    else:
        state.used_extras += 1
        at = state.used_extras
    extra = memory.extras[at]
    extra.reserve = 0
    extra.display = command.display_qty
    extra.expire = command.expire_ts
    extra.link = command.link_id
    extra.stop = command.stop_price
    extra.price = command.price if is_priced(command.order_type) else 0
    extra.trail = command.trail
    extra.heap = 0
    extra.order = 0
    extra.flags = command.flags
    extra.order_type = command.order_type
    extra.tif = command.tif
    if command.link_id != 0:
        state.links += 1
    return at


@outlined_part
def refused_to_take(state: State, command: Command, limit: int, crosses: bool) -> int:
    """Give the reason why what an order would get at once is not enough, or NO_REASON."""
    fill_or_kill = command.tif == FOK
    wanted = command.qty if fill_or_kill else command.min_qty
    sure = 0
    cost = 0
    if crosses:
        sure, cost = reach(state, command.instrument, command.side, limit, command.qty, command.owner)
    if sure < wanted:
        return FOK_UNFILLED if fill_or_kill else MIN_QTY
    if command.flags & BUDGET != 0:
        over = cost > command.price if command.side == BID else cost < command.price
        return OVER_BUDGET if over else NO_REASON
    return NO_REASON


@part
def distance(extra: Extra, last: int) -> int:
    """Give the ticks at which a trailing stop follows the price `last`."""
    if extra.flags & BASIS_POINTS == 0:
        return extra.trail
    return max(1, last // 10_000 * extra.trail + last % 10_000 * extra.trail // 10_000)


@part
def refused_stop(memory: Memory, extra: Extra, instrument: int, side: int) -> int:
    """Set where a trailing stop begins; give the reason why a stop may not wait there, or NO_REASON."""
    last = memory.markets[instrument].last
    if extra.order_type >= TRAILING_STOP and extra.stop == 0:
        if last < 0:
            return BAD_STOP
        away = distance(extra, last)
        extra.stop = last + min(away, MAX_PRICE - last) if side == BID else max(last - away, 0)
        return NO_REASON
    reached = last >= 0 and (extra.stop <= last if side == BID else extra.stop >= last)
    return BAD_STOP if reached else NO_REASON


@outlined_part
def hold_new(state: State, command: Command) -> int:
    """Let a new stop wait for its price, or give the reason why not."""
    memory = memory_of(state)
    draft = memory.extras[0]  # nobody's: to try on
    fill_draft(draft, command)
    instrument, side, qty = command.instrument, command.side, command.qty
    reason = refused_stop(memory, draft, instrument, side)
    if reason != NO_REASON:
        return reason
    place = TRAIL if command.order_type >= TRAILING_STOP else STOP
    key = 0 if place == TRAIL else draft.stop
    reason = no_room(memory, instrument, place, side, key, qty, 0)
    if reason != NO_REASON or state.need != READY:
        return reason
    at = make_extra(memory, command)
    extra = memory.extras[at]
    extra.stop = draft.stop
    shown = shows_of(memory, at, qty)
    tell(memory.state, command, instrument, ACCEPTED, 0, side, command.order_id, extra.price, qty, shown)
    extra.entered = state.seq
    slot = admit(memory, instrument, command.order_id, command.owner, at)
    put(state, ladder_of(instrument, place, side), slot, key, qty)
    if extra.expire != 0:
        remember_expiry(memory, at)
    state.busy = instrument
    state.stage = AFTER
    return NO_REASON


@pasted_part
def fill_draft(draft: Extra, command: Command) -> None:
    """Note of a stop what decides where it waits."""
    draft.stop = command.stop_price
    draft.trail = command.trail
    draft.flags = command.flags
    draft.order_type = command.order_type


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
        return _hold_again(memory, command, slot, place, side)
    display = 0 if order.extra == 0 else memory.extras[order.extra].display
    same = command.price == level.price and (command.display_qty == 0 or command.display_qty == display)
    if same and command.qty <= open_qty(memory, slot) and place == BOOK:
        _keep_place(memory, command, slot, side)
        return NO_REASON
    return _enter_again(memory, command, slot, place, side)


@outlined_part
def _new_expiry(state: State, at: int, expire: int) -> None:
    memory = memory_of(state)
    if at != 0 and expire != 0:
        extra = memory.extras[at]
        if extra.heap != 0:
            forget_expiry(memory, at)
        extra.expire = expire
        remember_expiry(memory, at)


@pasted_part
def _keep_place(memory: Memory, command: Command, slot: int, side: int) -> None:
    """Lower an order's quantity where it stands: first what does not show."""
    order = memory.orders[slot]
    level = memory.levels[order.level]
    lost = open_qty(memory, slot) - command.qty
    shows = seen(memory, slot)
    before = order.qty
    order.qty = min(order.qty, command.qty)
    if order.extra != 0:
        memory.extras[order.extra].reserve = command.qty - order.qty
    level.total -= lost
    memory.ladders[level.ladder].total -= lost
    if memory.state.opened != 0 and order.owner != 0:
        count_open(memory, slot, -lost, 0)
    shown = 0
    if shows:
        level.qty -= before - order.qty
        shown = order.qty
    _new_expiry(memory.state, order.extra, command.expire_ts)
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
            order.extra = _plain_extra(memory, command, slot)
        memory.extras[order.extra].display = command.display_qty
    _new_expiry(memory.state, order.extra, command.expire_ts)
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


@pasted_part
def _plain_extra(memory: Memory, command: Command, slot: int) -> int:
    """Give an order that was plain its Extra."""
    at = make_extra(memory, command)
    extra = memory.extras[at]
    extra.expire = extra.link = extra.stop = extra.trail = 0
    extra.flags = 0
    extra.order_type = LIMIT
    extra.tif = 0
    extra.order = slot
    return at


@pasted_part
def _hold_again(memory: Memory, command: Command, slot: int, place: int, side: int) -> int:
    """Let a stop that waits do so on other terms, at the back of its queue."""
    state = memory.state
    order = memory.orders[slot]
    extra = memory.extras[order.extra]
    draft = memory.extras[0]
    draft.stop = command.stop_price if command.stop_price != 0 else extra.stop
    draft.trail = command.trail if command.trail != 0 else extra.trail
    draft.flags = extra.flags
    draft.order_type = extra.order_type
    reason = refused_stop(memory, draft, order.instrument, side)
    if reason != NO_REASON:
        return reason
    key = 0 if place == TRAIL else draft.stop
    instrument, qty = order.instrument, command.qty
    reason = no_room(memory, instrument, place, side, key, qty, open_qty(memory, slot))
    if reason != NO_REASON or state.need != READY:
        return reason
    take_out(state, slot)
    extra.stop = draft.stop
    extra.trail = draft.trail
    if command.display_qty != 0:
        extra.display = command.display_qty
    if is_priced(extra.order_type):
        extra.price = command.price
    _new_expiry(memory.state, order.extra, command.expire_ts)
    shown = shows_of(memory, order.extra, qty)
    tell(memory.state, command, instrument, REPLACED, 0, side, order.id, extra.price, qty, shown)
    put(state, ladder_of(instrument, place, side), slot, key, qty)
    state.busy = instrument
    state.stage = AFTER
    return NO_REASON
