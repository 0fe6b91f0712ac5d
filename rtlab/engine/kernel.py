"""Commands in, events out: the one function of the engine that Python calls."""

from rtlab.compiling import exclusive_kernel, part
from rtlab.engine import ids
from rtlab.engine.checks import FEW, malformed, refused_to_rest, refused_to_take
from rtlab.engine.codes import (
    ACCEPTED,
    BID,
    CANCEL,
    CANCELLED,
    DUPLICATE_ID,
    FILLED,
    GTC,
    IOC_REST,
    MARKET,
    NEW,
    NO_REASON,
    REJECTED,
    REPLACED,
    SELF_TRADE,
    UNKNOWN_ORDER,
)
from rtlab.engine.layout import (
    COMMAND_ROW,
    EVENT_ROW,
    LADDER,
    LEVEL,
    NEEDS_EVENTS,
    ORDER,
    READY,
    RUNG,
    WORD,
    Command,
    Ladder,
    Memory,
)
from rtlab.engine.limits import MAX_PRICE
from rtlab.engine.matching import take
from rtlab.engine.memory import Words, rows_at, state_of
from rtlab.engine.output import emit, emit_done, emit_level
from rtlab.engine.queues import admit, attach, close_empty, detach, retire


@part
def execute(memory: Memory, command: Command) -> None:
    """Execute one command, or set `state.need` and change nothing."""
    slot = 0
    reason = malformed(memory, command)
    if reason == NO_REASON:
        slot = ids.find(memory, command.instrument, command.order_id)
        if command.kind == NEW:
            reason = DUPLICATE_ID if slot != 0 else NO_REASON
        else:
            reason = UNKNOWN_ORDER if slot == 0 else NO_REASON
    if reason == NO_REASON:
        ladder = memory.ladders[command.instrument]
        if command.kind == CANCEL:
            cancel(memory, command, ladder, slot)
        elif slot != 0 and keeps_place(memory, command, slot):
            lower(memory, command, slot)
        else:
            reason = enter(memory, command, ladder, slot)
    if reason != NO_REASON:
        memory.state.need = READY
        side, qty = command.side, command.qty
        emit(memory, command, REJECTED, reason, side, command.order_id, 0, command.price, qty, 0)


@part
def cancel(memory: Memory, command: Command, ladder: Ladder, slot: int) -> None:
    """Take an order out of the book."""
    order = memory.orders[slot]
    level = detach(memory, slot)
    emit_done(memory, command, CANCELLED, level.side, order.id, level.price, order.qty)
    emit_level(memory, command, level)
    close_empty(memory, ladder, level)
    retire(memory, slot)


@part
def keeps_place(memory: Memory, command: Command, slot: int) -> bool:
    """Tell whether a replacement only lowers the quantity."""
    order = memory.orders[slot]
    return command.price == memory.levels[order.level].price and command.qty <= order.qty


@part
def lower(memory: Memory, command: Command, slot: int) -> None:
    """Lower an order's quantity where it stands."""
    order = memory.orders[slot]
    level = memory.levels[order.level]
    level.qty -= order.qty - command.qty
    order.qty = command.qty
    emit(memory, command, REPLACED, NO_REASON, level.side, order.id, 0, level.price, order.qty, order.qty)
    emit_level(memory, command, level)


@part
def enter(memory: Memory, command: Command, ladder: Ladder, slot: int) -> int:
    """Let a new order, or the one in `slot` that loses its place, trade and rest; or give the reason why not."""
    state = memory.state
    side = command.side
    owner = command.owner
    if slot != 0:
        side = memory.levels[memory.orders[slot].level].side
        owner = memory.orders[slot].owner
    market = slot == 0 and command.order_type == MARKET
    rests = slot != 0 or (command.tif == GTC and not market)
    price = command.price
    limit = command.price
    if market:
        price = 0
        limit = MAX_PRICE if side == BID else 0
    reason = refused_to_rest(memory, ladder, command, slot, side) if rests else NO_REASON
    if reason == NO_REASON:
        reason = refused_to_take(memory, ladder, command, side, limit, owner)
    if reason != NO_REASON or state.need != READY:
        return reason
    kind = ACCEPTED if slot == 0 else REPLACED
    emit(memory, command, kind, NO_REASON, side, command.order_id, 0, price, command.qty, command.qty)
    if slot != 0:
        leave(memory, command, ladder, slot)
    rest = take(memory, command, ladder, command.order_id, owner, side, limit, command.qty)
    if rests and rest > 0 and state.stopped == 0:
        if slot == 0:
            slot = admit(memory, command.instrument, command.order_id, owner)
        emit_level(memory, command, attach(memory, ladder, slot, side, price, rest))
        return NO_REASON
    end = FILLED if rest == 0 else IOC_REST
    if state.stopped != 0:
        end = SELF_TRADE
    emit_done(memory, command, end, side, command.order_id, price, rest)
    if slot != 0:
        retire(memory, slot)
    return NO_REASON


@part
def leave(memory: Memory, command: Command, ladder: Ladder, slot: int) -> None:
    """Take a replaced order out of its queue; its old level is told only if the order does not come back to it."""
    level = detach(memory, slot)
    if level.price != command.price:
        emit_level(memory, command, level)
    close_empty(memory, ladder, level)


@exclusive_kernel
def run(state_words: Words) -> int:
    """Execute the commands that the state names and give the number of events written.

    A negative number says that memory must grow (`state.need`) before command `state.at`, which has changed
    nothing yet, can be executed. There is one argument because each costs a caller from Python 0.2 us.
    """
    state = state_of(state_words)
    commands = rows_at(state.commands_at, state.commands, COMMAND_ROW)
    memory = Memory(
        state,
        rows_at(state.orders_at, state.orders, ORDER),
        rows_at(state.levels_at, state.levels, LEVEL),
        rows_at(state.ladders_at, state.ladders, LADDER),
        rows_at(state.rungs_at, state.rungs, RUNG),
        rows_at(state.bits_at, state.bits, WORD),
        rows_at(state.ids_at, state.ids, WORD),
        rows_at(state.events_at, state.events, EVENT_ROW),
    )
    state.need = READY
    if state.start == 0:
        state.written = 0
    if state.rehash != 0:
        for slot in range(1, state.used_orders + 1):  # the pool grows only when every slot is live
            ids.insert(memory, slot)
        state.rehash = 0
    for at in range(state.start, state.commands):
        if state.written + FEW > state.events:
            state.need = NEEDS_EVENTS
            state.need_rows = FEW
        else:
            execute(memory, commands[at])
        if state.need != READY:
            state.at = at
            return -1
        state.command += 1
    return state.written
