"""The queues of the kernel against plain lists, by random operations."""

import numpy as np
import pytest
from numba import njit

from rtlab.sources.simulation.layout import NO_ASK, NO_BID, RING, Memory
from rtlab.sources.simulation.memory import make_memory
from rtlab.sources.simulation.queues import has_room, remove, rest, take

REST, REMOVE, TAKE = range(3)


@njit  # type: ignore[untyped-decorator]
def drive(memory, kind, half, first, second, third):
    if kind == REST:
        if not has_room(memory, half, second):
            return -1
        rest(memory, half, first, second, third)
        return 0
    if kind == REMOVE:
        for slot in range(len(memory.orders)):
            order = memory.orders[slot]
            if order.id == first and order.half == half and order.qty > 0:
                remove(memory, slot)
                order.qty = 0
                return 0
        return -1
    return take(memory, half, first, second)


class Lists:
    """One half as a list of [id, price, qty] in order of arrival."""

    def __init__(self, side: int) -> None:
        self.sign, self.side = (-1 if side == 0 else 1), side
        self.orders: list[list[int]] = []

    def best(self) -> int:
        prices = [price for _, price, _ in self.orders]
        return (
            (NO_ASK if self.side else NO_BID)
            if not prices
            else self.sign * min(self.sign * p for p in prices)
        )

    def take(self, qty: int, limit: int) -> int:
        while qty and self.orders and self.best() * self.sign <= limit * self.sign:
            first = next(order for order in self.orders if order[1] == self.best())
            filled = min(qty, first[2])
            first[2] -= filled
            qty -= filled
            self.orders = [order for order in self.orders if order[2]]
        return qty


def half_of(memory: Memory, half: int) -> tuple[int, int, int]:
    row = np.asarray(memory.halves)[half]
    return int(row["best"]), int(row["qty"]), int(row["live"])


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_operations_leaves_what_lists_would_hold(seed: int) -> None:
    rng, memory = np.random.default_rng(seed), make_memory([2_000, 2_000], rate=1, seed=1, start=0)
    halves = [Lists(0), Lists(1), Lists(0), Lists(1)]
    for number in range(1, 1_200):
        half = int(rng.integers(4))
        lists = halves[half]
        price = int(rng.integers(1_990, 2_010))
        match rng.integers(4):
            case 0 | 1:
                qty = int(rng.integers(1, 20))
                assert drive(memory, REST, half, number, price, qty) == 0
                lists.orders.append([number, price, qty])
            case 2 if lists.orders:
                gone = lists.orders.pop(int(rng.integers(len(lists.orders))))
                assert drive(memory, REMOVE, half, gone[0], 0, 0) == 0
            case _:
                qty = int(rng.integers(1, 40))
                assert drive(memory, TAKE, half, qty, price, 0) == lists.take(qty, price)
        total = sum(qty for _, _, qty in lists.orders)
        assert half_of(memory, half) == (lists.best(), total, len(lists.orders))


def test_a_rung_belongs_to_one_price_at_a_time() -> None:
    memory = make_memory([20_000], rate=1, seed=1, start=0)
    assert drive(memory, REST, 0, 1, 20_000, 5) == 0
    assert drive(memory, REST, 0, 2, 20_000 - RING, 5) == -1
    assert drive(memory, REST, 0, 3, 20_000, 5) == 0
    assert drive(memory, REST, 1, 4, 20_000 + RING, 5) == 0  # the other side has rungs of its own


def test_the_next_best_is_found_all_the_way_around_the_ring() -> None:
    memory = make_memory([20_000], rate=1, seed=1, start=0)
    far = 20_000 - RING - RING // 2
    drive(memory, REST, 0, 1, 20_000, 5)
    drive(memory, REST, 0, 2, far, 7)
    assert drive(memory, TAKE, 0, 5, 20_000, 0) == 0
    assert half_of(memory, 0) == (far, 7, 1)


def test_a_taker_stops_at_its_limit() -> None:
    memory = make_memory([20_000], rate=1, seed=1, start=0)
    for number, price in enumerate((100, 101, 102)):
        drive(memory, REST, 1, number + 1, price, 5)
    assert drive(memory, TAKE, 1, 100, 101, 0) == 90
    assert half_of(memory, 1) == (102, 5, 1)
    assert drive(memory, TAKE, 1, 100, 99, 0) == 100
