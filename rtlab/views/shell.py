"""The shell of a page: header, health, themes, and the panels in their places; of one instrument, or of all."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import param
from panel import state
from panel.io.resources import LOCAL_DIST
from panel.template import Template
from panel.viewable import Child, Children, Viewable

from rtlab.errors import InstrumentError
from rtlab.model import Instrument
from rtlab.views.digits import Digits
from rtlab.views.health import FeedHealth
from rtlab.views.live import Face, LivePanel
from rtlab.views.price import Prices
from rtlab.views.theme import Colours

_HERE = Path(__file__).parent


class PageFace(Face):
    """The page's shell in the browser; the panels are its children."""

    _esm = _HERE / "page.js"

    kind = param.String()
    places = param.List(doc="(name, title) of each panel, in their order")
    symbols = param.List(item_type=str)
    has_feed = param.Boolean(default=True)
    symbol = param.String()
    alone = param.Boolean(doc="it has the browser's window for itself")
    beat = Child()
    health = Child()
    # one property for all that change with the instrument: Panel removes the children once for each one that
    # changed, but renders them again only after the first
    panels = Children()


class Shell(LivePanel):
    """Header, health strip and panels for one browser view, drawn together; the reader chooses the theme.

    `places` are the titles of the panels by name. `theme` None is what the reader's system prefers.
    """

    kind: ClassVar[str]

    def __init__(
        self,
        places: Mapping[str, str],
        *,
        symbols: Sequence[str] = (),
        has_feed: bool = True,
        theme: str | None = None,
    ) -> None:
        super().__init__(theme=theme or "light")
        self._follows_reader = theme is None
        self._health = FeedHealth(theme=self.theme)
        self._health.join(self.beat)
        self._panels: dict[str, LivePanel] = {}
        self._face = PageFace(
            self,
            (_HERE / "page.css").read_text("utf-8"),
            kind=self.kind,
            places=[list(place) for place in places.items()],
            symbols=list(symbols),
            has_feed=has_feed,
            beat=self.beat,
            health=self._health.visual,
            sizing_mode="stretch_width",
        )
        self._face.param.watch(lambda event: setattr(self, "theme", event.new), "theme")

    @property
    def visual(self) -> Viewable:
        """The whole page."""
        return self._face

    def served(self) -> Template:
        """Give the page as a document of its own, fit for a phone and without a request to another host."""
        self._face.alone = True
        return whole_page(self._face)

    def _put(self, panels: dict[str, LivePanel], **told: object) -> None:
        """Show these panels, in the order of their places, instead of those of before."""
        for panel in self._panels.values():
            self.beat.pace.forget(panel)
        self._panels = panels
        for panel in panels.values():
            panel.join(self.beat)
        self._face.param.update(panels=[panel.visual for panel in panels.values()], **told)

    def _header(self) -> dict[str, object]:
        """What the header tells."""
        return {"last": None, "way": 0}

    def _draw(self) -> None:
        self._face._send_msg(self._header())

    def _appeared(self) -> None:
        self._mark()
        for panel in self._panels.values():
            panel._appeared()

    def _heard(self, message: Mapping[str, object]) -> None:
        super()._heard(message)
        wished, chosen = message.get("theme"), message.get("wear")
        if chosen in ("light", "dark"):
            self.theme = str(chosen)
        if self._follows_reader and wished in ("light", "dark"):
            self._follows_reader = False
            self.theme = str(wished)

    def _wear(self, colours: Colours) -> None:
        self._face.theme = self._health.theme = colours.name
        for panel in self._panels.values():
            panel.theme = colours.name

    def __panel__(self) -> Viewable:
        return self._face


class InstrumentPage(Shell):
    """All panels of one instrument at a time; the reader chooses which.

    `on_instrument` is called with the first instrument and with each that the reader chooses: it gives the
    prices of its trades, shared with other pages, and from then on the page is told its states.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        places: Mapping[str, str],
        *,
        on_instrument: Callable[[Instrument], Prices],
        theme: str | None = None,
    ) -> None:
        if not instruments:
            raise InstrumentError(
                f"a {self.kind} page needs an instrument", expected="at least one", got=instruments
            )
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        super().__init__(places, symbols=list(self.instruments), theme=theme)
        self._on_instrument = on_instrument
        self._last: int | None = None
        self._way = 0
        self.choose(instruments[0].symbol)

    @abstractmethod
    def _made(self, instrument: Instrument, prices: Prices) -> dict[str, LivePanel]:
        """Make the panels of an instrument, in the order of their places."""

    def choose(self, symbol: str) -> None:
        """Show another instrument, from nothing; InstrumentError for one that the page does not have."""
        if symbol not in self.instruments:
            raise InstrumentError(
                "the page has no such instrument", expected=", ".join(self.instruments), got=symbol
            )
        self.instrument = instrument = self.instruments[symbol]
        self._last, self._way, self._prices = None, 0, Digits(instrument.tick_size)
        self._put(self._made(instrument, self._on_instrument(instrument)), symbol=symbol)

    def _tell(self, last: int | None, health: Mapping[str, object]) -> None:
        """Bring header and health strip up to date."""
        self._health.update(health)
        if last is not None and last != self._last:
            self._way = 0 if self._last is None else (1 if last > self._last else -1)
            self._last = last
        self._mark()

    def _header(self) -> dict[str, object]:
        return {"last": None if self._last is None else self._prices(self._last), "way": self._way}

    def _heard(self, message: Mapping[str, object]) -> None:
        super()._heard(message)
        symbol = message.get("symbol")
        if isinstance(symbol, str) and symbol in self.instruments and symbol != self.instrument.symbol:
            self.choose(symbol)

    def __repr__(self) -> str:
        shown = "" if self._last is None else f", last={self._prices(self._last)}"
        return f"{type(self).__name__}({self.instrument.symbol} of {', '.join(self.instruments)}{shown})"


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


def whole_page(shown: Viewable) -> Template:
    """Give `shown` as a document of its own, fit for a phone and without a request to another host.

    Panel says where its styles are when it writes the HTML of a session. A session that was over before its browser's
    socket came is made anew without HTML: without this it would ask another host for them.
    """
    template = Template(DOCUMENT)
    template.add_panel("page", shown)
    if (document := state.curdoc) is not None:
        where = f"{state.rel_path}/{LOCAL_DIST}" if state.rel_path else LOCAL_DIST
        document.template_variables.setdefault("dist_url", where)
    return template
