"""What only orders that are not plain have, and how stops wait for the last price."""

from rtlab.compiling import outlined_part, part, pasted_part
from rtlab.engine.checks import is_priced, no_room
from rtlab.engine.codes import (
    ACCEPTED,
    BAD_STOP,
    BASIS_POINTS,
    BID,
    LIMIT,
    NO_REASON,
    REPLACED,
    TRAILING_STOP,
)
from rtlab.engine.expiry import forget_expiry, remember_expiry
from rtlab.engine.layout import AFTER, NEEDS_EXTRAS, READY, STOP, TRAIL, Command, Extra, Memory, State
from rtlab.engine.limits import MAX_PRICE
from rtlab.engine.matching import shows_of
from rtlab.engine.memory import memory_of
from rtlab.engine.output import tell
from rtlab.engine.queues import admit, count_open, ladder_of, open_qty, put, take_out


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


@pasted_part
def plain_extra(memory: Memory, command: Command, slot: int) -> int:
    """Give an order that was plain its Extra."""
    at = make_extra(memory, command)
    extra = memory.extras[at]
    extra.expire = extra.link = extra.stop = extra.trail = 0
    extra.flags = 0
    extra.order_type = LIMIT
    extra.tif = 0
    extra.order = slot
    return at


@part
def distance(extra: Extra, last: int) -> int:
    """Give the ticks at which a trailing stop follows the price `last`."""
    if extra.flags & BASIS_POINTS == 0:
        return extra.trail
    return max(1, last // 10_000 * extra.trail + last % 10_000 * extra.trail // 10_000)


@part
def refused_stop(memory: Memory, extra: Extra, instrument: int, side: int, new: bool) -> int:
    """Set where a new trailing stop begins; give the reason why a stop may not wait there, or NO_REASON."""
    last = memory.markets[instrument].last
    if new and extra.order_type >= TRAILING_STOP and extra.stop == 0:
        if last < 0:
            return BAD_STOP
        away = distance(extra, last)
        extra.stop = last + min(away, MAX_PRICE - last) if side == BID else max(last - away, 0)
    reached = last >= 0 and (extra.stop <= last if side == BID else extra.stop >= last)
    return BAD_STOP if reached else NO_REASON


@outlined_part
def hold_new(state: State, command: Command) -> int:
    """Let a new stop wait for its price, or give the reason why not."""
    memory = memory_of(state)
    draft = memory.extras[0]  # nobody's: to try on
    fill_draft(draft, command)
    instrument, side, qty = command.instrument, command.side, command.qty
    reason = refused_stop(memory, draft, instrument, side, True)
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
def new_expiry(state: State, at: int, expire: int) -> None:
    """Let a replaced order expire at another time; 0 changes nothing."""
    memory = memory_of(state)
    if at != 0 and expire != 0:
        extra = memory.extras[at]
        if extra.heap != 0:
            forget_expiry(memory, at)
        extra.expire = expire
        remember_expiry(memory, at)


@pasted_part
def hold_again(memory: Memory, command: Command, slot: int, place: int, side: int) -> int:
    """Let a stop that waits do so on other terms, at the back of its queue."""
    state = memory.state
    order = memory.orders[slot]
    extra = memory.extras[order.extra]
    draft = memory.extras[0]
    draft.stop = command.stop_price if command.stop_price != 0 else extra.stop
    draft.trail = command.trail if command.trail != 0 else extra.trail
    draft.flags = extra.flags
    draft.order_type = extra.order_type
    reason = refused_stop(memory, draft, order.instrument, side, False)
    if reason != NO_REASON:
        return reason
    key = 0 if place == TRAIL else draft.stop
    instrument, qty = order.instrument, command.qty
    at_ladder = ladder_of(instrument, place, side)
    stays = draft.stop == extra.stop and draft.trail == extra.trail and qty <= order.qty
    if stays and command.display_qty in (0, extra.display) and _same_limit(extra, command.price):
        lower(memory, slot, order.qty - qty)
    else:
        reason = no_room(memory, instrument, place, side, key, qty, order.qty)
        if reason != NO_REASON or state.need != READY:
            return reason
        take_out(state, slot)
        stays = False
    extra.stop = draft.stop
    extra.trail = draft.trail
    if command.display_qty != 0:
        extra.display = command.display_qty
    if is_priced(extra.order_type):
        extra.price = command.price
    new_expiry(memory.state, order.extra, command.expire_ts)
    shown = shows_of(memory, order.extra, qty)
    tell(memory.state, command, instrument, REPLACED, 0, side, order.id, extra.price, qty, shown)
    if not stays:
        put(state, at_ladder, slot, key, qty)
    state.busy = instrument
    state.stage = AFTER
    return NO_REASON


@part
def _same_limit(extra: Extra, price: int) -> bool:
    return not is_priced(extra.order_type) or extra.price == price


@part
def lower(memory: Memory, slot: int, qty: int) -> None:
    """Take quantity that is open off an order where it stands, first what does not show; its level shows as before."""
    order = memory.orders[slot]
    level = memory.levels[order.level]
    left = open_qty(memory, slot) - qty
    order.qty = min(order.qty, left)
    if order.extra != 0:
        memory.extras[order.extra].reserve = left - order.qty
    level.total -= qty
    memory.ladders[level.ladder].total -= qty
    if memory.state.opened != 0 and order.owner != 0:
        count_open(memory, slot, -qty, 0)
