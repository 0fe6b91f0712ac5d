"""The market page: price, candles, depth, ladder, trades and health of one instrument at a time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import param
from panel.template import Template
from panel.viewable import Child, Children, Viewable

from rtlab.errors import InstrumentError
from rtlab.model import Instrument
from rtlab.pipelines import Frame
from rtlab.views.candles import Candles
from rtlab.views.depth import DepthChart
from rtlab.views.digits import Digits
from rtlab.views.health import FeedHealth
from rtlab.views.ladder import Ladder, Levels
from rtlab.views.live import Face, LivePanel
from rtlab.views.price import PriceChart, Prices
from rtlab.views.tape import Columns, TradeTape
from rtlab.views.theme import Colours

_HERE = Path(__file__).parent


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


class PageFace(Face):
    """The page's shell in the browser; the panels are its children."""

    _esm = _HERE / "page.js"

    symbols = param.List(item_type=str)
    symbol = param.String()
    interval = param.String()
    alone = param.Boolean(doc="it has the browser's window for itself")
    beat = Child()
    health = Child()
    # one property for all that change with the instrument: Panel removes the children once for each one that
    # changed, but renders them again only after the first
    panels = Children()


class MarketPage(LivePanel):
    """All panels of one instrument for one browser view, drawn together; the reader chooses instrument and theme.

    `on_instrument` is called with the first instrument and with each that the reader chooses: it gives the
    prices of its trades, shared with other pages, and from then on `update` brings its states.
    `theme` None is what the reader's system prefers.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        on_instrument: Callable[[Instrument], Prices],
        interval_ns: int = 1_000_000_000,
        theme: str | None = None,
    ) -> None:
        if not instruments:
            raise InstrumentError(
                "a market page needs an instrument", expected="at least one", got=instruments
            )
        super().__init__(theme=theme or "light")
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self.interval_ns = interval_ns
        self._follows_reader = theme is None
        self._on_instrument = on_instrument
        self._health = FeedHealth(theme=self.theme)
        self._health.join(self.beat)
        self._last: int | None = None
        self._way = 0
        self._face = PageFace(
            self,
            (_HERE / "page.css").read_text("utf-8"),
            symbols=list(self.instruments),
            interval=_interval(interval_ns),
            beat=self.beat,
            health=self._health.visual,
            sizing_mode="stretch_width",
        )
        self._face.param.watch(lambda event: setattr(self, "theme", event.new), "theme")
        self.choose(instruments[0].symbol)

    @property
    def visual(self) -> Viewable:
        """The whole page."""
        return self._face

    def choose(self, symbol: str) -> None:
        """Show another instrument, from nothing; InstrumentError for one that the page does not have."""
        if symbol not in self.instruments:
            raise InstrumentError(
                "the page has no such instrument", expected=", ".join(self.instruments), got=symbol
            )
        self.instrument = instrument = self.instruments[symbol]
        for panel in getattr(self, "_panels", {}).values():
            self.beat.pace.forget(panel)
        prices = self._on_instrument(instrument)
        self.price = PriceChart(instrument, prices, height=None, theme=self.theme)
        self.candles = Candles(instrument, self.interval_ns, theme=self.theme)
        self.depth = DepthChart(instrument, theme=self.theme)
        self.ladder = Ladder(instrument, 32, theme=self.theme)
        self.tape = TradeTape(instrument, 80, theme=self.theme)
        self._panels: dict[str, LivePanel] = {
            "price": self.price,
            "candles": self.candles,
            "depth": self.depth,
            "ladder": self.ladder,
            "tape": self.tape,
        }
        for panel in self._panels.values():
            panel.join(self.beat)
        self._last, self._way, self._prices = None, 0, Digits(instrument.tick_size)
        self._face.param.update(symbol=symbol, panels=[panel.visual for panel in self._panels.values()])

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
            self._health.update(state.health)
            if state.last is not None and state.last != self._last:
                self._way = 0 if self._last is None else (1 if state.last > self._last else -1)
                self._last = state.last
            self._mark()

    def served(self) -> Template:
        """Give the page as a document of its own, fit for a phone and without a request to another host."""
        self._face.alone = True
        template = Template(DOCUMENT)
        template.add_panel("page", self._face)
        return template

    def _draw(self) -> None:
        last = None if self._last is None else self._prices(self._last)
        self._face._send_msg({"last": last, "way": self._way})

    def _appeared(self) -> None:
        self._mark()
        for panel in self._panels.values():
            panel._appeared()

    def _heard(self, message: Mapping[str, object]) -> None:
        super()._heard(message)
        wished, symbol, chosen = (message.get(name) for name in ("theme", "symbol", "wear"))
        if chosen in ("light", "dark"):
            self.theme = str(chosen)
        if self._follows_reader and wished in ("light", "dark"):
            self._follows_reader = False
            self.theme = str(wished)
        if isinstance(symbol, str) and symbol in self.instruments and symbol != self.instrument.symbol:
            self.choose(symbol)

    def _wear(self, colours: Colours) -> None:
        self._face.theme = self._health.theme = colours.name
        for panel in self._panels.values():
            panel.theme = colours.name

    def __panel__(self) -> Viewable:
        return self._face

    def __repr__(self) -> str:
        shown = "" if self._last is None else f", last={self._prices(self._last)}"
        return f"MarketPage({self.instrument.symbol} of {', '.join(self.instruments)}{shown})"


def _interval(ns: int) -> str:
    for unit, size in (
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
    ):
        if ns % size == 0:
            return f"{ns // size} {unit}"
    return f"{ns} ns"


DOCUMENT = """
{% extends base %}
{% block postamble %}
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
  html { background: #f3f5f8; }
  @media (prefers-color-scheme: dark) { html { background: #0b0f14; } }
</style>
{% endblock %}
{% block contents %}{{ embed(roots.page) }}{% endblock %}
"""
