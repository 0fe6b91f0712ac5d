"""Rows from an address are the rows that lie there."""

import numpy as np
from numba import njit

from rtlab.engine.layout import ORDER, STATE
from rtlab.engine.memory import rows_at, state_at


@njit  # not kept: a kept probe would not see a changed part
def sum_of_quantities(address):  # type: ignore[no-untyped-def]
    state = state_at(address)
    orders = rows_at(state.orders_at, state.orders, ORDER)
    state.seq = len(orders)
    total = 0
    for slot in range(len(orders)):
        total += orders[slot].qty
        orders[slot].prev = slot
    return total


def test_rows_are_read_and_written_where_they_lie() -> None:
    orders = np.zeros(5, ORDER)
    orders["qty"] = [1, 2, 4, 8, 16]
    state = np.zeros(1, STATE)
    state["orders_at"], state["orders"] = orders[1:4].ctypes.data, 3
    assert sum_of_quantities(state.ctypes.data) == 14
    assert orders["prev"].tolist() == [0, 0, 1, 2, 0]
    assert state["seq"][0] == 3


def test_no_rows_are_an_empty_array() -> None:
    state = np.zeros(1, STATE)
    state["orders_at"] = np.zeros(1, ORDER).ctypes.data
    assert sum_of_quantities(state.ctypes.data) == 0
