import numpy as np
import pytest

from rtlab.cli.bench.pixels.walk import RATE, Walk


class Clock:
    def __init__(self):
        self.s = 1000.0

    def __call__(self):
        return self.s


def test_the_past_ends_now_and_what_is_due_goes_on_from_it():
    clock = Clock()
    walk = Walk(500, clock)
    x, y = walk.past
    assert len(x) == len(y) == 500
    assert x[-1] == 1_000_000.0
    assert np.diff(x) == pytest.approx(1000 / RATE, rel=1e-3)
    assert [len(column) for column in walk.due()] == [0, 0]
    clock.s += 0.5
    new_x, new_y = walk.due()
    assert len(new_x) == RATE // 2
    assert new_x[0] - x[-1] == pytest.approx(1000 / RATE, rel=1e-3)
    assert new_x[-1] == pytest.approx(clock.s * 1000)
    assert abs(new_y[0] - y[-1]) < 6


def test_nothing_is_told_twice_or_left_out():
    clock = Clock()
    walk, told = Walk(10, clock), []
    for step in (0.001, 0.0333, 0.00001, 0.2):
        clock.s += step
        told.append(walk.due()[0])
    x = np.concatenate(told)
    assert len(x) == int((clock.s - 1000.0) * RATE)
    assert np.diff(x) == pytest.approx(1000 / RATE, rel=1e-3)


def test_every_contender_gets_the_same_values():
    clock = Clock()
    one, other = Walk(100, clock), Walk(100, clock)
    assert np.array_equal(one.past[1], other.past[1])
    clock.s += 1
    assert np.array_equal(one.due()[1], other.due()[1])
