"""The grids of instruments as their venues state them: read, checked, never guessed."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TypeVar

import msgspec

from rtlab.errors import InstrumentError, ProtocolError, RtlabError
from rtlab.model import Instrument
from rtlab.sources.venues.kept import Listing, plain

_Each = TypeVar("_Each")

_MANY = 1000  # of the largest order a level may hold, and still fit into 2**62 lots
_ROOM = 2**62


class _Filter(msgspec.Struct):
    kind: str = msgspec.field(name="filterType")
    tick: str = msgspec.field(default="", name="tickSize")
    step: str = msgspec.field(default="", name="stepSize")
    most: str = msgspec.field(default="0", name="maxQty")


class _BinanceSymbol(msgspec.Struct):
    symbol: str
    base_places: int = msgspec.field(name="baseAssetPrecision")
    filters: list[_Filter] = []


class _BinanceInfo(msgspec.Struct):
    symbols: list[_BinanceSymbol]


class _KrakenPair(msgspec.Struct):
    symbol: str
    price_increment: msgspec.Raw
    qty_increment: msgspec.Raw
    price_precision: int
    qty_precision: int


class _KrakenData(msgspec.Struct):
    pairs: list[_KrakenPair] = []


class _KrakenInfo(msgspec.Struct):
    channel: str = ""
    type: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Product(msgspec.Struct):
    product_id: str
    base_increment: str
    quote_increment: str
    price_increment: str = ""


def binance_spot(body: bytes, names: Sequence[str]) -> list[Listing]:
    """Read `exchangeInfo` of spot.

    The lot is the unit that the venue counts the asset in, not the least step of a new order: older orders rest
    between its steps (2292.22972 ETH in 2024, where the step is 0.0001).
    """
    return _binance(body, names, lambda one, step, most: _counted(one.base_places, step, most))


def binance_usdm(body: bytes, names: Sequence[str]) -> list[Listing]:
    """Read `exchangeInfo` of USD-M futures: the lot is the step of an order."""
    return _binance(body, names, lambda _, step, most: step)


def kraken(payload: str | bytes, names: Sequence[str]) -> list[Listing] | None:
    """Read the snapshot of the channel `instrument`; None for any other message."""
    message = _read(payload, _KrakenInfo, "Kraken")
    if message.channel != "instrument" or message.type != "snapshot":
        return None
    pairs = {one.symbol: one for one in _read(message.data, _KrakenData, "Kraken").pairs}
    return [_kraken(_found(name, pairs, "Kraken")) for name in names]


def coinbase(body: bytes, name: str) -> Listing:
    """Read one public product."""
    one = _read(body, _Product, "Coinbase")
    if one.product_id != name:
        raise ProtocolError("Coinbase answered about another product", expected=name, got=one.product_id)
    tick = one.price_increment or one.quote_increment
    return Listing(name, _instrument(name, tick, one.base_increment, "Coinbase"))


def unknown(name: str, venue: str, known: Iterable[str] = (), example: str = "") -> InstrumentError:
    """Give the error of an instrument that its venue does not list, with the nearest of those that it does."""
    folded = {one.upper().replace("/", "").replace("-", ""): one for one in known}
    plain_name = name.upper().replace("/", "").replace("-", "")
    near = difflib.get_close_matches(plain_name, folded, n=3, cutoff=0.6)
    expected = " or ".join(folded[one] for one in near) or (f"a name as {example}" if example else None)
    return InstrumentError(f"{venue} lists no such instrument", expected=expected, got=name)


def _binance(
    body: bytes, names: Sequence[str], lot_of: Callable[[_BinanceSymbol, Decimal, Decimal], Decimal]
) -> list[Listing]:
    symbols = {one.symbol: one for one in _read(body, _BinanceInfo, "Binance").symbols}
    found: list[Listing] = []
    for name in names:
        one = _found(name, symbols, "Binance")
        filters = {each.kind: each for each in one.filters}
        if "PRICE_FILTER" not in filters or "LOT_SIZE" not in filters:
            raise ProtocolError(f"Binance states no grid of {name}", expected="PRICE_FILTER and LOT_SIZE")
        step, most = (
            _number(text, name, "Binance") for text in (filters["LOT_SIZE"].step, filters["LOT_SIZE"].most)
        )
        lot = lot_of(one, step, most)
        found.append(Listing(name, _instrument(name, filters["PRICE_FILTER"].tick, str(lot), "Binance")))
    return found


def _counted(places: int, step: Decimal, most: Decimal) -> Decimal:
    for each in range(places, -1, -1):
        lot = Decimal(1).scaleb(-each)
        if lot >= step or most * _MANY / lot < _ROOM:
            return min(lot, step)
    return step


def _kraken(pair: _KrakenPair) -> Listing:
    tick, lot = plain(pair.price_increment), plain(pair.qty_increment)
    for step, places in ((tick, pair.price_precision), (lot, pair.qty_precision)):
        if _number(step, pair.symbol, "Kraken").scaleb(places) % 1:
            raise ProtocolError(
                f"Kraken states steps of {pair.symbol} that it cannot write",
                expected=f"{places} decimals",
                got=step,
            )
    return Listing(
        pair.symbol,
        _instrument(pair.symbol, tick, lot, "Kraken"),
        pair.price_precision,
        pair.qty_precision,
    )


def _found(name: str, known: Mapping[str, _Each], venue: str) -> _Each:
    if name not in known:
        raise unknown(name, venue, known)
    return known[name]


def _read(body: str | bytes | msgspec.Raw, kind: type[_Each], venue: str) -> _Each:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        start = body[:60] if isinstance(body, str) else bytes(body)[:60]
        raise ProtocolError(
            f"{venue} describes its instruments in another form ({error})", got=start
        ) from None


def _number(text: str, name: str, venue: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ProtocolError(f"{venue} states a grid of {name} that is no number", got=text) from None


def _instrument(name: str, tick: str, lot: str, venue: str) -> Instrument:
    steps = [format(_number(text, name, venue).normalize(), "f") for text in (tick, lot)]
    try:
        return Instrument(name, Decimal(steps[0]), Decimal(steps[1]))
    except RtlabError as error:
        raise ProtocolError(
            f"{venue} states no grid of {name}: {error.what}", got=f"{tick} and {lot}"
        ) from None
