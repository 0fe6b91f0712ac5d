"""Reads the cold side while it is written: files, then the open tail, without a seam or a duplicate.

A reader takes the manifest as it is at one moment. Files that it names may be gone when they are opened (rolled,
compacted, retained): then it takes the manifest anew and goes on after the last row that it has given.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from rtlab.errors import ConfigError, StoreError
from rtlab.store.cold.columns import Stand, of_channel, stand_after
from rtlab.store.cold.files import EVER, Bounds, Span, read_file
from rtlab.store.cold.manifest import FileEntry, Manifest, load_manifest, symbols_in
from rtlab.store.cold.place import Place
from rtlab.store.cold.schema import CHANNELS, COLUMNS, TAIL_SCHEMA, Levels
from rtlab.store.cold.tail import read_tail
from rtlab.store.cold.writer import levels_at

_TRIES = 50

At = tuple[int, int]
"""(epoch, seq)"""
_NOWHERE: At = (-1, -1)
More = Callable[[str, Stand], tuple[pa.Table, bool]]


class ColdReader:
    """Reads all instruments in `place`; tails lie in `work`.

    `more` gives what a symbol has beyond its tail, and whether that does not follow: then the tail may have moved.
    """

    def __init__(self, place: Place, work: Path, more: More | None = None) -> None:
        self.place, self.work = place, work
        self.files_read = 0
        self._more = more

    def symbols(self) -> list[str]:
        """Give the symbols of which something is kept."""
        return symbols_in(self.place)

    def manifest(self, symbol: str) -> Manifest:
        """Give what is kept of an instrument; StoreError when that is nothing."""
        manifest = load_manifest(self.place, symbol)
        if manifest is None:
            known = ", ".join(self.symbols()) or "nothing at all"
            raise StoreError(f"nothing of {symbol} is kept in {self.place.root}", expected=known)
        return manifest

    def batches(
        self, channel: str, symbol: str, span: Span = EVER, columns: Sequence[str] = COLUMNS
    ) -> Iterator[pa.Table]:
        """Give the rows of `span`, in order, a file at a time; then those of the tail."""
        check_channel(channel, columns)
        for rows, _ in self._parts(channel, symbol, span, columns):
            yield rows

    def open_rows(self, symbol: str) -> tuple[pa.Table, Manifest]:
        """Give the rows beyond the files, of the tail's form: those of the tail and then `more`; and the manifest."""
        seen = None
        while True:
            manifest, rows, stand = self.tail(symbol)
            if self._more is None:
                return rows, manifest
            more, has_gap = self._more(symbol, stand)
            if not has_gap or stand == seen:
                return pa.concat_tables([rows, more]), manifest
            seen = stand

    def tail(self, symbol: str) -> tuple[Manifest, pa.Table, Stand]:
        """Give the manifest, the tail that follows it, and where that ends."""
        for _ in range(_TRIES):
            manifest = self.manifest(symbol)
            if not manifest.tail:
                return manifest, TAILLESS, manifest.stand
            try:
                rows = read_tail(self.work / manifest.tail)
            except FileNotFoundError:
                continue
            return manifest, rows, stand_after(manifest.stand, rows)
        raise StoreError(f"the tail {self.work / manifest.tail} is missing")

    def _parts(
        self, channel: str, symbol: str, span: Span, columns: Sequence[str]
    ) -> Iterator[tuple[pa.Table, At]]:
        after, missing, tries = _NOWHERE, "", 0
        needed = list(dict.fromkeys([*columns, "epoch", "seq", "ts"]))
        while True:
            open_rows, manifest = self.open_rows(symbol)
            try:
                for entry in manifest.of(channel):
                    if (entry.epoch, entry.last) <= after or not span.meets(entry.ts_min, entry.ts_max):
                        continue
                    only = None if span is EVER else Bounds("ts", span.start, span.end - 1)
                    rows = span.cut(_after(self._read(entry, needed, only), after))
                    if rows.num_rows:
                        after = _last(rows)
                        yield rows.select(columns), after
                break
            except FileNotFoundError as problem:
                if str(problem) == missing and (tries := tries + 1) == _TRIES:
                    raise StoreError(f"a file of the manifest is missing: {problem}") from None
                missing = str(problem)
        if channel != "levels":
            rows = _after(of_channel(open_rows, channel, span.start, span.end), after)
            if rows.num_rows:
                yield rows.select(columns), _last(rows)

    def _read(self, entry: FileEntry, columns: Sequence[str], only: Bounds | None = None) -> pa.Table:
        self.files_read += 1
        return read_file(self.place, entry, columns, only)

    def last_at(self, symbol: str, ts: int) -> At | None:
        """Give (epoch, seq) of the last level change of the files with a time up to `ts`; None: there is none."""
        for _ in range(_TRIES):
            try:
                for entry in reversed(self.manifest(symbol).of("book")):
                    if entry.ts_min > ts:
                        continue
                    if entry.ts_max <= ts:
                        return entry.epoch, entry.last
                    rows = self._read(entry, ("ts", "seq"), Bounds("ts", -(2**63), ts))
                    found = np.flatnonzero(rows.column("ts").to_numpy() <= ts)
                    return entry.epoch, int(rows.column("seq")[int(found[-1])].as_py())
            except FileNotFoundError:
                continue
            return None
        raise StoreError(f"the files of {symbol} are missing")

    def levels(self, symbol: str, at: At) -> tuple[At, Levels]:
        """Give the book at `at`, or as near before it as the files reach, and where that is.

        StoreError when nothing is kept that far back, or a gap hides it.
        """
        for _ in range(_TRIES):
            manifest = self.manifest(symbol)
            try:
                place, levels = self._whole(manifest, at)
                return self._fold(manifest, place, levels, at)
            except FileNotFoundError:
                continue
        raise StoreError(f"the files of {symbol} are missing")

    def _whole(self, manifest: Manifest, at: At) -> tuple[At, Levels]:
        gaps = [one for one in manifest.gaps if (one.after.epoch, one.after.book) <= at]
        gap = max(gaps, key=lambda one: (one.after.epoch, one.after.book), default=None)
        begun = _NOWHERE if gap is None else (gap.after.epoch, gap.after.book)
        entries = [one for one in manifest.of("levels") if (one.epoch, one.first) <= at]
        if entries:
            entry = entries[-1]
            rows = self._read(entry, COLUMNS, Bounds("seq", 0, at[1] if entry.epoch == at[0] else entry.last))
            seqs = rows.column("seq").to_numpy()
            newest = int(seqs[seqs <= at[1]].max()) if entry.epoch == at[0] else entry.last
            if (entry.epoch, newest) >= begun:
                return (entry.epoch, newest), levels_at(rows, entry.epoch, newest)
        if gap is None or not gap.known:
            why = "nothing is kept that far back" if gap is None else f"a gap lies before it ({gap.reason})"
            raise StoreError(f"the book of {manifest.symbol} is not known there: {why}", got=at)
        return begun, Levels.empty()

    def _fold(self, manifest: Manifest, place: At, levels: Levels, at: At) -> tuple[At, Levels]:
        epoch, seq = place
        for entry in manifest.of("book"):
            if entry.epoch != epoch or entry.last <= seq or (epoch, entry.first) > at:
                continue
            if entry.first > seq + 1:
                break  # a gap, or rows that are not kept any more
            most = at[1] if epoch == at[0] else entry.last
            rows = self._read(entry, ("seq", "side", "price", "qty"), Bounds("seq", seq + 1, most))
            seq, levels = fold_rows(levels, rows, seq, most)
        return (epoch, seq), levels


