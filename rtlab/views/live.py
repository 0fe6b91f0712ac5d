"""What every panel has in common: a theme, a place on the screen, and drawing when the browser is ready."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path

import panel as pn
import param
from bokeh.models import LayoutDOM
from bokeh.models.annotations import Label
from bokeh.plotting import figure
from panel.io.document import unlocked
from panel.viewable import Viewable, Viewer

from rtlab.tabs import Tabbed
from rtlab.views.beat import Beat
from rtlab.views.host import Component, push
from rtlab.views.theme import DARK, FONT, LIGHT, Colours, ThemeName, colours, css

OURS = "rtlab"
"""Tag of a figure of which a browser sends nothing back (see beat.js)."""

_HERE = Path(__file__).parent
_SHARED_CSS = css(LIGHT, ".rt.light") + css(DARK, ".rt.dark") + (_HERE / "panel.css").read_text("utf-8")


def chart(plot: LayoutDOM, *, min_height: int) -> Viewable:
    """Give a figure, or several, the place: all there is, and in a notebook's cell at least `min_height` pixels."""
    return pn.pane.Bokeh(  # type: ignore[no-untyped-call]
        plot, sizing_mode="stretch_both", min_height=min_height, margin=0
    )


def alter(pane: Viewable, change: Callable[[], None]) -> None:
    """Run `change` of the models below `pane` where and when that is allowed, whether or not somebody looks.

    Panel runs what the browser changed without the document's lock: what follows from it must then be sent
    as Panel sends its own changes.
    """

    def together() -> None:
        with unlocked():
            change()

    if not push(pane, together):
        change()


class Waiting:
    """What a figure shows until it has something to show: what it waits for, and no axes."""

    def __init__(self, plot: figure, text: str) -> None:
        self._plot = plot
        self._label = Label(x=12, y=12, x_units="screen", y_units="screen", text=text)
        self._label.update(text_font=FONT, text_font_size="12px")
        plot.add_layout(self._label)
        self._show_axes(False)

    @property
    def text(self) -> str:
        """What is awaited; empty when it came."""
        return str(self._label.text) if self._label.visible else ""

    def over(self) -> None:
        """Something came: give the figure its axes."""
        if self._label.visible:
            self._label.visible = False
            self._show_axes(True)

    def again(self) -> None:
        """What came is gone: wait as at first."""
        if not self._label.visible:
            self._label.visible = True
            self._show_axes(False)

    def wear(self, colours: Colours) -> None:
        """Put on other colours."""
        self._label.text_color = colours.muted

    def _show_axes(self, visible: bool) -> None:
        for part in (*self._plot.axis, *self._plot.grid):
            part.visible = visible


class LivePanel(Tabbed, Viewer):
    """A view of one browser page or notebook cell; data may be shared with other views, this object may not.

    `theme` is "light" or "dark" and may be changed at any time.
    """

    def __init__(self, *, theme: str = "light") -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.colours = colours(theme)
        self.filled = True
        self._beat: Beat | None = None

    @property
    def theme(self) -> ThemeName:
        """Whether it is "light" or "dark"; ConfigError for any other."""
        return self.colours.name

    @theme.setter
    def theme(self, theme: str) -> None:
        self.colours = colours(theme)
        self._wear(self.colours)

    @property
    @abstractmethod
    def visual(self) -> Viewable:
        """What a layout shows; it needs the panel's beat somewhere in the same layout."""

    @abstractmethod
    def _draw(self) -> None:
        """Bring what the browser has up to date; runs where models may be changed."""

    def _appeared(self) -> None:
        """Show everything there is to a browser that shows nothing yet."""
        self._mark()

    def _heard(self, message: Mapping[str, object]) -> None:
        """Take a message of the panel's own face."""
        if message.get("ready"):
            self._appeared()

    @abstractmethod
    def _wear(self, colours: Colours) -> None:
        """Put on other colours."""

    @property
    def beat(self) -> Beat:
        """What says when this panel is drawn; its own, unless it joined a page's."""
        if self._beat is None:
            self._beat = Beat(self, self._appeared)
        return self._beat

    def join(self, beat: Beat) -> None:
        """Be part of a page: drawn together with its other panels, as high as it says, on its surface."""
        self._beat = beat
        self.visual.min_height = None
        self.filled = False
        self._wear(self.colours)

    @property
    def merged(self) -> int:
        """How many updates were drawn only as part of a newer one."""
        return self.beat.pace.merged_of(self)

    def _mark(self, period: int = 0) -> None:
        self.beat.mark(self, self._draw, period)

    def __panel__(self) -> Viewable:
        self._draw()
        visual = self.visual
        return pn.Column(
            visual, self.beat, sizing_mode=visual.sizing_mode, min_height=visual.min_height, margin=0
        )


def script(*names: str) -> str:
    """Give the code of a face: files of this folder, one after the other, of which the last may use the others."""
    return "\n".join((_HERE / name).read_text("utf-8") for name in names)


class Face(Component):
    """The HTML half of a panel: it is told what to show by messages, and asks for all when it appears."""

    theme = param.String(default="light")

    __abstract = True

    def __init__(self, owner: LivePanel, style: str, **settings: object) -> None:
        sheets = [_SHARED_CSS, style]
        super().__init__(  # type: ignore[no-untyped-call]
            theme=owner.theme, stylesheets=sheets, margin=0, **settings
        )
        self._owner = owner

    def _handle_msg(self, message: object) -> None:
        if isinstance(message, dict):
            self._owner._heard(message)
