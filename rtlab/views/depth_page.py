"""The depth page: the heat map of one instrument's book, its ladder and its trades."""

from collections.abc import Callable, Sequence

from rtlab.model import Instrument
from rtlab.views.bubbles import Trades
from rtlab.views.depth_history import DepthHistory
from rtlab.views.heat import DepthHeatmap
from rtlab.views.ladder import Ladder
from rtlab.views.live import LivePanel
from rtlab.views.page import MarketState
from rtlab.views.price import Prices
from rtlab.views.shell import InstrumentPage
from rtlab.views.tape import TradeTape

PLACES = {"heat": "Depth over time", "ladder": "Order book", "tape": "Trades"}


class DepthPage(InstrumentPage):
    """The depth of one instrument for one browser view, drawn together; the reader chooses instrument and theme.

    `on_instrument` gives the prices of an instrument's trades, `on_depth` what is recorded of its book and its
    trades: all shared with other pages. `theme` None is what the reader's system prefers.
    """

    kind = "depth"

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        on_instrument: Callable[[Instrument], Prices],
        on_depth: Callable[[Instrument], tuple[DepthHistory, Trades]],
        theme: str | None = None,
    ) -> None:
        self._on_depth = on_depth
        super().__init__(instruments, PLACES, on_instrument=on_instrument, theme=theme)

    def _made(self, instrument: Instrument, prices: Prices) -> dict[str, LivePanel]:
        self.heat = DepthHeatmap(instrument, *self._on_depth(instrument), theme=self.theme)
        self.ladder = Ladder(instrument, 32, theme=self.theme)
        self.tape = TradeTape(instrument, 80, theme=self.theme)
        return {"heat": self.heat, "ladder": self.ladder, "tape": self.tape}

    def update(self, state: MarketState) -> None:
        """Bring every panel to `state`; the heat map shows what its history holds."""
        with self.beat.together():
            self.heat.refresh()
            self.ladder.update(state.bids, state.asks, state.last)
            if state.trades is not None:
                self.tape.append(state.trades)
            self._tell(state.last, state.health)
