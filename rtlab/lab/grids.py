"""The watch and the monitor page: one browser view of numbers that all of them share."""

from collections.abc import Mapping
from functools import partial
from threading import Lock

from panel.template import Template
from panel.viewable import Viewable, Viewer

from rtlab.lab.board import Lookers
from rtlab.tabs import Tabbed, let_go
from rtlab.views.grid import Written, plain
from rtlab.views.grid_page import GridPage
from rtlab.views.home import Home
from rtlab.views.metrics import Metrics


class Grid(Tabbed, Viewer):
    """A live grid page, for one notebook cell or one browser tab.

    `close` ends what it is shown; one that nobody holds any more ends by itself.
    """

    def __init__(
        self,
        title: str,
        metrics: Metrics,
        lookers: Lookers,
        *,
        written: Written = plain,
        has_feed: bool = True,
        theme: str | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # panel is half typed
        self.page = GridPage(title, metrics, written=written, has_feed=has_feed, theme=theme)
        self._another = partial(
            Grid, title, metrics, lookers, written=written, has_feed=has_feed, theme=theme
        )
        self.page.visual.rtlab_shown = self  # type: ignore[attr-defined]  # a document keeps only its components
        self._lookers = lookers
        self._lock = Lock()
        self._waits = False
        self._health: Mapping[str, object] | None = None
        self._home = Home()
        lookers.join(self)

    def update(self, health: Mapping[str, object] | None) -> None:
        """Show what the numbers are by now, on the page's own loop: once for all calls that it was too busy for."""
        with self._lock:
            self._health = health
            waited, self._waits = self._waits, True
        if not waited:
            self._home.call(self._show)

    def _show(self) -> None:
        with self._lock:
            self._waits = False
        self.page.update(self._health)

    def served(self) -> Template:
        """Give the page as a document of its own, for a Panel server."""
        return self.page.served()

    def _for_a_tab(self) -> Template:
        return let_go(self._another()).served()

    def close(self) -> None:
        """Show nothing new any more."""
        self._lookers.leave(self)

    def __panel__(self) -> Viewable:
        return self.page.__panel__()

    def __repr__(self) -> str:
        return f"Grid({self.page!r})"
