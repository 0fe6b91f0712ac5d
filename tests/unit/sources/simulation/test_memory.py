import numpy as np
import pytest

from rtlab.sources.simulation.layout import NO_ASK, NO_BID, ONE, OPENING, RING, ROOM, Memory
from rtlab.sources.simulation.memory import make_memory


@pytest.fixture
def memory() -> Memory:
    return make_memory([20_000, 5_000, 3_000], rate=100, seed=11, start=77)


def column(rows: object, name: str) -> list[int]:
    return list(np.asarray(rows)[name].tolist())


def test_memory_begins_empty(memory: Memory) -> None:
    assert column(memory.halves, "best") == [NO_BID, NO_ASK] * 3
    assert column(memory.halves, "live") == [0] * 6
    assert len(memory.rungs) == 6 * RING
    assert len(memory.orders) == len(memory.resting) == len(memory.free) == 6 * ROOM
    assert sorted(np.asarray(memory.free).tolist()) == list(range(6 * ROOM))


def test_the_state_knows_seed_start_and_what_opens(memory: Memory) -> None:
    assert column(memory.state, "random") == [11]
    assert column(memory.state, "start") == [77]
    assert column(memory.state, "opening") == [6 * OPENING]
    assert column(memory.state, "due") == [0]


def test_instruments_open_at_their_prices_within_bounds(memory: Memory) -> None:
    fair = column(memory.markets, "fair")
    assert [f // ONE for f in fair] == [20_000, 5_000, 3_000]
    assert all(
        low < f < high
        for low, f, high in zip(
            column(memory.markets, "low"), fair, column(memory.markets, "high"), strict=True
        )
    )


def test_shares_of_the_flow_fall_by_rank_and_add_up(memory: Memory) -> None:
    until = column(memory.markets, "until")
    shares = np.diff([0, *until]) / ONE
    assert until[-1] == ONE
    assert shares == pytest.approx([6 / 11, 3 / 11, 2 / 11], abs=1e-4)


def test_even_the_last_of_many_instruments_has_a_share() -> None:
    many = make_memory([2_000] * 200, rate=100, seed=1, start=0)
    assert (np.diff([0, *column(many.markets, "until")]) > 0).all()
