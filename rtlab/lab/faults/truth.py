"""What a market must hold at any point: the same commands through an engine of our own, folded into plain dicts.

No code of the book, the wire, the gateway or the client is used: whatever they have in common cannot agree by mistake.
"""

from collections import deque
from collections.abc import Callable, Sequence

from rtlab.book import Totals
from rtlab.engine import Engine
from rtlab.errors import LocalError
from rtlab.model import EventKind, Instrument, Level, Side
from rtlab.sources import Commands

BATCH = 512

Row = tuple[int, int, int]


class _Instrument:
    """One instrument up to where it was asked for, and the engine's rows after that."""

    def __init__(self) -> None:
        self.levels: deque[Row] = deque()  # (side, price, qty)
        self.trades: deque[Row] = deque()  # (side, price, qty)
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.seq = 0
        self.totals = Totals()


class Truth:
    """Gives book and totals of an instrument at a sequence; per instrument it only goes forward.

    `take` gives the market's next commands, from its first on.
    """

    def __init__(self, instruments: Sequence[Instrument], take: Callable[[], Commands]) -> None:
        self._engine, self._take = Engine(list(instruments)), take
        self._by_symbol = {instrument.symbol: _Instrument() for instrument in instruments}
        self._all = list(self._by_symbol.values())

    def book(self, symbol: str, seq: int) -> tuple[list[Level], list[Level]]:
        """Give bids and asks, best first, after the instrument's level change number `seq`."""
        one = self._by_symbol[symbol]
        _forward(one.seq, seq)
        while len(one.levels) < seq - one.seq:
            self._run()
        for _ in range(seq - one.seq):
            side, price, qty = one.levels.popleft()
            one.sides[side][price] = qty
            if not qty:
                del one.sides[side][price]
        one.seq = seq
        bids, asks = (list(side.items()) for side in one.sides)
        return sorted(bids, reverse=True), sorted(asks)

    def totals(self, symbol: str, seq: int) -> Totals:
        """Give the totals after the instrument's trade number `seq`."""
        one = self._by_symbol[symbol]
        _forward(one.totals.seq, seq)
        while len(one.trades) < seq - one.totals.seq:
            self._run()
        rows = [one.trades.popleft() for _ in range(seq - one.totals.seq)]
        bought = sum(qty for side, _, qty in rows if side == Side.BID)
        sold = sum(qty for side, _, qty in rows if side == Side.ASK)
        one.totals = Totals(seq, one.totals.bought + bought, one.totals.sold + sold)
        return one.totals

    def _run(self) -> None:
        events = self._engine.process(self._take())
        kinds = events["kind"]
        for kind in (EventKind.LEVEL, EventKind.TRADE):
            rows = events[kinds == kind]
            columns = (rows[name].tolist() for name in ("instrument", "side", "price", "qty"))
            for index, *row in zip(*columns, strict=True):
                one = self._all[index]
                (one.levels if kind == EventKind.LEVEL else one.trades).append((row[0], row[1], row[2]))


def _forward(stands: int, wanted: int) -> None:
    if wanted < stands:
        raise LocalError(
            "the truth is told forward only", expected=f"a sequence from {stands} on", got=wanted
        )
