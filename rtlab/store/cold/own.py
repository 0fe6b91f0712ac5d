"""Channels of any columns beside the market's: raw messages of a venue, book tickers, candles, what you bring along.

    append ──▶ open tail (Arrow IPC, synced) ──roll──▶ Parquet by date, channel and instrument, below `own/`
                                                       ──compact──▶ fewer of them (`own_upkeep`)

A row is `seq` (dense, from 1), `ts` (ns, what is asked for by time) and the columns of the channel's schema, which is
that of its first file. Files are named by their sequence and moved into place whole; a tail is named by the sequence
that it begins with. So what a killed writer left in both is known by its sequence, and counts once: there is no
manifest to be kept in step. A file whose rows another holds as well, for it was made of it, is not looked at. A reader
takes the tail first and the files after it, for rows only go that way; of a file that went meanwhile it asks anew.
Pages of files carry checksums, which are compared when they are read.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rtlab.errors import ConfigError, StoreError
from rtlab.store.cold.files import DAY_NS, EVER, Bounds, Span, by_day, day_of, groups_within
from rtlab.store.cold.manifest import quoted
from rtlab.store.cold.place import Place, forget_aside, told
from rtlab.store.cold.schema import CHANNELS, ROW_GROUP
from rtlab.store.cold.tail import TailOwner, TailWriter, read_tail

OWN = "own"
_FIRST = [pa.field("seq", pa.int64()), pa.field("ts", pa.int64())]
_TRIES = 50


class OwnFile(NamedTuple):
    """One file: the rows `first` to `last` of a day."""

    path: str
    date: str
    channel: str
    instrument: str
    first: int
    last: int


class OwnPart(NamedTuple):
    """What is kept of one instrument at a moment: the paths of its files, and the rows beyond them."""

    instrument: str
    files: list[str]
    rows: pa.Table | None


def schema_of(fields: Sequence[pa.Field], metadata: dict[str, str] | None = None) -> pa.Schema:
    """Give the schema of a channel with `seq`, `ts` and these fields; ConfigError for a name that is taken."""
    if taken := [one.name for one in fields if one.name in ("seq", "ts")]:
        raise ConfigError("this column is there already", expected="another name", got=", ".join(taken))
    return pa.schema([*_FIRST, *fields], metadata=metadata)


def own_rows(rows: Sequence[Sequence[object]], schema: pa.Schema) -> pa.Table:
    """Give rows, each `ts` and the columns of the channel, as its writer takes them."""
    fields = list(schema)[1:]
    columns = zip(*rows, strict=True) if rows else ((),) * len(fields)
    arrays = [pa.array(one, field.type) for one, field in zip(columns, fields, strict=True)]
    return pa.table(arrays, schema=pa.schema(fields))


def own_files(place: Place, channel: str | None = None, instrument: str | None = None) -> list[OwnFile]:
    """Give the files of own channels, in the order of their rows, each row in one of them."""
    return counted(lying_files(place, channel, instrument))


def counted(lying: Sequence[OwnFile]) -> list[OwnFile]:
    """Leave out of `lying_files` those whose rows a larger one holds."""
    reached: dict[tuple[str, str], int] = {}
    kept = []
    for one in lying:
        of = one.channel, one.instrument
        if one.last > reached.get(of, 0):
            reached[of] = one.last
            kept.append(one)
    return kept


def lying_files(place: Place, channel: str | None = None, instrument: str | None = None) -> list[OwnFile]:
    """Give all files of own channels, a larger one before those whose rows it holds."""
    found = []
    for path in place.paths(OWN):
        parts = dict(part.split("=", 1) for part in path.split("/")[1:-1])
        first, _, last = path.rpartition("/")[2].removesuffix(".parquet").partition("-")
        one = OwnFile(path, parts["date"], parts["channel"], parts["instrument"], int(first), int(last))
        if channel in (None, one.channel) and instrument in (None, one.instrument):
            found.append(one)
    return sorted(found, key=lambda one: (one.channel, one.instrument, one.first, -one.last))


def own_path(date: str, channel: str, name: str, rows: pa.Table) -> str:
    """Give where these rows of a day belong."""
    seq = rows.column("seq")
    folder = f"{OWN}/date={date}/channel={channel}/instrument={name}"
    return f"{folder}/{seq[0].as_py()}-{seq[-1].as_py()}.parquet"


def write_own(rows: pa.Table, aside: Path) -> None:
    """Write rows to a file on this machine."""
    with told(str(aside)):
        aside.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, aside, ROW_GROUP, compression="zstd", write_page_checksum=True)


def own_channels(place: Place, work: Path) -> dict[str, set[str]]:
    """Give the names of own channels of which something is kept, and for each the names of its instruments."""
    found: dict[str, set[str]] = {}
    for one in own_files(place):
        found.setdefault(one.channel, set()).add(one.instrument)
    for path in (work / "tail" / OWN).glob("*/*/*.arrows"):
        found.setdefault(path.parent.parent.name, set()).add(path.parent.name)
    return found


class OwnWriter(TailOwner):
    """The one writer of an own channel of `instrument`; `with OwnWriter(...)` as ColdWriter. `seq` is the last row's.

    StoreError when another process writes it for longer than `wait_s`, or the place takes nothing; ConfigError when
    the channel has another schema, or the name of one of the market's.
    """

    def __init__(
        self,
        place: Place,
        work: Path,
        channel: str,
        instrument: str,
        schema: pa.Schema,
        *,
        wait_s: float = 2.0,
    ) -> None:
        if channel.lower() in CHANNELS or not channel.isidentifier():
            raise ConfigError(
                "an own channel needs a name of its own", expected="as quotes or raw", got=channel
            )
        self.place, self.work, self.schema = place, work, schema
        self.channel, self.name = channel, quoted(instrument)
        self.seq = self.tail_rows = self.tail_bytes = self.recovered = 0
        self._since = 0
        what = f"another process writes {channel} of {self.name} into {place.root}"
        super().__init__(work / "locks" / f"{self.name}.own-{channel}", what, wait_s)

    @property
    def folder(self) -> Path:
        """Where its tail lies."""
        return self.work / "tail" / OWN / self.channel / self.name

    @property
    def _aside(self) -> Path:
        return self.work / "tmp" / f"{self.name}.own-{self.channel}"

    def append(self, rows: pa.Table) -> None:
        """Make rows safe: `ts` and the columns of the schema. After a StoreError the writer must be closed."""
        if not rows.num_rows:
            return
        seqs = pa.array(np.arange(self.seq + 1, self.seq + 1 + rows.num_rows))
        rows = pa.table([seqs, *(rows.column(name) for name in self.schema.names[1:])], schema=self.schema)
        if self._tail is None:
            self._tail = self._open_tail()
        self._tail.append(rows.combine_chunks().to_batches()[0])
        self.seq += rows.num_rows
        self.tail_rows += rows.num_rows
        self.tail_bytes += rows.nbytes

    def _open_tail(self) -> TailWriter:
        # made under another name: a tail that was killed before it had its schema never held a row
        made = TailWriter(self.folder / f"{token_hex(4)}.new", self.schema)
        path = self.folder / f"{self.seq + 1}.arrows"
        try:
            with told(str(path)):
                made.path.rename(path)
        except StoreError:
            made.close()
            raise
        made.path = path
        return made

    def roll(self) -> None:
        """Turn the tail into a Parquet file a day; nothing to do when it is empty."""
        if self._tail is None:
            return
        path = self._tail.path
        self._tail.close()
        self._tail = None
        self._keep(read_tail(path, self.schema))
        path.unlink()
        self.tail_rows = self.tail_bytes = 0

    def _recover(self) -> None:
        forget_aside(self._aside)
        schema, self.seq = kept_of(self.place, self.channel, self.name)
        if schema is not None:
            _same(self.schema, schema, self.channel)
        for path in self.folder.glob("*.new"):
            path.unlink()
        for path in sorted(self.folder.glob("*.arrows"), key=lambda one: int(one.stem)):
            rows = _after(read_tail(path, self.schema), self.seq)
            self.recovered += rows.num_rows
            self._keep(rows)
            self.seq = max(self.seq, rows.column("seq")[-1].as_py() if rows.num_rows else 0)
            path.unlink()

    def _keep(self, rows: pa.Table) -> None:
        for day in by_day(rows, self._since) if rows.num_rows else ():
            ts = day.column("ts").to_numpy()
            date = day_of(max(int(ts[0]), self._since))
            self._since = max(self._since, int(ts.max()))
            aside = self._aside / f"{date}.parquet"
            write_own(day, aside)
            self.place.put(aside, own_path(date, self.channel, self.name, day))


class OwnReader:
    """Reads one own channel of one instrument, while it is written."""

    def __init__(self, place: Place, work: Path, channel: str, instrument: str) -> None:
        self.place, self.channel, self.name = place, channel, quoted(instrument)
        self._folder = work / "tail" / OWN / channel / self.name

    def batches(self, span: Span = EVER, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Give the rows of `span` in the order of their sequence, a file at a time, then those of the tail.

        ConfigError for an unknown column, StoreError when a file is damaged or foreign.
        """
        tail, after, tries = self._tail(), 0, 0
        while True:
            try:
                for file in own_files(self.place, self.channel, self.name):
                    if file.last <= after:
                        continue
                    if _end_of(file.date) >= span.start:
                        rows = span.cut(_after(self._read(file, span, columns), after))
                        if rows.num_rows:
                            yield _chosen(rows, columns)
                    after = file.last
                break
            except (
                FileNotFoundError
            ) as problem:  # dropped or merged meanwhile: the others are as they are now
                if (tries := tries + 1) == _TRIES:
                    raise StoreError(f"files come and go faster than they are read: {problem}") from None
        if tail is not None and (rows := span.cut(_after(tail, after))).num_rows:
            yield _chosen(rows, columns)

    def part(self) -> OwnPart:
        """Give what is kept now."""
        tail, files = self._tail(), own_files(self.place, self.channel, self.name)
        rows = None if tail is None else _after(tail, files[-1].last if files else 0)
        return OwnPart(unquote(self.name), [one.path for one in files], rows)

    def check(self) -> int:
        """Read every file, each page with its checksum; give how many. StoreError names the first that is damaged."""
        for _ in self.batches():
            pass
        return len(self.part().files)

    def schema(self) -> pa.Schema:
        """Give the channel's schema; StoreError when nothing is kept of it."""
        tail, (schema, _) = self._tail(), kept_of(self.place, self.channel, self.name)
        if schema is not None:
            return schema
        if tail is None:
            raise StoreError(f"nothing is kept of {self.channel} of {self.name} in {self.place.root}")
        return tail.schema

    def nothing(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Give no row of it; errors as those of `batches` and `schema`."""
        return _chosen(self.schema().empty_table(), columns)

    def _tail(self) -> pa.Table | None:
        for _ in range(_TRIES):
            found = sorted(self._folder.glob("*.arrows"), key=lambda one: int(one.stem))
            try:
                return pa.concat_tables([read_tail(path, None) for path in found]) if found else None
            except FileNotFoundError:
                continue  # it became a file meanwhile
        raise StoreError(f"the tails in {self._folder} come and go")

    def _read(self, file: OwnFile, span: Span, columns: Sequence[str] | None) -> pa.Table:
        wanted = None if columns is None else sorted({"seq", "ts", *columns})
        return read_own(self.place, file, wanted, Bounds("ts", span.start, span.end - 1))


def read_own(
    place: Place, file: OwnFile, columns: Sequence[str] | None = None, only: Bounds | None = None
) -> pa.Table:
    """Read a file, of it the row groups that may hold rows within `only`; errors as those of `read_file`."""
    path, rows = f"{place.root}/{file.path}", file.last - file.first + 1
    try:
        with pq.ParquetFile(path, filesystem=place.filesystem, page_checksum_verification=True) as one:
            if one.metadata.num_rows != rows:
                what = f"the file {path} does not hold what its name says"
                raise StoreError(what, expected=f"{rows} rows", got=one.metadata.num_rows)
            _check(columns, one.schema_arrow.names)
            groups = range(one.num_row_groups) if only is None else groups_within(one, only)
            return one.read_row_groups(list(groups), None if columns is None else list(columns))
    except FileNotFoundError:
        raise
    except (pa.ArrowInvalid, OSError) as problem:
        raise StoreError(f"the file {path} is damaged or foreign: {problem}") from None


def kept_of(place: Place, channel: str, name: str) -> tuple[pa.Schema | None, int]:
    """Give the schema of a channel's files and the last sequence in them; None and 0 when there are none."""
    for _ in range(_TRIES):
        files = own_files(place, channel, name)
        if not files:
            return None, 0
        path = f"{place.root}/{files[-1].path}"
        try:
            return pq.read_schema(path, filesystem=place.filesystem), files[-1].last
        except FileNotFoundError:
            continue  # merged meanwhile
        except (pa.ArrowInvalid, OSError) as problem:
            raise StoreError(f"the file {path} is damaged or foreign: {problem}") from None
    raise StoreError(f"the files of {channel} of {name} in {place.root} come and go")


def _end_of(date: str) -> int:
    # a clock that jumps back stays in the day that it had reached: times may be older than the day, never younger
    return int(np.datetime64(date, "ns").astype(np.int64)) + DAY_NS - 1


def _after(rows: pa.Table, seq: int) -> pa.Table:
    return rows.slice(int(np.searchsorted(rows.column("seq").to_numpy(), seq, side="right")))


def _check(columns: Sequence[str] | None, names: Sequence[str]) -> None:
    if unknown := [name for name in columns or () if name not in names]:
        raise ConfigError(
            "the channel has no such column", expected=f"some of {', '.join(names)}", got=unknown
        )


def _chosen(rows: pa.Table, columns: Sequence[str] | None) -> pa.Table:
    _check(columns, rows.column_names)
    return rows if columns is None else rows.select(list(columns))


def _same(mine: pa.Schema, kept: pa.Schema, channel: str) -> None:
    if not mine.equals(kept, check_metadata=True):
        raise ConfigError(
            f"the channel {channel} is kept with other columns",
            expected=", ".join(f"{one.name} {one.type}" for one in kept),
            got=", ".join(f"{one.name} {one.type}" for one in mine),
        )
