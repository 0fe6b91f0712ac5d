"""The analytics of a recorded session: the same bytes whatever the speed, the batches and the machine.

Every node is a fold whose result does not depend on how rows were cut into frames, sums are whole ticks times lots,
and time comes from the rows. So two people who hold the same folder get the same digest, or one of them has a fault.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256

import numpy as np

from rtlab.book import Market, Step
from rtlab.book.market import InstrumentState
from rtlab.errors import ConfigError, LocalError
from rtlab.lab.session import Move, RecordedSession, Whole
from rtlab.model import Instrument
from rtlab.pipelines import Frame, FrameStream, Graph
from rtlab.pipelines.cluster.results import pack_results, table_of
from rtlab.pipelines.frame import quote_frame, trade_frame

Results = dict[str, dict[str, Frame]]
"""By symbol, by output."""

BATCH = 1000


def of_trades(stream: FrameStream) -> Mapping[str, FrameStream]:
    """Give what is made of trades."""
    return {
        "trades": stream,
        "bars": stream.bars("1s"),
        "volume bars": stream.volume_bars(1000),
        "vwap": stream.vwap("1m"),
        "signs": stream.trade_sign(),
    }


def of_quotes(stream: FrameStream) -> Mapping[str, FrameStream]:
    """Give what is made of quotes."""
    return {
        "spread": stream.spread(),
        "microprice": stream.microprice(),
        "order flow imbalance": stream.order_flow_imbalance(),
    }


class _Branch:
    """One graph of one instrument: rows until there are `batch` of them, then a frame."""

    def __init__(self, instrument: Instrument, channel: str, batch: int) -> None:
        build = of_trades if channel == "trades" else of_quotes
        self.running = Graph(build, channel=channel).begin(instrument)
        self._channel, self._batch = channel, batch
        self._rows: list[tuple[int, ...]] = []
        self._seqs: list[int] = []
        self.came: dict[str, list[Frame]] = {name: [] for name in self.running.outputs}

    def add(self, seq: int, row: tuple[int, ...]) -> None:
        self._rows.append(row)
        self._seqs.append(seq)
        if len(self._rows) >= self._batch:
            self.push()

    def push(self) -> None:
        if not self._rows:
            return
        rows, seqs = np.array(self._rows, np.int64), np.array(self._seqs, np.int64)
        self._rows, self._seqs = [], []
        one = self.running.instrument
        frame = trade_frame(one, seqs, rows) if self._channel == "trades" else quote_frame(one, rows)
        for name, frames in self.running.push(frame).items():
            self.came[name] += frames
        if self.running.errors:
            raise LocalError(f"the analytics failed on {one.symbol}", got=self.running.failures[-1].error)


class Analyst:
    """Folds what a market does into the analytics, `batch` rows a frame; `market.on_step` may be its `on_step`."""

    def __init__(self, instruments: Iterable[Instrument], *, batch: int = BATCH) -> None:
        if batch < 1:
            raise ConfigError("frames hold at least one row", expected="a batch of 1 or more", got=batch)
        self._branches = {
            one.symbol: (_Branch(one, "trades", batch), _Branch(one, "ticker", batch)) for one in instruments
        }
        self._quoted = dict.fromkeys(self._branches, 0)

    def on_step(self, state: InstrumentState, step: Step) -> None:
        """Take one step, right after `state` was brought on by it."""
        trades, quotes = self._branches[state.instrument.symbol]
        first = state.tape.seq - len(step.trades) + 1
        for number, row in enumerate(step.trades):
            trades.add(first + number, row)
        ticker = state.ticker
        if ticker.seq != self._quoted[state.instrument.symbol]:
            self._quoted[state.instrument.symbol] = ticker.seq
            ts, bid, bid_qty, ask, ask_qty, *_ = ticker.row
            quotes.add(ticker.seq, (ts, ticker.seq, bid or 0, bid_qty, ask or 0, ask_qty))

    def finish(self) -> Results:
        """Give all results: of each output one frame, of a table (bars) the last version of each row."""
        found: Results = {}
        for symbol, branches in self._branches.items():
            found[symbol] = {}
            for branch in branches:
                branch.push()
                branch.running.close()
                whole = {name: table_of(frames) for name, frames in branch.came.items()}
                found[symbol] |= {name: frame for name, frame in whole.items() if frame is not None}
        return found


def bring_on(market: Market, moves: Iterable[Move]) -> int:
    """Fold moves into a market; give how many there were."""
    count = 0
    for ts, symbol, move in moves:
        count += 1
        if isinstance(move, Whole):
            market.replace_book(symbol, move.bids, move.asks, ts)
        else:
            market.fold(symbol, move)
    return count


def analysed(session: RecordedSession, *, batch: int = BATCH) -> Results:
    """Give the analytics of a whole session, as fast as it can be read."""
    instruments = list(session.instruments.values())
    market, analyst = Market(instruments, 1), Analyst(instruments, batch=batch)
    market.on_step = analyst.on_step
    bring_on(market, session.moves())
    return analyst.finish()


def digest(results: Results) -> str:
    """Give SHA-256 over all results, in the order of their names, as hexadecimal digits."""
    hashed = sha256()
    for symbol in sorted(results):
        for name in sorted(results[symbol]):
            hashed.update(f"{symbol}\0{name}\0".encode())
            hashed.update(pack_results({name: [results[symbol][name]]}))
    return hashed.hexdigest()
