import pytest
from support.venues.all_venues import loopback
from support.venues.server import VenueServer

from rtlab.errors import ConfigError
from rtlab.sources.venues import LiveSource, open_live
from rtlab.sources.venues.by_ccxt import CcxtSource


async def test_a_name_opens_the_source_that_reads_it():
    async with VenueServer(loopback("kraken")) as server:
        ours = await open_live("kraken:BTC/USD", server.url)
        theirs = await open_live("ccxt.kraken:BTC/USD", server.url)
        await theirs._exchange.close()
    assert (type(ours), type(theirs)) == (LiveSource, CcxtSource)
    assert ours.instruments == theirs.instruments


async def test_what_is_no_name_opens_nothing():
    with pytest.raises(ConfigError, match="as binance:BTCUSDT"):
        await open_live("binance")
