"""The rows of the cold side, and how they lie in Parquet.

All channels have the same seven columns. `book` holds level changes, `trades` trades, and `levels` whole books, one
row a level, all with the (epoch, seq, step, ts) at which the book stood so.

    epoch, seq   the channel's own sequence, dense within an epoch
    step         the instrument's position (level changes and trades) at the end of the row's step
    ts           ns; side 0 bid or buyer, 1 ask or seller; price in ticks; qty in lots, 0 removes a level

Sequences and times grow by little, so differences are packed; zstd does the rest.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from rtlab.errors import StoreError

VERSION = 1
"""Of the files' schema. Files of an older version open: columns that they lack are empty."""
CHANNELS = ("book", "trades", "levels")
COLUMNS = ("epoch", "seq", "step", "ts", "side", "price", "qty")
SCHEMA = pa.schema([(name, pa.int8() if name == "side" else pa.int64()) for name in COLUMNS])
TAIL_SCHEMA = pa.schema([("channel", pa.int8()), *SCHEMA])
ROW_GROUP = 122_880  # what DuckDB gives to one thread

_DELTAS = dict.fromkeys(("epoch", "seq", "step", "ts", "price"), "DELTA_BINARY_PACKED")
_VERSION_KEY = b"rtlab.schema"

Ints = npt.NDArray[np.int64]


class Levels(NamedTuple):
    """A whole book as columns, sorted by price within a side; quantities are above 0."""

    side: Ints
    price: Ints
    qty: Ints

    @classmethod
    def empty(cls) -> "Levels":
        """Give a book without levels."""
        nothing = np.zeros(0, np.int64)
        return cls(nothing, nothing, nothing)

    def fold(self, side: Ints, price: Ints, qty: Ints) -> "Levels":
        """Give the book after these changes, in order: of each price the last one counts."""
        sides, prices = np.concatenate([self.side, side]), np.concatenate([self.price, price])
        qtys = np.concatenate([self.qty, qty])
        keys = 2 * prices + sides
        _, from_end = np.unique(keys[::-1], return_index=True)
        last = len(keys) - 1 - from_end
        last = last[qtys[last] > 0]
        return Levels(sides[last], prices[last], qtys[last])

    def book(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Give (bids, asks) as (price, qty), best first."""
        bids, asks = (
            list(zip(self.price[mask].tolist(), self.qty[mask].tolist(), strict=True))
            for mask in (self.side == 0, self.side == 1)
        )
        return bids[::-1], asks


def table_of(columns: Sequence[object]) -> pa.Table:
    """Give seven columns of numbers as a table."""
    arrays = [np.asarray(one, np.int8 if name == "side" else np.int64) for name, one in zip(COLUMNS, columns)]  # noqa: B905
    return pa.Table.from_arrays([pa.array(one) for one in arrays], schema=SCHEMA)


def write_parquet(table: pa.Table, path: str) -> None:
    """Write rows to a file on this machine."""
    meta = {**(table.schema.metadata or {}), _VERSION_KEY: str(VERSION).encode()}
    pq.write_table(
        table.replace_schema_metadata(meta),
        path,
        row_group_size=ROW_GROUP,
        compression="zstd",
        compression_level=3,
        use_dictionary=["side", "qty"],
        column_encoding=_DELTAS,
        data_page_version="2.0",
    )


def adapt(table: pa.Table, columns: Sequence[str], where: str) -> pa.Table:
    """Bring rows of an older schema to this one, cut to `columns`; StoreError when they are of a newer one."""
    told = (table.schema.metadata or {}).get(_VERSION_KEY, b"0")
    if not told.isdigit() or int(told) > VERSION:
        raise StoreError(
            f"{where} was written by a newer rtlab", expected=f"schema {VERSION} or older", got=told.decode()
        )
    arrays = []
    for name in columns:
        kind = SCHEMA.field(name).type
        has = name in table.column_names
        arrays.append(table.column(name).cast(kind) if has else pa.nulls(table.num_rows, kind))
    return pa.Table.from_arrays(arrays, schema=pa.schema([SCHEMA.field(name) for name in columns]))
