"""Columns that people bring along: book tickers, candles, or any others, asked for by name and kind, and out again.

`ts=time,bid=b,bid_qty=B,...` says which column is which; where a channel's columns are not fixed each is told with its
kind, as `fair:price=model`. Prices and quantities become whole ticks and lots, exactly; nothing is guessed.
"""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from rtlab.errors import ConfigError
from rtlab.model import Instrument
from rtlab.store.cold.own import OwnWriter, schema_of
from rtlab.store.cold.place import Place
from rtlab.store.tables import check_columns, conversions, times_of, values_of

KINDS = {
    "price": pa.int64(),
    "qty": pa.int64(),
    "side": pa.int8(),
    "int": pa.int64(),
    "float": pa.float64(),
    "text": pa.string(),
}
"""How a column is kept: prices in ticks, quantities in lots, sides as 0 (bid, buy) and 1 (ask, sell)."""
KNOWN = {
    "quotes": {"bid": "price", "bid_qty": "qty", "ask": "price", "ask_qty": "qty"},
    "candles": {"open": "price", "high": "price", "low": "price", "close": "price", "volume": "qty"},
}
"""Channels whose columns are fixed."""
_PIECE = 500_000


class Asked(NamedTuple):
    """The column of times, and of each field its kind and column, in order."""

    ts: str
    fields: Mapping[str, tuple[str, str]]


def asked_of(channel: str, text: str) -> Asked:
    """Read a mapping for an own channel; ConfigError when a field is missing, unknown, twice or without a kind."""
    known = KNOWN.get(channel)
    wanted = ",".join(f"{name}=COLUMN" for name in ("ts", *known)) if known else "ts=COLUMN,NAME:KIND=COLUMN"
    pairs = [part.partition("=")[::2] for part in text.split(",")]
    columns = {name.strip(): column.strip() for name, column in pairs}
    ts = columns.pop("ts", "")
    fields = {}
    for name, column in columns.items():
        bare, _, kind = name.partition(":")
        kind = kind or (known or {}).get(bare, "")
        if kind not in KINDS or not column or not bare.isidentifier():
            told = f"{wanted}; a kind is one of {', '.join(KINDS)}"
            raise ConfigError("the columns are not all said", expected=told, got=name)
        fields[bare] = kind, column
    missing = set(known or ()) - set(fields)
    if not ts or not fields or missing or len(columns) + 1 != len(pairs):
        raise ConfigError("the columns are not all said, each once", expected=wanted, got=text)
    return Asked(ts, fields)


def kept_schema(fields: Mapping[str, str], instrument: Instrument) -> pa.Schema:
    """Give the schema of an own channel with these kinds of fields."""
    told = {"tick_size": str(instrument.tick_size), "lot_size": str(instrument.lot_size)}
    return schema_of(
        [pa.field(name, KINDS[kind]) for name, kind in fields.items()],
        {**told, "kinds": json.dumps(dict(fields))},
    )


def import_own(
    table: pa.Table, asked: Asked, unit: str, channel: str, instrument: Instrument, place: Place, work: Path
) -> int:
    """Add rows to an own channel behind what is there, in the order of the table; give how many.

    ConfigError when a column is not there or the channel has others, GridError and SourceError name the row.
    """
    named = [asked.ts, *(column for _, column in asked.fields.values())]
    check_columns(table, named)
    schema = kept_schema({name: kind for name, (kind, _) in asked.fields.items()}, instrument)
    ts = pa.array(times_of(table.column(asked.ts).to_pylist(), unit))
    made = [
        _made(table.column(column), kind, name, instrument) for name, (kind, column) in asked.fields.items()
    ]
    rows = pa.table([ts, *made], names=schema.names[1:])
    with OwnWriter(place, work, channel, instrument.symbol, schema) as writer:
        for first in range(0, rows.num_rows, _PIECE):
            writer.append(rows.slice(first, _PIECE))
        writer.roll()
    return len(ts)


def _made(column: pa.ChunkedArray, kind: str, name: str, instrument: Instrument) -> pa.Array:
    values = column.to_pylist()
    if kind == "text":
        return pa.array([None if one is None else str(one) for one in values], pa.string())
    convert: dict[str, Callable[[object], float]] = {
        **conversions(instrument),
        "int": lambda one: _whole(str(one)),
        "float": lambda one: float(str(one)),
    }
    return pa.array(values_of(values, convert[kind], f"{name} ({kind})", KINDS[kind].to_pandas_dtype()))


def _whole(text: str) -> int:
    number = Decimal(text)
    if number != int(number):
        raise ValueError(text)
    return int(number)


def export_own(rows: pa.Table, path: Path) -> None:
    """Write rows of an own channel to Parquet as they are, or to CSV with decimal prices and quantities, exact.

    ConfigError when bytes that are no text would have to be written as such.
    """
    if path.suffix == ".parquet":
        pq.write_table(rows, path)
        return
    told = {key.decode(): value.decode() for key, value in (rows.schema.metadata or {}).items()}
    kinds = json.loads(told.get("kinds", "{}"))
    step = {"price": told.get("tick_size"), "qty": told.get("lot_size")}
    columns = {name: _shown(rows.column(name), step.get(kinds.get(name, ""))) for name in rows.column_names}
    pacsv.write_csv(pa.table(columns), path)


def _shown(column: pa.ChunkedArray, step: str | None) -> pa.ChunkedArray:
    if step is not None:
        of = Decimal(step)
        return pa.chunked_array([pa.array([str(of * one) for one in column.to_pylist()], pa.string())])
    if not pa.types.is_binary(column.type):
        return column
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid as problem:
        told = f"these bytes are no text: {problem}"
        raise ConfigError(told, expected="a file that ends in .parquet") from None
