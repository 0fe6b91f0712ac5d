"""A grid of numbers by key: each with its value, its change and its recent course as a small line."""

from collections.abc import Callable
from pathlib import Path
from time import time_ns

import param

from rtlab.views.live import Face, LivePanel, script
from rtlab.views.metrics import Course, Metrics
from rtlab.views.theme import Colours

_HERE = Path(__file__).parent
PERIOD_NS = 100_000_000

Written = Callable[[str, float], str]


def plain(key: str, value: float) -> str:
    """Write a number for people: at most five digits that matter, thousands parted."""
    size = abs(value)
    if size >= 1e12 or (0 < size < 1e-4):
        return f"{value:.3g}"
    decimals = 0 if size >= 1e4 or value == int(value) else max(0, 4 - len(str(int(size))))
    return f"{value:,.{decimals}f}"


class GridFace(Face):
    """The cards in the browser: it sorts, filters and draws them."""

    _esm = script("keep.js", "grid.js")

    stale_ms = param.Integer()
    keep = param.Integer()


class MetricGrid(LivePanel):
    """A card for each key of `metrics`, which other grids may share.

    `written(key, value)` says how a number is written. A key that nobody told for `stale_s` is shown as frozen.
    """

    def __init__(
        self,
        metrics: Metrics | None = None,
        *,
        written: Written = plain,
        stale_s: float = 2.0,
        theme: str = "light",
    ) -> None:
        super().__init__(theme=theme)
        self.metrics = Metrics() if metrics is None else metrics
        self._written = written
        self._told: dict[str, tuple[float, int]] = {}
        self._column = -1
        self._face = GridFace(
            self,
            (_HERE / "grid.css").read_text("utf-8"),
            stale_ms=int(stale_s * 1000),
            keep=self.metrics.keep,
            sizing_mode="stretch_both",
            min_height=240,
        )

    @property
    def visual(self) -> Face:
        """The grid itself."""
        return self._face

    def refresh(self) -> None:
        """Show what others have added to the metrics."""
        self._mark(PERIOD_NS)

    def _appeared(self) -> None:
        self._told, self._column = {}, -1
        self._mark()

    def _draw(self) -> None:
        column, now = self.metrics.column, time_ns()
        cards = []
        for key in self.metrics.keys:
            course = self.metrics.course(key)
            state = (course.newest, course.at)
            if self._told.get(key) == state and column == self._column:
                continue
            whole = key not in self._told or column != self._column
            self._told[key] = state
            cards.append(self._card(key, course, now, whole=whole))
        if cards:
            self._column = column
            self._face._send_msg({"cards": cards, "column": column})

    def _card(self, key: str, course: Course, now: int, *, whole: bool) -> list[object]:
        change = course.newest - course.first
        share = change / abs(course.first) if course.first else 0.0
        age_ms = max(0, (now - course.at) // 1_000_000)
        # the course travels once an interval, and between only its last value
        line = [float(f"{value:.6g}") for value in (course.values if whole else course.values[-1:])]
        return [key, self._written(key, course.newest), round(share, 6), age_ms, line, whole]

    def _wear(self, colours: Colours) -> None:
        self._face.theme = colours.name

    def __repr__(self) -> str:
        return f"MetricGrid({self.metrics!r})"
