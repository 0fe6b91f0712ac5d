"""The bytes of a snapshot: whole, foreign, truncated, damaged."""

import struct
from decimal import Decimal
from zlib import crc32

import numpy as np
import pytest

from rtlab.engine.snapshot import MAGIC, VERSION, Snapshot, pack_snapshot, unpack_snapshot
from rtlab.errors import LocalError
from rtlab.model import COMMAND, Instrument, SelfTradePrevention

SNAPSHOT = Snapshot(
    instruments=(
        Instrument("BTC-USD", Decimal("0.10"), Decimal("0.001")),
        Instrument("Ä/€", Decimal(5), Decimal("1e-8")),
    ),
    self_trade_prevention=SelfTradePrevention.CANCEL_OLDEST,
    capacity=77,
    seq=(1 << 63) - 1,
    command=12,
)
HEAD = struct.calcsize("<8sIIQ")


@pytest.fixture
def resting() -> np.ndarray:
    rows = np.zeros(3, COMMAND)
    rows["order_id"], rows["price"], rows["qty"] = [-1, 2, 3], [10, 11, 12], [1, 1 << 62, 3]
    return rows


@pytest.fixture
def whole(resting: np.ndarray) -> bytes:
    return pack_snapshot(SNAPSHOT, resting)


def sealed(body: bytes, version: int = VERSION) -> bytes:
    return struct.pack("<8sIIQ", MAGIC, version, crc32(body), len(body)) + body


def test_what_is_packed_comes_back(whole: bytes, resting: np.ndarray) -> None:
    snapshot, rows = unpack_snapshot(whole)
    assert snapshot == SNAPSHOT
    assert rows.dtype == COMMAND
    assert rows.tobytes() == resting.tobytes()
    assert rows.flags.writeable


def test_an_empty_book_comes_back() -> None:
    assert len(unpack_snapshot(pack_snapshot(SNAPSHOT, np.zeros(0, COMMAND)))[1]) == 0


def test_bytes_are_the_same_for_the_same_state(whole: bytes, resting: np.ndarray) -> None:
    assert pack_snapshot(SNAPSHOT, resting.copy()) == whole


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
    with pytest.raises(LocalError, match="another version: expected 1, got 2"):
        unpack_snapshot(sealed(whole[HEAD:], version=2))


@pytest.mark.parametrize(
    "body", [b"", b"\x01", b"\x00\x00\x00\x00", b"\x02\x00\x00\x00\xc1\xc1", b"\xff\xff\xff\xff"]
)
def test_sealed_nonsense_contradicts_itself(body: bytes) -> None:
    with pytest.raises(LocalError, match="contradicts itself"):
        unpack_snapshot(sealed(body))


def test_a_part_of_a_row_contradicts_itself(whole: bytes) -> None:
    with pytest.raises(LocalError, match="contradicts itself"):
        unpack_snapshot(sealed(whole[HEAD:-1]))
