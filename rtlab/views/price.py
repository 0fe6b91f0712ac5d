"""The price chart: all trades as one line, and each trade by itself where there is room for it."""

from threading import Lock

import numpy as np
from numpy.typing import NDArray
from panel.viewable import Viewable

from rtlab.model import Instrument, Side
from rtlab.pipelines import Frame, units
from rtlab.tabs import Others
from rtlab.views.digits import Digits
from rtlab.views.layered import LayeredPlot
from rtlab.views.live import LivePanel, alter
from rtlab.views.marks import Marker
from rtlab.views.past import Past
from rtlab.views.pyramid import Pyramid, milliseconds
from rtlab.views.tape import Columns, columns_of
from rtlab.views.theme import Colours
from rtlab.views.volume import Volume

MOST_MARKERS = 120
PERIOD_NS = 100_000_000


class Prices:
    """The trade prices of one instrument over time, to be shared by any number of charts.

    `pyramid` has x in ms since 1970 and y in the instrument's units; `volume` what was traded at each price. A trade
    that comes late is drawn at the time of the newest before it. Any thread may append. `past` is what was traded
    before, if that is kept anywhere.
    """

    def __init__(self, instrument: Instrument, past: Past | None = None) -> None:
        self.instrument, self.pyramid, self.past = instrument, Pyramid(), past
        self.volume = Volume()
        self._sides = np.empty(1 << 12, np.int8)
        self._newest = -np.inf
        self._lock = Lock()

    def append(self, trades: Frame | Columns) -> None:
        """Add trades, oldest first: a frame or columns with `ts` (ns), `ticks` and `side` (aggressor).

        Where they have `lots` their volume counts too.
        """
        columns = columns_of(trades)
        count = len(columns["ts"])
        if not count:
            return
        times = milliseconds(np.asarray(columns["ts"]))
        y = units(np.asarray(columns["ticks"]), self.instrument.tick_size)
        with self._lock:
            x = np.maximum.accumulate(np.maximum(times, self._newest))
            held = len(self.pyramid)
            if held + count > len(self._sides):
                self._sides = np.concatenate([self._sides, np.empty(held + 2 * count, np.int8)])
            self._sides[held : held + count] = columns["side"]
            self.pyramid.append(x, y)
            self._newest = float(x[-1])
        if "lots" in columns:
            self.volume.append(columns)

    def sides(self, start: int, stop: int) -> NDArray[np.int8]:
        """Give the aggressor's side of points `start` to `stop`."""
        return self._sides[start:stop]

    def newest(self, count: int) -> "Prices":
        """Give prices of their own that begin with the newest `count` trades of these; the volume goes on."""
        with self._lock:
            start = max(0, len(self.pyramid) - count)
            newest = Prices(self.instrument)
            newest.volume = self.volume
            newest._sides = self._sides[start:].copy()
            newest._newest = self._newest
            newest.pyramid.append(self.pyramid.x[start:], self.pyramid.y[start:])
        return newest

    def __len__(self) -> int:
        return len(self.pyramid)

    def __repr__(self) -> str:
        return f"Prices({self.instrument.symbol}, trades={len(self)})"


def markers(prices: Prices, x0: float, x1: float, most: int = MOST_MARKERS) -> tuple[Marker, ...]:
    """Give a marker for each trade between two times (ms): up where a buyer took, down where a seller did.

    None at all where there are more than `most`: then the line is what there is to see.
    """
    x, y = prices.pyramid.x, prices.pyramid.y
    start, stop = (int(i) for i in np.searchsorted(x, [x0, x1], side="left"))
    if stop - start > most:
        return ()
    sides = prices.sides(start, stop)
    return tuple(
        Marker(x=float(x[i]), y=float(y[i]), shape="down", colour="ask")
        if sides[i - start] == Side.ASK
        else Marker(x=float(x[i]), y=float(y[i]), shape="up", colour="bid")
        for i in range(start, stop)
    )


class PriceChart(LivePanel):
    """The trade prices of an instrument: follows the newest, the wheel zooms, zoomed in each trade has a marker.

    `prices` may be shared with other charts; `span_s` is how many seconds are shown at first. `height` is in
    pixels; None fills the place.
    """

    def __init__(
        self,
        instrument: Instrument,
        prices: Prices | None = None,
        *,
        span_s: float = 60.0,
        height: int | None = 320,
        theme: str = "light",
    ) -> None:
        super().__init__(theme=theme)
        self.instrument = instrument
        self.prices = Prices(instrument) if prices is None else prices
        self.plot = LayeredPlot(
            self.prices.pyramid,
            span=span_s * 1000,
            height=height,
            theme=self.theme,
            on_window=self._moved,
            past=self.prices.past,
            decimals=Digits(instrument.tick_size).decimals,
        )
        self._markers: tuple[Marker, ...] = ()
        self._given = span_s, height
        self._others: Others[PriceChart] = Others()

    def another(self) -> "PriceChart":
        """Give a chart of the same prices for another tab: it shows what this one is given, and moves by itself."""
        span_s, height = self._given
        made = PriceChart(self.instrument, self.prices, span_s=span_s, height=height, theme=self.theme)
        self.plot.overlay.share_with(made.plot.overlay)
        return self._others.add(made)

    def _for_a_tab(self) -> "PriceChart":
        return self.another()

    @property
    def visual(self) -> Viewable:
        """The chart itself."""
        return self.plot.__panel__()

    def append(self, trades: Frame | Columns) -> None:
        """Add trades to the prices, as `Prices.append` takes them, and show them."""
        self.prices.append(trades)
        self.refresh()

    def refresh(self) -> None:
        """Show what others have added to the prices."""
        self.plot.refresh()
        self._mark(PERIOD_NS)
        for other in self._others.all():
            other.refresh()

    def _moved(self, x0: float, x1: float) -> None:
        self._mark()

    def _draw(self) -> None:
        if (seen := self.plot.window) is not None:
            now = markers(self.prices, *seen)
            if now != self._markers:
                self._markers = self.plot.overlay.markers = now

    def _wear(self, colours: Colours) -> None:
        alter(self.visual, lambda: setattr(self.plot, "theme", colours.name))

    def __repr__(self) -> str:
        y = self.prices.pyramid.y
        last = f", last={y[-1]:,.{Digits(self.instrument.tick_size).decimals}f}" if len(y) else ""
        return f"PriceChart({self.instrument.symbol}, trades={len(y)}{last})"
