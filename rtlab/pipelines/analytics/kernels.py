"""What cannot be told in whole columns: recursions and windows that slide, row after row, in float64.

Each row is computed by the same operations in the same order however the rows are cut into batches.
"""

import math

from rtlab.compiling import kernel
from rtlab.pipelines.frame import Floats


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
