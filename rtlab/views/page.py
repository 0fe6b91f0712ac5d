"""The market page: price, candles, depth, ladder, trades, volume and health of one instrument at a time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from rtlab.model import Instrument
from rtlab.pipelines import Frame
from rtlab.views.bars import interval_name
from rtlab.views.candles import Candles
from rtlab.views.depth import DepthChart
from rtlab.views.ladder import Ladder, Levels
from rtlab.views.live import LivePanel
from rtlab.views.price import PriceChart, Prices
from rtlab.views.shell import InstrumentPage
from rtlab.views.tape import Columns, TradeTape
from rtlab.views.volume_profile import VolumeProfile


class MarketState(NamedTuple):
    """What a page shows of one instrument. Prices in ticks, quantities in lots, times in ns.

    `bids` and `asks` best first; `bars` that are new or changed, in any order; `trades` since the last state,
    oldest first, None for none; `health` as `FeedHealth.update` takes it.
    """

    bids: Levels
    asks: Levels
    last: int | None = None
    bars: Frame | Iterable[Sequence[int]] = ()
    trades: Frame | Columns | None = None
    health: Mapping[str, object] = {}


class MarketPage(InstrumentPage):
    """The market of one instrument for one browser view, drawn together; the reader chooses instrument and theme.

    `on_instrument` is called with the first instrument and with each that the reader chooses: it gives the
    prices of its trades, shared with other pages, and from then on `update` brings its states.
    `theme` None is what the reader's system prefers.
    """

    kind = "market"

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        on_instrument: Callable[[Instrument], Prices],
        interval_ns: int = 1_000_000_000,
        theme: str | None = None,
    ) -> None:
        self.interval_ns = interval_ns
        places = {
            "price": "Price",
            "candles": f"Candles · {interval_name(interval_ns)}",
            "depth": "Depth",
            "ladder": "Order book",
            "tape": "Trades",
            "profile": "Volume at price",
        }
        super().__init__(instruments, places, on_instrument=on_instrument, theme=theme)

    def _made(self, instrument: Instrument, prices: Prices) -> dict[str, LivePanel]:
        self.price = PriceChart(instrument, prices, height=None, theme=self.theme)
        self.candles = Candles(instrument, self.interval_ns, theme=self.theme)
        self.depth = DepthChart(instrument, theme=self.theme)
        self.ladder = Ladder(instrument, 32, theme=self.theme)
        self.tape = TradeTape(instrument, 80, theme=self.theme)
        chart = self.price.plot
        self.profile = VolumeProfile(instrument, prices.volume, window=lambda: chart.window, theme=self.theme)
        return {
            "price": self.price,
            "candles": self.candles,
            "depth": self.depth,
            "ladder": self.ladder,
            "tape": self.tape,
            "profile": self.profile,
        }

    def update(self, state: MarketState) -> None:
        """Bring every panel to `state`; call it as often as there is news, it is drawn as the browser can."""
        with self.beat.together():
            # the figures first: what is written into the page before they are painted is laid out for each of them
            self.price.refresh()
            self.depth.update(state.bids, state.asks)
            self.candles.update(state.bars)
            self.ladder.update(state.bids, state.asks, state.last)
            if state.trades is not None:
                self.tape.append(state.trades)
            self.profile.refresh()
            self._tell(state.last, state.health)
