"""Between values and rows: one command into a COMMAND row, EVENT rows into events. Shared by kernel and twin."""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

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

_NEW, _CANCEL, _REPLACE = int(CommandKind.NEW), int(CommandKind.CANCEL), int(CommandKind.REPLACE)
_ACCEPTED, _TRADE = int(EventKind.ACCEPTED), int(EventKind.TRADE)
_DONE, _LEVEL = int(EventKind.DONE), int(EventKind.LEVEL)
_SIDES = _BID, _ASK = tuple(Side)
_REASONS = tuple(Reason)

_pack_into = COMMAND_ROW.pack_into
# rows of fewer fields, where an x is a byte that is zero or not read: each field that is named takes time
_pack_plain = struct.Struct("<5q48x2I4B4x").pack_into
_pack_cancel = struct.Struct("<2q72xI4xB7x").pack_into
_cause = struct.Struct("<8x2q").unpack_from
_tell = struct.Struct("<q16x5qI3Bx").iter_unpack
_tell_two = struct.Struct("<4q8x3qI3Bx40x3qIBxBx").unpack_from

Fields = tuple[int, ...]
Head = tuple[int, int, int, str]
Numbers = tuple[int, int, int, int]
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
        raise _no_such(index, symbol)
    return at


def _no_such(index: dict[str, int], symbol: str) -> InstrumentError:
    return InstrumentError("the engine does not trade this instrument", expected=", ".join(index), got=symbol)


def pack(into: Room, command: Command, index: dict[str, int]) -> None:
    """Write `command` as a COMMAND row; CommandError when it is none or a number does not fit into the row."""
    try:
        ROW_OF[type(command)](into, command, index[command.instrument])
    except (KeyError, struct.error, TypeError) as error:
        raise misfit(command, index, error) from None


def misfit(command: Command, index: dict[str, int], error: Exception) -> CommandError | InstrumentError:
    """Say why `pack` cannot write a command."""
    if type(command) not in ROW_OF:
        return CommandError(
            "the engine was given something else than a command",
            expected="NewOrder, CancelOrder, ReplaceOrder or another of rtlab.model.Command",
            got=repr(command),
        )
    if isinstance(error, KeyError):
        return _no_such(index, command.instrument)
    for name in command.__struct_fields__:
        # money, lots, position and open orders lie in fields of other names, as wide as these
        fits = np.iinfo(COMMAND[name if name in (COMMAND.names or ()) else "qty"])
        number = getattr(command, name)
        if name != "instrument" and not (hasattr(number, "__index__") and fits.min <= number <= fits.max):
            return CommandError(
                f"{name} of {type(command).__name__} does not fit into a row",
                expected=f"an integer from {fits.min} to {fits.max}",
                got=repr(number),
            )
    return _no_such(index, repr(command.instrument))  # a type that no symbol has


# each field is named to the call itself: making tuples of them first takes as long as packing them


def _new(into: Room, one: NewOrder, at: int) -> None:
    side = one.side  # seldom compared: that takes several times as long
    if side is not _BID and side is not _ASK and side not in _SIDES:
        raise CommandError("an order has no such side", expected="Side.BID or Side.ASK", got=repr(one.side))
    if not (one.stop_price or one.display_qty or one.expire_ts or one.min_qty or one.link_id or one.trail):
        _pack_plain(
            into,
            0,
            one.ts,
            one.order_id,
            one.owner,
            one.price,
            one.qty,
            at,
            one.flags,
            _NEW,
            side,
            one.order_type,
            one.tif,
        )
        return
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
    _pack_cancel(into, 0, one.ts, one.order_id, at, _CANCEL)


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
ROW_OF: dict[type[Command], Callable[[Room, Any, int], None]] = {
    NewOrder: _new,
    CancelOrder: _cancel,
    ReplaceOrder: _replace,
    MassCancel: _other(CommandKind.MASS_CANCEL, lambda one: {"flags": one.flags, "side": one.side}),
    ChangePhase: _other(CommandKind.PHASE, lambda one: {"phase": one.phase}),
    Deposit: _other(CommandKind.DEPOSIT, lambda one: {"price": one.money, "qty": one.lots}),
    SetLimits: _other(
        CommandKind.LIMITS, lambda one: {"price": one.position, "qty": one.open_orders, "flags": one.flags}
    ),
    KillOwner: _other(CommandKind.KILL, lambda _: {}),
    ReviveOwner: _other(CommandKind.REVIVE, lambda _: {}),
    PassTime: _other(CommandKind.TIME, lambda _: {}),
}


