"""Bytes of increments and of full-state pushes, on a short simulated flow and on one whose bytes are known."""

import pytest

from rtlab.cli.bench.bandwidth import Case, count, measure, ratio
from rtlab.cli.bench.bandwidth.flows import simulated


@pytest.fixture(scope="module")
def counted():
    return {one.case: one for one in count(simulated(0.5), (10, None))}


def test_both_ways_send_once_for_each_change_of_the_cut_and_the_book_is_equal(counted):
    for case, one in counted.items():
        assert one.equal
        assert one.sends > 0
        if case.depth is not None:
            # a level that changed and changed back between is said, and is no push of the whole
            assert one.pushes <= one.sends <= 1.02 * one.pushes + 1


def test_conflated_is_ten_a_second_and_less_bytes(counted):
    for depth in (10, None):
        every = counted[Case(depth, "msgpack", conflated=False)]
        ten = counted[Case(depth, "msgpack", conflated=True)]
        assert ten.sends <= 6
        assert ten.bytes["rtlab"] < every.bytes["rtlab"]
        assert ten.bytes["full state"] < every.bytes["full state"]


def test_deeper_books_gain_more_and_every_contender_is_counted(counted):
    assert ratio(counted[Case(None, "msgpack", conflated=False)]) > ratio(
        counted[Case(10, "msgpack", conflated=False)]
    )
    deflated = {
        f"{who}, deflated {how}" for who in ("rtlab", "full state") for how in ("alone", "in context")
    }
    for case, one in counted.items():
        assert set(one.bytes) >= deflated | {"rtlab", "full state"}
        assert one.changes >= one.sends
        assert ("full state, decimals as text" in one.bytes) == (case.encoding == "json")
        assert all(size > 0 for size in one.bytes.values())


def test_packed_increments_take_less_than_three_quarters_and_their_own_full_state_is_packed_too(counted):
    for depth in (10, None):
        packed, plain = (counted[Case(depth, one, conflated=False)].bytes for one in ("packed", "msgpack"))
        assert 4 * packed["rtlab"] < 3 * plain["rtlab"]
        assert packed["full state"] < plain["full state"]


def test_goals_are_named_also_when_a_recording_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("RTLAB_DATA", str(tmp_path))
    report = measure(1.0, 0.05, (10, 25))
    ways = ("full state / increments, both msgpack", "full state in msgpack / increments packed")
    ways += ("full state as a venue sends it / increments packed",)
    assert {goal["name"]: goal["value"] is None for goal in report["goals"]} == {
        f"{way}, {flow}, depth 25": flow != "simulated"
        for flow in ("BTC perpetual", "ETH spot", "simulated")
        for way in ways
    }
    same, other, venue = (goal["value"] for goal in report["goals"][-3:])
    assert same < other < venue
    assert all((goal["show"], goal["bound"], goal["op"]) == (6, 10.0, ">=") for goal in report["goals"])
    missing = [row for row in report["results"] if row["median"] is None]
    assert len(missing) == 2
    assert all("RTLAB_DATA" in row["reason"] for row in missing)
