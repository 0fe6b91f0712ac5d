"""Streams of trades and quotes that a test moves."""

from support.random_market import BTC, RandomMarket

from rtlab.pipelines import FrameSource


class Trades:
    """A stream of trades that a test moves."""

    def __init__(self) -> None:
        self.source, self.market, self.seq = FrameSource(BTC, "trades"), RandomMarket(), 1
        self.stream = self.source.stream

    def come(self, count: int = 20) -> None:
        columns = self.market.trades(count)
        rows = list(zip(columns["ts"], columns["ticks"], columns["lots"], columns["side"], strict=True))
        self.source.on_trades(rows, self.seq)
        self.seq += count
        self.source.flush()


class Quotes:
    """A stream of quotes that a test moves."""

    def __init__(self) -> None:
        self.source, self.seq = FrameSource(BTC, "ticker"), 0
        self.stream = self.source.stream

    def come(self, *quotes: tuple[int | None, int, int | None, int]) -> None:
        for bid, bid_qty, ask, ask_qty in quotes:
            self.seq += 1
            self.source.on_quote(self.seq * 10**9, self.seq, bid, bid_qty, ask, ask_qty)
            self.source.flush()


def sinks(stream: object) -> int:
    return len(list(stream.downstreams))
