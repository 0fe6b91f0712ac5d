"""Between values and rows: one command into a COMMAND row, EVENT rows into events. Shared by kernel and twin."""

import struct
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from rtlab.errors import CommandError, ConfigError, InstrumentError
from rtlab.model.commands import CancelOrder, Command, NewOrder, ReplaceOrder
from rtlab.model.enums import CommandKind, EventKind, Reason, SelfTradePrevention, Side
from rtlab.model.events import (
    CommandRejected,
    Event,
    LevelChanged,
    OrderAccepted,
    OrderDone,
    OrderReplaced,
    Trade,
)
from rtlab.model.instrument import Instrument
from rtlab.model.rows import COMMAND, EVENT

COMMAND_ROW = struct.Struct("<11q2I4BI")
EVENT_ROW = struct.Struct("<8qI4B")

_NEW, _CANCEL, _REPLACE = int(CommandKind.NEW), int(CommandKind.CANCEL), int(CommandKind.REPLACE)
_KIND, _INSTRUMENT = ((EVENT.names or ()).index(name) for name in ("kind", "instrument"))
_SIDES = tuple(Side)
_REASONS = tuple(Reason)

Fields = tuple[int, ...]


def prevention(code: SelfTradePrevention) -> SelfTradePrevention:
    """Give the member with this number; ConfigError when there is none."""
    if code not in set(SelfTradePrevention):
        known = ", ".join(member.name for member in SelfTradePrevention)
        raise ConfigError("the engine knows no such self-trade prevention", expected=known, got=repr(code))
    return SelfTradePrevention(code)


def positions(instruments: Sequence[Instrument]) -> dict[str, int]:
    """Give the index of every symbol; InstrumentError when there is none or one is there twice."""
    index = {instrument.symbol: at for at, instrument in enumerate(instruments)}
    if not index:
        raise InstrumentError("an engine needs at least one instrument")
    if len(index) < len(instruments):
        symbols = [instrument.symbol for instrument in instruments]
        twice = next(symbol for symbol in symbols if symbols.count(symbol) > 1)
        raise InstrumentError("the engine was given one instrument twice", got=twice)
    return index


def position(index: dict[str, int], symbol: str) -> int:
    """Give the index of one symbol; InstrumentError when the engine does not trade it."""
    at = index.get(symbol)
    if at is None:
        raise InstrumentError(
            "the engine does not trade this instrument", expected=", ".join(index), got=symbol
        )
    return at


def pack(into: bytearray | memoryview, command: Command, index: dict[str, int]) -> None:
    """Write `command` as a COMMAND row; CommandError when it is none or a number does not fit into the row."""
    try:
        COMMAND_ROW.pack_into(into, 0, *_fields(command, index))
    except (struct.error, TypeError) as error:
        raise CommandError(f"the command does not fit into a row ({error})", got=command) from None


def _fields(command: Command, index: dict[str, int]) -> Fields:
    if isinstance(command, NewOrder):
        at = position(index, command.instrument)
        if command.side not in _SIDES:
            raise CommandError(
                "an order has no such side", expected="Side.BID or Side.ASK", got=repr(command.side)
            )
        return (
            command.ts,
            command.order_id,
            command.owner,
            command.price,
            command.qty,
            0,
            0,
            0,
            0,
            0,
            0,
            at,
            command.flags,
            _NEW,
            command.side,
            command.order_type,
            command.tif,
            0,
        )
    if isinstance(command, CancelOrder):
        at = position(index, command.instrument)
        return (command.ts, command.order_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, at, 0, _CANCEL, 0, 0, 0, 0)
    if isinstance(command, ReplaceOrder):
        at = position(index, command.instrument)
        price, qty = command.price, command.qty
        return (command.ts, command.order_id, 0, price, qty, 0, 0, 0, 0, 0, 0, at, 0, _REPLACE, 0, 0, 0, 0)
    raise CommandError(
        "the engine was given something else than a command",
        expected="NewOrder, CancelOrder or ReplaceOrder",
        got=repr(command),
    )


def events_of(rows: Iterable[Fields], symbols: Sequence[str]) -> list[Event]:
    """Give EVENT rows, as tuples in the order of their fields, as values."""
    return [_MAKERS[row[_KIND]](row, symbols[row[_INSTRUMENT]]) for row in rows]


def _accepted_or_replaced(row: Fields, symbol: str) -> Event:
    seq, command, ts, order_id, _, price, qty, _, _, kind, _, side, _ = row
    return _STANDING[kind](
        seq=seq,
        command=command,
        ts=ts,
        instrument=symbol,
        order_id=order_id,
        side=_SIDES[side],
        price=price,
        qty=qty,
    )


_STANDING: dict[int, type[OrderAccepted] | type[OrderReplaced]] = {
    int(EventKind.ACCEPTED): OrderAccepted,
    int(EventKind.REPLACED): OrderReplaced,
}


def _trade(row: Fields, symbol: str) -> Event:
    seq, command, ts, order_id, maker_id, price, qty, remaining, _, _, _, side, _ = row
    return Trade(
        seq=seq,
        command=command,
        ts=ts,
        instrument=symbol,
        aggressor_side=_SIDES[side],
        taker_id=order_id,
        maker_id=maker_id,
        price=price,
        qty=qty,
        remaining=remaining,
    )


def _done(row: Fields, symbol: str) -> Event:
    seq, command, ts, order_id, _, price, _, remaining, _, _, reason, side, _ = row
    return OrderDone(
        seq=seq,
        command=command,
        ts=ts,
        instrument=symbol,
        order_id=order_id,
        side=_SIDES[side],
        price=price,
        remaining=remaining,
        reason=_REASONS[reason],
    )


def _rejected(row: Fields, symbol: str) -> Event:
    seq, command, ts, order_id, _, price, qty, _, _, _, reason, side, _ = row
    return CommandRejected(
        seq=seq,
        command=command,
        ts=ts,
        instrument=symbol,
        order_id=order_id,
        side=_SIDES[side],
        price=price,
        qty=qty,
        reason=_REASONS[reason],
    )


def _level(row: Fields, symbol: str) -> Event:
    seq, command, ts, _, _, price, qty, remaining, _, _, _, side, _ = row
    return LevelChanged(
        seq=seq,
        command=command,
        ts=ts,
        instrument=symbol,
        side=_SIDES[side],
        price=price,
        qty=qty,
        orders=remaining,
    )


_MAKERS: dict[int, Callable[[Fields, str], Event]] = {
    int(EventKind.ACCEPTED): _accepted_or_replaced,
    int(EventKind.REPLACED): _accepted_or_replaced,
    int(EventKind.TRADE): _trade,
    int(EventKind.DONE): _done,
    int(EventKind.REJECTED): _rejected,
    int(EventKind.LEVEL): _level,
}


def command_rows(rows: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Give `rows` contiguous, copied only if need be; CommandError when they are no COMMAND rows."""
    if not isinstance(rows, np.ndarray) or rows.dtype != COMMAND or rows.ndim != 1:
        got = f"{rows.dtype} {rows.shape}" if isinstance(rows, np.ndarray) else type(rows).__name__
        raise CommandError("these are no command rows", expected="an ndarray of COMMAND", got=got)
    return rows if rows.flags.c_contiguous else rows.copy()


def event_rows(rows: list[Fields]) -> npt.NDArray[np.void]:
    """Give tuples in the order of the fields as EVENT rows."""
    return np.array(rows, EVENT)
