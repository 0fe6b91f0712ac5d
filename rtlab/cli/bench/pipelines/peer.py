"""Run the analytics of the bench in one streaming engine of the package index: a script for its own environment.

    python peer.py NAME ROWS.npz

ROWS.npz holds `trades` (ts, ticks, lots) and `quotes` (ts, bid, bid lots, ask, ask lots), int64, in order. One JSON
object is printed: rows a second, and the results: bars of a second (how many, the sum of their closes), the sums of
VWAP (ticks x lots, lots), the order flow imbalance in lots and the sum of squared log returns.
"""

import json
import math
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

SECOND = 1_000_000_000
Results = dict[str, float]
Rows = list[tuple[int, ...]]


class Bars:
    """Open, high, low, close and lots of each second."""

    def __init__(self) -> None:
        self.bars: dict[int, list[int]] = {}

    def take(self, row: tuple[int, ...]) -> "Bars":
        """Take a trade."""
        ts, ticks, lots = row
        bar = self.bars.get(ts // SECOND)
        if bar is None:
            self.bars[ts // SECOND] = [ticks, ticks, ticks, ticks, lots]
        else:
            bar[1], bar[2], bar[3] = max(bar[1], ticks), min(bar[2], ticks), ticks
            bar[4] += lots
        return self


class Vwap:
    """Sums of ticks x lots and of lots."""

    def __init__(self) -> None:
        self.notional = self.lots = 0

    def take(self, row: tuple[int, ...]) -> "Vwap":
        """Take a trade."""
        self.notional += row[1] * row[2]
        self.lots += row[2]
        return self


class Variance:
    """The sum of squared log returns."""

    def __init__(self) -> None:
        self.last, self.total = math.nan, 0.0

    def take(self, row: tuple[int, ...]) -> "Variance":
        """Take a trade."""
        log = math.log(row[1])
        if not math.isnan(self.last):
            self.total += (log - self.last) ** 2
        self.last = log
        return self


class Imbalance:
    """The order flow imbalance of quotes that have both sides."""

    def __init__(self) -> None:
        self.last: tuple[int, ...] | None = None
        self.total = 0

    def take(self, row: tuple[int, ...]) -> "Imbalance":
        """Take a quote."""
        if self.last is not None:
            _, b, bq, a, aq = self.last
            _, nb, nbq, na, naq = row
            self.total += nbq * (nb >= b) - bq * (nb <= b) - naq * (na <= a) + aq * (na >= a)
        self.last = row
        return self


def told(bars: Bars, vwap: Vwap, variance: Variance, imbalance: Imbalance) -> Results:
    """Give what is compared."""
    return {
        "bars": len(bars.bars),
        "closes": sum(bar[3] for bar in bars.bars.values()),
        "notional": vwap.notional,
        "lots": vwap.lots,
        "variance": variance.total,
        "imbalance": imbalance.total,
    }


def streamz(trades: Rows, quotes: Rows) -> tuple[float, Results]:
    """Row by row, each analytic an `accumulate` that ends in a sink."""
    stream: Any = import_module("streamz").Stream
    parts = (Bars(), Vwap(), Variance(), Imbalance())
    sources = stream(asynchronous=False), stream(asynchronous=False)
    for part in parts:
        source = sources[isinstance(part, Imbalance)]
        source.accumulate(lambda state, row: state.take(row), start=part).sink(lambda state: None)
    began = time.perf_counter()
    for source, rows in zip(sources, (trades, quotes), strict=True):
        for row in rows:
            source.emit(row)
    return time.perf_counter() - began, told(*parts)


def bytewax(trades: Rows, quotes: Rows) -> tuple[float, Results]:
    """One worker; each analytic a `stateful_map` over the keyed rows, in batches of 1,000."""
    op: Any = import_module("bytewax.operators")
    testing: Any = import_module("bytewax.testing")
    outputs: Any = import_module("bytewax.outputs")
    flow = import_module("bytewax.dataflow").Dataflow("bench")
    kept: dict[str, Any] = {}

    def write_batch(self: Any, items: list[tuple[str, Any]]) -> None:
        for _, state in items:
            kept[type(state).__name__] = state

    last: Any = type("Last", (outputs.StatelessSinkPartition,), {"write_batch": write_batch})
    sink: Any = type("Sink", (outputs.DynamicSink,), {"build": lambda *_: last()})

    def step(kind: Callable[[], Any]) -> Callable[[Any, Any], Any]:
        def take(state: Any, row: tuple[int, ...]) -> tuple[Any, Any]:
            state = (state or kind()).take(row)
            return state, state

        return take

    for name, rows, kinds in (("trades", trades, (Bars, Vwap, Variance)), ("quotes", quotes, (Imbalance,))):
        source = op.input(name, flow, testing.TestingSource([("X", row) for row in rows], 1000))
        for kind in kinds:
            op.output(f"{kind.__name__} out", op.stateful_map(kind.__name__, source, step(kind)), sink())
    began = time.perf_counter()
    testing.run_main(flow)
    return time.perf_counter() - began, told(
        *(kept[one] for one in ("Bars", "Vwap", "Variance", "Imbalance"))
    )


def csp(trades: Rows, quotes: Rows) -> tuple[float, Results]:
    """A graph over curves: bars and imbalance are applied in Python, the sums are csp's own, in C++."""
    engine, stats, start = import_module("csp"), import_module("csp.stats"), datetime(2024, 1, 1)
    bars, imbalance = Bars(), Imbalance()

    def curve(rows: Rows, column: Callable[[tuple[int, ...]], Any], kind: type) -> Any:
        return engine.curve(
            kind, [(start + timedelta(microseconds=n), column(row)) for n, row in enumerate(rows)]
        )

    def graph() -> None:
        row, quote = curve(trades, lambda one: one, object), curve(quotes, lambda one: one, object)
        price = curve(trades, lambda one: float(one[1]), float)
        lots = curve(trades, lambda one: float(one[2]), float)
        change = engine.diff(engine.ln(price), 1)
        for name, output in (
            ("bars", engine.apply(row, bars.take, object)),
            ("imbalance", engine.apply(quote, imbalance.take, object)),
            ("notional", stats.sum(price * lots)),
            ("lots", stats.sum(lots)),
            ("variance", stats.sum(change * change)),
        ):
            engine.add_graph_output(name, output, tick_count=1)

    built = engine.build_graph(graph)
    end = start + timedelta(microseconds=max(len(trades), len(quotes)))
    began = time.perf_counter()
    found = engine.run(built, starttime=start, endtime=end)
    seconds = time.perf_counter() - began
    vwap, variance = Vwap(), Variance()
    vwap.notional, vwap.lots = found["notional"][-1][1], found["lots"][-1][1]
    variance.total = found["variance"][-1][1]
    return seconds, told(bars, vwap, variance, imbalance)


def pathway(trades: Rows, quotes: Rows) -> tuple[float, Results]:
    """Tables with reducers, in Rust; what needs the row before takes it by `sort`."""
    pw, pd = import_module("pathway"), import_module("pandas")
    t = pw.debug.table_from_pandas(
        pd.DataFrame([(n, *row) for n, row in enumerate(trades)], columns=["n", "ts", "p", "q"])
    )
    names = ["n", "ts", "b", "bq", "a", "aq"]
    q = pw.debug.table_from_pandas(pd.DataFrame([(n, *row) for n, row in enumerate(quotes)], columns=names))
    t = t.with_columns(second=t.ts // SECOND, log=pw.apply_with_type(math.log, float, t.p))
    bars = t.groupby(t.second).reduce(
        high=pw.reducers.max(t.p),
        low=pw.reducers.min(t.p),
        lots=pw.reducers.sum(t.q),
        last=pw.reducers.argmax(t.n),
    )
    bars = bars.select(bars.high, bars.low, bars.lots, close=t.ix(bars.last).p)
    count = bars.reduce(bars=pw.reducers.count(), closes=pw.reducers.sum(bars.close))
    sums = t.reduce(notional=pw.reducers.sum(t.p * t.q), lots=pw.reducers.sum(t.q))
    t += t.sort(key=t.n)
    before = t.ix(t.prev, optional=True)
    change = t.select(square=pw.coalesce((t.log - pw.coalesce(before.log, t.log)) ** 2, 0.0))
    variance = change.reduce(variance=pw.reducers.sum(change.square))
    q += q.sort(key=q.n)
    old = q.ix(q.prev, optional=True)
    columns = (q.b, q.bq, q.a, q.aq, *(pw.coalesce(getattr(old, one), -1) for one in ("b", "bq", "a", "aq")))

    def flow(nb: int, nbq: int, na: int, naq: int, b: int, bq: int, a: int, aq: int) -> int:
        return 0 if bq < 0 else nbq * (nb >= b) - bq * (nb <= b) - naq * (na <= a) + aq * (na >= a)

    e = q.select(e=pw.apply_with_type(flow, int, *columns))
    total = e.reduce(imbalance=pw.reducers.sum(e.e))
    began = time.perf_counter()
    found = [pw.debug.table_to_pandas(one).iloc[0].to_dict() for one in (count, sums, variance, total)]
    return time.perf_counter() - began, {name: value for one in found for name, value in one.items()}


PEERS: dict[str, Callable[[Rows, Rows], tuple[float, Results]]] = {
    "streamz": streamz,
    "bytewax": bytewax,
    "csp": csp,
    "pathway": pathway,
}


def main(name: str, path: str) -> str:
    """Give the JSON of one run."""
    loaded: Any = import_module("numpy").load(path)
    trades, quotes = ([tuple(row) for row in loaded[one].tolist()] for one in ("trades", "quotes"))
    seconds, results = PEERS[name](trades, quotes)
    plain = {key: float(value) for key, value in results.items()}
    return json.dumps({"rate": (len(trades) + len(quotes)) / seconds, "results": plain})


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
