"""Why a command is refused, and what memory it needs: all of it before anything changes."""

from rtlab.compiling import outlined_part, part, pasted_part
from rtlab.engine.bits import highest_bit, lowest_bit
from rtlab.engine.codes import (
    ALL_OR_NONE,
    ALL_OWNERS,
    ASK,
    BAD_DISPLAY,
    BAD_EXPIRY,
    BAD_FLAGS,
    BAD_KIND,
    BAD_LINK,
    BAD_MIN_QTY,
    BAD_ORDER_TYPE,
    BAD_OWNER,
    BAD_PHASE,
    BAD_PRICE,
    BAD_QUANTITY,
    BAD_SIDE,
    BAD_STOP,
    BAD_TIF,
    BAD_TRAIL,
    BASIS_POINTS,
    BID,
    BOTH_SIDES,
    BUDGET,
    CANCEL,
    CHECK_FUNDS,
    CLOSED,
    CONTINUOUS,
    DAY,
    DEPOSIT,
    FOK,
    GTC,
    GTD,
    HALTED,
    HIDDEN,
    LIMIT,
    LIMITS,
    MARKET,
    MASS_CANCEL,
    NEW,
    NO_REASON,
    NOTIONAL,
    ORDER_QTY,
    PASS_TIME,
    POST_ONLY,
    PRICE_BAND,
    REPLACE,
    REVIVE,
    SLIDE,
    STOP_LIMIT,
    STOP_MARKET,
    SWEEPING,
    TO_PHASE,
    TRAILING_STOP,
    TRAILING_STOP_LIMIT,
    UNKNOWN_INSTRUMENT,
    UNSEEN,
    UNSUPPORTED,
    WRONG_PHASE,
)
from rtlab.engine.layout import (
    NEEDS_IDS,
    NEEDS_LADDER,
    NEEDS_LEVELS,
    NEEDS_ORDERS,
    WHOLE,
    Command,
    Market,
    Memory,
    State,
)
from rtlab.engine.limits import MAX_PRICE, MAX_QTY, SLICES, SPAN
from rtlab.engine.memory import memory_of
from rtlab.engine.queues import ladder_of


@part
def is_priced(order_type: int) -> bool:
    """Tell whether orders of this type have a limit."""
    return order_type in (LIMIT, STOP_LIMIT, TRAILING_STOP_LIMIT)


@part
def is_resting(tif: int) -> bool:
    """Tell whether orders of this time in force stay when they cannot trade."""
    return tif in (GTC, GTD, DAY)


@pasted_part
def malformed(memory: Memory, command: Command) -> int:
    """Give the reason to refuse a command whatever the book holds, or NO_REASON."""
    if not 0 <= command.instrument < memory.state.markets:
        return UNKNOWN_INSTRUMENT
    extras = command.stop_price | command.display_qty | command.expire_ts | command.phase
    extras |= command.min_qty | command.link_id | command.trail
    if command.kind == CANCEL and extras == 0:
        return BAD_FLAGS if command.flags != 0 else NO_REASON
    if command.kind == NEW and (extras | command.flags) == 0 and command.order_type == LIMIT:
        if not BID <= command.side <= ASK:
            return BAD_SIDE
        if GTC <= command.tif <= FOK:
            return wrong_numbers(command, True)
    return malformed_at_length(memory.state, command)


@part
def wrong_numbers(command: Command, priced: bool) -> int:
    """Give the reason to refuse the quantity or the price of an order, or NO_REASON."""
    if not 0 < command.qty <= MAX_QTY:
        return BAD_QUANTITY
    return BAD_PRICE if priced and not 0 <= command.price <= MAX_PRICE else NO_REASON


