"""What a lab's own process counts, at `/metrics` of its dashboards: its streams, its link to the feed, alerts, bus.

The gateway that it follows has metrics of its own; a process that only consumes from the bus prints
`telemetry.exposition(bus.statistics())`.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

from tornado.web import RequestHandler

from rtlab.feed.pages import METRICS_TYPE
from rtlab.telemetry import exposition

Count = Callable[[], Mapping[str, tuple[object, ...]]]


class Scrape(RequestHandler):
    """Answers with the groups that `count` gives, in Prometheus' text format; `count` runs in a thread."""

    def initialize(self, count: Count) -> None:
        """See RequestHandler."""
        self._count = count

    async def get(self) -> None:
        """See RequestHandler."""
        groups = await asyncio.to_thread(self._count)
        self.set_header("Content-Type", METRICS_TYPE)
        self.write(exposition(cast(Mapping[str, Any], groups)))
