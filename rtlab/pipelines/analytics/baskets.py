"""Baskets: a weighted sum of the prices of several instruments. With weights 1 and -1 it is their spread."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics.align import LIMIT
from rtlab.pipelines.analytics.legs import LegsMemory, Standing, begin_legs, finish_legs, take_prices
from rtlab.pipelines.analytics.memory import SavedFold
from rtlab.pipelines.frame import Floats, Integers


class BasketColumns(NamedTuple):
    """A row for each price, once every leg has one: the basket's value then."""

    ts: Integers
    value: Floats


class _Memory(LegsMemory, kw_only=True):
    weights: list[float]


class BasketFold(SavedFold[_Memory]):
    """Folds prices of legs into the value of a basket of `weights`, in event time (see align)."""

    KIND, FORM, PARAMETERS = "basket", _Memory, ("weights", "aligner.lateness_ns", "aligner.limit")

    def __init__(self, weights: Sequence[float], lateness_ns: int = 0, limit: int = LIMIT) -> None:
        if not np.isfinite(weights).all():
            raise ConfigError("a basket's weights are not numbers", expected="finite", got=list(weights))
        aligner, prices = begin_legs(len(weights), lateness_ns, limit)
        super().__init__(_Memory(aligner=aligner, prices=prices, weights=[float(one) for one in weights]))

    def fold(self, leg: int, ts: Integers, price: Floats) -> BasketColumns:
        """Take prices of a leg in order of arrival; give the values that need wait no longer."""
        return self._value(take_prices(self.memory, leg, ts, price))

    def finish(self) -> BasketColumns:
        """Give the values that still wait: no price is to come."""
        return self._value(finish_legs(self.memory))

    def _value(self, standing: Standing) -> BasketColumns:
        known = np.isfinite(standing.prices).all(axis=1)
        prices = standing.prices[known]
        value = np.zeros(len(prices))
        for number, weight in enumerate(self.memory.weights):
            value += weight * prices[:, number]
        return BasketColumns(standing.ts[known], value)
