"""Trades and level changes as other people keep them: tables of any column names into the store, and out again.

Nothing is guessed: who imports says which column is which, and what times are in. Prices and quantities become whole
ticks and lots, exactly; one that is off the grid is an error that names its row.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from rtlab.errors import ConfigError, GridError, SourceError
from rtlab.model import Instrument
from rtlab.store.cold.columns import BOOK, TRADES, Stand
from rtlab.store.cold.place import Place
from rtlab.store.cold.schema import COLUMNS, TAIL_SCHEMA, Ints, Levels
from rtlab.store.cold.writer import ColdWriter
from rtlab.store.moments import ns_of

FIELDS = ("ts", "price", "qty", "side")
UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
ISO = "iso"
"""The unit of times that are text, as 2024-08-09T12:00:00.123456789Z; without a zone they are in UTC."""
SIDES = {"buy": 0, "b": 0, "bid": 0, "0": 0, "sell": 1, "s": 1, "ask": 1, "1": 1}
"""What may stand in the column of the aggressor's side, in any case."""
_PIECE = 500_000
_FRACTION = re.compile(r"(.+:\d\d)[.,](\d{1,9})(.*)")

_Number = TypeVar("_Number", bound=np.generic)


def mapping_of(text: str) -> dict[str, str]:
    """Read `ts=time,price=px,qty=size,side=aggressor`; ConfigError when a field is missing, unknown or twice."""
    pairs = [part.partition("=") for part in text.split(",")]
    mapping = {field.strip(): column.strip() for field, _, column in pairs}
    if sorted(mapping) != sorted(FIELDS) or len(pairs) != len(FIELDS) or not all(mapping.values()):
        wanted = ",".join(f"{name}=COLUMN" for name in FIELDS)
        raise ConfigError("the columns are not all said, each once", expected=wanted, got=text)
    return mapping


def read_table(path: Path) -> pa.Table:
    """Read a CSV file (each value as its text) or a Parquet file; SourceError when it is neither."""
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        with path.open(encoding="utf-8") as file:
            names = file.readline().rstrip("\r\n").split(",")
        text = pacsv.ConvertOptions(
            column_types=dict.fromkeys((name.strip('"') for name in names), pa.string())
        )
        return pacsv.read_csv(path, convert_options=text)
    except (OSError, pa.ArrowInvalid, UnicodeDecodeError) as problem:
        raise SourceError(
            f"{path} cannot be read: {problem}", expected="CSV with a header, or Parquet"
        ) from None


def import_rows(
    table: pa.Table,
    mapping: Mapping[str, str],
    unit: str,
    instrument: Instrument,
    place: Place,
    work: Path,
    *,
    channel: str = "trades",
) -> int:
    """Add trades, or level changes (`book`: qty is the new total, 0 removes the level), as an epoch of their own.

    In the order of the table; gives how many. A book begins empty. ConfigError when a column is not there or times
    run backwards, GridError and SourceError name the row.
    """
    check_columns(table, mapping.values())
    columns = {field: table.column(mapping[field]).to_pylist() for field in FIELDS}
    ts = times_of(columns["ts"], unit)
    convert = conversions(instrument)
    price = values_of(columns["price"], convert["price"], "price", np.int64)
    qty = values_of(columns["qty"], convert["qty"], "quantity", np.int64)
    side = values_of(columns["side"], convert["side"], "side (buy, bid, b, 0; sell, ask, s, 1)", np.int64)
    with ColdWriter(place, work, instrument) as writer:
        epoch = writer.stand.epoch + 1
        writer.begin(Stand(epoch, ts=writer.stand.ts), Levels.empty(), "imported")
        for first in range(0, len(ts), _PIECE):
            pieces = (one[first : first + _PIECE] for one in (ts, price, qty, side))
            append_rows(writer, *pieces, channel=channel)
        writer.roll()
    return len(ts)


def check_columns(table: pa.Table, named: Iterable[str]) -> None:
    """Raise ConfigError when a column is not there."""
    if missing := sorted(set(named) - set(table.column_names)):
        have = ", ".join(table.column_names)
        raise ConfigError("the table has no such column", expected=f"some of {have}", got=", ".join(missing))