@outlined_part
def malformed_at_length(state: State, command: Command) -> int:
    """Do so for commands that are more than a plain limit order or a cancel."""
    kind = command.kind
    if not NEW <= kind <= PASS_TIME:
        return BAD_KIND
    if kind == NEW:
        reason = _wrong_codes(command)
        if reason == NO_REASON:
            priced = is_priced(command.order_type) or command.flags & BUDGET != 0
            reason = wrong_numbers(command, priced)
        return reason if reason != NO_REASON else _wrong_new(command, state.clock)
    if kind == REPLACE:
        return _wrong_replacement(command, state.clock)
    unused = command.stop_price | command.display_qty | command.expire_ts
    unused |= command.min_qty | command.link_id | command.trail
    if unused != 0 or (command.phase != 0 and kind != TO_PHASE):
        return UNSUPPORTED
    allowed = 0
    if kind == MASS_CANCEL:
        allowed = SWEEPING
    elif kind == LIMITS:
        allowed = CHECK_FUNDS
    if command.flags & ~allowed != 0:
        return BAD_FLAGS
    if kind == MASS_CANCEL:
        if not BID <= command.side <= ASK and command.flags & BOTH_SIDES == 0:
            return BAD_SIDE
        return BAD_OWNER if command.owner == 0 and command.flags & ALL_OWNERS == 0 else NO_REASON
    if kind == TO_PHASE and not CONTINUOUS <= command.phase <= CLOSED:
        return BAD_PHASE
    return BAD_OWNER if DEPOSIT <= kind <= REVIVE and command.owner == 0 else NO_REASON


@pasted_part
def _wrong_codes(command: Command) -> int:
    order_type, tif, flags = command.order_type, command.tif, command.flags
    if not BID <= command.side <= ASK:
        return BAD_SIDE
    if not LIMIT <= order_type <= TRAILING_STOP_LIMIT:
        return BAD_ORDER_TYPE
    if not GTC <= tif <= DAY or (order_type >= STOP_MARKET and not is_resting(tif)):
        return BAD_TIF
    if order_type == MARKET and tif >= GTD:
        return BAD_TIF
    allowed = 0
    if order_type == LIMIT and is_resting(tif):
        allowed = POST_ONLY | SLIDE | HIDDEN | ALL_OR_NONE
    elif order_type == MARKET and tif == FOK:
        allowed = BUDGET
    elif order_type in (STOP_LIMIT, TRAILING_STOP_LIMIT):
        allowed = HIDDEN
    if order_type >= TRAILING_STOP:
        allowed |= BASIS_POINTS
    if flags & ~allowed != 0 or flags & (POST_ONLY | SLIDE) == SLIDE:
        return BAD_FLAGS
    if flags & ALL_OR_NONE != 0 and flags != ALL_OR_NONE:
        return BAD_FLAGS
    return UNSUPPORTED if command.phase != 0 else NO_REASON


@pasted_part
def too_many_slices(qty: int, display: int) -> bool:
    """Whether `qty` in slices of `display` (0: it is no iceberg) has no end in sight."""
    return display != 0 and (qty - 1) // display >= SLICES


@pasted_part
def _wrong_new(command: Command, clock: int) -> int:
    order_type, tif, flags = command.order_type, command.tif, command.flags
    slices = is_priced(order_type) and is_resting(tif) and flags & UNSEEN == 0
    if not 0 <= command.display_qty <= (command.qty if slices else 0):
        return BAD_DISPLAY
    if too_many_slices(command.qty, command.display_qty):
        return BAD_DISPLAY
    at_once = order_type <= MARKET and tif != FOK and flags & (POST_ONLY | ALL_OR_NONE) == 0
    if not 0 <= command.min_qty <= (command.qty if at_once else 0):
        return BAD_MIN_QTY
    fixed = STOP_MARKET <= order_type <= STOP_LIMIT
    trailing = order_type >= TRAILING_STOP
    if not (1 if fixed else 0) <= command.stop_price <= (MAX_PRICE if fixed or trailing else 0):
        return BAD_STOP
    most = 10_000 if flags & BASIS_POINTS != 0 else MAX_PRICE
    if not (1 if trailing else 0) <= command.trail <= (most if trailing else 0):
        return BAD_TRAIL
    if command.expire_ts <= clock if tif == GTD else command.expire_ts != 0:
        return BAD_EXPIRY
    return BAD_LINK if command.link_id == command.order_id and command.link_id != 0 else NO_REASON


@pasted_part
def _wrong_replacement(command: Command, clock: int) -> int:
    if command.flags != 0:
        return BAD_FLAGS
    if (command.min_qty | command.link_id | command.phase) != 0:
        return UNSUPPORTED
    reason = wrong_numbers(command, True)
    if reason != NO_REASON:
        return reason
    if not 0 <= command.display_qty <= command.qty:
        return BAD_DISPLAY
    if too_many_slices(command.qty, command.display_qty):
        return BAD_DISPLAY
    if not 0 <= command.stop_price <= MAX_PRICE:
        return BAD_STOP
    if not 0 <= command.trail <= MAX_PRICE:
        return BAD_TRAIL
    return BAD_EXPIRY if command.expire_ts != 0 and command.expire_ts <= clock else NO_REASON


