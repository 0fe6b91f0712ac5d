import sys

import pytest

from rtlab.errors import ConfigError, LocalError
from rtlab.model import Instrument
from rtlab.sources.venues import directory
from rtlab.sources.venues.directory import VENUES, Wanted, is_live, moved, wanted
from rtlab.sources.venues.kept import Listing


def found(*names):
    return [Listing(name, Instrument(name, "0.1", "0.001"), 1, 3) for name in names]


@pytest.mark.parametrize(
    ("text", "venue", "names"),
    [
        ("binance:BTCUSDT", "binance", ("BTCUSDT",)),
        ("Binance:btcusdt, ethusdt,btcusdt", "binance", ("BTCUSDT", "ETHUSDT")),
        ("kraken:BTC/USD", "kraken", ("BTC/USD",)),
        ("ccxt.okx:BTC/USDT:USDT", "ccxt.okx", ("BTC/USDT:USDT",)),
    ],
)
def test_a_source_is_a_venue_and_instruments(text, venue, names):
    assert wanted(text) == Wanted(venue, names)


@pytest.mark.parametrize("text", ["binance", "binance:", "binance: ,", ":BTC", ""])
def test_a_source_without_instruments_is_an_error_with_an_example(text):
    with pytest.raises(ConfigError, match=r"binance:BTCUSDT,ETHUSDT|is not known"):
        wanted(text)


def test_an_unknown_venue_is_told_with_the_nearest_and_all():
    with pytest.raises(ConfigError, match=r"did you mean kraken\?.*binance-usdm.*ccxt\.NAME"):
        wanted("krakn:BTC/USD")


def test_a_host_and_a_port_are_taken_for_a_feed_that_lacks_its_scheme():
    with pytest.raises(ConfigError, match=r"localhost is not known \(did you mean ws://localhost:8765\?\)"):
        wanted("localhost:8765")
    with pytest.raises(ConfigError, match="the venue localhost is not known: expected"):
        wanted("localhost:BTCUSDT")


def test_a_venue_of_ccxt_needs_its_extra_and_says_so_before_it_is_opened(monkeypatch):
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(LocalError, match=r"the venue ccxt\.okx needs .*pip install 'rtlab\[venues\]'"):
        wanted("ccxt.okx:BTC/USDT")
    assert wanted("kraken:BTC/USD").venue == "kraken"


@pytest.mark.parametrize(
    ("text", "live"),
    [
        ("binance:BTCUSDT", True),
        ("krakn:X", True),
        ("ccxt.okx:BTC/USDT", True),
        ("file.gz", False),
        ("/tmp/a:b", False),
        ("C:\\data\\x.gz", False),
        ("data/x:y", False),
        ("http://x", False),
    ],
)
def test_a_live_source_is_told_from_a_file(text, live):
    assert is_live(text) is live


@pytest.mark.parametrize(
    ("url", "base", "there"),
    [
        ("wss://ws.kraken.com/v2", "http://127.0.0.1:80", "ws://127.0.0.1:80/v2"),
        ("https://a.com/b?c=d", "http://127.0.0.1:80", "http://127.0.0.1:80/b?c=d"),
        ("wss://a.com:9443/s", "https://mirror.example/x/", "wss://mirror.example/x/s"),
        ("wss://a.com/s", "", "wss://a.com/s"),
    ],
)
def test_addresses_move_to_a_server_with_the_same_paths(url, base, there):
    assert moved(url, base) == there


def test_spot_has_one_connection_with_all_streams_and_futures_have_two():
    (lane,) = VENUES["binance"].lanes(found("BTCUSDT", "ETHUSDT"))
    assert lane.url == (
        "wss://stream.binance.com:9443/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker/btcusdt@trade/"
        "ethusdt@depth@100ms/ethusdt@bookTicker/ethusdt@trade"
    )
    public, market = VENUES["binance-usdm"].lanes(found("BTCUSDT"))
    assert (
        public.url == "wss://fstream.binance.com/public/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker"
    )
    assert market.url == "wss://fstream.binance.com/market/stream?streams=btcusdt@aggTrade"
    assert (public.machine.keeps_books, market.machine.keeps_books) == (True, False)


def test_many_instruments_take_several_connections():
    names = [f"X{n}" for n in range(directory._PER_SOCKET + 1)]
    assert [len(lane.machine.kept) for lane in VENUES["kraken"].lanes(found(*names))] == [50, 1]
    assert [len(lane.machine.kept) for lane in VENUES["coinbase"].lanes(found("A", "B"))] == [1, 1]


def test_each_venue_is_asked_for_its_instruments_where_it_tells_them():
    urls = {name: [one.url for one in venue.questions(("A", "B"))] for name, venue in VENUES.items()}
    assert urls == {
        "binance": ["https://api.binance.com/api/v3/exchangeInfo?symbols=%5B%22A%22%2C%22B%22%5D"],
        "binance-usdm": ["https://fapi.binance.com/fapi/v1/exchangeInfo"],
        "kraken": ["wss://ws.kraken.com/v2"],
        "coinbase": [
            "https://api.coinbase.com/api/v3/brokerage/market/products/A",
            "https://api.coinbase.com/api/v3/brokerage/market/products/B",
        ],
    }


def test_no_venue_is_sent_more_messages_than_it_allows():
    assert {name: (venue.connect_every_s, venue.send_every_s) for name, venue in VENUES.items()} == {
        "binance": (1.0, 0.25),
        "binance-usdm": (1.0, 0.15),
        "kraken": (4.0, 0.05),
        "coinbase": (0.15, 0.15),
    }
