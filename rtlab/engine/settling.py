"""What becomes of an order that has been told: it trades, then it rests or ends."""

from rtlab.compiling import part, pasted_part
from rtlab.engine.codes import (
    AUCTION,
    BID,
    CONTINUOUS,
    FILLED,
    IOC_REST,
    NO_REASON,
    PHASE_EVENT,
    VOLATILITY,
)
from rtlab.engine.ending import cancel_partner
from rtlab.engine.expiry import remember_expiry
from rtlab.engine.layout import AFTER, BOOK, NOWHERE, READY, WHOLE, Command, Memory
from rtlab.engine.limits import MAX_PRICE, NEVER
from rtlab.engine.matching import no_room_for_events, reach, shows_of, take, take_whole
from rtlab.engine.output import emit_done, emit_level, tell, tell_price
from rtlab.engine.queues import admit, attach, free_extra, ladder_of, retire


@part
def lead(
    memory: Memory,
    instrument: int,
    slot: int,
    extra: int,
    order_id: int,
    owner: int,
    side: int,
    price: int,
    qty: int,
    rests: bool,
    priced: bool,
) -> None:
    """Make an order the one that trades now."""
    taker = memory.taker
    taker.id = order_id
    taker.owner = owner
    taker.instrument = instrument
    taker.slot = slot
    taker.extra = extra
    taker.side = side
    taker.price = price
    taker.qty = qty
    taker.rests = 1 if rests else 0
    taker.limit = price
    if not priced:
        taker.limit = MAX_PRICE if side == BID else 0
    taker.place = BOOK
    taker.at = NOWHERE
    taker.left = NOWHERE
    taker.told = 0
    taker.ended = NO_REASON
    taker.flags = 0


@pasted_part
def settle(memory: Memory, command: Command) -> None:
    """Let the taker trade, and then rest or end; where events are full, go on when called again."""
    state, taker = memory.state, memory.taker
    market = memory.markets[taker.instrument]
    if market.phase == CONTINUOUS:
        sure = taker.qty
        if taker.place != BOOK:
            link = memory.extras[taker.extra].link
            instrument, side, owner = taker.instrument, taker.side, taker.owner
            sure, _ = reach(state, instrument, side, taker.limit, taker.qty, owner, taker.id, link)
        if sure >= taker.qty:
            take(memory, command)
        if market.waiting != 0 and taker.place == BOOK and state.need == READY and taker.qty > 0:
            take_whole(state, command)
    if state.need != READY or no_room_for_events(memory):
        return
    goes_on = taker.ended == NO_REASON or taker.ended == VOLATILITY
    if taker.qty > 0 and taker.rests != 0 and goes_on:
        rest(memory, command)
    else:
        leave(memory, command)
    if taker.ended == VOLATILITY:
        market.phase = AUCTION
        market.told_price = market.told_qty = market.told_surplus = 0
        if market.volatility_ns != 0:
            market.until = state.clock + min(market.volatility_ns, NEVER - state.clock)
            state.timer = min(state.timer, market.until)
        instrument = taker.instrument
        tell(memory.state, command, instrument, PHASE_EVENT, VOLATILITY, 0, 0, 0, 0, AUCTION)
    state.busy = taker.instrument
    state.stage = AFTER


@pasted_part
def rest(memory: Memory, command: Command) -> None:
    """Put what is left of the taker at the back of its queue."""
    taker = memory.taker
    if taker.slot == 0:
        taker.slot = admit(memory, taker.instrument, taker.id, taker.owner, taker.extra)
    at = ladder_of(taker.instrument, taker.place, taker.side)
    level = memory.levels[attach(memory, at, taker.slot, taker.price, taker.qty)]
    if taker.extra != 0:
        extra = memory.extras[taker.extra]
        if extra.expire != 0 and extra.heap == 0:
            remember_expiry(memory, taker.extra)
    if taker.place != WHOLE and shows_of(memory, taker.extra, taker.qty) != 0:
        emit_level(memory, command, level)


@pasted_part
def leave(memory: Memory, command: Command) -> None:
    """End the taker."""
    state, taker = memory.state, memory.taker
    if taker.left != NOWHERE:
        at = ladder_of(taker.instrument, BOOK, taker.side)
        tell_price(memory.state, command, at, taker.left)
    reason = taker.ended
    if taker.qty == 0:
        reason = FILLED
    elif reason == NO_REASON:
        reason = IOC_REST
    emit_done(memory, command, taker.instrument, reason, taker.side, taker.id, taker.price, taker.qty)
    if taker.extra != 0:
        cancel_partner(state, command, taker.instrument, taker.extra, taker.id)
    if taker.slot != 0:
        retire(memory, taker.slot)
    elif taker.extra != 0:
        free_extra(state, taker.extra)
