import pytest
from support.venues.all_venues import loopback
from support.venues.server import VenueServer

from rtlab.errors import ConfigError
from rtlab.sources.venues import LiveSource, open_live


async def test_a_name_opens_the_source_that_reads_it():
    async with VenueServer(loopback("kraken")) as server:
        assert isinstance(await open_live("kraken:BTC/USD", server.url), LiveSource)
    with pytest.raises(ConfigError, match="ccxt follows no such venue"):
        await open_live("ccxt.krakn:BTC/USD")


async def test_what_is_no_name_opens_nothing():
    with pytest.raises(ConfigError, match="as binance:BTCUSDT"):
        await open_live("binance")
