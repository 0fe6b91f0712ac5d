"""Compaction and retention of own channels: jobs that may be killed anywhere, beside a writer and readers.

A file that is made of others appears whole and holds their rows from then on; they go after it, or, where a job was
killed, when the next one begins.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from rtlab.store.cold.files import day_of
from rtlab.store.cold.manifest import FileEntry
from rtlab.store.cold.own import OwnFile, counted, lying_files, own_files, own_path, read_own, write_own
from rtlab.store.cold.place import Place, forget_aside
from rtlab.store.cold.upkeep import TARGET_BYTES, Progress, Upkeep, groups, held


def compact_own(
    place: Place,
    work: Path,
    channel: str,
    name: str,
    *,
    target_bytes: int = TARGET_BYTES,
    on_progress: Progress = lambda done, of: None,
) -> Upkeep:
    """Merge a channel's small files into files of up to `target_bytes`; StoreError when another job is at work.

    `name` is the instrument as files are named.
    """
    with _job(place, work, channel, name) as swept:
        files = own_files(place, channel, name)
        runs = groups(_entries(place, files), target_bytes)
        by_path = {one.path: one for one in files}
        for number, run in enumerate(runs):
            _merge(place, _aside(work, channel, name), [by_path[one.path] for one in run])
            on_progress(number + 1, len(runs))
        return Upkeep(dropped=sum(map(len, runs)), made=len(runs), swept=swept)


def retain_own(place: Place, work: Path, channel: str, name: str, *, since: int) -> Upkeep:
    """Drop a channel's files whose day is over before `since` (ns); StoreError when another job is at work."""
    with _job(place, work, channel, name) as swept:
        old = [one for one in own_files(place, channel, name) if one.date < day_of(since)]
        _delete(place, old)
        rows = sum(one.last - one.first + 1 for one in old)
        return Upkeep(dropped=len(old), rows_dropped=rows, swept=swept)


def _merge(place: Place, aside: Path, run: Sequence[OwnFile]) -> None:
    rows = pa.concat_tables([read_own(place, one) for one in run])
    made = aside / f"{run[0].first}.parquet"
    write_own(rows, made)
    place.put(made, own_path(run[0].date, run[0].channel, run[0].instrument, rows))
    _delete(place, run)


def _entries(place: Place, files: Sequence[OwnFile]) -> list[FileEntry]:
    infos = place.filesystem.get_file_info([f"{place.root}/{one.path}" for one in files])
    return [
        FileEntry(
            *(one.path, one.channel, one.date, 0, one.first, one.last, 0, 0),
            *(one.last - one.first + 1, info.size, 0),
        )
        for one, info in zip(files, infos, strict=True)
    ]


@contextmanager
def _job(place: Place, work: Path, channel: str, name: str) -> Iterator[int]:
    what = f"another job tends {channel} of {name} in {place.root}"
    with held(work / "locks" / f"{name}.own-{channel}.upkeep", what):
        forget_aside(_aside(work, channel, name))
        lying = lying_files(place, channel, name)  # once: what a writer adds later is no part of anything
        parts = sorted(set(lying) - set(counted(lying)))
        _delete(place, parts)
        yield len(parts)


def _aside(work: Path, channel: str, name: str) -> Path:
    return work / "tmp" / f"{name}.own-{channel}.compact"


def _delete(place: Place, files: Sequence[OwnFile]) -> None:
    for one in files:
        place.delete(one.path)
