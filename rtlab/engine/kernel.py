"""Commands in, events out: the one function of the engine that Python calls.

A command goes through stages, and each stage is left in `state` for the next:

    BEGIN    its time: is it before an earlier one?
    TIME     what is due by then, one thing at a time: an order that expires, an auction that ends
    MAIN     its own work, or the reason why not; everything that may need memory comes before anything changes
    SETTLE   the taker trades with the book, then rests or ends
    AFTER    stops that the last price has reached, orders that can have their whole quantity: back to SETTLE
    UNCROSS  an auction trades, then ENTER: the new market state is told
    SWEEP    a mass cancel goes through the instruments
    END

Where memory must grow, `run` returns, and goes on in the same stage when it is called again.
"""

from rtlab.compiling import exclusive_kernel, outlined_part, part, pasted_part
from rtlab.engine import ids
from rtlab.engine.accounts import change_account, tell_account
from rtlab.engine.auction import indicate, uncross, uncrossing
from rtlab.engine.boxing import address_of, give, give_none, new_integer
from rtlab.engine.checks import malformed
from rtlab.engine.codes import (
    ALL_INSTRUMENTS,
    AUCTION,
    BAD_TIME,
    CANCEL,
    CANCELLED,
    CLOSED,
    CONTINUOUS,
    DUPLICATE_ID,
    EXPIRED,
    KILL,
    KILLED,
    MASS_CANCEL,
    MASS_CANCELLED,
    MASS_EVENT,
    NEW,
    NO_REASON,
    PASS_TIME,
    PHASE_EVENT,
    REJECTED,
    REPLACE,
    TIME_EVENT,
    TO_PHASE,
    UNKNOWN_ORDER,
    VOLATILITY,
)
from rtlab.engine.conditional import activate, due, follow_last, settle_prices
from rtlab.engine.ending import end_alone, end_plain
from rtlab.engine.entering import enter, replace
from rtlab.engine.layout import (
    AFTER,
    ARRAY,
    BEGIN,
    COMMAND_ROW,
    CUT,
    END,
    ENTER,
    MAIN,
    READY,
    SETTLE,
    SWEEP,
    TIME,
    UNCROSS,
    WORD,
    WORD_BYTES,
    Command,
    Event,
    Memory,
    Rows,
    State,
)
from rtlab.engine.limits import NEVER
from rtlab.engine.matching import no_room_for_events
from rtlab.engine.memory import memory_of, rows_at, state_at
from rtlab.engine.output import tell
from rtlab.engine.settling import settle
from rtlab.engine.sweeping import sweep
from rtlab.engine.values import values_of

AHEAD = 4
"""Commands between asking for the entry of an order in the id map and its use."""


@pasted_part
def execute(memory: Memory, command: Command) -> None:
    """Take a command through its stages, or as far as memory allows."""
    state = memory.state
    if no_room_for_events(memory):
        return
    if state.stage == BEGIN:
        begin(memory, command)
    while state.need == READY and state.stage != END:
        if no_room_for_events(memory):
            return
        if state.stage == MAIN:
            work(memory, command)
        if state.stage == SETTLE and state.need == READY:
            settle(memory, command)
        if state.stage == AFTER and state.need == READY:
            after(memory, command)
        elif state.stage != END and state.need == READY and state.stage != SETTLE:
            step(state, command)


@pasted_part
def begin(memory: Memory, command: Command) -> None:
    """Let the clock move, but never back."""
    state = memory.state
    state.stage = MAIN
    state.back = END
    if command.ts != 0:
        if command.ts < state.clock:
            state.stage = END
            reject(memory, command, BAD_TIME)
            return
        state.clock = command.ts
        if command.ts >= state.timer:
            state.stage = TIME


@part
def reject(memory: Memory, command: Command, reason: int) -> None:
    """Say why a command changes nothing."""
    side, price, qty = command.side, command.price, command.qty
    tell(memory.state, command, command.instrument, REJECTED, reason, side, command.order_id, price, qty, 0)


