"""What goes through Redis comes back as it was: rows, results, states; and a changed byte is always found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.frames import BTC

from rtlab.errors import SourceError
from rtlab.pipelines import Frame
from rtlab.pipelines.cluster.packed import frame_of, pack_rows, unpack_rows
from rtlab.pipelines.cluster.results import pack_results, table_of, unpack_results

KINDS = ["<i8", "<f8", "|i1", "|b1"]
kinds = st.sampled_from(KINDS)


@st.composite
def frames(draw) -> Frame:
    rows = draw(st.integers(0, 20))
    names = draw(st.lists(st.sampled_from("abcdef"), unique=True, min_size=1, max_size=5))
    columns = {name: draw(hnp.arrays(draw(kinds), rows)) for name in names}
    return Frame(draw(st.sampled_from(["bars", "vwap"])), BTC, columns)


def same(left: Frame, right: Frame) -> bool:
    pairs = [(left[name], right[name]) for name in left.columns]
    return left.channel == right.channel and all(one.tobytes() == other.tobytes() for one, other in pairs)


@given(st.lists(st.tuples(st.sampled_from(["x", "y"]), frames()), max_size=5))
def test_results_of_any_kind(came):
    by_output: dict[str, list[Frame]] = {}
    for name, frame in came:
        by_output.setdefault(name, []).append(frame)
    entry = pack_results(by_output)
    found = unpack_results(entry, BTC) if entry else []
    expected = [(name, frame) for name, given_ in by_output.items() for frame in given_]
    assert [one.output for one in found] == [name for name, _ in expected]
    assert all(same(one.frame, frame) for one, (_, frame) in zip(found, expected, strict=True))


@given(st.lists(hnp.arrays(np.int64, st.tuples(st.integers(0, 8), st.just(4))), min_size=1, max_size=5))
def test_entries_are_their_rows_one_after_the_other(blocks):
    entries, first = [], 1
    for block in blocks:
        entries.append(pack_rows(first, block))
        first += len(block)
    frame = frame_of("trades", BTC, entries)
    assert frame["ticks"].tolist() == [row[1] for block in blocks for row in block.tolist()]
    assert frame["seq"].tolist() == list(range(1, first))


@given(hnp.arrays(np.int64, st.tuples(st.integers(0, 8), st.integers(1, 6))), st.data())
def test_any_change_of_an_entry_is_found(block, data):
    entry = pack_rows(7, block)
    at, by = data.draw(st.integers(0, len(entry) - 1)), data.draw(st.integers(1, 255))
    damaged = entry[:at] + bytes([entry[at] ^ by]) + entry[at + 1 :]
    with pytest.raises(SourceError, match="damaged"):
        unpack_rows(damaged)
    cut = data.draw(st.integers(0, len(entry) - 1))
    with pytest.raises(SourceError, match="damaged"):
        unpack_rows(entry[:cut])


@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers()), max_size=6), max_size=5))
def test_a_table_is_its_last_versions(batches):
    given_, last = [], {}
    for batch in batches:
        rows = dict(sorted(dict(batch).items()))
        last |= rows
        starts, values = np.array(list(rows), np.int64), np.array(list(rows.values()), object)
        given_.append(Frame("bars", BTC, {"start": starts, "value": values}, "start"))
    whole = table_of(given_)
    found = {} if whole is None else dict(zip(whole["start"].tolist(), whole["value"].tolist(), strict=True))
    assert found == last
