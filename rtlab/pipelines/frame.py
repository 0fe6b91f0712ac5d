"""A frame: the columns of one repaint, shared by all branches of a graph and changed by none."""

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtlab.errors import LocalError
from rtlab.model import Instrument

if TYPE_CHECKING:
    import pandas as pd

Column = NDArray[Any]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

TIMES = ("ts", "start")


@dataclass(frozen=True, eq=False, repr=False)
class Frame:
    """Rows of one channel and instrument as columns of equal length, read-only, oldest first.

    Times (`ts`, `start`) are int64 ns since 1970 UTC; prices and quantities are float64 in the instrument's
    units; what is counted in ticks or lots is an integer. With `key`, the frame changes a table: its rows
    ascend by that column and replace those of equal key. Raises LocalError for columns of unequal length.
    """

    channel: str
    instrument: Instrument
    columns: dict[str, Column]
    key: str | None = None
    rows: int = field(init=False)

    def __post_init__(self) -> None:
        frozen: dict[str, Column] = {}
        shape: tuple[int, ...] | None = None
        for name, column in self.columns.items():
            if column.shape != shape:
                if shape is not None or column.ndim != 1:
                    lengths = {one: values.shape for one, values in self.columns.items()}
                    raise LocalError(
                        "a frame's columns do not fit together", expected="one length", got=lengths
                    )
                shape = column.shape
            frozen[name] = column = column.view()
            column.setflags(write=False)
        object.__setattr__(self, "columns", frozen)
        object.__setattr__(self, "rows", shape[0] if shape else 0)
        if self.key is not None and self.key not in self.columns:
            raise LocalError("a frame has no key column", expected=self.key, got=list(self.columns))

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def __repr__(self) -> str:
        parts = [f"{self.channel} {self.instrument.symbol}", f"{self.rows} rows"]
        if self.rows:
            parts += [f"{n} {self[n][0]} to {self[n][-1]}" for n in ("seq", *TIMES) if n in self.columns]
        return f"<Frame {', '.join(parts)}>"

    def part(self, start: int | None, stop: int | None) -> "Frame":
        """Give rows `start` to `stop` as a frame that shares memory with this one."""
        cut = {name: column[start:stop] for name, column in self.columns.items()}
        return Frame(self.channel, self.instrument, cut, self.key)

    def to_pandas(self) -> "pd.DataFrame":
        """Copy into a DataFrame, indexed by the time column as UTC where there is one."""
        import pandas as pd

        columns: dict[str, Any] = dict(self.columns)
        times = [name for name in TIMES if name in columns]
        for name in times:
            columns[name] = pd.DatetimeIndex(columns[name].astype("M8[ns]"), tz="UTC", name=name)
        index = columns.pop(times[0]) if times else None
        return pd.DataFrame(
            {name: np.asarray(c) if name not in times else c for name, c in columns.items()}, index
        )


def units(steps: ArrayLike, *sizes: Decimal) -> Floats:
    """Give whole `steps` (or floats of them) of a grid of `sizes` (their product) in units, as float64.

    Whole steps below 2**53 give the float nearest to the exact decimal: 3 ticks of 0.1 are 0.3.
    """
    numerator, denominator = _ratio(sizes)
    value = np.array(steps, np.float64)
    if numerator != 1:
        value *= numerator
    if denominator != 1:
        value /= denominator
    return value


@lru_cache(maxsize=256)
def _ratio(sizes: tuple[Decimal, ...]) -> tuple[float, float]:
    size = prod(map(Fraction, sizes))
    return float(size.numerator), float(size.denominator)


def trade_frame(instrument: Instrument, seq: Integers, rows: Integers, channel: str = "trades") -> Frame:
    """Build a frame of trades from int64 rows (ts, ticks, lots, aggressor side) of shape (n, 4).

    Columns: ts, seq, price, qty, side (0 BID, 1 ASK: the aggressor's), ticks, lots.
    """
    ts, ticks, lots, side = rows.T.copy()
    columns: dict[str, Column] = {
        "ts": ts,
        "seq": seq,
        "price": units(ticks, instrument.tick_size),
        "qty": units(lots, instrument.lot_size),
        "side": side.astype(np.int8),
        "ticks": ticks,
        "lots": lots,
    }
    return Frame(channel, instrument, columns)


def quote_frame(instrument: Instrument, rows: Integers, channel: str = "ticker") -> Frame:
    """Build a frame of quotes from int64 rows (ts, seq, bid, bid lots, ask, ask lots) of shape (n, 6).

    Columns: ts, seq, bid, bid_qty, ask, ask_qty, and the same four as bid_ticks, bid_lots, ask_ticks,
    ask_lots. A side that is empty has quantity 0 and price 0.
    """
    ts, seq, bid, bid_lots, ask, ask_lots = rows.T.copy()
    columns: dict[str, Column] = {
        "ts": ts,
        "seq": seq,
        "bid": units(bid, instrument.tick_size),
        "bid_qty": units(bid_lots, instrument.lot_size),
        "ask": units(ask, instrument.tick_size),
        "ask_qty": units(ask_lots, instrument.lot_size),
        "bid_ticks": bid,
        "bid_lots": bid_lots,
        "ask_ticks": ask,
        "ask_lots": ask_lots,
    }
    return Frame(channel, instrument, columns)


def depth_frame(instrument: Instrument, rows: Integers, levels: int, channel: str = "depth") -> Frame:
    """Build a frame of books from int64 rows (ts, seq, then bid, bid lots, ask, ask lots of each level, best first).

    Columns: those of `quote_frame` for the best level, and bid_ticks_k, bid_lots_k, ask_ticks_k, ask_lots_k for
    level k from 1. A level that is missing has quantity 0. LocalError for rows of another width.
    """
    if rows.ndim != 2 or rows.shape[1] != 2 + 4 * levels or levels < 1:
        raise LocalError(
            "rows of depth are of the wrong form", expected=f"{2 + 4 * levels} wide", got=rows.shape
        )
    columns = dict(quote_frame(instrument, rows[:, :6], channel).columns)
    for level in range(1, levels):
        for number, name in enumerate(("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")):
            columns[f"{name}_{level}"] = rows[:, 2 + 4 * level + number].copy()
    return Frame(channel, instrument, columns)