def conversions(instrument: Instrument) -> dict[str, Callable[[object], int]]:
    """Give what makes whole ticks of a `price`, lots of a `qty`, and 0 or 1 of a `side`, each exactly."""
    return {
        "price": lambda one: instrument.ticks(str(one)),
        "qty": lambda one: instrument.lots(str(one)),
        "side": lambda one: SIDES[str(one).strip().lower()],
    }


def times_of(values: Sequence[object], unit: str) -> Ints:
    """Give times in ns; ConfigError for an unknown unit, SourceError for the row whose time is none or runs back.

    Those of the unit `iso` are ISO 8601 text, to the nanosecond; those of any other are numbers.
    """
    if unit not in (*UNITS, ISO):
        raise ConfigError(
            "times are in no such unit", expected=f"one of {', '.join((*UNITS, ISO))}", got=unit
        )
    if unit == ISO:
        ts = values_of(values, _iso_ns, "time of ISO 8601, as 2024-08-09T12:00:00", np.int64)
    else:
        what = f"time in {unit}, a number (the unit of ISO 8601 text is iso)"
        ts = values_of(values, lambda one: int(Decimal(str(one)) * UNITS[unit]), what, np.int64)
    if len(ts) and (back := np.flatnonzero(np.diff(ts) < 0)).size:
        raise SourceError(f"row {int(back[0]) + 2}: its time is before that of the row above")
    return ts


def _iso_ns(value: object) -> int:
    # datetime has microseconds: what is finer is added as a number
    text = str(value).strip()
    found = _FRACTION.fullmatch(text)
    head, fraction, zone = found.groups() if found else (text, "", "")
    return ns_of(datetime.fromisoformat(head + zone)) + int(fraction.ljust(9, "0"))


def values_of(
    values: Sequence[object], convert: Callable[[object], float], what: str, kind: type[_Number]
) -> npt.NDArray[_Number]:
    """Convert each value to a number; GridError and SourceError name the row and `what` it should be."""
    made = np.empty(len(values), kind)
    for number, value in enumerate(values):
        try:
            made[number] = convert(value)
        except GridError as problem:
            raise GridError(f"row {number + 1}: {problem}") from None
        except (ArithmeticError, KeyError, ValueError, TypeError):
            raise SourceError(f"row {number + 1}: this is no {what}", got=value) from None
    return made


def append_rows(
    writer: ColdWriter, ts: Ints, price: Ints, qty: Ints, side: Ints, *, channel: str = "trades"
) -> None:
    """Add trades or level changes of one instrument behind where its writer stands, each as a step of its own."""
    stand, count = writer.stand, len(ts)
    changed, made = (count, 0) if channel == "book" else (0, count)
    seqs, steps = (
        start + 1 + np.arange(count) for start in (stand.book if changed else stand.trades, stand.position)
    )
    code, epoch = np.full(count, BOOK if changed else TRADES, np.int8), np.full(count, stand.epoch)
    columns = (code, epoch, seqs, steps, ts, side.astype(np.int8), price, qty)
    batch = pa.RecordBatch.from_arrays([pa.array(one) for one in columns], schema=TAIL_SCHEMA)
    after = Stand(stand.epoch, stand.position + count, stand.book + changed, stand.trades + made, int(ts[-1]))
    writer.append(batch, after)


def export_rows(rows: pa.Table, instrument: Instrument, path: Path) -> None:
    """Write rows to Parquet as they are (ticks and lots), or to CSV with decimal prices and quantities, exact."""
    if path.suffix == ".parquet":
        grid = {"tick_size": str(instrument.tick_size), "lot_size": str(instrument.lot_size)}
        pq.write_table(rows.replace_schema_metadata(grid), path)
        return
    columns = {name: rows.column(name) for name in COLUMNS}
    columns["price"] = pa.array(
        [str(instrument.price(one)) for one in rows.column("price").to_pylist()], pa.string()
    )
    columns["qty"] = pa.array(
        [str(instrument.quantity(one)) for one in rows.column("qty").to_pylist()], pa.string()
    )
    pacsv.write_csv(pa.table(columns), path)
