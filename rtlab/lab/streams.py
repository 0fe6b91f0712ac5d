"""The lab's streams: what the client applies, as frames."""

from collections.abc import Mapping

import rtlab.views.streams  # noqa: F401  gives every stream its `plot` and `to_holoviews`
from rtlab.lab.hub import Followed, Handler, Hub, Wish
from rtlab.model import Instrument
from rtlab.pipelines import FrameSource, FrameSourceStatistics, FrameStream
from rtlab.protocol import Applied, Ticker, Trades

TAPE_DEPTH = 1000  # trades that a fresh stream begins with


class Streams:
    """One frame source for each channel and instrument that somebody asked for; belongs to the client's loop."""

    def __init__(self, hub: Hub, *, hz: float) -> None:
        self._hub, self.hz = hub, hz
        self._sources: dict[tuple[str, str], tuple[FrameSource, Followed, Handler]] = {}

    def of(self, channel: str, instrument: Instrument) -> FrameStream:
        """Give the stream of `channel`; ConfigError when there are no frames of it."""
        key = (channel, instrument.symbol)
        if key not in self._sources:
            source = FrameSource(instrument, channel, hz=self.hz)
            handler = _trades_into(source) if channel == "trades" else _quotes_into(source)
            wish = Wish(*key, TAPE_DEPTH) if channel == "trades" else Wish("ticker", instrument.symbol)
            source.start()
            self._sources[key] = source, self._hub.follow(wish, handler), handler
        return self._sources[key][0].stream

    def statistics(self) -> Mapping[str, FrameSourceStatistics]:
        """Give the counters of every source, as `stream trades BTC-USD`."""
        return {
            f"stream {channel} {symbol}": s.statistics()
            for (channel, symbol), (s, _, _) in self._sources.items()
        }

    def close(self) -> None:
        """End every stream."""
        for source, followed, handler in self._sources.values():
            self._hub.leave(followed, handler)
            source.close()
        self._sources.clear()


def _trades_into(source: FrameSource) -> Handler:
    def on_applied(applied: Applied) -> None:
        message = applied.message
        if isinstance(message, Trades):
            source.on_trades(message.trades, message.before.seq + 1, epoch=message.epoch)

    return on_applied


def _quotes_into(source: FrameSource) -> Handler:
    def on_applied(applied: Applied) -> None:
        message = applied.message
        if isinstance(message, Ticker):
            quote = (message.bid, message.bid_qty, message.ask, message.ask_qty)
            source.on_quote(message.ts_event, message.seq, *quote)

    return on_applied