@pasted_part
def misfit(memory: Memory, command: Command, at: int) -> int:
    """Give the reason why a replacement does not fit its order, whose extra is `at`, or NO_REASON."""
    order_type, flags, tif, display = LIMIT, 0, GTC, 0
    if at != 0:
        extra = memory.extras[at]
        order_type, flags, tif, display = extra.order_type, extra.flags, extra.tif, extra.display
    if command.display_qty != 0 and (flags & UNSEEN != 0 or not is_priced(order_type)):
        return BAD_DISPLAY
    if command.display_qty == 0 and too_many_slices(command.qty, display):
        return BAD_DISPLAY
    if command.stop_price != 0 and order_type < STOP_MARKET:
        return BAD_STOP
    most = 0
    if order_type >= TRAILING_STOP:
        most = 10_000 if flags & BASIS_POINTS != 0 else MAX_PRICE
    if command.trail > most:
        return BAD_TRAIL
    return BAD_EXPIRY if command.expire_ts != 0 and tif != GTD else NO_REASON


@part
def reference_of(market: Market) -> int:
    """Give the last price, or the rules' before the first; -1: neither."""
    if market.last >= 0:
        return market.last
    return market.reference_price if market.reference_price > 0 else -1


@part
def refused_by_market(memory: Memory, command: Command, priced: bool, new: bool) -> int:
    """Give the reason why the market's state or rules refuse a new order or a replacement, or NO_REASON."""
    market = memory.markets[command.instrument]
    if (market.phase | market.price_band | market.max_qty | market.max_notional) == 0:
        return NO_REASON
    return _refused_by_rules(memory.state, command, priced, new)


@outlined_part
def _refused_by_rules(state: State, command: Command, priced: bool, new: bool) -> int:
    market = memory_of(state).markets[command.instrument]
    if market.phase != CONTINUOUS:
        if market.phase == HALTED or market.phase == CLOSED:
            return WRONG_PHASE
        at_once = not is_resting(command.tif) or command.order_type == MARKET or command.min_qty != 0
        if new and (at_once or command.flags & (POST_ONLY | ALL_OR_NONE) != 0):
            return WRONG_PHASE
    reason = refused_price(market, command.price if priced else max(reference_of(market), 0), command.qty)
    if reason != PRICE_BAND and market.max_qty != 0 and command.qty > market.max_qty:
        return ORDER_QTY
    return reason


@part
def refused_price(market: Market, price: int, qty: int) -> int:
    """Give the reason why the rules refuse this price, or so much at it, or NO_REASON."""
    reference = reference_of(market)
    if market.price_band != 0 and reference >= 0 and abs(price - reference) > market.price_band:
        return PRICE_BAND
    dear = market.max_notional != 0 and price > 0 and qty > market.max_notional // price
    return NOTIONAL if dear else NO_REASON


@part
def no_room(
    memory: Memory, instrument: int, place: int, side: int, price: int, qty: int, standing: int
) -> int:
    """Give the reason why an order may not wait at its price, or NO_REASON; or ask for the memory it needs.

    `standing` is the open quantity of the order that it replaces.
    """
    state = memory.state
    at = ladder_of(instrument, place, side)
    ladder = memory.ladders[at]
    inside = 0 <= price - ladder.base < ladder.size
    if (not inside or ladder.size > SPAN) and not _span_allows(state, at, price):
        return BAD_PRICE if place == 0 or place == WHOLE else BAD_STOP
    if qty > MAX_QTY - (ladder.total - standing):
        return BAD_QUANTITY
    if not inside:
        state.need = NEEDS_LADDER
        state.need_instrument = at
        state.need_price = price
    elif state.free_order == 0 and state.used_orders + 1 >= state.orders:
        state.need = NEEDS_ORDERS
    elif 2 * (state.live + 1) > state.ids:
        state.need = NEEDS_IDS
    elif state.free_level == 0 and state.used_levels + 1 >= state.levels:
        state.need = NEEDS_LEVELS
    return NO_REASON


@outlined_part
def _span_allows(state: State, at: int, price: int) -> bool:
    memory = memory_of(state)
    ladder = memory.ladders[at]
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
