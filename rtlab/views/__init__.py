"""Views: from frames to pixels. Importing a name loads only what that name needs; streams get their `plot`."""

from importlib import import_module
from typing import TYPE_CHECKING

from rtlab.views import streams  # gives the streams of the pipelines `plot` and `to_holoviews`

if TYPE_CHECKING:
    from rtlab.views.candles import Candles
    from rtlab.views.depth import DepthChart
    from rtlab.views.depth_history import DepthHistory
    from rtlab.views.grid import MetricGrid
    from rtlab.views.health import FeedHealth
    from rtlab.views.heat import DepthHeatmap, heatmap
    from rtlab.views.ladder import Ladder
    from rtlab.views.layered import LayeredPlot, PlotStatistics
    from rtlab.views.marks import Event, Line, Marker, Note, Range
    from rtlab.views.metrics import Metrics
    from rtlab.views.own import DataPlot, plot
    from rtlab.views.page import MarketPage, MarketState
    from rtlab.views.past import Past, PastStatistics
    from rtlab.views.pictures import StreamPlot
    from rtlab.views.price import PriceChart, Prices
    from rtlab.views.pyramid import Pyramid, PyramidStatistics, milliseconds
    from rtlab.views.tape import TradeTape
    from rtlab.views.theme import DARK, LIGHT
    from rtlab.views.volume import Volume
    from rtlab.views.volume_profile import VolumeProfile

# panel takes 2.5 s to import: who only wants the level of detail does not pay for it (PEP 562)
_HOMES = {
    "DARK": "theme",
    "LIGHT": "theme",
    "Candles": "candles",
    "DataPlot": "own",
    "DepthChart": "depth",
    "DepthHeatmap": "heat",
    "DepthHistory": "depth_history",
    "Event": "marks",
    "Range": "marks",
    "FeedHealth": "health",
    "Ladder": "ladder",
    "LayeredPlot": "layered",
    "Line": "marks",
    "Marker": "marks",
    "MarketPage": "page",
    "MarketState": "page",
    "MetricGrid": "grid",
    "Metrics": "metrics",
    "Note": "marks",
    "Past": "past",
    "PastStatistics": "past",
    "PlotStatistics": "layered",
    "PriceChart": "price",
    "Prices": "price",
    "Pyramid": "pyramid",
    "PyramidStatistics": "pyramid",
    "StreamPlot": "pictures",
    "TradeTape": "tape",
    "Volume": "volume",
    "VolumeProfile": "volume_profile",
    "heatmap": "heat",
    "milliseconds": "pyramid",
    "plot": "own",
}
__all__ = [
    "DARK",
    "LIGHT",
    "Candles",
    "DataPlot",
    "DepthChart",
    "DepthHeatmap",
    "DepthHistory",
    "Event",
    "FeedHealth",
    "Ladder",
    "LayeredPlot",
    "Line",
    "Marker",
    "MarketPage",
    "MarketState",
    "MetricGrid",
    "Metrics",
    "Note",
    "Past",
    "PastStatistics",
    "PlotStatistics",
    "PriceChart",
    "Prices",
    "Pyramid",
    "PyramidStatistics",
    "Range",
    "StreamPlot",
    "TradeTape",
    "Volume",
    "VolumeProfile",
    "heatmap",
    "milliseconds",
    "plot",
    "streams",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"rtlab.views.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'rtlab.views' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
