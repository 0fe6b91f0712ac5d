"""Compaction and retention: jobs that may be killed anywhere and run again, beside a recorder and readers.

Each step is one manifest: files made aside are moved, the manifest names them instead of the old ones, and then the
old ones go. A killed job leaves files that no manifest names; `sweep`, with which every job begins, takes them away.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from rtlab.errors import StoreError
from rtlab.store.cold.files import Making, read_file
from rtlab.store.cold.locks import locked, take
from rtlab.store.cold.manifest import FileEntry, Manifest, load_manifest, lying, quoted, save_manifest
from rtlab.store.cold.place import Place, forget_aside

TARGET_BYTES = 16 << 20
Progress = Callable[[int, int], None]
"""Told (steps done, steps in all)."""


class Upkeep(NamedTuple):
    """What a job did: files dropped and made, rows dropped, and files swept that no manifest named."""

    dropped: int = 0
    made: int = 0
    rows_dropped: int = 0
    swept: int = 0


def groups(files: Sequence[FileEntry], target_bytes: int) -> list[list[FileEntry]]:
    """Give the runs of files that are to become one: of one channel, epoch and day, dense, up to `target_bytes`."""
    found: list[list[FileEntry]] = []
    for entry in files:
        if found and _fits(found[-1], entry, target_bytes):
            found[-1].append(entry)
        else:
            found.append([entry])
    return [run for run in found if len(run) > 1]


def _fits(run: Sequence[FileEntry], entry: FileEntry, target_bytes: int) -> bool:
    last = run[-1]
    same = (last.channel, last.epoch, last.date) == (entry.channel, entry.epoch, entry.date)
    dense = entry.channel == "levels" or entry.first == last.last + 1
    return same and dense and sum(one.bytes for one in run) + entry.bytes <= target_bytes


def compact(
    place: Place,
    work: Path,
    symbol: str,
    *,
    target_bytes: int = TARGET_BYTES,
    on_progress: Progress = lambda done, of: None,
) -> Upkeep:
    """Merge an instrument's small files into files of up to `target_bytes`; StoreError when another job is at work."""
    with _job(place, work, symbol) as (manifest, swept):
        runs = groups(manifest.files, target_bytes)
        done = Upkeep(swept=swept)
        for number, run in enumerate(runs):
            made = _merge(place, work, symbol, run)
            done = done._replace(dropped=done.dropped + len(run) * made, made=done.made + made)
            on_progress(number + 1, len(runs))
        return done


def _merge(place: Place, work: Path, symbol: str, run: Sequence[FileEntry]) -> bool:
    making = Making(place, work / "tmp" / f"{quoted(symbol)}.compact")
    rows = pa.concat_tables([read_file(place, entry) for entry in run])
    making.add(symbol, run[0].channel, rows, day=run[0].date)
    with locked(work / "locks" / f"{quoted(symbol)}.commit"):
        manifest = _manifest(place, symbol)
        if not set(run) <= set(manifest.files):
            return False
        entries = making.move()
        save_manifest(place, manifest.with_files(entries, run))
    _delete(place, run, entries)
    return True


def retain(
    place: Place, work: Path, symbol: str, *, since: int, channels: Sequence[str] = ("book", "trades")
) -> Upkeep:
    """Drop the files of `channels` whose rows are all older than `since` (ns): whole days, since files end with them.

    Whole books go with `book`, save the one from which the rest of it begins.
    """
    with _job(place, work, symbol) as (_, swept), locked(work / "locks" / f"{quoted(symbol)}.commit"):
        manifest = _manifest(place, symbol)
        old = [one for one in manifest.files if one.channel in channels and one.ts_max < since]
        if "book" in channels:
            old += _old_levels(manifest, {one.path for one in old})
        save_manifest(place, manifest.with_files((), old))
        _delete(place, old, ())
        rows = sum(one.rows for one in old)
        return Upkeep(dropped=len(old), rows_dropped=rows, swept=swept)


def _old_levels(manifest: Manifest, gone: set[str]) -> list[FileEntry]:
    kept = [one for one in manifest.of("book") if one.path not in gone]
    begins = (kept[0].epoch, kept[0].first - 1) if kept else (manifest.stand.epoch, manifest.stand.book)
    before = [one for one in manifest.of("levels") if (one.epoch, one.last) <= begins]
    return before[:-1]


def sweep(place: Place, symbol: str, manifest: Manifest) -> int:
    """Take away the files of an instrument that its manifest does not name; call it under the commit lock."""
    named = {one.path for one in manifest.files}
    unnamed = [path for path in lying(place, symbol) if path not in named]
    for path in unnamed:
        place.delete(path)
    return len(unnamed)


@contextmanager
def _job(place: Place, work: Path, symbol: str) -> Iterator[tuple[Manifest, int]]:
    what = f"another job tends {symbol} in {place.root}"
    with held(work / "locks" / f"{quoted(symbol)}.upkeep", what):
        forget_aside(work / "tmp" / f"{quoted(symbol)}.compact")
        with locked(work / "locks" / f"{quoted(symbol)}.commit"):
            manifest = _manifest(place, symbol)
            swept = sweep(place, symbol, manifest)
        yield manifest, swept


@contextmanager
def held(path: Path, what: str) -> Iterator[None]:
    """Be the only job there; StoreError, which says `what`, when another is."""
    lock = take(path, wait_s=1.0, what=what)
    try:
        yield
    finally:
        os.close(lock)


def _manifest(place: Place, symbol: str) -> Manifest:
    manifest = load_manifest(place, symbol)
    if manifest is None:
        raise StoreError(f"nothing of {symbol} is kept in {place.root}")
    return manifest


def _delete(place: Place, old: Sequence[FileEntry], kept: Sequence[FileEntry]) -> None:
    paths = {one.path for one in kept}
    for entry in old:
        if entry.path not in paths:
            place.delete(entry.path)
