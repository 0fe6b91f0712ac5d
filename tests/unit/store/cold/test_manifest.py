import msgspec
import pytest
from support.kept import BTC

from rtlab.errors import StoreError
from rtlab.model import Instrument
from rtlab.store.cold.columns import Stand
from rtlab.store.cold.manifest import (
    FileEntry,
    Gap,
    load_manifest,
    manifest_path,
    new_manifest,
    quoted,
    save_manifest,
    symbols_in,
)
from rtlab.store.cold.place import LocalPlace


def entry(channel, first, last, path=None):
    return FileEntry(
        path or f"{channel}-{first}", channel, "1970-01-01", 1, first, last, 0, 1, last - first + 1, 9, 7
    )


def test_a_manifest_survives_saving(tmp_path):
    place = LocalPlace(tmp_path)
    assert load_manifest(place, "BTC-USD") is None
    gap = Gap(Stand(), Stand(1, 5, 3, 2, 7), "start", known=True)
    manifest = msgspec.structs.replace(new_manifest(BTC), stand=Stand(1, 2, 1, 1, 3), gaps=(gap,))
    manifest = manifest.with_files([entry("trades", 1, 4), entry("book", 6, 9), entry("book", 1, 5)])
    save_manifest(place, manifest)
    assert load_manifest(place, "BTC-USD") == manifest
    assert [one.first for one in manifest.of("book")] == [1, 6]
    assert manifest.instrument == BTC


def test_files_are_dropped_and_replaced_by_their_path():
    manifest = new_manifest(BTC).with_files([entry("book", 1, 5), entry("book", 6, 9)])
    after = manifest.with_files([entry("book", 1, 9)], manifest.of("book"))
    assert [(one.first, one.last) for one in after.of("book")] == [(1, 9)]
    assert len(after.with_files([entry("book", 1, 9)]).files) == 1
    assert after.generation == manifest.generation + 1


@pytest.mark.parametrize("symbol", ["BTC-USD", "a/b", "..", "x y%", "Ünder.PERP*?["])
def test_any_symbol_is_a_file_of_its_own(tmp_path, symbol):
    place = LocalPlace(tmp_path)
    save_manifest(place, new_manifest(Instrument(symbol, "0.1", "1")))
    assert symbols_in(place) == [symbol]
    assert "/" not in quoted(symbol)
    assert place.paths("manifest") == [manifest_path(symbol)]


def test_a_damaged_or_newer_manifest_is_one_clear_error_that_names_it(tmp_path):
    place = LocalPlace(tmp_path)
    save_manifest(place, new_manifest(BTC))
    content = place.read(manifest_path("BTC-USD"))
    for broken in (content[:-3], content.replace(b"BTC", b"BTX"), b"", b"foreign"):
        place.write(manifest_path("BTC-USD"), broken)
        with pytest.raises(StoreError, match=r"manifest/BTC-USD\.json is damaged"):
            load_manifest(place, "BTC-USD")
    save_manifest(place, msgspec.structs.replace(new_manifest(BTC), version=99))
    with pytest.raises(StoreError, match="newer rtlab"):
        load_manifest(place, "BTC-USD")
