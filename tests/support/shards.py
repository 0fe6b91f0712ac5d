"""A small deployment without Dask: rows of some instruments, their truth, and tasks that run where they are called."""

import threading
import time

import numpy as np
from support.frames import BTC, random_trades, trades

from rtlab.model import Instrument
from rtlab.pipelines import Frame, Graph, Log
from rtlab.pipelines.cluster.keys import keys_of
from rtlab.pipelines.cluster.log import connect
from rtlab.pipelines.cluster.results import table_of
from rtlab.pipelines.cluster.shard import Task, run_shard

COINS = [BTC, *(Instrument(f"COIN-{n}", "0.01", "0.001") for n in range(5))]
PACK = 50


def analytics(stream):
    bars = stream.bars("1s")
    return {
        "bars": bars,
        "vwap": stream.vwap("1m"),
        "ema": bars.ema(3),
        "volatility": stream.realized_volatility("1m"),
    }


def values(frame: Frame | None) -> dict[str, list]:
    return {} if frame is None else {name: column.tolist() for name, column in frame.columns.items()}


class Play:
    """A log named `name` in the Redis at `url`, and what was appended to it."""

    def __init__(self, url: str, name: str, graph: Graph | None = None, **settings) -> None:
        self.url, self.name, self.settings = url, name, settings
        self.graph = graph or Graph(analytics)
        self.log = Log(url, name)
        self.redis = connect(url)
        self._blocks: dict[str, list[np.ndarray]] = {}

    def __enter__(self) -> "Play":
        return self

    def __exit__(self, *problem: object) -> None:
        self.log.close()
        self.redis.close()

    def append(self, rows: int, instruments: list[Instrument] = COINS, seed: int = 1) -> None:
        """Append so many more rows of each instrument, packed."""
        for number, instrument in enumerate(instruments):
            blocks = self._blocks.setdefault(instrument.symbol, [])
            so_far = sum(map(len, blocks))
            new = random_trades(1000 * so_far + seed + number, rows)
            new[:, 0] += (blocks[-1][-1, 0] if blocks else new[0, 0]) - new[0, 0]
            for first in range(0, rows, PACK):
                self.log.append(instrument, so_far + first + 1, new[first : first + PACK])
            blocks.append(new)

    @property
    def rows(self) -> dict[str, np.ndarray]:
        """What was appended of each instrument."""
        return {symbol: np.concatenate(blocks) for symbol, blocks in self._blocks.items()}

    def watch(self, symbol: str) -> None:
        """Wait for an instrument that somebody else appends to."""
        self._blocks.setdefault(symbol, [])

    def task(self, shard: int = 0, shards: int = 1, **settings) -> Task:
        return Task(self.graph, self.url, self.name, shard, shards, 1, **self.settings | settings)

    def is_done(self) -> bool:
        """Whether everything that was appended is folded and committed, or put aside."""
        for symbol in self._blocks:
            keys = keys_of(self.name, symbol)
            at = self.redis.hget(keys.checkpoint, "id")
            last = self.redis.xinfo_stream(keys.log)["last-generated-id"]
            if at != last:
                return False
        return True

    def run(self, task: Task | None = None, until=None, sleep=lambda seconds: None) -> str:
        """Run a task here until all is done (or `until`); its pauses are over at once."""
        return run_shard(task or self.task(), "here", until or self.is_done, sleep)

    def beside(self, task: Task) -> tuple[threading.Thread, list[str], threading.Event]:
        """Run a task in a thread of its own until the event is set."""
        ended, stop = [], threading.Event()
        thread = threading.Thread(target=lambda: ended.append(run_shard(task, "beside", stop.is_set)))
        thread.start()
        return thread, ended, stop

    def wait(self, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not self.is_done():
            assert time.monotonic() < deadline, "the log was never folded to its end"
            time.sleep(0.01)

    def truth(self, symbol: str) -> tuple[dict[str, dict[str, list]], bytes]:
        """What one process makes of all rows at once: each output as one table, and the state."""
        instrument = next(one for one in COINS if one.symbol == symbol)
        with self.graph.begin(instrument) as running:
            came = running.push(trades(self.rows[symbol], 1, instrument))
            return {name: values(table_of(frames)) for name, frames in came.items()}, running.state()

    def check(self) -> None:
        """Compare everything with the truth, value for value and byte for byte."""
        for symbol in self.rows:
            expected, state = self.truth(symbol)
            assert {name: values(self.log.results(symbol, name)) for name in expected} == expected
            assert self.log.state(symbol) == state
