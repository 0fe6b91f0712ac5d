"""The venues that are known by name, and how each is asked for its instruments and connected to."""

import difflib
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from rtlab.errors import ConfigError
from rtlab.extras import check_extra
from rtlab.sources.venues import listings
from rtlab.sources.venues.binance import BOOK_STREAMS, SPOT_STREAMS, TRADE_STREAMS, BinanceMachine
from rtlab.sources.venues.coinbase import CoinbaseMachine
from rtlab.sources.venues.kept import Listing
from rtlab.sources.venues.kraken import KrakenMachine
from rtlab.sources.venues.machine import VenueMachine

_PER_SOCKET = 50  # instruments
_PORT = re.compile(r"\d{1,5}/?", re.ASCII)
_NAMED = re.compile(r"[A-Za-z][A-Za-z0-9.-]+:[^/\\]")


class Question(NamedTuple):
    """How a venue is asked for instruments: an address, what is sent there (a socket), and who reads the answer."""

    url: str
    names: tuple[str, ...]
    read: Callable[[bytes, Sequence[str]], list[Listing] | None]
    text: str = ""


class Lane(NamedTuple):
    """One connection: where to, and the machine of it."""

    url: str
    machine: VenueMachine


class Venue(NamedTuple):
    """One venue. `rest` is the base of its HTTP, the seconds are the distance of connections and of messages."""

    name: str
    title: str
    example: str
    rest: str
    questions: Callable[[Sequence[str]], list[Question]]
    lanes: Callable[[Sequence[Listing]], list[Lane]]
    connect_every_s: float
    send_every_s: float


def _spot_questions(names: Sequence[str]) -> list[Question]:
    wanted = quote("[" + ",".join(f'"{name}"' for name in names) + "]")
    url = f"https://api.binance.com/api/v3/exchangeInfo?symbols={wanted}"
    return [Question(url, tuple(names), listings.binance_spot)]


def _usdm_questions(names: Sequence[str]) -> list[Question]:
    return [Question("https://fapi.binance.com/fapi/v1/exchangeInfo", tuple(names), listings.binance_usdm)]


def _kraken_questions(names: Sequence[str]) -> list[Question]:
    text = '{"method":"subscribe","params":{"channel":"instrument","snapshot":true}}'
    return [Question("wss://ws.kraken.com/v2", tuple(names), listings.kraken, text)]


def _coinbase_questions(names: Sequence[str]) -> list[Question]:
    base = "https://api.coinbase.com/api/v3/brokerage/market/products/"
    return [Question(base + quote(name, safe=""), (name,), _coinbase_listing) for name in names]


def _coinbase_listing(body: bytes, names: Sequence[str]) -> list[Listing]:
    return [listings.coinbase(body, names[0])]


def _parts(found: Sequence[Listing]) -> list[Sequence[Listing]]:
    return [found[start : start + _PER_SOCKET] for start in range(0, len(found), _PER_SOCKET)]


def _binance_lane(base: str, found: Sequence[Listing], path: str, streams: Sequence[str]) -> Lane:
    machine = BinanceMachine(found, path, streams)
    return Lane(f"{base}/stream?streams={'/'.join(machine.streams)}", machine)


def _spot_lanes(found: Sequence[Listing]) -> list[Lane]:
    base = "wss://stream.binance.com:9443"
    return [_binance_lane(base, part, "/api/v3/depth", SPOT_STREAMS) for part in _parts(found)]


def _usdm_lanes(found: Sequence[Listing]) -> list[Lane]:
    base, path = "wss://fstream.binance.com", "/fapi/v1/depth"
    return [
        _binance_lane(f"{base}/{route}", part, path, streams)
        for part in _parts(found)
        for route, streams in (("public", BOOK_STREAMS), ("market", TRADE_STREAMS))
    ]


def _kraken_lanes(found: Sequence[Listing]) -> list[Lane]:
    return [Lane("wss://ws.kraken.com/v2", KrakenMachine(part)) for part in _parts(found)]


def _coinbase_lanes(found: Sequence[Listing]) -> list[Lane]:
    return [Lane("wss://advanced-trade-ws.coinbase.com", CoinbaseMachine(one)) for one in found]


VENUES = {
    venue.name: venue
    for venue in (
        Venue(
            "binance",
            "Binance (spot)",
            "BTCUSDT",
            "https://api.binance.com",
            _spot_questions,
            _spot_lanes,
            1.0,  # 300 connections in 5 minutes
            0.25,  # 5 messages a second, pings and pongs among them
        ),
        Venue(
            "binance-usdm",
            "Binance (USD-M futures)",
            "BTCUSDT",
            "https://fapi.binance.com",
            _usdm_questions,
            _usdm_lanes,
            1.0,
            0.15,  # 10 messages a second
        ),
        Venue(
            "kraken",
            "Kraken",
            "BTC/USD",
            "https://api.kraken.com",
            _kraken_questions,
            _kraken_lanes,
            4.0,  # 150 connections in 10 minutes
            0.05,
        ),
        Venue(
            "coinbase",
            "Coinbase",
            "BTC-USD",
            "https://api.coinbase.com",
            _coinbase_questions,
            _coinbase_lanes,
            0.15,  # 8 connections and 8 messages a second
            0.15,
        ),
    )
}


class Wanted(NamedTuple):
    """A venue and instruments of it, as a person names them: `binance:BTCUSDT,ETHUSDT`."""

    venue: str
    names: tuple[str, ...]


def is_live(text: str) -> bool:
    """Tell whether `text` names a venue, as `binance:BTCUSDT`, and not a file."""
    return _NAMED.match(text) is not None


def wanted(text: str) -> Wanted:
    """Read `venue:instrument,instrument`; ConfigError when it is no such text or the venue is unknown.

    LocalError for a venue of ccxt where that is not installed.
    """
    name, colon, rest = text.partition(":")
    names = tuple(dict.fromkeys(one.strip() for one in rest.split(",") if one.strip()))
    if not colon or not names:
        raise ConfigError(
            "a live source needs a venue and an instrument", expected="as binance:BTCUSDT,ETHUSDT", got=text
        )
    venue = name.strip().lower()
    if venue not in VENUES and not venue.startswith("ccxt."):
        near = difflib.get_close_matches(venue, VENUES, n=1)
        meant = near[0] if near else f"ws://{text}" if _PORT.fullmatch(rest) else ""
        hint = f" (did you mean {meant}?)" if meant else ""
        raise ConfigError(
            f"the venue {venue} is not known{hint}",
            expected=f"{', '.join(VENUES)}, or any other of ccxt as ccxt.NAME:INSTRUMENT",
            got=text,
        )
    if venue.startswith("ccxt."):
        check_extra("venues", "ccxt", f"the venue {venue}")
    if venue.startswith("binance"):
        names = tuple(one.upper() for one in names)
    return Wanted(venue, names)


def moved(url: str, base: str) -> str:
    """Give `url` as a server at `base` (http or https) has it that serves the same paths; itself, if base is empty."""
    if not base:
        return url
    to, parts = urlsplit(base), urlsplit(url)
    is_safe = to.scheme in ("https", "wss")
    schemes = {"http": "https" if is_safe else "http", "ws": "wss" if is_safe else "ws"}
    scheme = schemes[parts.scheme.removesuffix("s")]
    return parts._replace(scheme=scheme, netloc=to.netloc, path=to.path.rstrip("/") + parts.path).geturl()
