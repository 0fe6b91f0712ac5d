"""Between values and rows: one command into a COMMAND row, EVENT rows into events. Shared by kernel and twin."""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt

from rtlab.errors import CommandError, ConfigError, InstrumentError
from rtlab.model.commands import (
    CancelOrder,
    ChangePhase,
    Command,
    Deposit,
    KillOwner,
    MassCancel,
    NewOrder,
    PassTime,
    ReplaceOrder,
    ReviveOwner,
    SetLimits,
)
from rtlab.model.enums import CommandKind, EventKind, Phase, Reason, SelfTradePrevention, Side
from rtlab.model.events import (
    AccountChanged,
    CommandRejected,
    Event,
    Indicative,
    LevelChanged,
    MassCancelled,
    OrderAccepted,
    OrderDone,
    OrderRefilled,
    OrderReplaced,
    OrderTriggered,
    PhaseChanged,
    TimePassed,
    Trade,
)
from rtlab.model.instrument import Instrument
from rtlab.model.rows import COMMAND, EVENT
from rtlab.model.rules import Rules

COMMAND_ROW = struct.Struct("<11q2I4BI")
EVENT_ROW = struct.Struct("<8qI4B")

_NEW, _CANCEL, _REPLACE = int(CommandKind.NEW), int(CommandKind.CANCEL), int(CommandKind.REPLACE)
_KIND, _INSTRUMENT = ((EVENT.names or ()).index(name) for name in ("kind", "instrument"))
_SIDES = tuple(Side)
_REASONS = tuple(Reason)

_pack_into = COMMAND_ROW.pack_into

Fields = tuple[int, ...]
Room = bytearray | memoryview


class AccountState(NamedTuple):
    """What an owner has; owner 0 is nobody, on whose account all trade that have none."""

    owner: int
    money: int  # ticks x lots
    reserved: int  # of it, by live bids
    orders: int  # live
    killed: bool
    lots: dict[str, int]  # by symbol


class QueuePosition(NamedTuple):
    """Where an own order stands in the book: what of its price, seen or not, will be filled before it."""

    order_id: int
    side: Side
    price: int  # ticks
    qty: int  # lots that are open
    shown: int  # of these
    orders_ahead: int
    qty_ahead: int  # lots that come first, without the reserves of icebergs


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


def rules_of(index: dict[str, int], rules: Mapping[str, Rules]) -> list[Rules]:
    """Give the rules of every instrument; InstrumentError when some are of one that is not traded."""
    given = {position(index, symbol): one for symbol, one in rules.items()}
    return [given.get(at, Rules()) for at in index.values()]


def position(index: dict[str, int], symbol: str) -> int:
    """Give the index of one symbol; InstrumentError when the engine does not trade it."""
    at = index.get(symbol)
    if at is None:
        raise InstrumentError(
            "the engine does not trade this instrument", expected=", ".join(index), got=symbol
        )
    return at


def pack(into: Room, command: Command, index: dict[str, int]) -> None:
    """Write `command` as a COMMAND row; CommandError when it is none or a number does not fit into the row."""
    write = _ROWS.get(type(command))
    if write is None:
        raise CommandError(
            "the engine was given something else than a command",
            expected="NewOrder, CancelOrder, ReplaceOrder or another of rtlab.model.Command",
            got=repr(command),
        )
    try:
        write(into, command, position(index, command.instrument))
    except (struct.error, TypeError) as error:
        raise CommandError(f"the command does not fit into a row ({error})", got=command) from None


# each field is named to the call itself: making tuples of them first takes as long as packing them


def _new(into: Room, one: NewOrder, at: int) -> None:
    if one.side not in _SIDES:
        raise CommandError("an order has no such side", expected="Side.BID or Side.ASK", got=repr(one.side))
    _pack_into(
        into,
        0,
        one.ts,
        one.order_id,
        one.owner,
        one.price,
        one.qty,
        one.stop_price,
        one.display_qty,
        one.expire_ts,
        one.min_qty,
        one.link_id,
        one.trail,
        at,
        one.flags,
        _NEW,
        one.side,
        one.order_type,
        one.tif,
        0,
    )


def _cancel(into: Room, one: CancelOrder, at: int) -> None:
    _pack_into(into, 0, one.ts, one.order_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, at, 0, _CANCEL, 0, 0, 0, 0)


def _replace(into: Room, one: ReplaceOrder, at: int) -> None:
    numbers = (one.ts, one.order_id, 0, one.price, one.qty, one.stop_price, one.display_qty)
    _pack_into(into, 0, *numbers, one.expire_ts, 0, 0, one.trail, at, 0, _REPLACE, 0, 0, 0, 0)


def _other(kind: CommandKind, write: Callable[[Any], Mapping[str, int]]) -> Callable[[Room, Any, int], None]:
    # one that is about no single order: its own numbers by the names of the row's fields
    def put(into: Room, one: Any, at: int) -> None:
        own = write(one)
        price, qty, flags, side, phase = (own.get(name, 0) for name in _OTHERS)
        owner = getattr(one, "owner", 0)
        rest = (0, 0, 0, 0, 0, 0, at, flags, int(kind), side, 0, 0, phase)
        _pack_into(into, 0, one.ts, 0, owner, price, qty, *rest)

    return put


