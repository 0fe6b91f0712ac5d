"""Who began a trade: +1 a buyer, -1 a seller, 0 not known.

Lee and Ready (1991), Inferring Trade Direction from Intraday Data, Journal of Finance 46(2), 733-746: above the
mid of the quote a buyer, below it a seller; at the mid, or without a quote, the tick rule: the sign of the last
change of price.
"""

import numpy as np

from rtlab.pipelines.analytics.memory import Memory, SavedFold
from rtlab.pipelines.frame import Integers


class _Memory(Memory, kw_only=True):
    last: int | None = None
    sign: int = 0


class TickRuleFold(SavedFold[_Memory]):
    """Signs trades by the last change of their price; 0 before the first change."""

    KIND, FORM = "tick_rule", _Memory

    def __init__(self) -> None:
        super().__init__(_Memory())

    def fold(self, ticks: Integers) -> Integers:
        """Take prices in order of arrival; give the sign of each, as int64."""
        if not ticks.size:
            return ticks
        before = ticks[0] if self.memory.last is None else self.memory.last
        change = np.sign(np.diff(np.concatenate([[before], ticks])))
        known = np.concatenate([[self.memory.sign], change])
        at = np.maximum.accumulate(np.where(known != 0, np.arange(known.size), 0))
        signs: Integers = known[at][1:]
        self.memory.last, self.memory.sign = int(ticks[-1]), int(signs[-1])
        return signs


class LeeReadyFold(TickRuleFold):
    """Signs trades by the quote that stood, and by the tick rule where that does not tell."""

    KIND = "lee_ready"

    def fold_quoted(
        self, ticks: Integers, bid: Integers, bid_lots: Integers, ask: Integers, ask_lots: Integers
    ) -> Integers:
        """Take trades with the quotes they met (prices in ticks, empty sides with 0 lots); give their signs."""
        by_tick = self.fold(ticks)
        side = np.sign(2 * ticks - (bid + ask))
        return np.where((bid_lots > 0) & (ask_lots > 0) & (side != 0), side, by_tick)
