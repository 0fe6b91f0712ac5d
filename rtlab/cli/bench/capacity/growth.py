"""How a cost grows: the exponent k of cost = a * size ** k, by least squares in logarithms."""

from collections.abc import Sequence

import numpy as np

from rtlab.errors import LocalError

BOUND = 1.05


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Give k; 1 is a cost in proportion. LocalError without two different sizes, or for a cost that is not above 0."""
    if len(sizes) != len(costs) or len(set(sizes)) < 2 or min(*sizes, *costs) <= 0:
        raise LocalError(
            "growth cannot be told",
            expected="costs above 0 at two different sizes or more",
            got=f"{list(sizes)}, {list(costs)}",
        )
    slope, _ = np.polyfit(np.log(np.asarray(sizes, float)), np.log(np.asarray(costs, float)), 1)
    return float(slope)
