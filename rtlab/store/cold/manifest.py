"""The manifest of one instrument: which files hold which ranges, where the recorder stands, what is missing.

It is one file, replaced whole: a reader sees the state before a commit or after it. All channels of an instrument
are in one, because a step moves them together. A changed or cut manifest, or one that names a file which is not
there or not as it was, is an error that names it.
"""

from collections.abc import Sequence
from decimal import Decimal
from urllib.parse import quote
from zlib import crc32

import msgspec

from rtlab.errors import StoreError
from rtlab.model import Instrument
from rtlab.store.cold.columns import Stand
from rtlab.store.cold.place import Place

VERSION = 1


class FileEntry(msgspec.Struct, frozen=True):
    """One Parquet file: the rows `first` to `last` (seq) of `epoch`, their times in ns, and what it is made of."""

    path: str
    channel: str
    date: str
    epoch: int
    first: int
    last: int
    ts_min: int
    ts_max: int
    rows: int
    bytes: int
    crc32: int


class Gap(msgspec.Struct, frozen=True):
    """Rows that nobody has: after `before`, the record goes on at `after`; `reason` says why.

    `known`: the whole book there is among the rows of `levels`, or empty.
    """

    before: Stand
    after: Stand
    reason: str
    known: bool


class Manifest(msgspec.Struct, frozen=True):
    """Everything committed of one instrument. `stand` is where the files end and the tail file begins."""

    version: int
    symbol: str
    tick_size: str
    lot_size: str
    generation: int
    stand: Stand
    tail: str
    files: tuple[FileEntry, ...] = ()
    gaps: tuple[Gap, ...] = ()

    @property
    def instrument(self) -> Instrument:
        """Give the instrument."""
        return Instrument(self.symbol, Decimal(self.tick_size), Decimal(self.lot_size))

    def of(self, channel: str) -> list[FileEntry]:
        """Give a channel's files, in the order of their rows."""
        return [one for one in self.files if one.channel == channel]

    def with_files(self, add: Sequence[FileEntry], drop: Sequence[FileEntry] = ()) -> "Manifest":
        """Give the next manifest, with files added and dropped."""
        gone = {one.path for one in (*drop, *add)}
        kept = [one for one in self.files if one.path not in gone]
        files = sorted([*kept, *add], key=lambda one: (one.channel, one.epoch, one.first))
        return msgspec.structs.replace(self, files=tuple(files), generation=self.generation + 1)


def new_manifest(instrument: Instrument) -> Manifest:
    """Give the manifest of an instrument of which nothing is kept yet."""
    grid = str(instrument.tick_size), str(instrument.lot_size)
    return Manifest(VERSION, instrument.symbol, *grid, 0, Stand(), "")


def quoted(symbol: str) -> str:
    """Give a symbol as the name of a file or folder."""
    return quote(symbol, safe="").replace(".", "%2E")


def manifest_path(symbol: str) -> str:
    """Give where an instrument's manifest lies."""
    return f"manifest/{quoted(symbol)}.json"


def save_manifest(place: Place, manifest: Manifest) -> None:
    """Replace an instrument's manifest."""
    body = msgspec.json.encode(manifest)
    place.write(manifest_path(manifest.symbol), b"%08x\n" % crc32(body) + body)


def load_manifest(place: Place, symbol: str) -> Manifest | None:
    """Read an instrument's manifest; None when there is none, StoreError when it is damaged or too new."""
    path = manifest_path(symbol)
    try:
        content = place.read(path)
    except FileNotFoundError:
        return None
    told, _, body = content.partition(b"\n")
    where = f"{place.root}/{path}"
    if told != b"%08x" % crc32(body):
        raise StoreError(f"the manifest {where} is damaged", expected="its own checksum", got=told[:20])
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except msgspec.DecodeError as problem:
        raise StoreError(f"{where} is no manifest of rtlab: {problem}") from None
    if manifest.version > VERSION:
        raise StoreError(f"the manifest {where} is of a newer rtlab", expected=VERSION, got=manifest.version)
    return manifest


def lying(place: Place, symbol: str) -> list[str]:
    """Give the paths of an instrument's files, whether its manifest names them or not."""
    folder = f"/instrument={quoted(symbol)}/"
    return [path for path in place.paths("") if path.startswith("date=") and folder in path]


def symbols_in(place: Place) -> list[str]:
    """Give the symbols of which something is kept."""
    from urllib.parse import unquote

    names = [path.rpartition("/")[2] for path in place.paths("manifest")]
    return [unquote(name.removesuffix(".json")) for name in names if name.endswith(".json")]
