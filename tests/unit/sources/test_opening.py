from pathlib import Path

import pytest
from support import recordings

from rtlab.errors import InstrumentError, SourceError
from rtlab.model import Instrument
from rtlab.sources.binance import Binance
from rtlab.sources.lobster import Lobster
from rtlab.sources.opening import open_source

ROW = "1.0,5,0,1,1000000,1 | 1010000,50,1000000,30"


def test_binance_is_known_by_its_first_record(tmp_path: Path) -> None:
    path = recordings.write_gzip(tmp_path / "any.name", [recordings.depth(1, 2)])
    assert isinstance(open_source(path), Binance)


@pytest.mark.parametrize("kind", ["message", "orderbook"])
def test_lobster_is_known_from_either_file(tmp_path: Path, kind: str) -> None:
    message = recordings.lobster_pair(tmp_path, [ROW])
    source = open_source(str(message).replace("message", kind))
    assert isinstance(source, Lobster)
    assert source.message_path == message


def test_an_instrument_is_handed_on(tmp_path: Path) -> None:
    mine = Instrument("MINE", "0.0001", "0.00001")
    binance = recordings.write_gzip(tmp_path / "any.name", [recordings.depth(1, 2)])
    for path in (binance, recordings.lobster_pair(tmp_path, [ROW])):
        assert open_source(path, mine).instruments == (mine,)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no record"),
        (b"# a text\n", "no recording that rtlab knows.*a table of your own: `rtlab import`"),
        (b'{"e": "trade"}\n', "no recording that rtlab knows"),
        (b"1,2,3\n", "no recording that rtlab knows"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "no recording that rtlab knows"),
        (b"PK\x03\x04" + bytes(50), "no recording that rtlab knows"),
    ],
)
def test_a_foreign_file_is_refused_in_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=told) as caught:
        open_source(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_or_half_of_a_pair_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nothing: the file cannot be read"):
        open_source(tmp_path / "nothing")
    message = recordings.lobster_pair(tmp_path, [ROW])
    message.with_name(message.name.replace("message", "orderbook")).unlink()
    with pytest.raises(SourceError, match=r"orderbook_1\.csv: the file cannot be read"):
        open_source(message)


def test_an_unknown_instrument_is_told(tmp_path: Path) -> None:
    line = recordings.depth(1, 2).replace(b"BTCUSDT", b"PEPEUSDT")
    with pytest.raises(InstrumentError, match="PEPEUSDT"):
        open_source(recordings.write_gzip(tmp_path / "a", [line]))
