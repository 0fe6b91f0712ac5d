"""Open the live source that a text names: of a venue that is known here, or of ccxt."""

from rtlab.sources.venues.directory import wanted
from rtlab.sources.venues.live import Live, LiveSource


async def open_live(text: str, base: str = "") -> Live:
    """Open `venue:instrument,instrument`, as `binance:BTCUSDT` or `ccxt.okx:BTC/USDT`; errors as its source has them.

    `base` is a server that serves the venue's paths in its place.
    """
    if wanted(text).venue.startswith("ccxt."):
        from rtlab.sources.venues.by_ccxt import CcxtSource  # late: ccxt is an extra, and costs seconds

        return await CcxtSource.open(text, base)
    return await LiveSource.open(text, base)
