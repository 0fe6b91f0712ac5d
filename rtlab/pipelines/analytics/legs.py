"""Prices of several instruments as they stood together: what baskets and correlations are made of."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics.align import LIMIT, Aligner, Released, Saved
from rtlab.pipelines.analytics.memory import Memory
from rtlab.pipelines.frame import Floats, Integers


class Standing(NamedTuple):
    """A row for each price that came, in event time: `prices` of all legs then (rows by legs), NaN: none yet."""

    ts: Integers
    prices: Floats


class LegsMemory(Memory, kw_only=True):
    """What a fold over legs remembers of them."""

    aligner: Saved
    prices: list[float | None]


def begin_legs(legs: int, lateness_ns: int = 0, limit: int = LIMIT) -> tuple[Saved, list[float | None]]:
    """Give the memory of `legs` streams before the first price; ConfigError for fewer than two."""
    if legs < 2:
        raise ConfigError("there are too few streams to be put together", expected="at least 2", got=legs)
    return Aligner(legs, 2, lateness_ns, limit).saved(), [None] * legs


def take_prices(memory: LegsMemory, leg: int, ts: Integers, price: Floats) -> Standing:
    """Take prices of a leg, in any unit; what is not a finite number is left out."""
    good = np.isfinite(price)
    bits = np.ascontiguousarray(price[good], np.float64).view(np.int64)
    aligner = Aligner.of(memory.aligner)
    late = aligner.late
    released = aligner.take(leg, np.stack([ts[good], bits], axis=1))
    memory.left_out += good.size - int(good.sum()) + aligner.late - late
    return _stand(memory, aligner, released)


def finish_legs(memory: LegsMemory) -> Standing:
    """Give what still waits: no price is to come."""
    aligner = Aligner.of(memory.aligner)
    return _stand(memory, aligner, aligner.finish())


def _stand(memory: LegsMemory, aligner: Aligner, released: Released) -> Standing:
    memory.aligner = aligner.saved()
    leg, rows = released
    value = np.ascontiguousarray(rows[:, 1]).view(np.float64)
    before = [np.nan if one is None else one for one in memory.prices]
    prices = np.stack([_last(value, leg == n, before[n]) for n in range(len(before))], axis=1)
    if len(prices):
        memory.prices = [None if np.isnan(one) else one for one in prices[-1].tolist()]
    return Standing(rows[:, 0].copy(), prices)


def _last(value: Floats, mine: NDArray[np.bool_], before: float) -> Floats:
    own = np.concatenate([[before], value[mine]])
    last: Floats = own[np.cumsum(mine)]
    return last
