"""The pages of a lab: one browser view, wired to what all views share."""

from typing import TYPE_CHECKING, Literal

from panel.template import Template
from panel.viewable import Viewable, Viewer

from rtlab.errors import ConfigError
from rtlab.lab.inbox import Inbox
from rtlab.model import Instrument
from rtlab.tabs import Tabbed, let_go
from rtlab.views.bubbles import Trades
from rtlab.views.depth_history import DepthHistory
from rtlab.views.depth_page import DepthPage
from rtlab.views.page import MarketPage, MarketState
from rtlab.views.price import Prices

if TYPE_CHECKING:
    from rtlab.lab.eyes import Watched
    from rtlab.lab.lab import Lab


Kind = Literal["market", "depth"]


class Dashboard(Tabbed, Viewer):
    """The live market or depth page, for one notebook cell or one browser tab; many share one feed.

    `close` ends what it is shown; a dashboard that nobody holds any more ends by itself.
    """

    def __init__(
        self, lab: "Lab", *, symbol: str | None = None, theme: str | None = None, kind: Kind = "market"
    ) -> None:
        if kind not in ("market", "depth"):
            raise ConfigError("there is no such page", expected='"market" or "depth"', got=kind)
        super().__init__()  # type: ignore[no-untyped-call]  # panel is half typed
        self._lab, self._kind, self._theme = lab, kind, theme
        self._watched: Watched | None = None
        self._inbox, self._is_made = Inbox(self._take), False
        first = [lab.instrument(symbol)] if symbol is not None else []
        others = [lab.instrument(one) for one in lab.symbols if one != symbol]
        instruments = [*first, *others]
        self.page: MarketPage | DepthPage = (
            MarketPage(instruments, on_instrument=self._look_at, theme=theme)
            if kind == "market"
            else DepthPage(instruments, on_instrument=self._look_at, on_depth=self._depth_of, theme=theme)
        )
        self._is_made = True
        if self._watched is not None:
            self._watched.join(self)  # not before: in a script a state comes at once, in the lab's thread

    def update(self, state: MarketState) -> None:
        """Bring the page to `state`; any thread may call it."""
        self._inbox.put(state)

    def look_again(self) -> None:
        """Begin the page anew on the same instrument; any thread may call it."""
        self._inbox.put(None)

    def _take(self, state: MarketState | None) -> None:
        if state is None:
            self.page.choose(self.page.instrument.symbol)
        else:
            self.page.update(state)

    def served(self) -> Template:
        """Give the page as a document of its own, for a Panel server."""
        return self.page.served()

    def _for_a_tab(self) -> Template:
        symbol = self.page.instrument.symbol
        return let_go(Dashboard(self._lab, symbol=symbol, theme=self._theme, kind=self._kind)).served()

    def close(self) -> None:
        """Show nothing new any more."""
        if self._watched is not None:
            self._watched.leave(self)
            self._watched = None

    def _look_at(self, instrument: Instrument) -> Prices:
        self.close()
        self._watched = self._lab.watched(instrument.symbol)
        if self._is_made:
            self._watched.join(self)
        return self._watched.prices

    def _depth_of(self, instrument: Instrument) -> tuple[DepthHistory, Trades]:
        return self._lab.watched(instrument.symbol).depth()

    def __panel__(self) -> Viewable:
        return self.page.__panel__()

    def __repr__(self) -> str:
        return f"Dashboard({self.page!r})"
