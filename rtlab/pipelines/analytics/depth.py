"""What the best levels of a book tell: how much rests how near, and which side presses."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics.memory import Memory, SavedFold
from rtlab.pipelines.frame import Floats, Integers


class ProfileColumns(NamedTuple):
    """For each book with both sides (picked by `kept`): lots within each distance of the mid (rows by distances)."""

    kept: NDArray[np.bool_]
    bid_lots: Integers
    ask_lots: Integers


class _Profile(Memory, kw_only=True):
    distances: list[int]


class _Pressure(Memory, kw_only=True):
    decay: float


class DepthProfileFold(SavedFold[_Profile]):
    """Sums what rests within so many ticks of the mid, on each side; a book with an empty side is left out."""

    KIND, FORM, PARAMETERS = "depth_profile", _Profile, ("distances",)

    def __init__(self, distances: Sequence[int]) -> None:
        if not len(distances) or min(distances) < 1 or sorted(set(distances)) != list(distances):
            raise ConfigError("distances make no sense", expected="ascending ticks from 1", got=distances)
        super().__init__(_Profile(distances=[int(one) for one in distances]))

    def fold(self, bid: Integers, bid_lots: Integers, ask: Integers, ask_lots: Integers) -> ProfileColumns:
        """Take books (rows by levels, best first; missing levels with 0 lots)."""
        kept = (bid_lots[:, 0] > 0) & (ask_lots[:, 0] > 0)
        self.memory.left_out += kept.size - int(np.count_nonzero(kept))
        bid, bid_lots, ask, ask_lots = bid[kept], bid_lots[kept], ask[kept], ask_lots[kept]
        twice = (bid[:, 0] + ask[:, 0]).reshape(-1, 1)  # the mid, in half ticks
        sides = ((twice - 2 * bid, bid_lots), (2 * ask - twice, ask_lots))
        within = [
            np.stack([(lots * (away <= 2 * far)).sum(axis=1) for far in self.memory.distances], axis=1)
            for away, lots in sides
        ]
        return ProfileColumns(kept, *within)


class BookPressureFold(SavedFold[_Pressure]):
    """Weighs both sides: (bids - asks) / (bids + asks), level k with weight decay ** k; -1 to 1.

    With one level it is the queue imbalance of Gould and Bonart (2016), Market Microstructure and Liquidity 2(2).
    A book without anything on both sides is left out.
    """

    KIND, FORM, PARAMETERS = "book_pressure", _Pressure, ("decay",)

    def __init__(self, decay: float = 1.0) -> None:
        if not 0 < decay <= 1:
            raise ConfigError("a decay is out of range", expected="above 0, at most 1", got=decay)
        super().__init__(_Pressure(decay=decay))

    def fold(self, bid_lots: Integers, ask_lots: Integers) -> tuple[NDArray[np.bool_], Floats]:
        """Take lots (rows by levels, best first); give which books have a pressure, and that."""
        bids, asks = (self._weighed(lots) for lots in (bid_lots, ask_lots))
        kept = bids + asks > 0
        self.memory.left_out += kept.size - int(np.count_nonzero(kept))
        return kept, (bids[kept] - asks[kept]) / (bids[kept] + asks[kept])

    def _weighed(self, lots: Integers) -> Floats:
        total = np.zeros(len(lots))
        for level in range(lots.shape[1]):
            total += lots[:, level] * self.memory.decay**level
        return total
