"""The alerts of a desk, newest on top, each announced once to who looks or listens."""

from collections import deque
from pathlib import Path
from threading import Lock

import param

from rtlab.alerts import Alert
from rtlab.tabs import Others
from rtlab.views.live import Face, LivePanel
from rtlab.views.tape import clock
from rtlab.views.theme import Colours


class AlertFace(Face):
    """The list in the browser."""

    _esm = Path(__file__).with_name("alert_list.js")

    rows = param.Integer()


class AlertList(LivePanel):
    """The last `rows` alerts."""

    def __init__(self, rows: int = 50, *, theme: str = "light") -> None:
        super().__init__(theme=theme)
        self.rows = rows
        self._kept: deque[tuple[int, Alert]] = deque(maxlen=rows)
        self._count = self._drawn = self._old = 0
        self._lock = Lock()  # alerts come in threads of the bus
        self._others: Others[AlertList] = Others()
        style = Path(__file__).with_name("alert_list.css").read_text("utf-8")
        self._face = AlertFace(self, style, rows=rows, sizing_mode="stretch_both", min_height=120)

    @property
    def visual(self) -> Face:
        """The list itself."""
        return self._face

    def append(self, ts: int, alert: Alert) -> None:
        """Add an alert that was said at `ts` (ns since the epoch)."""
        with self._lock:
            self._kept.append((ts, alert))
            self._count += 1
            others = self._others.all()
        self._mark()
        for other in others:
            other.append(ts, alert)

    def another(self) -> "AlertList":
        """Give a list for another tab, of what this one has and is given."""
        made = AlertList(self.rows, theme=self.theme)
        with self._lock:
            made._kept, made._count = self._kept.copy(), len(self._kept)
            return self._others.add(made)

    def _for_a_tab(self) -> "AlertList":
        return self.another()

    def _appeared(self) -> None:
        if self._count:
            self._drawn = self._count - len(self._kept)
            self._old = self._count  # what was there before is no news to who opens the page now
            self._mark()

    def _draw(self) -> None:
        with self._lock:
            count, kept = self._count, list(self._kept)
            first = max(self._drawn, count - len(kept))
            rows = [
                (clock(ts), alert.text, number >= self._old)
                for number, (ts, alert) in enumerate(kept, count - len(kept))
                if number >= first
            ]
            self._drawn = count
        self._face._send_msg({"first": first, "rows": rows})

    def _wear(self, colours: Colours) -> None:
        self._face.theme = colours.name

    def __repr__(self) -> str:
        return f"AlertList(alerts={self._count})"
