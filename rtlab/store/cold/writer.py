"""Writes one instrument to the cold side: rows into the open tail, and now and then the tail into Parquet.

    begin ──▶ appending ──roll──▶ appending
                  │                  files aside, renamed; a new tail; the manifest that names both; the old tail goes
                  └── killed: the next writer rolls the complete batches of the tail that the manifest names

Rows are safe when `append` returns. Everything before the manifest is replaced is invisible, everything after it
is done: so a kill at any point neither loses nor doubles a row. What a killed writer left lying is swept by the next.
"""

from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from rtlab.errors import InstrumentError, StoreError
from rtlab.model import Instrument
from rtlab.store.cold.columns import Stand, of_channel, stand_after
from rtlab.store.cold.files import Making, by_day, read_file
from rtlab.store.cold.locks import locked
from rtlab.store.cold.manifest import (
    FileEntry,
    Gap,
    Manifest,
    load_manifest,
    lying,
    manifest_path,
    new_manifest,
    quoted,
    save_manifest,
)
from rtlab.store.cold.place import Place, forget_aside
from rtlab.store.cold.schema import Levels, table_of
from rtlab.store.cold.tail import TailOwner, TailWriter, read_tail

LEVELS_EVERY = 40_000  # level changes between two whole books


class WriterCounts(NamedTuple):
    """What a writer did: rows made safe, batches, rolls, files made, gaps begun, rows found in a tail at its start."""

    rows: int = 0
    batches: int = 0
    rolls: int = 0
    files: int = 0
    gaps: int = 0
    recovered: int = 0


