import numpy as np
from support.frames import BTC, random_trades, trades

from rtlab.pipelines import Frame, Graph
from rtlab.pipelines.cluster.results import pack_results, table_of, unpack_results


def same(left: Frame, right: Frame) -> bool:
    if left.columns.keys() != right.columns.keys() or left.key != right.key:
        return False
    pairs = [(left[name], right[name]) for name in left.columns]
    return all(one.dtype == other.dtype and one.tolist() == other.tolist() for one, other in pairs)


def test_frames_come_back_as_they_were():
    with Graph(lambda s: {"bars": s.bars("1s"), "vwap": s.vwap()}).begin(BTC) as running:
        came = running.push(trades(random_trades(1, 500)))
    found = unpack_results(pack_results(came), BTC)
    assert [one.output for one in found] == ["bars", "vwap"]
    assert all(same(one.frame, came[one.output][0]) for one in found)


def test_numbers_wider_than_64_bits_stay_exact():
    frame = Frame("x", BTC, {"ts": np.array([1, 2]), "sum": np.array([2**70, -(2**90)], object)})
    (found,) = unpack_results(pack_results({"x": [frame]}), BTC)
    assert found.frame["sum"].tolist() == [2**70, -(2**90)]


def test_nothing_is_packed_as_nothing():
    assert pack_results({}) == b""
    assert table_of([]) is None


def test_of_a_table_the_last_version_of_a_row_counts():
    versions = (([1, 2], [5, 6]), ([2, 3], [7, 8]))
    bars = [Frame("bars", BTC, {"start": np.array(s), "close": np.array(c)}, "start") for s, c in versions]
    whole = table_of(bars)
    assert (whole["start"].tolist(), whole["close"].tolist()) == ([1, 2, 3], [5, 7, 8])
    rows = [Frame("vwap", BTC, {"ts": np.array([1])}), Frame("vwap", BTC, {"ts": np.array([1])})]
    assert table_of(rows)["ts"].tolist() == [1, 1]
