"""What a single quote tells, without memory: its spread, its mid and its microprice."""

from typing import NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from rtlab.pipelines.frame import Floats, Integers
from rtlab.pipelines.state import pack, unpack

KIND = "quotes"


class QuoteColumns(NamedTuple):
    """A row for each quote of two sides, in ticks: `kept` picks those from the batch."""

    kept: NDArray[np.bool_]
    spread: Integers
    mid: Floats
    microprice: Floats


class _State(msgspec.Struct, array_like=True):
    left_out: int


class QuoteFold:
    """Measures quotes. One with an empty side has no spread, mid or microprice: it makes no row, and is counted."""

    def __init__(self) -> None:
        self.left_out = 0
        self.parameters: dict[str, object] = {}

    def fold(self, bid: Integers, bid_lots: Integers, ask: Integers, ask_lots: Integers) -> QuoteColumns:
        """Take quotes (prices in ticks, empty sides with 0 lots); give what those with both sides tell."""
        kept = (bid_lots > 0) & (ask_lots > 0)
        self.left_out += kept.size - int(np.count_nonzero(kept))
        bid, bid_lots, ask, ask_lots = bid[kept], bid_lots[kept], ask[kept], ask_lots[kept]
        return QuoteColumns(kept, ask - bid, (bid + ask) / 2.0, microprice(bid, bid_lots, ask, ask_lots))

    def state(self) -> bytes:
        """Give everything that a fold needs to go on from here."""
        return pack(KIND, _State(self.left_out))

    @classmethod
    def restore(cls, state: bytes) -> Self:
        """Go on exactly from `state`; SourceError when it is damaged or of another kind."""
        fold = cls()
        fold.left_out = unpack(KIND, state, _State).left_out
        return fold


def microprice(bid: Integers, bid_lots: Integers, ask: Integers, ask_lots: Integers) -> Floats:
    """Give the mid weighted by the opposite sizes, in ticks: the larger the bid, the nearer to the ask.

    (bid x ask_lots + ask x bid_lots) / (bid_lots + ask_lots), the micro-price of Gatheral and Oomen (2010),
    Zero-intelligence realized variance estimation, Finance and Stochastics 14(2), 249-283. It is not Stoikov's
    (2018) estimator of the same name, which must be calibrated to a market first. Both sides must have lots.
    """
    weight = bid_lots / (bid_lots.astype(np.float64) + ask_lots)
    return bid + (ask - bid) * weight
