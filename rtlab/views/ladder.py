"""The order-book ladder: sizes left and right of a column of prices, best in the middle."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

import param

from rtlab.engine import QueuePosition
from rtlab.model import Instrument, Side
from rtlab.views.digits import Digits
from rtlab.views.live import Face, LivePanel, script
from rtlab.views.theme import Colours

Levels = Sequence[tuple[int, int]]
"""(price in ticks, quantity in lots), best first"""

FULL = 1000  # a bar's length is told in thousandths of the longest


class LadderFace(Face):
    """The ladder's rows in the browser."""

    _esm = script("keep.js", "ladder.js")

    symbol = param.String()
    depth = param.Integer()


class Ladder(LivePanel):
    """An order-book ladder of the best `depth` levels a side, or as many as it has room for.

    Sizes stand beside their price with a bar in proportion to the largest shown; the row between the sides
    tells the last price, which way it went, and the spread in ticks. Own orders, as `Engine.book(..., owner=)` gives
    them, stand at their prices with what is ahead of them in the queue. The arrow keys walk from price to price.
    """

    def __init__(self, instrument: Instrument, depth: int = 15, *, theme: str = "light") -> None:
        super().__init__(theme=theme)
        self.instrument, self.depth = instrument, depth
        self._prices, self._sizes = Digits(instrument.tick_size), Digits(instrument.lot_size)
        self._bids: list[tuple[int, int]] = []
        self._asks: list[tuple[int, int]] = []
        self._last: int | None = None
        self._way = 0
        self._own: dict[tuple[Side, int], str] = {}
        self.on_choose: Callable[[Side, int], object] | None = None
        """Called with the side and the price (ticks) at which a reader pressed Enter or the mouse."""
        self._face = LadderFace(
            self,
            Path(__file__).with_name("ladder.css").read_text("utf-8"),
            symbol=instrument.symbol,
            depth=depth,
            sizing_mode="stretch_both",
            min_height=2 * depth * 19 + 62,
        )

    @property
    def visual(self) -> Face:
        """The ladder itself."""
        return self._face

    def update(self, bids: Levels, asks: Levels, last: int | None = None) -> None:
        """Show these levels (at most `depth` a side are read) and the `last` price in ticks, if known."""
        self._bids, self._asks = list(islice(bids, self.depth)), list(islice(asks, self.depth))
        if last is not None and last != self._last:
            self._way = 0 if self._last is None else (1 if last > self._last else -1)
            self._last = last
        self._mark()

    def own(self, positions: Iterable[QueuePosition]) -> None:
        """Show these own orders from now on, instead of those of before."""
        at: dict[tuple[Side, int], list[QueuePosition]] = {}
        for one in positions:
            at.setdefault((Side(one.side), one.price), []).append(one)
        self._own = {place: self._told(orders) for place, orders in at.items()}
        self._mark()

    def _told(self, orders: Sequence[QueuePosition]) -> str:
        mine, first = sum(one.qty for one in orders), min(one.qty_ahead for one in orders)
        ahead = f"{self._sizes(first)} ahead" if first else "first"
        return f"{self._sizes(mine)} own, {ahead}"

    def _heard(self, message: Mapping[str, object]) -> None:
        super()._heard(message)
        match message:
            case {"chosen": ["bid" | "ask" as side, int(row)]}:
                levels = self._bids if side == "bid" else self._asks
                if self.on_choose is not None and 0 <= row < len(levels):
                    self.on_choose(Side.BID if side == "bid" else Side.ASK, levels[row][0])

    def _appeared(self) -> None:
        if self._bids or self._asks or self._last is not None:
            self._mark()

    def _draw(self) -> None:
        self._face._send_msg(self._message())

    def _message(self) -> dict[str, object]:
        longest = max((qty for _, qty in (*self._bids, *self._asks)), default=1) or 1
        spread = self._asks[0][0] - self._bids[0][0] if self._bids and self._asks else None
        return {
            "bids": self._side(self._bids, longest),
            "asks": self._side(self._asks, longest),
            "last": None if self._last is None else self._prices(self._last),
            "way": self._way,
            "spread": None if spread is None else [self._prices(spread), spread],
            "own": self._own_rows(),
        }

    def _own_rows(self) -> list[object]:
        sides = ((Side.BID, "bid", self._bids), (Side.ASK, "ask", self._asks))
        return [
            [name, row, told]
            for side, name, levels in sides
            for row, (ticks, _) in enumerate(levels)
            if (told := self._own.get((side, ticks)))
        ]

    def _side(self, levels: Levels, longest: int) -> list[object]:
        # flat, one list a side: half the bytes of a list for each level
        row: list[object] = []
        for ticks, lots in levels:
            row += (self._prices(ticks), self._sizes(lots), -(-lots * FULL // longest))
        return row

    def _wear(self, colours: Colours) -> None:
        self._face.theme = colours.name

    def __repr__(self) -> str:
        best = [self._prices(side[0][0]) if side else "none" for side in (self._bids, self._asks)]
        return f"Ladder({self.instrument.symbol}, depth={self.depth}, bid={best[0]}, ask={best[1]})"
