"""One recorded line of Binance, decoded and brought onto our grid."""

from collections.abc import Callable

import msgspec

from rtlab.model import DepthSnapshot, DepthUpdate, Instrument, Level, MarketMessage, Quote, Side, VenueTrade
from rtlab.sources.grid import Grid

_Rows = list[tuple[str, str]]
_MS = 1_000_000  # ns


class _Record(msgspec.Struct):
    stream: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    last_id: int | None = msgspec.field(default=None, name="lastUpdateId")
    bids: _Rows = []
    asks: _Rows = []
    transacted: int | None = msgspec.field(default=None, name="T")


class _Depth(msgspec.Struct):
    symbol: str = msgspec.field(name="s")
    sent: int = msgspec.field(name="E")
    first_id: int = msgspec.field(name="U")
    last_id: int = msgspec.field(name="u")
    bids: _Rows = msgspec.field(name="b")
    asks: _Rows = msgspec.field(name="a")
    prev_id: int | None = msgspec.field(default=None, name="pu")
    transacted: int | None = msgspec.field(default=None, name="T")


class _BookTicker(msgspec.Struct):
    symbol: str = msgspec.field(name="s")
    update_id: int = msgspec.field(name="u")
    bid: str = msgspec.field(name="b")
    bid_qty: str = msgspec.field(name="B")
    ask: str = msgspec.field(name="a")
    ask_qty: str = msgspec.field(name="A")
    transacted: int | None = msgspec.field(default=None, name="T")


class _Trade(msgspec.Struct):
    symbol: str = msgspec.field(name="s")
    trade_id: int = msgspec.field(name="t")
    price: str = msgspec.field(name="p")
    qty: str = msgspec.field(name="q")
    transacted: int = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")


class _Probe(msgspec.Struct):
    symbol: str = msgspec.field(name="s")
    event: str | None = msgspec.field(default=None, name="e")
    prev_id: int | None = msgspec.field(default=None, name="pu")
    kind: str | None = msgspec.field(default=None, name="X")


_decode_record = msgspec.json.Decoder(_Record).decode
_decode_probe = msgspec.json.Decoder(_Probe).decode
_decode_depth = msgspec.json.Decoder(_Depth).decode
_decode_book_ticker = msgspec.json.Decoder(_BookTicker).decode
_decode_trade = msgspec.json.Decoder(_Trade).decode


def market_and_symbol(line: bytes) -> tuple[str, str] | None:
    """Tell what a line is about: ("spot" or "usdm", symbol), or None for a depth snapshot, which does not say.

    Raises ValueError when the line is no record of Binance.
    """
    record = _decode_record(line.partition(b" ")[2])
    if record.stream is not None:
        probe = _decode_probe(record.data)
        # only a future's depth has `pu`, its book ticker `e`, its trade `X`
        is_future = probe.prev_id is not None or probe.event == "bookTicker" or probe.kind is not None
        return "usdm" if is_future else "spot", probe.symbol
    if record.last_id is None:
        raise ValueError("neither a stream message nor a depth snapshot")
    return None


class RecordDecoder:
    """Decodes the lines of one recording of one instrument.

    `symbol` is the venue's name of it. Remembers the venue's newest time: where a message has none (the book
    ticker of spot), that is its `ts_event`.
    """

    def __init__(self, symbol: str, instrument: Instrument) -> None:
        self.symbol, self.name = symbol, instrument.symbol
        self._ticks, self._lots = Grid(instrument.tick_size, "price"), Grid(instrument.lot_size, "quantity")
        self._ts_venue = 0
        self._by_channel: dict[str, Callable[[msgspec.Raw, int], MarketMessage]] = {
            "depth": self._update,
            "trade": self._trade,
            "bookTicker": self._quote,
        }

    def decode(self, line: bytes) -> MarketMessage | None:
        """Give the message of a line; None when it belongs to a stream that is not read.

        Raises GridError when a number is off the grid, ValueError when the line is no record of this symbol.
        """
        received, _, text = line.partition(b" ")
        record, ts_recv = _decode_record(text), int(received)
        if record.stream is None:
            return self._snapshot(record, ts_recv)
        return self.stream(record.stream, record.data, ts_recv)

    def stream(self, stream: str, data: msgspec.Raw, ts_recv: int) -> MarketMessage | None:
        """Give the message that a stream carried; errors as `decode`."""
        # "btcusdt@depth@0ms": symbol, channel, and sometimes its pace
        read = self._by_channel.get(stream.partition("@")[2].partition("@")[0])
        return None if read is None else read(data, ts_recv)

    def snapshot(self, body: bytes, ts_recv: int) -> DepthSnapshot:
        """Give the REST depth snapshot that `body` is; errors as `decode`."""
        return self._snapshot(_decode_record(body), ts_recv)

    def _snapshot(self, record: _Record, ts_recv: int) -> DepthSnapshot:
        if record.last_id is None:
            raise ValueError("neither a stream message nor a depth snapshot")
        return DepthSnapshot(
            instrument=self.name,
            ts_event=self._ts(record.transacted, ts_recv),
            ts_recv=ts_recv,
            last_id=record.last_id,
            bids=self._levels(record.bids),
            asks=self._levels(record.asks),
        )

    def _update(self, raw: msgspec.Raw, ts_recv: int) -> DepthUpdate:
        depth = _decode_depth(raw)
        self._same(depth.symbol)
        return DepthUpdate(
            instrument=self.name,
            ts_event=self._ts(depth.transacted or depth.sent, ts_recv),
            ts_recv=ts_recv,
            first_id=depth.first_id,
            last_id=depth.last_id,
            prev_id=depth.prev_id,
            bids=self._levels(depth.bids),
            asks=self._levels(depth.asks),
        )

    def _trade(self, raw: msgspec.Raw, ts_recv: int) -> VenueTrade:
        trade = _decode_trade(raw)
        self._same(trade.symbol)
        return VenueTrade(
            instrument=self.name,
            ts_event=self._ts(trade.transacted, ts_recv),
            ts_recv=ts_recv,
            trade_id=trade.trade_id,
            aggressor_side=Side.ASK if trade.buyer_is_maker else Side.BID,
            price=self._ticks[trade.price],
            qty=self._lots[trade.qty],
        )

    def _quote(self, raw: msgspec.Raw, ts_recv: int) -> Quote:
        quote = _decode_book_ticker(raw)
        self._same(quote.symbol)
        return Quote(
            instrument=self.name,
            ts_event=self._ts(quote.transacted, ts_recv),
            ts_recv=ts_recv,
            update_id=quote.update_id,
            bid=self._ticks[quote.bid],
            bid_qty=self._lots[quote.bid_qty],
            ask=self._ticks[quote.ask],
            ask_qty=self._lots[quote.ask_qty],
        )

    def _levels(self, rows: _Rows) -> list[Level]:
        ticks, lots = self._ticks, self._lots
        return [(ticks[price], lots[qty]) for price, qty in rows]

    def _ts(self, milliseconds: int | None, ts_recv: int) -> int:
        if milliseconds is not None:
            self._ts_venue = milliseconds * _MS
        return self._ts_venue or ts_recv

    def _same(self, symbol: str) -> None:
        if symbol != self.symbol:
            raise ValueError(f"a message of {symbol} among those of {self.symbol}")