@pasted_part
def work(memory: Memory, command: Command) -> None:
    """Do what the command itself asks for, or say why not."""
    state = memory.state
    slot = 0
    reason = malformed(memory, command)
    if reason == NO_REASON and command.kind <= REPLACE:
        slot = ids.find(memory, command.instrument, command.order_id)
        if command.kind == NEW:
            reason = DUPLICATE_ID if slot != 0 else enter(memory, command)
        elif slot == 0:
            reason = UNKNOWN_ORDER
        elif command.kind == CANCEL:
            if memory.orders[slot].extra == 0:
                end_plain(memory, command, slot, CANCELLED)
            else:
                end_alone(state, command, slot, CANCELLED)
            state.busy = command.instrument
            state.stage = AFTER
        else:
            reason = replace(state, command, slot)
    elif reason == NO_REASON:
        reason = administer(state, command)
    if reason != NO_REASON:
        state.need = READY
        state.stage = END
        reject(memory, command, reason)


@pasted_part
def after(memory: Memory, command: Command) -> None:
    """See what a change of the book or of the last price sets off, and then go on."""
    state = memory.state
    market = memory.markets[state.busy]
    if market.phase == CONTINUOUS:
        if market.waiting != 0:
            slot = due(state, state.busy)
            if slot != 0:
                activate(state, command, slot)
                return
    elif market.waiting != 0:
        follow_last(state, state.busy)
    if market.phase == AUCTION:
        indicate(state, command, state.busy)
    settle_prices(market)
    state.stage = state.back


@outlined_part
def administer(state: State, command: Command) -> int:
    """Begin what is neither a new order nor about one order; or give the reason why not."""
    memory = memory_of(state)
    if command.kind == TO_PHASE:
        change_phase(memory, command.instrument, command.phase, NO_REASON)
    elif command.kind == MASS_CANCEL:
        state.swept = 0
        everywhere = command.flags & ALL_INSTRUMENTS != 0
        state.sweep_at = 0 if everywhere else command.instrument
        state.sweep_end = state.markets if everywhere else command.instrument + 1
        state.stage = SWEEP
    elif command.kind != PASS_TIME:
        reason = change_account(state, command)
        if reason != NO_REASON or state.need != READY:
            return reason
        state.sweep_at = state.sweep_end = 0
        if command.kind == KILL:
            state.sweep_end = state.markets
        state.stage = SWEEP
    else:
        tell(memory.state, command, command.instrument, TIME_EVENT, 0, 0, 0, 0, 0, 0)
        state.stage = END
    return NO_REASON


@part
def change_phase(memory: Memory, instrument: int, phase: int, reason: int) -> None:
    """Begin to bring an instrument into another state."""
    state = memory.state
    state.busy = instrument
    state.phase_to = phase
    state.phase_reason = reason
    state.cross_price = state.cross_qty = state.crossed = 0
    if phase in (CONTINUOUS, CLOSED):
        uncrossing(state, instrument)
    state.stage = UNCROSS if state.cross_qty != 0 else ENTER


@outlined_part
def step(state: State, command: Command) -> None:
    """Take one step of a stage that is seldom reached."""
    memory = memory_of(state)
    if state.stage == TIME:
        pass_time(memory, command)
    elif state.stage == UNCROSS:
        if not uncross(state, command, state.busy) and state.need == READY:
            uncrossing(state, state.busy)  # again: what counted may have gone with its partner
            state.stage = UNCROSS if state.cross_qty != 0 else ENTER
    elif state.stage == ENTER:
        enter_phase(memory, command)
    elif state.stage == SWEEP:
        cancel_many(memory, command)


@pasted_part
def cancel_many(memory: Memory, command: Command) -> None:
    """Cancel what is meant in one instrument, or say at the end how much it was."""
    state = memory.state
    if state.sweep_at == state.sweep_end and command.kind != MASS_CANCEL:
        tell_account(state, command)
        state.stage = END
        return
    if state.sweep_at == state.sweep_end:
        instrument, owner = command.instrument, command.owner
        tell(memory.state, command, instrument, MASS_EVENT, 0, 0, owner, 0, state.swept, 0)
        state.stage = END
        return
    sweep(state, command, state.sweep_at, KILLED if command.kind == KILL else MASS_CANCELLED)
    if state.need == READY:
        state.busy = state.sweep_at
        state.sweep_at += 1
        state.back = SWEEP
        state.stage = AFTER


@pasted_part
def enter_phase(memory: Memory, command: Command) -> None:
    """Tell a new market state, once the book has been uncrossed; the orders of a day that is over go first."""
    state = memory.state
    market = memory.markets[state.busy]
    if state.phase_to == CLOSED:
        sweep(state, command, state.busy, EXPIRED)
        if state.need != READY:
            return
    market.phase = state.phase_to
    market.until = 0
    market.told_price = market.told_qty = market.told_surplus = 0
    reason, qty = state.phase_reason, state.crossed
    price = market.last if qty != 0 else 0
    tell(memory.state, command, state.busy, PHASE_EVENT, reason, 0, 0, price, qty, market.phase)
    state.stage = AFTER


