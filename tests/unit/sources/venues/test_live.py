import asyncio

import pytest
from support.venues.all_venues import NAMES, loopback
from support.venues.server import VenueServer
from support.venues.virtual import Follower
from support.waiting import until

from rtlab.errors import ConfigError, InstrumentError, UnreachableError
from rtlab.sources.venues import LiveSource
from rtlab.sources.venues.live import LiveStatistics


@pytest.mark.parametrize("name", NAMES)
async def test_a_venue_is_followed_by_name_and_its_books_are_its_own(name):
    async with VenueServer(loopback(name)) as server:
        source = await LiveSource.open(f"{name}:{','.join(NAMES[name])}", server.url)
        assert [one.symbol for one in source.instruments] == list(NAMES[name])
        assert {str(one.tick_size) for one in source.instruments} == {"0.1"}
        follower = Follower()
        running = asyncio.create_task(source.run(follower.take))
        await until(lambda: source.statistics().live == 2)
        for one in NAMES[name]:
            book = server.venue.books[one]
            await until(lambda one=one, book=book: book.was(*follower.levels(one), server.venue.depth))
            await until(lambda one=one: follower.trades.get(one))
        found = source.statistics()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert (found.books, found.live, found.gaps, found.lost, found.malformed) == (2, 2, 0, 0, 0)
    assert found.resyncs == 2
    assert isinstance(found, LiveStatistics)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("binance:NOPE", "Binance .spot. lists no such instrument.*Invalid symbol.*as BTCUSDT, got NOPE"),
        ("binance-usdm:BTCUSD", "expected BTCUSDT or .*, got BTCUSD"),
        ("kraken:BTCUSD", "expected BTC/USD or .*, got BTCUSD"),
        ("coinbase:BTCUSD", "Coinbase lists no such instrument.*as BTC-USD, got BTCUSD"),
    ],
)
async def test_an_instrument_that_is_not_listed_is_an_error_that_teaches(text, told):
    async with VenueServer(loopback(text.partition(":")[0])) as server:
        with pytest.raises(InstrumentError, match=told):
            await LiveSource.open(text, server.url)


@pytest.mark.parametrize("text", ["binance:BTCUSDT", "kraken:BTC/USD"])
async def test_a_venue_that_is_not_there_is_unreachable(text):
    with pytest.raises(
        UnreachableError, match=r"(Binance|Kraken).*expected its instruments at .*127\.0\.0\.1:1"
    ):
        await LiveSource.open(text, "http://127.0.0.1:1")


async def test_a_venue_that_limits_us_says_so():
    async with VenueServer(loopback("binance")) as server:
        server.venue.limit = 1
        with pytest.raises(UnreachableError, match="the venue answered 429"):
            await LiveSource.open("binance:BTCUSDT", server.url)


async def test_an_unknown_venue_is_a_setting_to_mend():
    with pytest.raises(ConfigError, match="binanse is not known"):
        await LiveSource.open("binanse:BTCUSDT")


async def test_what_comes_before_somebody_follows_is_nothing():
    async with VenueServer(loopback("kraken")) as server:
        source = await LiveSource.open("kraken:BTC/USD", server.url)
        assert source.sights()[0].state == "waiting"
        source._take([])
