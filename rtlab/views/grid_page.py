"""A page of one grid of numbers: many instruments at a glance, or any metrics at all."""

from collections.abc import Mapping

from rtlab.views.grid import MetricGrid, Written, plain
from rtlab.views.metrics import Metrics
from rtlab.views.shell import Shell


class GridPage(Shell):
    """A grid of `metrics` (which other pages may share) for one browser view, with health of its feed if it has one.

    `theme` None is what the reader's system prefers.
    """

    kind = "watch"

    def __init__(
        self,
        title: str,
        metrics: Metrics,
        *,
        written: Written = plain,
        has_feed: bool = True,
        theme: str | None = None,
    ) -> None:
        super().__init__({"board": title}, has_feed=has_feed, theme=theme)
        self.grid = MetricGrid(metrics, written=written, theme=self.theme)
        self._put({"board": self.grid})

    def update(self, health: Mapping[str, object] | None = None) -> None:
        """Show what the metrics hold by now, and how the feed is."""
        with self.beat.together():
            self.grid.refresh()
            if health is not None:
                self._health.update(health)

    def __repr__(self) -> str:
        return f"GridPage({self.grid.metrics!r})"
