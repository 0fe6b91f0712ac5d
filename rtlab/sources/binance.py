"""Recorded Binance market data, spot and USD-M futures, as market messages in recorded order.

A record is one line: receive time in ns, a space, and either a message of a combined stream as the venue sent
it, `{"stream": "btcusdt@depth@0ms", "data": {...}}`, or the REST depth snapshot (`lastUpdateId`, `bids`,
`asks`). Trades, book tickers and depth diffs are read; records of any other stream are skipped and counted.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from rtlab.errors import GridError, InstrumentError, RtlabError, SourceError
from rtlab.model import DepthSnapshot, DepthUpdate, Instrument, MarketMessage, Quote, VenueTrade
from rtlab.sources.binance_records import RecordDecoder, market_and_symbol
from rtlab.sources.recording import lines

KNOWN = {
    ("usdm", "BTCUSDT"): (Decimal("0.10"), Decimal("0.001")),
    ("usdm", "ETHUSDT"): (Decimal("0.01"), Decimal("0.001")),
    ("spot", "BTCUSDT"): (Decimal("0.01"), Decimal("0.00001")),
    # its lot is 0.0001 for new orders, but older ones still rest at a finer one (2292.22972 at 5000 in 2024)
    ("spot", "ETHUSDT"): (Decimal("0.01"), Decimal("0.00001")),
}
"""(market, symbol) -> (tick size, lot size) of what need not be described."""


class BinanceStatistics(NamedTuple):
    """What one reading of a recording has given so far."""

    records: int
    snapshots: int
    updates: int
    trades: int
    quotes: int
    skipped: int


class Binance:
    """One recorded file of one instrument. Iterate it for market messages; each iteration starts anew.

    Raises SourceError at once when the file is missing, empty or foreign; while it is read, SourceError when a
    record is cut, foreign or of another symbol, GridError when a price or quantity is off the grid. Both name
    file and record, and come after everything good before it was given. InstrumentError when the grid of the
    symbol is neither KNOWN nor given.
    """

    def __init__(self, path: str | Path, instrument: Instrument | None = None) -> None:
        self.path = Path(path)
        self.market, self.symbol = self._probe()
        self.instrument = instrument or self._known()
        self._counts: dict[type | None, int] = {}
        self._records = 0

    @property
    def instruments(self) -> tuple[Instrument]:
        """The one instrument."""
        return (self.instrument,)

    def __iter__(self) -> Iterator[MarketMessage]:
        decode = RecordDecoder(self.symbol, self.instrument).decode
        counts: dict[type | None, int] = {None: 0}
        self._counts, self._records = counts, 0
        for number, line in enumerate(lines(self.path), 1):
            try:
                message = decode(line)
            except ValueError as error:  # which msgspec's errors are
                raise self._foreign(number, line, error) from None
            except GridError as error:
                what = f"{self.path}: record {number}: {error.what}"
                raise GridError(what, expected=error.expected, got=error.got) from None
            self._records = number
            kind = type(message) if message is not None else None
            counts[kind] = counts.get(kind, 0) + 1
            if message is not None:
                yield message

    def chunks(self, window_ns: int = 0) -> Iterator[tuple[int, list[MarketMessage]]]:
        """Yield (ts_recv of the first message, messages received within `window_ns` of it)."""
        chunk: list[MarketMessage] = []
        try:
            for message in self:
                if chunk and message.ts_recv - chunk[0].ts_recv > window_ns:
                    yield chunk[0].ts_recv, chunk
                    chunk = []
                chunk.append(message)
        except RtlabError:
            if chunk:
                yield chunk[0].ts_recv, chunk
            raise
        if chunk:
            yield chunk[0].ts_recv, chunk

    def statistics(self) -> BinanceStatistics:
        """Count what the newest iteration has read."""
        kinds = (DepthSnapshot, DepthUpdate, VenueTrade, Quote, None)
        return BinanceStatistics(self._records, *(self._counts.get(kind, 0) for kind in kinds))

    def _probe(self) -> tuple[str, str]:
        number = 0
        for number, line in enumerate(lines(self.path), 1):
            try:
                found = market_and_symbol(line)
            except ValueError as error:
                raise self._foreign(number, line, error) from None
            if found is not None:
                return found
        raise SourceError(
            f"{self.path}: the recording names no instrument",
            expected="at least one stream message",
            got=f"{number} records",
        )

    def _foreign(self, number: int, line: bytes, error: ValueError) -> SourceError:
        return SourceError(
            f"{self.path}: record {number} is not one of Binance ({error})",
            expected="a receive time in ns, a space and a message in JSON",
            got=line[:60],
        )

    def _known(self) -> Instrument:
        grid = KNOWN.get((self.market, self.symbol))
        if grid is None:
            raise InstrumentError(
                f"{self.path}: the grid of its instrument is not known",
                expected="an Instrument, or one of " + ", ".join(f"{s} ({m})" for m, s in KNOWN),
                got=f"{self.symbol} ({self.market})",
            )
        return Instrument(self.symbol, *grid)
