"""Events into the event buffer. Whoever calls has made sure that they fit."""

from rtlab.compiling import part
from rtlab.engine.codes import DONE, LEVEL, NO_REASON, TRADE
from rtlab.engine.layout import Command, Level, Memory


@part
def emit(
    memory: Memory,
    command: Command,
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
    event.instrument = command.instrument
    event.kind = kind
    event.reason = reason
    event.side = side
    event.reserved = 0


@part
def emit_done(
    memory: Memory, command: Command, reason: int, side: int, order_id: int, price: int, remaining: int
) -> None:
    """Say that an order's life is over, and how much of it never traded."""
    emit(memory, command, DONE, reason, side, order_id, 0, price, 0, remaining)


@part
def emit_trade(
    memory: Memory, command: Command, side: int, taker: int, maker: int, price: int, qty: int, rest: int
) -> None:
    """Say that `qty` changed hands; `rest` is the maker's."""
    emit(memory, command, TRADE, NO_REASON, side, taker, maker, price, qty, rest)


@part
def emit_level(memory: Memory, command: Command, level: Level) -> None:
    """Say what the level now holds."""
    emit(memory, command, LEVEL, NO_REASON, level.side, 0, 0, level.price, level.qty, level.count)
