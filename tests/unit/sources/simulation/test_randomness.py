import math

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from rtlab.sources.simulation.layout import ONE, REGIMES, Memory
from rtlab.sources.simulation.memory import make_memory
from rtlab.sources.simulation.randomness import chance, draw, next_regime, pick


@njit  # type: ignore[untyped-decorator]
def fill(memory, numbers):
    for index in range(len(numbers)):
        numbers[index, 0] = draw(memory)
        numbers[index, 1] = chance(memory)
        numbers[index, 2] = pick(memory, memory.normal)


@njit  # type: ignore[untyped-decorator]
def walk(memory, regimes):
    regime = 0
    for index in range(len(regimes)):
        regime = next_regime(draw(memory), regime)
        regimes[index] = regime


def drawn(seed: int, count: int) -> NDArray[np.int64]:
    numbers = np.zeros((count, 3), np.int64)
    fill(make_memory([2_000], rate=1, seed=seed, start=0), numbers)
    return numbers


@pytest.fixture(scope="module")
def many() -> NDArray[np.int64]:
    return drawn(3, 20_000)


def test_bits_are_those_of_splitmix64() -> None:
    memory: Memory = make_memory([2_000], rate=1, seed=0, start=0)
    numbers = np.zeros((1, 3), np.int64)
    fill(memory, numbers)
    assert numbers[0, 0] == 0xE220A8397B1DCDAF >> 1  # its published first number for seed 0
    assert numbers[0, 1] == (0x6E789E6AA1B965F4 >> 1) % ONE  # and its second


def test_every_seed_is_another_stream() -> None:
    assert len({int(drawn(seed, 1)[0, 0]) for seed in range(100)}) == 100


def test_chances_are_even(many: NDArray[np.int64]) -> None:
    chances = many[:, 1]
    assert chances.min() >= 0
    assert chances.max() < ONE
    assert chances.mean() == pytest.approx(ONE / 2, rel=0.02)
    assert (np.bincount(chances >> 12, minlength=16) > 1_000).all()


def test_picks_follow_their_table(many: NDArray[np.int64]) -> None:
    picks = many[:, 2] / 4096
    assert abs(picks.mean()) < 0.03
    assert picks.std() == pytest.approx(1, abs=0.03)


def test_regimes_wander_around_the_middle_and_never_leave() -> None:
    regimes = np.zeros(400_000, np.int64)
    walk(make_memory([2_000], rate=1, seed=5, start=0), regimes)
    assert (np.abs(np.diff(regimes)) == 1).all()
    assert regimes.min() >= 0
    assert regimes.max() <= REGIMES
    share = np.bincount(regimes[1_000:], minlength=REGIMES + 1) / len(regimes[1_000:])
    expected = np.array([math.comb(REGIMES, k) for k in range(REGIMES + 1)]) / 2**REGIMES
    assert np.abs(share - expected).max() < 0.01
