"""EVENT rows as values: by the kernel, which makes them where it has written the rows, and in Python, for the twin."""

from collections.abc import Iterable, Sequence
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from rtlab.compiling import part
from rtlab.engine.boxing import called, fill, let_collect, new_integer, new_list, release
from rtlab.engine.layout import WORD, WORD_BYTES, Event, Memory, Rows
from rtlab.engine.memory import rows_at
from rtlab.model import events as made
from rtlab.model.enums import EventKind, Phase, Reason, Side
from rtlab.model.rows import EVENT

FIELDS: dict[EventKind, tuple[type[made.Event], str]] = {
    EventKind.ACCEPTED: (made.OrderAccepted, "order_id side price qty remaining"),
    EventKind.REPLACED: (made.OrderReplaced, "order_id side price qty remaining reason"),
    EventKind.TRADE: (made.Trade, "side order_id maker_id price qty remaining"),
    EventKind.DONE: (made.OrderDone, "order_id side price remaining reason"),
    EventKind.REJECTED: (made.CommandRejected, "order_id side price qty reason"),
    EventKind.LEVEL: (made.LevelChanged, "side price qty remaining"),
    EventKind.TRIGGERED: (made.OrderTriggered, "order_id side price qty remaining"),
    EventKind.REFILLED: (made.OrderRefilled, "order_id side price qty remaining"),
    EventKind.PHASE: (made.PhaseChanged, "phase price qty reason"),
    EventKind.INDICATIVE: (made.Indicative, "price qty remaining"),
    EventKind.MASS_CANCELLED: (made.MassCancelled, "order_id qty"),
    EventKind.ACCOUNT: (made.AccountChanged, "order_id price qty"),
    EventKind.TIME: (made.TimePassed, ""),
}
"""What an event of a kind is, and which fields of its row come after seq, command, ts and instrument, in its order."""
_HEAD = "seq command ts instrument"

# A table of words: what one event may be made of, then what it is made of, then the objects that codes stand for.
_NUMBERS = ("seq", "command", "ts", "order_id", "maker_id", "price", "qty", "remaining")
_SEQ, _COMMAND, _TS, _ORDER_ID, _MAKER_ID, _PRICE, _QTY, _REMAINING = range(len(_NUMBERS))
_INSTRUMENT, _SIDE, _REASON, _PHASE = range(len(_NUMBERS), len(_NUMBERS) + 4)
_PLACES = {name: at for at, name in enumerate((*_NUMBERS, "instrument", "side", "reason", "phase"))}
_ARGUMENTS, _MOST_ARGUMENTS = len(_PLACES), 10
_CODES = 256
_SIDES = _ARGUMENTS + _MOST_ARGUMENTS
_REASONS, _PHASES, _KINDS = (_SIDES + at * _CODES for at in (1, 2, 3))
_KIND_WORDS = 2 + _MOST_ARGUMENTS
_SYMBOLS = _KINDS + 16 * _KIND_WORDS


class Values:
    """The table by which the kernel makes values of events; it names the symbols, which live as long as it."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self._symbols = tuple(symbols)
        self._words = np.zeros(_SYMBOLS + len(symbols), WORD)
        self.address = self._words.ctypes.data
        self._words[_SYMBOLS:] = [id(symbol) for symbol in self._symbols]
        for at, members in ((_SIDES, Side), (_REASONS, Reason), (_PHASES, Phase)):
            self._enter(at, members)
        for kind, (shape, names) in FIELDS.items():
            places = [_PLACES[name] for name in f"{_HEAD} {names}".split()]
            row = [id(shape), len(places), *places]
            self._words[_KINDS + kind * _KIND_WORDS :][: len(row)] = row

    def _enter(self, at: int, members: Iterable[IntEnum]) -> None:
        for member in members:
            self._words[at + member] = id(member)


@part
def values_of(memory: Memory, table: int, begin: int, end: int) -> int:
    """Make a list of the values of one command's events, which lie from row `begin` to `end`; 0: Python raises.

    No garbage is collected meanwhile: a finaliser could give this engine a command, whose events come where these lie.
    """
    collected: int = let_collect(0)
    values: int = new_list(end - begin)
    if values != 0 and not _filled(memory, table, begin, end, values):
        release(values)
        values = 0
    let_collect(collected)
    return values


@part
def _filled(memory: Memory, table: int, begin: int, end: int, values: int) -> bool:
    words = rows_at(table, _SYMBOLS, WORD)
    symbols = rows_at(table + _SYMBOLS * WORD_BYTES, memory.state.markets, WORD)
    first, value = memory.events[begin], 1
    words[_COMMAND], words[_TS] = new_integer(first.command), new_integer(first.ts)
    for at in range(begin, end):
        event = memory.events[at]
        words[_INSTRUMENT] = symbols[event.instrument]
        value = _value_of(words, event, table)
        if value == 0:
            break
        fill(values, at - begin, value)
    release(words[_COMMAND])
    release(words[_TS])
    return value != 0


@part
def _value_of(words: Rows[int], event: Event, table: int) -> int:
    words[_SEQ], words[_ORDER_ID] = new_integer(event.seq), new_integer(event.order_id)
    words[_MAKER_ID], words[_PRICE] = new_integer(event.maker_id), new_integer(event.price)
    words[_QTY], words[_REMAINING] = new_integer(event.qty), new_integer(event.remaining)
    words[_SIDE] = words[_SIDES + (event.side & (_CODES - 1))]
    words[_REASON] = words[_REASONS + event.reason]
    words[_PHASE] = words[_PHASES + (event.remaining & (_CODES - 1))]
    kind = _KINDS + event.kind * _KIND_WORDS
    count = words[kind + 1]
    whole = True
    for at in range(count):
        one = words[words[kind + 2 + at]]
        words[_ARGUMENTS + at] = one
        whole = whole and one != 0
    value: int = 0
    if whole:
        value = called(words[kind], table + _ARGUMENTS * WORD_BYTES, count)
    release(words[_SEQ])
    release(words[_ORDER_ID])
    release(words[_MAKER_ID])
    release(words[_PRICE])
    release(words[_QTY])
    release(words[_REMAINING])
    return value


def events_of(rows: npt.NDArray[np.void], symbols: Sequence[str]) -> list[made.Event]:
    """Give EVENT rows as values, as the kernel does."""
    return [_event_of(dict(zip(EVENT.names or (), row, strict=True)), symbols) for row in rows.tolist()]


def _event_of(row: dict[str, int], symbols: Sequence[str]) -> made.Event:
    kind, names = FIELDS[EventKind(row["kind"])]
    what: dict[str, object] = {
        **row,
        "instrument": symbols[row["instrument"]],
        "side": Side(row["side"]),
        "reason": Reason(row["reason"]),
    }
    if kind is made.PhaseChanged:
        what["phase"] = Phase(row["remaining"])
    return kind(*(what[name] for name in f"{_HEAD} {names}".split()))  # type: ignore[arg-type]
