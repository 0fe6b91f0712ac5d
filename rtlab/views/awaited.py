"""A place in a cell or page for a picture that can only be chosen when something has come."""

from abc import abstractmethod
from collections.abc import Callable
from threading import Lock
from typing import Any

import panel as pn
from panel.viewable import Viewable, Viewer

from rtlab.tabs import Tabbed
from rtlab.views.checked import pixels
from rtlab.views.host import push


class Awaited(Tabbed, Viewer):
    """Shows what it waits for, then the picture of what came, as long as somebody looks.

    Fed while it is shown or has not been shown yet: who closed its page or cleared its cell, and shows it again,
    sees it go on from then.
    """

    def __init__(self, waits_for: str, *, height: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._seen = False
        self._waits_for, self._height = waits_for, pixels(height)
        waiting = pn.pane.Str(  # type: ignore[no-untyped-call]
            f"Waiting for {waits_for} …", styles={"padding": "12px"}
        )
        self._place = pn.Column(waiting, sizing_mode="stretch_width", min_height=height, margin=0)

    def take(self, came: Any) -> None:
        """Show one more of what comes."""
        if self._seen and not self._place._models:
            self.close()
            return
        self._seen = self._seen or bool(self._place._models)
        self._show(came)

    def close(self) -> None:
        """Take no more; what is drawn stays."""
        self._stop()

    def _hang(self, view: Viewer | Viewable) -> None:
        """Put the picture into its place."""

        def change() -> None:
            self._place[:] = [view]

        if not push(self._place, change):
            change()

    @abstractmethod
    def _show(self, came: Any) -> None:
        """Draw what came."""

    @abstractmethod
    def _start(self) -> None:
        """Be fed, unless it is already."""

    @abstractmethod
    def _stop(self) -> None:
        """Be fed no more, if it still is."""

    def __panel__(self) -> Viewable:
        self._seen = False
        self._place.rtlab_shown = self  # type: ignore[attr-defined]  # a document keeps its components alive, and nothing else of ours
        self._start()
        return self._place

    def __str__(self) -> str:
        return repr(self)  # param would print a name that says nothing


class Tab(Awaited):
    """What one tab shows of an object that others show too: `make` gives its view, None while there is none.

    To `take` is to ask again, until there is one.
    """

    def __init__(self, waits_for: str, make: Callable[[], Viewer | None], *, height: int) -> None:
        super().__init__(waits_for, height=height)
        self._make, self._making = make, Lock()  # first rows may come while the tab is made
        self.view: Viewer | None = None
        self.take(None)

    def say(self, words: str) -> None:
        """Show these words in place of the view."""
        self._hang(pn.pane.Str(words, styles={"padding": "12px"}))  # type: ignore[no-untyped-call]

    def _show(self, came: object) -> None:
        with self._making:
            if self.view is None and (made := self._make()) is not None:
                self.view = made
                self._hang(made)

    def _start(self) -> None:
        pass

    def _stop(self) -> None:
        pass
