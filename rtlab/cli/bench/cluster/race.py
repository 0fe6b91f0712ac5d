"""One log, folded to its end by a crew: how fast, and what that cost each part."""

import time
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple

from rtlab.cli.bench.cluster.crew import Crew
from rtlab.cli.bench.pipelines.graph import random_rows
from rtlab.errors import UnreachableError
from rtlab.model import Instrument
from rtlab.pipelines import FrameStream, Graph, Log
from rtlab.pipelines.cluster.keys import keys_of
from rtlab.pipelines.cluster.log import connect

INSTRUMENTS = [Instrument(f"COIN-{n}", Decimal("0.01"), Decimal("0.001")) for n in range(8)]
ENTRY = 500  # rows
LOOK_S = 0.01
PATIENCE_S = 120.0


class Measured(NamedTuple):
    """What a race took; all CPU is counted from before its start to after its end."""

    rows: int
    rate: float  # rows a second, from the first commit that was seen to the last
    lasted_s: float
    folding_s: float  # CPU of the crew
    scheduling_s: float  # CPU of Dask's scheduler
    redis_s: float  # CPU of Redis
    carried: int  # bytes into Redis and out of it
    resident: int  # bytes of the crew
    digest: str  # of what the graphs came to


def analytics(stream: FrameStream) -> Mapping[str, FrameStream]:
    """Make of an instrument's trades bars and their average, and row by row VWAP and volatility."""
    bars = stream.bars("1s")
    return {
        "bars": bars,
        "ema": bars.ema(20),
        "vwap": stream.vwap("1m"),
        "volatility": stream.realized_volatility("1m"),
    }


GRAPH = Graph(analytics, name="race")


class Course:
    """The logs of races, in the Redis at `url`."""

    def __init__(self, url: str) -> None:
        self._url, self._redis = url, connect(url)
        self._redis.config_set("auto-aof-rewrite-percentage", 0)  # it would come in the midst of a race
        self._races = 0

    def close(self) -> None:
        """Leave Redis."""
        self._redis.close()

    def race(self, crew: Crew, rows: int) -> Measured:
        """Let a crew fold a log of `rows` trades in all to its end; it is removed then."""
        self._races += 1
        name, each = f"race-{self._races}", rows // len(INSTRUMENTS)
        self._append(name, each)
        spent, redis, carried, began = crew.spent(), *self._redis_used(), time.perf_counter()
        crew.start(GRAPH, self._url, name)
        try:
            rate = self._rate(name, rows)
        finally:
            crew.end()
        lasted, now, (cpu, bytes_) = time.perf_counter() - began, crew.spent(), self._redis_used()
        return Measured(
            rows,
            rate,
            lasted,
            now.folding_s - spent.folding_s,
            now.scheduling_s - spent.scheduling_s,
            cpu - redis,
            bytes_ - carried,
            now.resident,
            self._remove(name),
        )

    def _append(self, name: str, each: int) -> None:
        trades, _ = random_rows(each)
        with Log(self._url, name) as log:
            for first in range(0, each, ENTRY):
                for instrument in INSTRUMENTS:
                    log.append(instrument, first + 1, trades[first : first + ENTRY])

    def _rate(self, name: str, total: int) -> float:
        """Wait for the end; give rows a second from the first commit that was seen on."""
        began, first, deadline = 0.0, 0, time.perf_counter() + PATIENCE_S
        while (done := self._done(name)) < total:
            now = time.perf_counter()
            if now > deadline:
                raise UnreachableError("the shards came to no end", expected=f"{total:,} rows", got=done)
            if not first and done:
                first, began = done, now
            time.sleep(LOOK_S)
        return (total - first) / (time.perf_counter() - began)

    def _done(self, name: str) -> int:
        asked: Any = self._redis.pipeline(transaction=False)
        for instrument in INSTRUMENTS:
            asked.hget(keys_of(name, instrument.symbol).checkpoint, "rows")
        return sum(int(rows or 0) for rows in asked.execute())

    def _redis_used(self) -> tuple[float, int]:
        told: Any = self._redis.info("everything")
        cpu = float(told["used_cpu_user"]) + float(told["used_cpu_sys"])
        return cpu, int(told["total_net_input_bytes"]) + int(told["total_net_output_bytes"])

    def _remove(self, name: str) -> str:
        digest = sha256()
        for instrument in INSTRUMENTS:
            keys = keys_of(name, instrument.symbol)
            at: Any = self._redis.hmget(keys.checkpoint, "state", "rows")
            digest.update(b" ".join(at))
            self._redis.delete(*keys)
        return digest.hexdigest()