def events_of(rows: Room | bytes, symbols: Sequence[str]) -> list[Event]:
    """Give the bytes of one command's EVENT rows as values.

    What most events are is made here by position, without a call, and what is the same in all rows of a command is
    read once: that is most of the time of a `submit` that makes ten events.
    """
    events: list[Event] = []
    command, ts = _cause(rows)
    for seq, order_id, maker_id, price, qty, rest, instrument, kind, reason, side in _tell(rows):
        symbol = symbols[instrument]
        if kind == _LEVEL:
            events.append(LevelChanged(seq, command, ts, symbol, _SIDES[side], price, qty, rest))
        elif kind == _ACCEPTED:
            events.append(OrderAccepted(seq, command, ts, symbol, order_id, _SIDES[side], price, qty, rest))
        elif kind == _DONE:
            why = _REASONS[reason]
            events.append(OrderDone(seq, command, ts, symbol, order_id, _SIDES[side], price, rest, why))
        elif kind == _TRADE:
            events.append(Trade(seq, command, ts, symbol, _SIDES[side], order_id, maker_id, price, qty, rest))
        else:
            head, numbers = (seq, command, ts, symbol), (order_id, price, qty, rest)
            events.append(_OTHER_EVENTS[kind](head, numbers, _SIDES[side], _REASONS[reason]))
    return events


def two_events_of(rows: Room, at: int, symbols: Sequence[str]) -> list[Event]:
    """Give the two rows of one command from byte `at` on as values.

    Most commands have two events, of an order and of its level: these are read as one.
    """
    (seq, command, ts, order_id, price, qty, rest, instrument, kind, reason, side,
     level_price, level_qty, level_orders, level_instrument, level_kind, level_side) = _tell_two(rows, at)  # fmt: skip
    if level_kind != _LEVEL or (kind != _ACCEPTED and kind != _DONE):
        return events_of(rows[at : at + 2 * EVENT.itemsize], symbols)
    symbol, of = symbols[instrument], _SIDES[side]
    first: Event
    if kind == _ACCEPTED:
        first = OrderAccepted(seq, command, ts, symbol, order_id, of, price, qty, rest)
    else:
        first = OrderDone(seq, command, ts, symbol, order_id, of, price, rest, _REASONS[reason])
    symbol, of = symbols[level_instrument], _SIDES[level_side]
    return [first, LevelChanged(seq + 1, command, ts, symbol, of, level_price, level_qty, level_orders)]


def _replaced(head: Head, numbers: Numbers, side: Side, reason: Reason) -> Event:
    order_id, price, qty, shown = numbers
    return OrderReplaced(*head, order_id, side, price, qty, shown, reason)


def _rejected(head: Head, numbers: Numbers, side: Side, reason: Reason) -> Event:
    order_id, price, qty, _ = numbers
    return CommandRejected(*head, order_id, side, price, qty, reason)


def _triggered(head: Head, numbers: Numbers, side: Side, _: Reason) -> Event:
    order_id, price, qty, shown = numbers
    return OrderTriggered(*head, order_id, side, price, qty, shown)


def _refilled(head: Head, numbers: Numbers, side: Side, _: Reason) -> Event:
    order_id, price, qty, remaining = numbers
    return OrderRefilled(*head, order_id, side, price, qty, remaining)


def _phase(head: Head, numbers: Numbers, _: Side, reason: Reason) -> Event:
    _order, price, qty, phase = numbers
    return PhaseChanged(*head, Phase(phase), price, qty, reason)


def _indicative(head: Head, numbers: Numbers, _: Side, __: Reason) -> Event:
    return Indicative(*head, *numbers[1:])


def _mass_cancelled(head: Head, numbers: Numbers, _: Side, __: Reason) -> Event:
    owner, _price, orders, _rest = numbers
    return MassCancelled(*head, owner, orders)


def _account(head: Head, numbers: Numbers, _: Side, __: Reason) -> Event:
    return AccountChanged(*head, *numbers[:3])


def _time(head: Head, _: Numbers, __: Side, ___: Reason) -> Event:
    return TimePassed(*head)


_OTHER_EVENTS: dict[int, Callable[[Head, Numbers, Side, Reason], Event]] = {
    int(EventKind.REPLACED): _replaced,
    int(EventKind.REJECTED): _rejected,
    int(EventKind.TRIGGERED): _triggered,
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
    if isinstance(rows, np.ndarray) and rows.dtype is COMMAND and rows.ndim == 1:
        return  # to compare takes longer
    if not isinstance(rows, np.ndarray) or rows.dtype != COMMAND or rows.ndim != 1:
        got = type(rows).__name__
        if isinstance(rows, np.ndarray):
            kind = {COMMAND: "COMMAND", EVENT: "EVENT"}.get(rows.dtype, rows.dtype)
            got = f"{kind} of shape {rows.shape}"
        raise CommandError(
            "these are no command rows", expected="an ndarray of COMMAND in one dimension", got=got
        )


def event_rows(rows: list[Fields]) -> npt.NDArray[np.void]:
    """Give tuples in the order of the fields as EVENT rows."""
    return np.array(rows, EVENT)