@pasted_part
def pass_time(memory: Memory, command: Command) -> None:
    """Do one thing that is due, the earliest first, or see when the next will be."""
    state = memory.state
    state.back = TIME
    state.timer = memory.extras[memory.heap[1]].expire if state.heaped > 0 else NEVER
    ends = -1  # the instrument whose auction comes before what expires
    for instrument in range(state.markets):
        until = memory.markets[instrument].until
        at_the_end = until == NEVER and state.heaped == 0 and ends < 0
        if until != 0 and (until < state.timer or at_the_end):
            state.timer = until
            ends = instrument
    if state.timer > state.clock or (ends < 0 and state.heaped == 0):
        state.back = END
        state.stage = MAIN
        return
    state.timer = state.clock  # look again
    if ends >= 0:
        change_phase(memory, ends, CONTINUOUS, VOLATILITY)
        return
    slot = memory.extras[memory.heap[1]].order
    state.busy = memory.orders[slot].instrument
    end_alone(state, command, slot, EXPIRED)
    state.stage = AFTER


@exclusive_kernel
def lend(address: int, commands: Rows[Command], events: Rows[Event]) -> int:
    """Name the arrays that `run` reads and writes; give by how many bytes the commands are not where a row may lie.

    To ask Python for their addresses takes several times as long.
    """
    state = state_at(address)
    state.commands_at = commands.ctypes.data  # type: ignore[attr-defined]
    state.events_at = events.ctypes.data  # type: ignore[attr-defined]
    state.events = len(events)
    return state.commands_at % WORD_BYTES


@part
def takes(state: State, address: int) -> bool:
    """Name the commands of the array at this address, and say so, if it is one as `state.few_at` and not longer."""
    given, few = rows_at(address, 1, ARRAY)[0], rows_at(state.few_at, 1, ARRAY)[0]
    if given.kind != few.kind or given.row != few.row or given.dimensions != few.dimensions:
        return False
    count, stride = rows_at(given.lengths_at, 1, WORD)[0], rows_at(given.strides_at, 1, WORD)[0]
    if stride != rows_at(few.strides_at, 1, WORD)[0] or given.data_at % WORD_BYTES != 0:
        return False
    if count > rows_at(few.lengths_at, 1, WORD)[0]:
        return False
    state.commands_at = given.data_at
    state.commands = count
    return True


@exclusive_kernel
def run(address: int, begin: int, table: int, given: object) -> object:
    """Execute the commands that the state at this address names; their events come from row `begin` on.

    Gives where these end, or with a `table` (see `values`) what they are, as a list of values. None says that memory
    must grow (`state.need`) before command `state.at` can go on; who calls then says so (`state.goes_on`). `given`
    stands for what `lend` named if it is the array at `state.few_at`; of another the commands are taken, or -1 says
    that it is not what `takes` wants. An array that is seen as an object spares a caller from Python 0.2 us.
    """
    state = state_at(address)
    if state.stage != BEGIN and state.goes_on == 0:
        state.need = CUT
        return give_none()
    lent_at, lent = state.commands_at, state.commands
    given_at = address_of(given)
    if given_at != state.few_at and not takes(state, given_at):
        return give(new_integer(-1))
    commands = rows_at(state.commands_at, state.commands, COMMAND_ROW)
    memory = memory_of(state)
    state.need = READY
    state.goes_on = 0
    if state.start == 0 and state.stage == BEGIN:
        state.written = begin
    if state.rehash != 0:
        for slot in range(1, state.used_orders + 1):
            if memory.orders[slot].instrument >= 0:
                ids.insert(memory, slot)
        state.rehash = 0
    for at in range(state.start, state.commands):
        if at + AHEAD < state.commands:
            coming = commands[at + AHEAD]
            ids.expect(memory, coming.instrument, coming.order_id)
        execute(memory, commands[at])
        if state.need != READY:
            state.at = at
            return give_none()
        state.stage = BEGIN
        state.command += 1
    state.commands_at = lent_at
    state.commands = lent
    if table != 0:
        return give(values_of(memory, table, begin, state.written))
    return give(new_integer(state.written))
