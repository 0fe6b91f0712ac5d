"""A small run of the whole bench."""

import pytest

from rtlab.cli.bench import capacity
from rtlab.cli.bench.capacity import Sizes, accepting, measure
from rtlab.cli.bench.capacity.costs import Readers

SMALL = Sizes((5, 10), (2, 4), (500, 1000), (1000, 2000), ticks_per_s=20, seconds=0.1)


@pytest.fixture(scope="module")
def small():
    before, accepting.WINDOW_S = accepting.WINDOW_S, 0.2
    try:
        return measure(SMALL)
    finally:
        accepting.WINDOW_S = before


def test_each_cost_has_a_row_a_size_and_its_exponent(small):
    names = [row["name"] for row in small["results"] if row["contender"] == "rtlab"]
    readers, rows = ["a reader"], ["a stored row: keeping", "a stored row: reading"]
    instruments = ["an instrument: matching", "an instrument: folding"]
    for what in (*readers, *instruments, *rows, "a point"):
        mine = [name for name in names if name.startswith(what)]
        assert sum(name.endswith(", each") for name in mine) == 2
        assert sum(name.endswith(", exponent") for name in mine) == 1
    for row in small["results"]:
        assert {"name", "contender", "case", "unit", "runs", "median", "min", "max"} == set(row)


def test_the_show_s_number_of_each_is_a_goal(small):
    bounds = {goal["name"]: goal["bound"] for goal in small["goals"]}
    assert {goal["show"] for goal in small["goals"]} == {7}
    assert list(bounds.values())[:6] == [1.05] * 6
    assert bounds["exponent of an instrument: matching 40 orders each, beyond that of memory alone"] == 0.05
    assert bounds.get("exponent of a reader: one tick to all, beyond that of send(2) in C", 0.05) == 0.05


def test_a_million_readers_are_simulated_from_what_was_measured(small):
    told = {row["name"]: row for row in small["results"] if row["name"].startswith("simulated")}
    assert "1,000,000 readers" in told["simulated: gateways of one core"]["case"]
    assert "us a send" in told["simulated: gateways of one core"]["case"]
    assert told["simulated: gateways of one core"]["median"] >= 2
    assert told["simulated: core of a gateway, busy"]["median"] <= 50


def test_where_nothing_compiles_bare_sends_are_left_out(monkeypatch):
    monkeypatch.setattr(capacity, "of_readers", lambda sizes, **how: Readers([1e-5, 2e-5], None, 10_000.0))
    monkeypatch.setattr(capacity, "of_instruments", lambda sizes: ([1e-3, 2e-3], [1e-3, 2e-3]))
    monkeypatch.setattr(capacity, "of_pages", lambda sizes: [1e-3, 2e-3])
    monkeypatch.setattr(capacity, "of_rows", lambda sizes, folder: ([1.0, 2.0], [1.0, 2.0]))
    monkeypatch.setattr(capacity, "of_points", lambda sizes: [1.0, 4.0])
    monkeypatch.setattr(capacity, "accept_us", lambda readers: 500.0)
    made = measure(SMALL)
    assert {row["contender"] for row in made["results"]} == {"rtlab", "memory alone"}
    values = {goal["name"]: goal["value"] for goal in made["goals"]}
    assert values["exponent of a point: into a pyramid"] == pytest.approx(2.0)
    beyond = values["exponent of an instrument: matching 40 orders each, beyond that of memory alone"]
    assert beyond == pytest.approx(0.0)
    assert len(values) == 7
