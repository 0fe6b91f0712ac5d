"""A page without a browser: renders a view into a Bokeh document, hears what is sent, and can say something."""

from typing import Any

from bokeh.document import Document
from bokeh.document.events import MessageSentEvent
from panel.models.esm import DataEvent, ESMEvent
from panel.viewable import Viewable, Viewer


class FakePage:
    """Shows `view` as a static document does; `said` are the messages to its components, oldest first."""

    def __init__(self, view: Viewer | Viewable) -> None:
        self.viewable = view if isinstance(view, Viewable) else view._create_view()
        self.document = Document()
        self.root = self.viewable.get_root(self.document)
        self.document.add_root(self.root)
        self.said: list[dict[str, Any]] = []
        self.document.on_change(self._heard)

    def _heard(self, event: object) -> None:
        if isinstance(event, MessageSentEvent) and isinstance(event.msg_data, ESMEvent):
            self.said.append(event.msg_data.data)

    def say(self, component: Viewable, message: object) -> None:
        """Have the browser's half of a component say something to its Python half."""
        model, _ = component._models[self.root.ref["id"]]
        self.document.callbacks.trigger_event(DataEvent(model, message))

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The messages of one type."""
        return [message for message in self.said if message.get("type") == kind]

    def close(self) -> None:
        """The page goes."""
        from rtlab.views.host import forget

        forget(self.root.ref["id"])
