"""One step of an instrument: what one batch of events changed, as it is folded here and anywhere else."""

import msgspec

from rtlab.book.tape import TapeRow


class Step(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Level changes as columns (quantity 0 removes), then trades, then one look at the best prices, at `ts` (ns).

    Folding the same steps gives the same sequences in every channel, also in the ticker, whose own depends on
    where a step ends.
    """

    ts: int
    sides: list[int]
    prices: list[int]
    qtys: list[int]
    trades: list[TapeRow]

    @property
    def changes(self) -> int:
        """By how much the step moves the instrument's `position`."""
        return len(self.sides) + len(self.trades)
