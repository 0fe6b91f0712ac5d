"""What cannot be told in whole columns: recursions and windows that slide, row after row, in float64.

Each row is computed by the same operations in the same order however the rows are cut into batches.
"""

import math

import numpy as np

from rtlab.compiling import announce, kernel
from rtlab.pipelines.frame import Floats, Integers


@kernel
def smooth(values: Floats, alpha: float, last: float) -> Floats:
    """Give y of each row: y = y' + alpha (x - y'), y' the one before, at first `last`."""
    out = values.copy()
    y = last
    for row in range(values.size):
        y += alpha * (values[row] - y)
        out[row] = y
    return out


@kernel
def moments(values: Floats, period: int) -> tuple[Floats, Floats]:
    """Give mean and population deviation of each `period` values in a row: values.size - period + 1 of them."""
    count = max(values.size - period + 1, 0)
    mean, deviation = values[:count].copy(), values[:count].copy()
    for row in range(count):
        total = 0.0
        for at in range(row, row + period):
            total += values[at]
        middle = total / period
        squares = 0.0
        for at in range(row, row + period):
            squares += (values[at] - middle) ** 2
        mean[row] = middle
        deviation[row] = math.sqrt(squares / period)
    return mean, deviation


@kernel
def fits(ticks: Integers, lots: Integers, carry: float) -> bool:
    """Tell whether sums of ticks x lots, on top of `carry`, stay well within 64 bits, and all lots are above 0."""
    price, total = 0.0, 0.0
    for row in range(ticks.size):
        if lots[row] <= 0:
            return False
        price = max(price, abs(float(ticks[row])))
        total += float(lots[row])
    return (price + 1.0) * total + abs(carry) < 4e18


@kernel
def grow_bars(
    ts: Integers, ticks: Integers, lots: Integers, interval: int, state: Integers, out: Integers
) -> tuple[int, int]:
    """Fold trades into bars: `state` is (is open, start, o, h, l, c, lots, notional, trades), rows of `out` its rest.

    Gives how many bars changed and how many rows were late.
    """
    count = late = 0
    for row in range(ts.size):
        start = ts[row] - ts[row] % interval
        price, qty = ticks[row], lots[row]
        if state[0] and start < state[1]:
            late += 1
        elif state[0] and start == state[1]:
            state[3] = max(state[3], price)
            state[4] = min(state[4], price)
            state[5] = price
            state[6] += qty
            state[7] += price * qty
            state[8] += 1
        else:
            if state[0]:
                for field in range(8):
                    out[count, field] = state[field + 1]
                count += 1
            state[0], state[1] = 1, start
            state[2] = state[3] = state[4] = state[5] = price
            state[6], state[7], state[8] = qty, price * qty, 1
    if late < ts.size:
        for field in range(8):
            out[count, field] = state[field + 1]
        count += 1
    return count, late


@kernel
def running_sums(
    ts: Integers, ticks: Integers, lots: Integers, interval: int, state: Integers, out: Integers
) -> int:
    """Sum ticks x lots and lots per window: `state` is (has begun, start, notional, lots), `out` has the last three.

    Gives how many rows were in time; where one was late, `out` holds the others, and their rows at its fourth column.
    """
    count = 0
    for row in range(ts.size):
        start = ts[row] - ts[row] % interval if interval else 0
        if state[0] and start < state[1]:
            continue
        if not state[0] or start != state[1]:
            state[0], state[1], state[2], state[3] = 1, start, 0, 0
        state[2] += ticks[row] * lots[row]
        state[3] += lots[row]
        out[0, count], out[1, count], out[2, count], out[3, count] = start, state[2], state[3], row
        count += 1
    return count


@kernel
def quote_changes(
    bid: Integers, bid_lots: Integers, ask: Integers, ask_lots: Integers, last: Integers, out: Integers
) -> bool:
    """Give each quote's share of the order flow imbalance after `last`; False where a sum could leave 64 bits."""
    most = 0.0
    b, bq, a, aq = last[0], last[1], last[2], last[3]
    for row in range(bid.size):
        nb, nbq, na, naq = bid[row], bid_lots[row], ask[row], ask_lots[row]
        most += float(nbq) + float(naq)
        change = 0
        if nbq > 0 or bq > 0:
            up = nbq > 0 and (bq == 0 or nb >= b)
            down = bq > 0 and (nbq == 0 or nb <= b)
            change += (nbq if up else 0) - (bq if down else 0)
        if naq > 0 or aq > 0:
            near = naq > 0 and (aq == 0 or na <= a)
            far = aq > 0 and (naq == 0 or na >= a)
            change += (aq if far else 0) - (naq if near else 0)
        out[row] = change
        b, bq, a, aq = nb, nbq, na, naq
    return most < 1e18


@kernel
def squared_returns(
    ts: Integers, price: Floats, interval: int, state: Floats, newest: Integers, out: Floats, starts: Integers
) -> tuple[int, int]:
    """Sum squared log returns per window: `state` is (last log or NaN, sum), `newest` (has begun, start).

    Columns of `out` are return, sum and row of the prices that count; gives how many, and how many did not.
    """
    count = 0
    for row in range(ts.size):
        value = price[row]
        if not (value > 0.0 and value < math.inf):
            continue
        start = ts[row] - ts[row] % interval if interval else 0
        if newest[0] and start < newest[1]:
            continue
        log = math.log(value)
        change = 0.0 if math.isnan(state[0]) else log - state[0]
        if not newest[0] or start != newest[1]:
            newest[0], newest[1], state[1] = 1, start, 0.0
        state[0] = log
        state[1] += change * change
        out[0, count], out[1, count], out[2, count], starts[count] = change, state[1], row, start
        count += 1
    return count, ts.size - count


def warm() -> None:
    """Compile or load every kernel now, in place of at the first row."""
    with announce("the analytics"):
        _call_all()


def _call_all() -> None:
    ones, values = np.ones(2, np.int64), np.ones(2)
    smooth(values, 0.5, 1.0)
    moments(values, 2)
    fits(ones, ones, 0.0)
    grow_bars(ones, ones, ones, 1, np.zeros(9, np.int64), np.zeros((3, 8), np.int64))
    running_sums(ones, ones, ones, 1, np.zeros(4, np.int64), np.zeros((4, 2), np.int64))
    quote_changes(ones, ones, ones, ones, np.ones(4, np.int64), np.zeros(2, np.int64))
    squared_returns(
        ones, values, 1, np.zeros(2), np.zeros(2, np.int64), np.zeros((3, 2)), np.zeros(2, np.int64)
    )
