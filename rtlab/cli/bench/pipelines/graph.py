"""The graph of the bench: packed rows in, a Bokeh source out, and every analytic of the peers between them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtlab.model import Instrument
from rtlab.pipelines import Frame, FrameSource, FrameStream
from rtlab.pipelines.analytics import BarsFold, ImbalanceFold, VolatilityFold, VwapFold
from rtlab.pipelines.cluster.packed import frame_of, pack_rows
from rtlab.sources.simulated import demo_instruments
from rtlab.views import column_source

Rows = npt.NDArray[np.int64]
INSTRUMENT: Instrument = demo_instruments()[0]
HZ = 30
KEPT = 2_000  # rows of a source: about as many as a screen has columns
SECOND = 1_000_000_000
FEED_S = 0.005


def random_rows(count: int, seed: int = 1) -> tuple[Rows, Rows]:
    """Give `count` trades (ts, ticks, lots, side) and as many quotes (ts, seq, bid, lots, ask, lots)."""
    rng = np.random.default_rng(seed)
    ts = 1_700_000_000 * SECOND + np.cumsum(rng.integers(0, 200_000, count))
    ticks = 600_000 + np.cumsum(rng.integers(-3, 4, count))
    trades = np.stack([ts, ticks, rng.integers(1, 5000, count), rng.integers(0, 2, count)], axis=1)
    sizes = rng.integers(1, 900, (2, count))
    quotes = np.stack(
        [ts, np.arange(1, count + 1), ticks - 1, sizes[0], ticks + rng.integers(1, 4, count), sizes[1]],
        axis=1,
    )
    return trades.astype(np.int64), quotes.astype(np.int64)


def results(trades: Rows, quotes: Rows) -> dict[str, float]:
    """Give what every engine must come to."""
    bars = BarsFold(SECOND).fold(*trades[:, :3].T.copy())
    vwap, flow = (
        VwapFold().fold(*trades[:, :3].T.copy()),
        ImbalanceFold().fold(*quotes[:, [0, 2, 3, 4, 5]].T.copy()),
    )
    variance = VolatilityFold().fold(trades[:, 0].copy(), trades[:, 1].astype(np.float64)).variance
    return {
        "bars": float(len(bars.start)),
        "closes": float(bars.close.sum()),
        "notional": float(vwap.notional[-1]),
        "lots": float(vwap.lots[-1]),
        "variance": float(variance[-1]),
        "imbalance": float(flow.imbalance[-1]),
    }


class Picture:
    """Bokeh sources at the end of the analytics: each takes the newest frame, as often as a screen is painted."""

    def __init__(self, trades: FrameStream, quotes: FrameStream, pause_s: float) -> None:
        self._pause_s = pause_s
        self.nodes = [
            trades.bars("1s"),
            trades.vwap(),
            trades.realized_volatility(),
            quotes.order_flow_imbalance(),
        ]
        self.conflated = [node.conflate() for node in self.nodes]
        self.sources = [column_source.empty() for _ in self.nodes]
        self.painted: list[tuple[float, int, int]] = []  # when, and the sequences of the first and last row
        for number, node in enumerate(self.conflated):
            node.sink(self._painter(number))

    def _painter(self, number: int) -> Callable[[Frame], Awaitable[None]]:
        async def paint(frame: Frame) -> None:
            column_source.take(self.sources[number], frame, KEPT)
            if "seq" in frame.columns:
                self.painted.append((time.perf_counter(), int(frame["seq"][0]), int(frame["seq"][-1])))
            await asyncio.sleep(self._pause_s)

        return paint


async def throughput(trades: Rows, quotes: Rows, rows_per_frame: int) -> float:
    """Give rows a second through the whole graph, packed frames in, on one core."""
    packed = []
    for n in range(0, len(trades), rows_per_frame):
        parts = (rows[n : n + rows_per_frame] for rows in (trades, quotes))
        packed.append([pack_rows(n + 1, part) for part in parts])
    async with FrameSource(INSTRUMENT, "trades") as left, FrameSource(INSTRUMENT, "ticker") as right:
        picture = Picture(left.stream, right.stream, 1 / HZ)
        began = time.perf_counter()
        for number, (trade, quote) in enumerate(packed):
            left.stream._emit(frame_of("trades", INSTRUMENT, [trade]))
            right.stream._emit(frame_of("ticker", INSTRUMENT, [quote]))
            if number % 16 == 15:
                await asyncio.sleep(0)
        seconds = time.perf_counter() - began
        assert all(node.errors == 0 for node in picture.nodes)
        assert sum(node.rows for node in picture.nodes[1:3]) == 2 * len(trades)
    return 2 * len(trades) / seconds


class Steady(NamedTuple):
    """What a steady flow of rows cost and how late it was seen."""

    core_percent: float
    p50_ms: float
    p99_ms: float


async def steady(rows_per_s: int, seconds: float) -> Steady:
    """Feed trades in real time, every 5 ms what is due; measure this process's CPU, and row to source."""
    trades, _ = random_rows(int(rows_per_s * seconds))
    arrived = np.zeros(len(trades) + 1)
    async with FrameSource(INSTRUMENT, "trades", hz=HZ) as source:
        picture = Picture(source.stream, source.stream.filter(lambda frame: False), 0.0)
        began, cpu, sent = time.perf_counter(), time.process_time(), 0

        def feed() -> bool:
            nonlocal sent
            due = min(int((time.perf_counter() - began) * rows_per_s), len(trades))
            if due > sent:
                arrived[sent + 1 : due + 1] = time.perf_counter()
                source.on_trades(trades[sent:due], sent + 1)
                sent = due
            return sent < len(trades)

        await on_grid(feed, FEED_S)
        percent = 100 * (time.process_time() - cpu) / (time.perf_counter() - began)
    delays = np.concatenate([now - arrived[first : last + 1] for now, first, last in picture.painted])
    return Steady(percent, *(1e3 * np.percentile(delays, [50, 99])).tolist())


async def on_grid(call: Callable[[], bool], period_s: float) -> None:
    """Call every `period_s`, on a grid that does not drift, until it gives False; raise what it raises.

    A turn of the loop each, as a socket that has something to read takes; a task that sleeps takes two.
    """
    loop = asyncio.get_running_loop()
    began, over = loop.time(), loop.create_future()

    def turn(number: int) -> None:
        try:
            if call():
                loop.call_at(began + number * period_s, turn, number + 1)
            else:
                over.set_result(None)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is raised where this is awaited
            over.set_exception(error)

    turn(1)
    await over