class ColdWriter(TailOwner):
    """The one writer of `instrument` in `place`; tails and locks lie in the folder `work` of this machine.

    `with ColdWriter(...)`: StoreError when another process writes this instrument for longer than `wait_s`, or the
    place takes nothing.
    """

    def __init__(self, place: Place, work: Path, instrument: Instrument, *, wait_s: float = 2.0) -> None:
        self.place, self.work, self.instrument = place, work, instrument
        self.stand = Stand()
        self.levels: Levels | None = None
        self.counts = WriterCounts()
        self.tail_rows = 0
        what = f"another process records {instrument.symbol} into {place.root}"
        super().__init__(work / "locks" / f"{self.name}.record", what, wait_s)

    @property
    def name(self) -> str:
        """The instrument's name as that of files."""
        return quoted(self.instrument.symbol)

    @property
    def commit_lock(self) -> Path:
        """What is held while the manifest is replaced."""
        return self.work / "locks" / f"{self.name}.commit"

    def append(self, rows: pa.RecordBatch, stand: Stand) -> None:
        """Make rows safe that lead from `stand` of before to this one; StoreError when the disk takes nothing.

        After an error this writer must be closed: the next one finds out what was written.
        """
        if self._tail is None:
            raise StoreError("the writer has not begun", expected="begin() first")
        if rows.num_rows != stand.position - self.stand.position or stand.epoch != self.stand.epoch:
            raise StoreError(
                "the rows do not follow", expected=self.stand, got=f"{rows.num_rows} up to {stand}"
            )
        self._tail.append(rows)
        self.stand = stand
        self.tail_rows += rows.num_rows
        self._count(rows=rows.num_rows, batches=1)

    def begin(self, stand: Stand, levels: Levels | None, reason: str) -> None:
        """Go on at `stand`, where the book holds `levels` (None: unknown); what lies between is told as a gap."""
        self.roll()
        self.levels = levels
        gap = Gap(self.stand, stand, reason, levels is not None)
        self._commit([], gap)

    def know(self, levels: Levels) -> None:
        """Take the whole book where the rows end: it was unknown since the last gap."""
        self.roll()
        self.levels = levels
        self._commit([], books=True)

    def roll(self) -> None:
        """Turn the tail into Parquet files and begin a new one; nothing to do when it is empty."""
        if self.tail_rows:
            assert self._tail is not None
            self._commit([read_tail(self._tail.path)])

    def _recover(self) -> None:
        self._sweep_aside()
        manifest = load_manifest(self.place, self.instrument.symbol)
        if manifest is None:
            self._refuse_lost_rows()
            return
        if manifest.instrument != self.instrument:
            raise InstrumentError(
                f"{self.instrument.symbol} is kept with another grid",
                expected=f"{manifest.tick_size} and {manifest.lot_size}",
                got=f"{self.instrument.tick_size} and {self.instrument.lot_size}",
            )
        self.stand = manifest.stand
        self.levels = self._last_levels(manifest)
        if manifest.tail:
            rows = read_tail(self.work / manifest.tail)
            self._count(recovered=rows.num_rows)
            self.stand = stand_after(manifest.stand, rows)
            self._commit([rows])

    def _refuse_lost_rows(self) -> None:
        """Raise where rows lie without a manifest: a new one would not name them, and the next sweep take them."""
        # whole books alone may lie there: a writer was killed before its first manifest
        files = lying(self.place, self.instrument.symbol)
        rows = [path for path in files if "/channel=levels/" not in path]
        if rows:
            raise StoreError(
                f"rows of {self.instrument.symbol} lie in {self.place.root}, but no manifest names them",
                expected=f"{manifest_path(self.instrument.symbol)}, or an empty folder",
                got=f"{len(rows)} files, as {rows[0]}",
            )

    def _last_levels(self, manifest: Manifest) -> Levels | None:
        entries, stand = manifest.of("levels"), manifest.stand
        if not entries or (entries[-1].epoch, entries[-1].last) < (stand.epoch, stand.book):
            return Levels.empty() if manifest.gaps and _is_empty_at(manifest.gaps[-1], stand) else None
        return levels_at(read_file(self.place, entries[-1]), stand.epoch, stand.book)

    def _commit(self, tails: list[pa.Table], gap: Gap | None = None, *, books: bool = False) -> None:
        symbol = self.instrument.symbol
        aside = self.work / "tmp" / f"{self.name}.record"
        making = Making(self.place, aside)
        old = load_manifest(self.place, symbol) or new_manifest(self.instrument)
        for rows in tails:
            self._make(making, rows, old.stand)
        if (gap is not None or books) and self.levels is not None and len(self.levels.side):
            stand = self.stand if gap is None else gap.after
            making.add(symbol, "levels", _levels_rows(self.levels, stand), stand.ts)
        tail = f"tail/{self.name}/{old.generation + 1}-{token_hex(4)}.arrows"
        fresh = TailWriter(self.work / tail)
        try:
            entries = self._replace_manifest(making, old, tail, gap)
        except BaseException:
            fresh.close()
            raise
        self._change_tail(fresh)
        is_hole = gap is not None and gap.reason != "start"  # before a record began nobody missed anything
        self._count(rolls=len(tails), files=len(entries), gaps=is_hole)

    def _replace_manifest(self, making: Making, old: Manifest, tail: str, gap: Gap | None) -> list[FileEntry]:
        with locked(self.commit_lock):
            entries = making.move()
            now = load_manifest(self.place, self.instrument.symbol) or old
            gaps = now.gaps if gap is None else (*now.gaps, gap)
            stand = self.stand if gap is None else gap.after
            after = msgspec.structs.replace(now.with_files(entries), stand=stand, tail=tail, gaps=gaps)
            save_manifest(self.place, after)
        self.stand = stand
        return entries

    def _change_tail(self, fresh: TailWriter) -> None:
        if self._tail is not None:
            self._tail.close()
        self._tail, self.tail_rows = fresh, 0
        for path in (self.work / "tail" / self.name).glob("*.arrows"):
            if path != fresh.path:
                path.unlink(missing_ok=True)

    def _make(self, making: Making, rows: pa.Table, stand: Stand) -> None:
        symbol = self.instrument.symbol
        for channel in ("book", "trades"):
            chosen = of_channel(rows, channel)
            if not chosen.num_rows:
                continue
            since = stand.ts
            for day in by_day(chosen, since):
                making.add(symbol, channel, day, since)
                since = max(since, int(day.column("ts").to_numpy().max()))
                if channel == "book":
                    for piece in self._books(day):
                        making.add(symbol, "levels", piece, since)

    def _books(self, rows: pa.Table) -> Iterator[pa.Table]:
        """Fold rows into `levels`, and give whole books on the way; the last stands at their end."""
        if self.levels is None:
            return
        made = []
        for first in range(0, rows.num_rows, LEVELS_EVERY):
            piece = rows.slice(first, LEVELS_EVERY)
            changes = (piece.column(name).to_numpy().astype(np.int64) for name in ("side", "price", "qty"))
            self.levels = self.levels.fold(*changes)
            last = {name: int(piece.column(name)[-1].as_py()) for name in ("epoch", "seq", "step", "ts")}
            stand = Stand(last["epoch"], last["step"], last["seq"], 0, last["ts"])
            made.append(_levels_rows(self.levels, stand))
        if any(one.num_rows for one in made):
            yield pa.concat_tables(made)

    def _sweep_aside(self) -> None:
        forget_aside(self.work / "tmp" / f"{self.name}.record")

    def _count(self, **more: int) -> None:
        counted = self.counts._asdict()
        self.counts = WriterCounts(**{name: counted[name] + more.get(name, 0) for name in counted})


def _is_empty_at(gap: Gap, stand: Stand) -> bool:
    return gap.known and (gap.after.epoch, gap.after.book) == (stand.epoch, stand.book)


def _levels_rows(levels: Levels, stand: Stand) -> pa.Table:
    count = len(levels.side)
    at = [np.full(count, n, np.int64) for n in (stand.epoch, stand.book, stand.position, stand.ts)]
    return table_of([*at, levels.side, levels.price, levels.qty])


def levels_at(rows: pa.Table, epoch: int, seq: int) -> Levels:
    """Give the book of these rows of `levels` that stands at (epoch, seq); empty when there is none."""
    columns = {name: rows.column(name).to_numpy().astype(np.int64) for name in rows.column_names}
    mask = (columns["epoch"] == epoch) & (columns["seq"] == seq)
    return Levels(*(columns[name][mask] for name in ("side", "price", "qty")))