def fold_rows(levels: Levels, rows: pa.Table, after: int, most: int) -> tuple[int, Levels]:
    """Fold the rows with `after` < seq <= `most`; give the seq of the last, and the book there."""
    seqs = rows.column("seq").to_numpy()
    first, last = np.searchsorted(seqs, [after, most], side="right").tolist()
    if first == last:
        return after, levels
    columns = (rows.column(name).to_numpy()[first:last].astype(np.int64) for name in ("side", "price", "qty"))
    return int(seqs[last - 1]), levels.fold(*columns)


TAILLESS = TAIL_SCHEMA.empty_table()


def check_channel(channel: str, columns: Sequence[str] = COLUMNS, *, also: Sequence[str] = ()) -> None:
    """Raise ConfigError when there is no such channel or column; `also` are names of other channels that are kept."""
    if channel not in CHANNELS:
        known = ", ".join([*CHANNELS, *also])
        raise ConfigError("the store has no such channel", expected=f"one of {known}", got=channel)
    if unknown := [name for name in columns if name not in COLUMNS]:
        raise ConfigError(
            "the store has no such column", expected=f"some of {', '.join(COLUMNS)}", got=unknown
        )


def _after(rows: pa.Table, after: At) -> pa.Table:
    if after == _NOWHERE:
        return rows
    epoch, seq = rows.column("epoch").to_numpy(), rows.column("seq").to_numpy()
    fresh = (epoch > after[0]) | ((epoch == after[0]) & (seq > after[1]))
    return rows if fresh.all() else rows.take(pa.array(np.flatnonzero(fresh)))


def _last(rows: pa.Table) -> At:
    return rows.column("epoch")[-1].as_py(), rows.column("seq")[-1].as_py()
