"""rtlab, the real-time lab: see a live market the moment it happens, and the truth when things go wrong.

import rtlab
lab = rtlab.demo()                       # an engine, a simulated market and a feed, all real
lab = rtlab.live("binance:BTCUSDT")      # or a venue, as it is now
lab.book("BTC-USD")                      # live, prints itself
lab.stream("trades", "BTC-USD").bars("1s").plot()
rtlab.plot(frame)                        # your own series: any table, array, stream or async iterator
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtlab.lab.lab import Lab, connect, demo, live
    from rtlab.views.own import plot

__version__ = "0.1.0"
__all__ = ["Lab", "__version__", "connect", "demo", "live", "plot"]


def __getattr__(name: str) -> object:
    # PEP 562: the lab needs pandas and panel, which cost seconds; who only imports rtlab does not pay for them
    if name in ("Lab", "connect", "demo", "live"):
        return getattr(import_module("rtlab.lab.lab"), name)  # of which `rtlab.lab.live` is another module
    if name == "plot":
        return import_module("rtlab.views.own").plot
    raise AttributeError(f"module 'rtlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
