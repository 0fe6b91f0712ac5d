"""Events into the event buffer. Whoever calls has made sure that they fit."""

from rtlab.compiling import outlined_part, part
from rtlab.engine.codes import DONE, LEVEL, NO_REASON, TRADE
from rtlab.engine.layout import Command, Level, Memory, State
from rtlab.engine.memory import memory_of


@part
def emit(
    memory: Memory,
    command: Command,
    instrument: int,
    kind: int,
    reason: int,
    side: int,
    order_id: int,
    maker_id: int,
    price: int,
    qty: int,
    remaining: int,
) -> None:
    """Write the next event of `command`."""
    state = memory.state
    event = memory.events[state.written]
    state.written += 1
    state.seq += 1
    event.seq = state.seq
    event.command = state.command
    event.ts = command.ts
    event.order_id = order_id
    event.maker_id = maker_id
    event.price = price
    event.qty = qty
    event.remaining = remaining
    event.instrument = instrument
    event.kind = kind
    event.reason = reason
    event.side = side
    event.reserved = 0


@part
def emit_done(
    memory: Memory,
    command: Command,
    instrument: int,
    reason: int,
    side: int,
    order_id: int,
    price: int,
    remaining: int,
) -> None:
    """Say that an order's life is over, and how much of it never traded."""
    emit(memory, command, instrument, DONE, reason, side, order_id, 0, price, 0, remaining)


@part
def emit_trade(
    memory: Memory,
    command: Command,
    instrument: int,
    side: int,
    taker: int,
    maker: int,
    price: int,
    qty: int,
    rest: int,
) -> None:
    """Say that `qty` changed hands; `rest` is the maker's."""
    emit(memory, command, instrument, TRADE, NO_REASON, side, taker, maker, price, qty, rest)


@part
def emit_level(memory: Memory, command: Command, level: Level) -> None:
    """Say what a level of the book now shows."""
    side = level.ladder & 1
    instrument = level.ladder >> 3
    emit(memory, command, instrument, LEVEL, NO_REASON, side, 0, 0, level.price, level.qty, level.shown)


@outlined_part
def tell(
    state: State,
    command: Command,
    instrument: int,
    kind: int,
    reason: int,
    side: int,
    order_id: int,
    price: int,
    qty: int,
    remaining: int,
) -> None:
    """Do as `emit` where that is seldom done."""
    emit(memory_of(state), command, instrument, kind, reason, side, order_id, 0, price, qty, remaining)


@outlined_part
def tell_price(state: State, command: Command, at: int, price: int) -> None:
    """Say what the book now shows at a price in the window of the ladder with index `at`: a level, or nothing."""
    memory = memory_of(state)
    ladder = memory.ladders[at]
    level = memory.levels[memory.rungs[ladder.rungs_at + price - ladder.base]]  # slot 0 is empty
    emit(memory, command, at >> 3, LEVEL, NO_REASON, at & 1, 0, 0, price, level.qty, level.shown)
