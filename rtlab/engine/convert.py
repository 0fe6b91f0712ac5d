"""Commands as COMMAND rows, and what else kernel and twin are given and give in the same words."""

import operator
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
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
from rtlab.model.enums import CommandKind, SelfTradePrevention, Side
from rtlab.model.instrument import Instrument
from rtlab.model.rows import COMMAND, EVENT
from rtlab.model.rules import Rules

COMMAND_ROW = struct.Struct("<11q2I4BI")

_NEW, _CANCEL, _REPLACE = int(CommandKind.NEW), int(CommandKind.CANCEL), int(CommandKind.REPLACE)
_SIDES = _BID, _ASK = tuple(Side)

_pack_into = COMMAND_ROW.pack_into
# rows of fewer fields, where an x is a byte that is zero or not read: each field that is named takes time
_pack_plain = struct.Struct("<5q48x2I4B4x").pack_into
_pack_cancel = struct.Struct("<2q72xI4xB7x").pack_into

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


def whole(what: str, number: int, least: int = -(2**63), most: int = 2**63 - 1) -> int:
    """Give a number that the caller chose; ConfigError when it is no whole one, or out of range."""
    is_one = isinstance(number, int | np.integer) and not isinstance(number, bool)
    if not is_one or not least <= number <= most:
        raise ConfigError(
            f"{what} is out of range", expected=f"a whole number, {least} to {most}", got=repr(number)
        )
    return int(number)


def positions(instruments: Sequence[Instrument]) -> dict[str, int]:
    """Give the index of every symbol; InstrumentError when there is none, one is there twice, or these are none."""
    if not isinstance(instruments, Collection) or not all(isinstance(one, Instrument) for one in instruments):
        got = repr(instruments)[:60]
        raise InstrumentError("an engine trades a list of instruments", expected="Instrument values", got=got)
    index = {instrument.symbol: at for at, instrument in enumerate(instruments)}
    if not index:
        raise InstrumentError("an engine needs at least one instrument")
    if len(index) < len(instruments):
        symbols = [instrument.symbol for instrument in instruments]
        twice = next(symbol for symbol in symbols if symbols.count(symbol) > 1)
        raise InstrumentError("the engine was given one instrument twice", got=twice)
    return index


def rules_of(index: dict[str, int], rules: Mapping[str, Rules] | None) -> list[Rules]:
    """Give the rules of every instrument; InstrumentError when some are of one that is not traded.

    ConfigError when they are no Rules by symbol.
    """
    rules = {} if rules is None else rules
    if not isinstance(rules, Mapping) or not all(isinstance(one, Rules) for one in rules.values()):
        raise ConfigError(
            "an engine's rules are by symbol", expected="a mapping to Rules", got=repr(rules)[:60]
        )
    given = {position(index, symbol): one for symbol, one in rules.items()}
    return [given.get(at, Rules()) for at in index.values()]


def position(index: dict[str, int], symbol: str) -> int:
    """Give the index of one symbol; InstrumentError when the engine does not trade it."""
    at = index.get(symbol) if isinstance(symbol, str) else None
    if at is None:
        raise _no_such(index, symbol)
    return at


def _no_such(index: dict[str, int], symbol: str) -> InstrumentError:
    return InstrumentError("the engine does not trade this instrument", expected=", ".join(index), got=symbol)


def pack(into: Room, command: Command, index: dict[str, int]) -> None:
    """Write `command` as a COMMAND row; CommandError when it is none or a number does not fit into the row."""
    try:
        ROW_OF[type(command)](into, command, index[command.instrument])
    except (KeyError, struct.error, TypeError, ValueError) as error:
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
        if name != "instrument" and not _fits(number, fits):
            return CommandError(
                f"{name} of {type(command).__name__} does not fit into a row",
                expected=f"an integer from {fits.min} to {fits.max}",
                got=repr(number),
            )
    return _no_such(index, repr(command.instrument))  # a type that no symbol has


def _fits(number: object, bounds: np.iinfo[Any]) -> bool:
    try:
        return bounds.min <= operator.index(number) <= bounds.max  # type: ignore[arg-type]
    except TypeError:
        return False


# each field is named to the call itself: making tuples of them first takes as long as packing them


def _new(into: Room, one: NewOrder, at: int) -> None:
    side = one.side  # seldom compared: that takes several times as long
    if side is not _BID and side is not _ASK:
        _check_side(one)
    if not (one.stop_price | one.display_qty | one.expire_ts | one.min_qty | one.link_id | one.trail):
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


def _check_side(one: NewOrder | MassCancel) -> None:
    if one.side not in _SIDES:
        kind = type(one).__name__
        raise CommandError(f"{kind} has no such side", expected="Side.BID or Side.ASK", got=repr(one.side))


def _of_side(one: MassCancel) -> Mapping[str, int]:
    _check_side(one)
    return {"flags": one.flags, "side": one.side}


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
    MassCancel: _other(CommandKind.MASS_CANCEL, _of_side),
    ChangePhase: _other(CommandKind.PHASE, lambda one: {"phase": one.phase}),
    Deposit: _other(CommandKind.DEPOSIT, lambda one: {"price": one.money, "qty": one.lots}),
    SetLimits: _other(
        CommandKind.LIMITS, lambda one: {"price": one.position, "qty": one.open_orders, "flags": one.flags}
    ),
    KillOwner: _other(CommandKind.KILL, lambda _: {}),
    ReviveOwner: _other(CommandKind.REVIVE, lambda _: {}),
    PassTime: _other(CommandKind.TIME, lambda _: {}),
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
