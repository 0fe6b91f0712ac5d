"""The two files of LOBSTER, read side by side: messages, and the best levels right after each.

message: time (s after midnight), type, order id, size, price (dollars x 10,000), direction (1 a buy order, -1 a
sell order). orderbook, level 1: best ask, its size, best bid, its size; row for row.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from enum import IntEnum
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from rtlab.errors import GridError, SourceError
from rtlab.model import Instrument, Level, Side
from rtlab.sources.recording import lines

_PRICES_PER_UNIT = 10_000
_NO_PRICE = 9_999_999_999  # what an empty side shows, with a minus for bids
_DAY_NS = 86_400 * 10**9
_NAME = re.compile(r"(?P<symbol>[^_]+)_(?P<day>\d{4}-\d\d-\d\d)?.*(message|orderbook)")


class MessageType(IntEnum):
    """What a message tells; the price and size of the last three touch no visible level."""

    ADDED = 1
    REDUCED = 2
    DELETED = 3
    EXECUTED = 4
    HIDDEN = 5
    CROSSED = 6
    HALTED = 7


class LobsterRow(NamedTuple):
    """One message and the best levels right after it, on our grid; `side` is that of the resting order."""

    number: int  # from 1
    ts: int  # ns
    type: MessageType
    order_id: int
    size: int
    price: int
    side: Side
    best: tuple[Level | None, Level | None]  # by Side


def pair_of(path: Path) -> tuple[Path, Path]:
    """Give (message file, orderbook file) from the path of either; SourceError when its name does not tell."""
    name = path.name
    for mine, other in (("message", "orderbook"), ("orderbook", "message")):
        if mine in name:
            partner = path.with_name(name.replace(mine, other))
            return (path, partner) if mine == "message" else (partner, path)
    raise SourceError(
        f"{path}: the name does not tell which file of LOBSTER this is",
        expected="a name with message or orderbook in it",
        got=name,
    )


def symbol_and_day(path: Path) -> tuple[str, int]:
    """Give the symbol and the start of the day in ns (0: not told) from the name of a LOBSTER file."""
    found = _NAME.match(path.name)
    if found is None:
        return path.name.partition(".")[0], 0
    day = found["day"]
    return found["symbol"], (date.fromisoformat(day).toordinal() - 719_163) * _DAY_NS if day else 0


def rows(
    message_path: Path, orderbook_path: Path, instrument: Instrument, day_ns: int
) -> Iterator[LobsterRow]:
    """Yield the rows of both files, which must be equally long.

    Raises SourceError or GridError that names the row, after every good one before it was given.
    """
    grid = _Prices(instrument)
    pairs = zip_longest(lines(message_path), lines(orderbook_path))
    for number, (message, book) in enumerate(pairs, 1):
        if message is None or book is None:
            ended = message_path if message is None else orderbook_path
            raise SourceError(
                f"{ended}: the file ends before the other", expected=f"a row {number}", got="its end"
            )
        try:
            yield _row(number, message.split(b","), book.split(b","), grid, day_ns)
        except ValueError as error:
            raise SourceError(
                f"{message_path}: row {number} is not one of LOBSTER ({error})",
                expected="time, type, order id, size, price, direction; and a level-1 orderbook row",
                got=(message + b" | " + book)[:100],
            ) from None
        except GridError as error:
            what = f"{message_path}: row {number}: {error.what}"
            raise GridError(what, expected=error.expected, got=error.got) from None


def _row(number: int, message: list[bytes], book: list[bytes], grid: "_Prices", day_ns: int) -> LobsterRow:
    time, code, order_id, size, price, direction = message
    ask, ask_size, bid, bid_size = book
    seconds, _, fraction = time.partition(b".")
    message_type = MessageType(int(code))
    if direction not in (b"1", b"-1", b"1\r", b"-1\r"):
        raise ValueError("the direction is neither 1 nor -1")
    visible = message_type <= MessageType.EXECUTED
    return LobsterRow(
        number,
        day_ns + int(seconds) * 10**9 + int(fraction.ljust(9, b"0")[:9]),
        message_type,
        int(order_id),
        int(size),
        grid[int(price)] if visible else 0,  # hidden orders may trade between two ticks
        Side.BID if int(direction) == 1 else Side.ASK,
        (grid.level(int(bid), int(bid_size)), grid.level(int(ask), int(ask_size))),
    )


class _Prices(dict[int, int]):
    def __init__(self, instrument: Instrument) -> None:
        super().__init__()
        self.instrument = instrument

    def __missing__(self, price: int) -> int:
        ticks = self.instrument.ticks(Decimal(price) / _PRICES_PER_UNIT)
        self[price] = ticks
        return ticks

    def level(self, price: int, size: int) -> Level | None:
        return None if abs(price) == _NO_PRICE or not size else (self[price], size)
