import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.frames import BTC, quotes, random_quotes, random_trades, trade_rows, trades

from rtlab.errors import LocalError, SourceError
from rtlab.pipelines.cluster.packed import frame_of, pack_rows, unpack_rows


@given(trade_rows(2**62), st.integers(0, 2**62))
def test_rows_come_back_as_they_were(rows, first):
    seq, found = unpack_rows(pack_rows(first, rows))
    assert seq == first
    assert found.tolist() == rows.tolist()


def test_entries_make_the_frame_of_their_rows():
    rows = random_trades(1, 100)
    entries = [pack_rows(1 + n, rows[n : n + 10]) for n in range(0, 100, 10)]
    made, expected = frame_of("trades", BTC, entries), trades(rows)
    assert {name: c.tolist() for name, c in made.columns.items()} == {
        n: c.tolist() for n, c in expected.columns.items()
    }
    q = random_quotes(1, 50)
    made, expected = frame_of("ticker", BTC, [pack_rows(1, q)]), quotes(q)
    assert made["ask_ticks"].tolist() == expected["ask_ticks"].tolist()
    depth = np.concatenate([q, q[:, 2:]], axis=1)
    assert frame_of("depth", BTC, [pack_rows(1, depth)])["bid_ticks_1"].tolist() == q[:, 2].tolist()


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_byte_is_found(at, change):
    entry = bytearray(pack_rows(1, random_trades(1, 5)))
    entry[at % len(entry)] ^= change
    with pytest.raises(SourceError, match="damaged"):
        unpack_rows(bytes(entry))


@pytest.mark.parametrize("entry", [b"", b"1", b"123456789"])
def test_what_is_too_short_is_damaged(entry):
    with pytest.raises(SourceError, match="damaged"):
        unpack_rows(entry)


@pytest.mark.parametrize("rows", [[1, 2, 3], [[1.5, 2]], [["x"]]])
def test_what_is_no_block_of_whole_numbers_is_refused(rows):
    with pytest.raises(LocalError, match="rows cannot be packed"):
        pack_rows(1, rows)


def test_rows_of_another_width_are_named():
    entries = [pack_rows(1, random_quotes(1, 5))]
    with pytest.raises(SourceError, match="wrong width: expected 4"):
        frame_of("trades", BTC, entries)
