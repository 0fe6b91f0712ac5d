"""The messages in a notebook and in Panel: the same module, mounted by anywidget or by Panel's adapter of it."""

from typing import Any

import anywidget
import param
import traitlets
from panel.custom import AnyWidgetComponent

from rtlab.messaging.bundle import FOLDER, path, script
from rtlab.tabs import Tabbed

HEIGHT = "480px"


class MessagesWidget(anywidget.AnyWidget):
    """Messages in a notebook cell: `MessagesWidget(options={"url": "ws://host/messages", ...})`.

    What the options are is said in rtlab/messaging/js/src/widget/mount.js. Keys, texts and lengths never come to
    Python: the browser speaks to the relay itself.
    """

    options = traitlets.Dict().tag(sync=True)
    height = traitlets.Unicode(HEIGHT).tag(sync=True)

    def __init__(self, **more: Any) -> None:
        self._esm = script().decode()
        super().__init__(**more)

    def __repr__(self) -> str:
        return f"MessagesWidget({self.options.get('url', '')!r})"


class MessagesPane(Tabbed, AnyWidgetComponent):
    """Messages on a page of Panel; see MessagesWidget. `height` is in pixels."""

    options = param.Dict(default={}, doc="What `mount` takes.")

    _esm = ""
    _bundle = FOLDER / "messages.js"

    def __init__(self, **more: Any) -> None:
        path()
        super().__init__(**{"height": 480, "sizing_mode": "stretch_width"} | more)  # type: ignore[no-untyped-call]
