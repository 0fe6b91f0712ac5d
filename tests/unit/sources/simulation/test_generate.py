import numpy as np
import pytest
from numba import njit

from rtlab.model import COMMAND, CommandKind
from rtlab.sources.simulation.generate import evolve, generate, taken_side
from rtlab.sources.simulation.layout import LEAST, ONE, OPENING, ROOM, Memory
from rtlab.sources.simulation.memory import make_memory

FOREVER = (1 << 62) - 1


@njit  # type: ignore[untyped-decorator]
def wander(memory, fairs):
    for index in range(len(fairs)):
        evolve(memory, memory.markets[0])
        fairs[index] = memory.markets[0].fair


@njit  # type: ignore[untyped-decorator]
def sides(memory, signs):
    for index in range(len(signs)):
        signs[index] = taken_side(memory, memory.markets[0])


@pytest.fixture
def memory() -> Memory:
    return make_memory([20_000, 10_000], rate=1_000_000, seed=1, start=5_000)


def made(memory: Memory, count: int, until: int = FOREVER) -> np.ndarray:
    commands = np.zeros(count, COMMAND)
    return commands[: generate(memory, commands, until)]


def test_the_books_open_together_and_at_once(memory: Memory) -> None:
    opening = made(memory, 4 * OPENING)
    assert (opening["ts"] == 5_000).all()
    assert (opening["kind"] == CommandKind.NEW).all()
    assert (opening["instrument"][:8] == [0, 0, 1, 1, 0, 0, 1, 1]).all()
    assert (opening["side"][:4] == [0, 1, 0, 1]).all()
    assert opening["price"][:4].tolist() == [19_999, 20_001, 9_999, 10_001]
    assert np.asarray(memory.halves)["live"].tolist() == [OPENING] * 4
    assert len(np.unique(opening["price"][(opening["instrument"] == 0) & (opening["side"] == 0)])) == 54


def test_nothing_comes_before_its_time(memory: Memory) -> None:
    opening = made(memory, 10_000, until=0)
    assert len(opening) == 4 * OPENING
    later = made(memory, 10_000, until=256 * 100_000)
    assert 20 < len(later) < 500  # about one in each microsecond
    assert (later["ts"] > 5_000).all()
    assert (later["ts"] <= 105_000).all()
    assert len(made(memory, 10_000, until=256 * 100_000)) == 0


def test_the_buffer_is_never_overrun(memory: Memory) -> None:
    assert len(made(memory, 0)) == 0
    assert len(made(memory, 7)) == 7


def test_ids_are_new_and_times_never_go_back(memory: Memory) -> None:
    commands = made(memory, 50_000)
    new = commands[commands["kind"] == CommandKind.NEW]
    assert (np.diff(new["order_id"]) == 1).all()
    assert new["order_id"][0] == 1
    assert (np.diff(commands["ts"]) >= 0).all()


def test_what_a_cancellation_names_has_been_entered_before(memory: Memory) -> None:
    commands = made(memory, 50_000)
    newest = np.maximum.accumulate(np.where(commands["kind"] == CommandKind.NEW, commands["order_id"], 0))
    others = commands["kind"] != CommandKind.NEW
    assert others.sum() > 10_000
    assert (commands["order_id"][others] <= newest[others]).all()


def test_a_half_never_runs_dry_or_over(memory: Memory) -> None:
    for _ in range(200):
        made(memory, 500)
        halves = np.asarray(memory.halves)
        assert (halves["live"] >= 1).all()
        assert (halves["live"] < ROOM).all()
        assert (halves["qty"] >= halves["live"]).all()
        assert (halves["best"][0::2] < halves["best"][1::2]).all()
    assert halves["live"].min() > LEAST // 2


def test_the_worth_turns_back_at_its_bounds(memory: Memory) -> None:
    markets = np.asarray(memory.markets)
    markets["low"][0], markets["high"][0] = 19_990 * ONE, 20_010 * ONE
    fairs = np.zeros(500_000, np.int64)
    wander(memory, fairs)
    assert fairs.min() >= 19_990 * ONE
    assert fairs.max() <= 20_010 * ONE
    assert np.unique(fairs // ONE).size >= 20


def test_the_worth_has_no_drift_and_fat_tails(memory: Memory) -> None:
    fairs = np.zeros(400_000, np.int64)
    wander(memory, fairs)
    steps = np.diff(fairs)
    assert abs(steps.mean()) < 5 * steps.std() / np.sqrt(len(steps))
    calm = steps[np.abs(steps) < 3 * ONE]
    assert ((calm - calm.mean()) ** 4).mean() / calm.var() ** 2 > 4


def test_orders_are_worked_in_pieces_on_either_side(memory: Memory) -> None:
    signs = np.zeros(50_000, np.int64)
    sides(memory, signs)
    assert 0.4 < signs.mean() < 0.6
    assert (signs[1:] == signs[:-1]).mean() > 0.7
