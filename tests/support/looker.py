"""A browser without a browser: shows a view in a document, hears its messages, and answers as one would."""

from collections.abc import Iterator
from contextlib import contextmanager

import panel as pn
from bokeh.document import Document
from bokeh.document.events import ColumnDataChangedEvent, DocumentChangedEvent, MessageSentEvent
from panel.custom import JSComponent
from panel.io.state import state
from panel.models.esm import DataEvent


class Looker:
    def __init__(self, view: object) -> None:
        self.document = Document()
        self.viewable = pn.panel(view)
        self.root = self.viewable.get_root(self.document)
        self.document.add_root(self.root)
        self.events: list[DocumentChangedEvent] = []
        self.document.on_change(self.events.append)

    def say(self, component: JSComponent, message: object) -> None:
        model = next(iter(component._models.values()))[0]
        component._process_event(DataEvent(model, message))

    def messages(self, component: JSComponent) -> list[dict]:
        own = [model for model, _ in component._models.values()]
        sent = [event.msg_data for event in self.events if isinstance(event, MessageSentEvent)]
        return [event.data for event in sent if event.model in own]

    def last(self, component: JSComponent) -> dict:
        return self.messages(component)[-1]

    def columns_sent(self) -> int:
        return sum(isinstance(event, ColumnDataChangedEvent) for event in self.events)

    def forget(self) -> None:
        self.events.clear()

    def leave(self) -> None:
        self.viewable._cleanup(self.root)
        state._views.pop(self.root.ref["id"], None)


@contextmanager
def looking_at(view: object) -> Iterator[Looker]:
    looker = Looker(view)
    try:
        yield looker
    finally:
        looker.leave()


class PaintingLooker(Looker):
    """One that answers each drawing of a panel at once, so that all that is due is drawn."""

    def __init__(self, panel: object) -> None:
        super().__init__(panel)
        self.panel = panel
        self.say(panel.beat, {"ready": True})

    def paint(self) -> None:
        self.say(self.panel.beat, {"painted": self.panel.beat.pace.statistics().drawn})
