"""Parquet files of the cold side: made aside, committed with their manifest entries, read back and checked."""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rtlab.errors import StoreError
from rtlab.store.cold.manifest import FileEntry, quoted
from rtlab.store.cold.place import Place, told
from rtlab.store.cold.schema import COLUMNS, adapt, write_parquet

DAY_NS = 86_400_000_000_000


def day_of(ts: int) -> str:
    """Give the UTC date of a time in ns."""
    return datetime.fromtimestamp(ts // 1_000_000_000, UTC).strftime("%Y-%m-%d")


def by_day(rows: pa.Table, since: int = 0) -> Iterator[pa.Table]:
    """Cut rows where the day changes. A clock that jumps back stays in the day that it had reached."""
    days = np.maximum.accumulate(np.maximum(rows.column("ts").to_numpy(), since)) // DAY_NS
    starts = np.flatnonzero(np.append(True, days[1:] != days[:-1]))
    for first, last in zip(starts, [*starts[1:], len(days)], strict=True):
        yield rows.slice(first, last - first)


class Bounds(NamedTuple):
    """`least` <= the column <= `most`."""

    column: str
    least: int
    most: int


class Span(NamedTuple):
    """Times `start` <= ts < `end`, in ns."""

    start: int
    end: int

    def meets(self, first: int, last: int) -> bool:
        """Tell whether rows with times from `first` to `last` may lie within."""
        return first < self.end and last >= self.start

    def cut(self, rows: pa.Table) -> pa.Table:
        """Give the rows within."""
        ts = rows.column("ts").to_numpy()
        inside = (ts >= self.start) & (ts < self.end)
        return rows if inside.all() else rows.take(pa.array(np.flatnonzero(inside)))


EVER = Span(-(2**63), 2**63 - 1)


class Making:
    """Files that are made aside by one process, in a folder of its own that goes when it ends."""

    def __init__(self, place: Place, aside: Path) -> None:
        self._place, self._aside = place, aside
        self._made: list[tuple[Path, FileEntry]] = []
        with told(str(aside)):
            aside.mkdir(parents=True, exist_ok=True)

    def add(
        self, symbol: str, channel: str, rows: pa.Table, since: int = 0, *, day: str | None = None
    ) -> FileEntry:
        """Write rows of one epoch and `day`: that of the first row, or of `since` when that is later."""
        aside = self._aside / f"{os.getpid()}-{len(self._made)}-{channel}.parquet"
        with told(str(aside)):
            write_parquet(rows, str(aside))
        content = aside.read_bytes()
        ts, seq = rows.column("ts").to_numpy(), rows.column("seq").to_numpy()
        epoch, first, last = int(rows.column("epoch")[0].as_py()), int(seq[0]), int(seq[-1])
        day = day or day_of(max(int(ts[0]), since))
        folder = f"date={day}/channel={channel}/instrument={quoted(symbol)}"
        path = f"{folder}/{epoch}-{first}-{last}.parquet"
        if any(entry.path == path for _, entry in self._made):
            raise StoreError(f"{path} would be written twice")
        entry = FileEntry(
            *(path, channel, day, epoch, first, last, int(ts.min()), int(ts.max())),
            *(rows.num_rows, len(content), crc32(content)),
        )
        self._made.append((aside, entry))
        return entry

    def move(self) -> list[FileEntry]:
        """Move all files to where they belong; give their entries."""
        made, self._made = self._made, []
        for aside, entry in made:
            self._place.put(aside, entry.path)
        return [entry for _, entry in made]


def read_file(
    place: Place, entry: FileEntry, columns: Sequence[str] = COLUMNS, only: Bounds | None = None
) -> pa.Table:
    """Read the row groups that may hold rows whose column `only` names lies within its bounds.

    FileNotFoundError when the file is gone, StoreError when it is not as the manifest says.
    """
    path = f"{place.root}/{entry.path}"
    try:
        with pq.ParquetFile(path, filesystem=place.filesystem) as file:
            if file.metadata.num_rows != entry.rows:
                what = f"the file {path} is not the one of the manifest"
                raise StoreError(what, expected=f"{entry.rows} rows", got=file.metadata.num_rows)
            wanted = [name for name in columns if name in file.schema_arrow.names]
            groups = range(file.num_row_groups) if only is None else groups_within(file, only)
            return adapt(file.read_row_groups(list(groups), columns=wanted), columns, path)
    except FileNotFoundError:
        raise
    except (pa.ArrowInvalid, OSError) as problem:
        raise StoreError(f"the file {path} is damaged or foreign: {problem}") from None


def groups_within(file: pq.ParquetFile, only: Bounds) -> list[int]:
    """Give the row groups of a file that may hold rows within these bounds."""
    column = file.schema_arrow.get_field_index(only.column)
    chosen = []
    for number in range(file.num_row_groups):
        told_of = file.metadata.row_group(number).column(column).statistics
        if (
            told_of is None
            or not told_of.has_min_max
            or (told_of.min <= only.most and told_of.max >= only.least)
        ):
            chosen.append(number)
    return chosen


def check_file(place: Place, entry: FileEntry) -> None:
    """Compare a file's bytes with the manifest; StoreError when they differ or are gone."""
    path = f"{place.root}/{entry.path}"
    try:
        content = place.read(entry.path)
    except FileNotFoundError:
        raise StoreError(f"the file {path} is missing") from None
    told = f"CRC32 {entry.crc32:08x}", f"CRC32 {crc32(content):08x}"
    if told[0] != told[1]:
        raise StoreError(f"the file {path} is damaged", expected=told[0], got=told[1])
