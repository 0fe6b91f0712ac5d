"""Views: from frames to pixels. Importing a name loads only what that name needs."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtlab.views.layered import LayeredPlot, PlotStatistics
    from rtlab.views.overlay import Line, Marker
    from rtlab.views.pyramid import Pyramid, PyramidStatistics, milliseconds

# panel takes 2.5 s to import: who only wants the level of detail does not pay for it (PEP 562)
_HOMES = {
    "LayeredPlot": "layered",
    "Line": "overlay",
    "Marker": "overlay",
    "PlotStatistics": "layered",
    "Pyramid": "pyramid",
    "PyramidStatistics": "pyramid",
    "milliseconds": "pyramid",
}
__all__ = [
    "LayeredPlot",
    "Line",
    "Marker",
    "PlotStatistics",
    "Pyramid",
    "PyramidStatistics",
    "milliseconds",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"rtlab.views.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'rtlab.views' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
