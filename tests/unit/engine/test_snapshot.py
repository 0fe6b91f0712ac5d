"""The bytes of a snapshot: whole, foreign, truncated, damaged."""

import struct
from decimal import Decimal
from zlib import crc32

import msgspec
import numpy as np
import pytest

from rtlab.engine.snapshot import MAGIC, ROWS, VERSION, Snapshot, pack_snapshot, unpack_snapshot
from rtlab.errors import LocalError
from rtlab.model import Instrument, Rules, SelfTradePrevention

SNAPSHOT = Snapshot(
    instruments=(
        Instrument("BTC-USD", Decimal("0.10"), Decimal("0.001")),
        Instrument("Ä/€", Decimal(5), Decimal("1e-8")),
    ),
    rules=(Rules(price_band=9), Rules()),
    self_trade_prevention=SelfTradePrevention.CANCEL_OLDEST,
    capacity=77,
    counters={"seq": (1 << 63) - 1, "command": 12},
)
HEAD = struct.calcsize("<8sIIQ")


@pytest.fixture
def parts() -> dict[str, np.ndarray]:
    made = {name: np.zeros(at, row) for at, (name, row) in enumerate(ROWS.items(), 1)}
    made["orders"]["id"], made["levels"]["price"] = -1, [5, 1 << 62]
    return made


@pytest.fixture
def whole(parts: dict[str, np.ndarray]) -> bytes:
    return pack_snapshot(SNAPSHOT, parts)


def sealed(body: bytes, version: int = VERSION) -> bytes:
    return struct.pack("<8sIIQ", MAGIC, version, crc32(body), len(body)) + body


def test_what_is_packed_comes_back(whole: bytes, parts: dict[str, np.ndarray]) -> None:
    snapshot, rows = unpack_snapshot(whole)
    assert msgspec.structs.replace(snapshot, counts={}, rows="") == SNAPSHOT
    assert list(rows) == list(ROWS)
    for name, part in parts.items():
        assert rows[name].dtype == ROWS[name]
        assert rows[name].tobytes() == part.tobytes()
        assert rows[name].flags.writeable


def test_bytes_are_the_same_for_the_same_state(whole: bytes, parts: dict[str, np.ndarray]) -> None:
    assert pack_snapshot(SNAPSHOT, {name: part.copy() for name, part in parts.items()}) == whole


def test_rows_of_another_engine_are_refused(whole: bytes) -> None:
    other = whole[HEAD:].replace(b"reserve", b"reverse")
    with pytest.raises(LocalError, match="rows are of another engine"):
        unpack_snapshot(sealed(other))


@pytest.mark.parametrize(
    "foreign", [b"", b"r", b"PAR1" + bytes(100), b"{}", MAGIC, MAGIC[:-1] + b"X" + bytes(40)]
)
def test_foreign_bytes_say_what_was_expected(foreign: bytes) -> None:
    with pytest.raises(LocalError, match="no snapshot of an engine"):
        unpack_snapshot(foreign)


def test_every_truncation_is_found(whole: bytes) -> None:
    for length in range(len(whole)):
        with pytest.raises(LocalError, match=r"no snapshot of an engine|is not whole"):
            unpack_snapshot(whole[:length])


def test_bytes_too_many_are_found(whole: bytes) -> None:
    with pytest.raises(LocalError, match=r"is not whole: expected \d+ bytes after its head, got \d+ bytes"):
        unpack_snapshot(whole + b"\0")


def test_every_changed_byte_is_found(whole: bytes) -> None:
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 0x10
        with pytest.raises(LocalError):
            unpack_snapshot(bytes(damaged))


def test_another_version_is_named(whole: bytes) -> None:
    with pytest.raises(LocalError, match="another version: expected 3, got 4"):
        unpack_snapshot(sealed(whole[HEAD:], version=4))


@pytest.mark.parametrize(
    "body", [b"", b"\x01", b"\x00\x00\x00\x00", b"\x02\x00\x00\x00\xc1\xc1", b"\xff\xff\xff\xff"]
)
def test_sealed_nonsense_contradicts_itself(body: bytes) -> None:
    with pytest.raises(LocalError, match="contradicts itself"):
        unpack_snapshot(sealed(body))


def test_a_part_of_a_row_contradicts_itself(whole: bytes) -> None:
    with pytest.raises(LocalError, match="contradicts itself"):
        unpack_snapshot(sealed(whole[HEAD:-1]))
