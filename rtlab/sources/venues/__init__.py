"""Live venues: books and trades of Binance, Kraken and Coinbase, checked by each venue's own means."""

from rtlab.sources.venues.directory import VENUES, Wanted, is_live, wanted
from rtlab.sources.venues.live import Live, LiveSource, LiveStatistics
from rtlab.sources.venues.opening import open_live
from rtlab.sources.venues.trust import STALE_AFTER_S, Sight, TrustState

__all__ = [
    "STALE_AFTER_S",
    "VENUES",
    "Live",
    "LiveSource",
    "LiveStatistics",
    "Sight",
    "TrustState",
    "Wanted",
    "is_live",
    "open_live",
    "wanted",
]
