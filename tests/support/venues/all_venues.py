"""The loopback venues by name, each with two instruments, and the lanes of their machines."""

from collections.abc import Callable
from typing import NamedTuple

from support.venues.binance import LoopbackBinance
from support.venues.coinbase import LoopbackCoinbase
from support.venues.kraken import LoopbackKraken
from support.venues.truth import TruthBook
from support.venues.venue import LoopbackVenue

from rtlab.model import Instrument
from rtlab.sources.venues.directory import VENUES, Lane
from rtlab.sources.venues.kept import Listing

NAMES = {
    "binance": ("BTCUSDT", "ETHUSDT"),
    "binance-usdm": ("BTCUSDT", "ETHUSDT"),
    "kraken": ("BTC/USD", "ETH/USD"),
    "coinbase": ("BTC-USD", "ETH-USD"),
}

_MAKERS: dict[str, Callable[[list[TruthBook]], LoopbackVenue]] = {
    "binance": LoopbackBinance,
    "binance-usdm": lambda books: LoopbackBinance(books, is_usdm=True),
    "kraken": LoopbackKraken,
    "coinbase": LoopbackCoinbase,
}


class Pair(NamedTuple):
    venue: LoopbackVenue
    lanes: list[Lane]


def loopback(name: str, seed: int = 1) -> LoopbackVenue:
    """Give a loopback venue with its two markets."""
    return _MAKERS[name]([TruthBook(one, seed) for one in NAMES[name]])


def listings_of(venue: LoopbackVenue) -> list[Listing]:
    """Give the venue's instruments as it lists them."""
    return [Listing(one.name, Instrument(one.name, one.tick, one.lot), 1, 3) for one in venue.books.values()]


def pair(name: str, seed: int = 1) -> Pair:
    """Give a loopback venue and the lanes that follow it."""
    venue = loopback(name, seed)
    return Pair(venue, VENUES[name].lanes(listings_of(venue)))