_OTHERS = ("price", "qty", "flags", "side", "phase")
_ROWS: dict[type[Command], Callable[[Room, Any, int], None]] = {
    NewOrder: _new,
    CancelOrder: _cancel,
    ReplaceOrder: _replace,
    MassCancel: _other(CommandKind.MASS_CANCEL, lambda one: {"flags": one.flags, "side": int(one.side)}),
    ChangePhase: _other(CommandKind.PHASE, lambda one: {"phase": int(one.phase)}),
    Deposit: _other(CommandKind.DEPOSIT, lambda one: {"price": one.money, "qty": one.lots}),
    SetLimits: _other(
        CommandKind.LIMITS, lambda one: {"price": one.position, "qty": one.open_orders, "flags": one.flags}
    ),
    KillOwner: _other(CommandKind.KILL, lambda _: {}),
    ReviveOwner: _other(CommandKind.REVIVE, lambda _: {}),
    PassTime: _other(CommandKind.TIME, lambda _: {}),
}


def events_of(rows: Iterable[Fields], symbols: Sequence[str]) -> list[Event]:
    """Give EVENT rows, as tuples in the order of their fields, as values."""
    return [_MAKERS[row[_KIND]](row, symbols[row[_INSTRUMENT]]) for row in rows]


def _standing(row: Fields, symbol: str) -> Event:
    seq, command, ts, order_id, _, price, qty, shown, _, kind, _, side, _ = row
    return _STANDING[kind](
        seq=seq,
        command=command,
        ts=ts,
        instrument=symbol,
        order_id=order_id,
        side=_SIDES[side],
        price=price,
        qty=qty,
        shown=shown,
    )


_STANDING: dict[int, type[OrderAccepted] | type[OrderTriggered]] = {
    int(EventKind.ACCEPTED): OrderAccepted,
    int(EventKind.TRIGGERED): OrderTriggered,
}


def _replaced(row: Fields, symbol: str) -> Event:
    seq, command, ts, order_id, _, price, qty, shown, _, _, reason, side, _ = row
    return OrderReplaced(
        seq=seq,
        command=command,
        ts=ts,
        instrument=symbol,
        order_id=order_id,
        side=_SIDES[side],
        price=price,
        qty=qty,
        shown=shown,
        reason=_REASONS[reason],
    )


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


def _refilled(row: Fields, symbol: str) -> Event:
    head, order_id, side = _head(row, symbol), row[3], _SIDES[row[11]]
    return OrderRefilled(**head, order_id=order_id, side=side, price=row[5], qty=row[6], remaining=row[7])


def _phase(row: Fields, symbol: str) -> Event:
    head, reason = _head(row, symbol), _REASONS[row[10]]
    return PhaseChanged(**head, phase=Phase(row[7]), price=row[5], qty=row[6], reason=reason)


def _indicative(row: Fields, symbol: str) -> Event:
    return Indicative(**_head(row, symbol), price=row[5], qty=row[6], surplus=row[7])


def _mass_cancelled(row: Fields, symbol: str) -> Event:
    return MassCancelled(**_head(row, symbol), owner=row[3], orders=row[6])


def _account(row: Fields, symbol: str) -> Event:
    return AccountChanged(**_head(row, symbol), owner=row[3], money=row[5], lots=row[6])


def _time(row: Fields, symbol: str) -> Event:
    return TimePassed(**_head(row, symbol))


class _Head(TypedDict):
    seq: int
    command: int
    ts: int
    instrument: str


def _head(row: Fields, symbol: str) -> _Head:
    return _Head(seq=row[0], command=row[1], ts=row[2], instrument=symbol)


_MAKERS: dict[int, Callable[[Fields, str], Event]] = {
    int(EventKind.ACCEPTED): _standing,
    int(EventKind.REPLACED): _replaced,
    int(EventKind.TRADE): _trade,
    int(EventKind.DONE): _done,
    int(EventKind.REJECTED): _rejected,
    int(EventKind.LEVEL): _level,
    int(EventKind.TRIGGERED): _standing,
    int(EventKind.REFILLED): _refilled,
    int(EventKind.PHASE): _phase,
    int(EventKind.INDICATIVE): _indicative,
    int(EventKind.MASS_CANCELLED): _mass_cancelled,
    int(EventKind.ACCOUNT): _account,
    int(EventKind.TIME): _time,
}


def command_rows(rows: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Give `rows` contiguous, copied only if need be; CommandError when they are no COMMAND rows."""
    check_rows(rows)
    return np.ascontiguousarray(rows)


def check_rows(rows: npt.NDArray[np.void]) -> None:
    """CommandError when these are no COMMAND rows in one dimension."""
    if not isinstance(rows, np.ndarray) or rows.dtype != COMMAND or rows.ndim != 1:
        got = f"{rows.dtype} {rows.shape}" if isinstance(rows, np.ndarray) else type(rows).__name__
        raise CommandError("these are no command rows", expected="an ndarray of COMMAND", got=got)


def event_rows(rows: list[Fields]) -> npt.NDArray[np.void]:
    """Give tuples in the order of the fields as EVENT rows."""
    return np.array(rows, EVENT)
