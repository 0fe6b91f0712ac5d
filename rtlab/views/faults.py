"""The fault page: what is done to two readers of the same market, and what becomes of each."""

from collections.abc import Callable, Mapping
from pathlib import Path

import param
from panel.template import Template
from panel.viewable import Child, Viewable

from rtlab.views.live import Face, LivePanel
from rtlab.views.shell import whole_page
from rtlab.views.theme import Colours

_HERE = Path(__file__).parent

SLIDERS = ("bytes_per_s", "delay_s", "loss")
BUTTONS = ("freeze", "cut", "kill", "heal")

Wish = Callable[[str, float], None]


class FaultFace(Face):
    """The page in the browser: sliders, buttons, two readers side by side, and the proof."""

    _esm = _HERE / "faults.js"

    alone = param.Boolean(doc="it has the browser's window for itself")
    beat = Child()


class FaultPage(LivePanel):
    """One browser's page of a fault lab; `on_wish` is called with what the person moves or presses.

    Wishes are a name of SLIDERS with its value (`bytes_per_s` 0 is as fast as it goes), or of BUTTONS with 0 or 1.
    `theme` None is what the reader's system prefers.
    """

    def __init__(self, on_wish: Wish, *, theme: str | None = None) -> None:
        super().__init__(theme=theme or "light")
        self._follows_reader = theme is None
        self._on_wish = on_wish
        self.state: Mapping[str, object] = {}
        self._face = FaultFace(
            self,
            (_HERE / "faults.css").read_text("utf-8"),
            beat=self.beat,
            sizing_mode="stretch_width",
        )
        self._face.param.watch(lambda event: setattr(self, "theme", event.new), "theme")

    @property
    def visual(self) -> Viewable:
        """The whole page."""
        return self._face

    def update(self, state: Mapping[str, object]) -> None:
        """Show the newest state of the experiment; drawn as the browser can."""
        self.state = state
        self._mark()

    def served(self) -> Template:
        """Give the page as a document of its own, fit for a phone and without a request to another host."""
        self._face.alone = True
        return whole_page(self._face)

    def _draw(self) -> None:
        if self.state:
            self._face._send_msg(dict(self.state))

    def _heard(self, message: Mapping[str, object]) -> None:
        super()._heard(message)
        wished, name, value = message.get("theme"), message.get("wish"), message.get("value")
        if self._follows_reader and wished in ("light", "dark"):
            self._follows_reader = False
            self.theme = str(wished)
        if name in (*SLIDERS, *BUTTONS) and isinstance(value, int | float):
            self._on_wish(str(name), float(value))

    def _wear(self, colours: Colours) -> None:
        self._face.theme = colours.name

    def __panel__(self) -> Viewable:
        return self._face

    def __repr__(self) -> str:
        return f"FaultPage({self.state.get('state', 'waiting')})"
