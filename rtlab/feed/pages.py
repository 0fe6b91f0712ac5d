"""The pages of a gateway: /health and /metrics for who looks after it, /ready for who sends readers to it."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from rtlab.feed.http import Page, Route, json_page
from rtlab.protocol import Sources
from rtlab.protocol.wire import page as wire_page
from rtlab.telemetry import exposition

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Told(Protocol):
    """What the pages need of their gateway."""

    market: Sources

    @property
    def ending(self) -> bool:
        """Tell whether its readers are being sent away."""

    @property
    def unready(self) -> str | None:
        """Say why no reader should come now."""

    @property
    def uptime_s(self) -> float:
        """Give how long it has been serving."""

    def groups(self) -> Mapping[str, NamedTuple]:
        """Give all that is counted, by group."""


def pages(gateway: Told) -> dict[str, Route]:
    """Give the pages of `gateway` by path: its health, whether readers may come, metrics, and how to speak to it."""

    def health() -> Page:
        groups = dict(gateway.groups())
        feed = groups.pop("feed")
        about = {
            "status": "ending" if gateway.ending else "serving",
            "uptime_s": round(gateway.uptime_s, 3),
            "instruments": sorted(gateway.market.instruments),
        }
        return json_page(about | feed._asdict() | {name: group._asdict() for name, group in groups.items()})

    def ready() -> Page:
        why = gateway.unready
        return json_page({"ready": why is None, "why": why}, 200 if why is None else 503)

    def metrics() -> Page:
        return Page(exposition(gateway.groups()), METRICS_TYPE)

    return {
        "/health": health,
        "/ready": ready,
        "/metrics": metrics,
        "/wire": lambda: Page(wire_page("WIRE.md"), "text/markdown; charset=utf-8"),
        "/wire.json": lambda: Page(wire_page("wire.json")),
    }
