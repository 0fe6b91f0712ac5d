"""`rtlab bench pipelines`: a real graph on one core, beside the streaming engines of the package index."""

import asyncio
from statistics import median
from typing import NamedTuple

from rtlab.cli.bench.pipelines import graph, peers
from rtlab.cli.bench.results import result

Result = dict[str, object]


class Size(NamedTuple):
    """How much is measured."""

    runs: int
    rows: int  # of trades, and of quotes
    plain: int  # the same, for engines that take row by row
    steady_s: float


FULL = Size(3, 1_000_000, 50_000, 10.0)
QUICK = Size(2, 200_000, 20_000, 3.0)
STEADY = 50_000


def run(quick: bool, python_of: peers.PythonOf = peers.environment) -> dict[str, object]:
    """Measure all of it; give results and goals as `rtlab bench --json` prints them."""
    size = QUICK if quick else FULL
    trades, quotes = graph.random_rows(size.rows)
    asyncio.run(graph.throughput(trades[:20_000], quotes[:20_000], 1000))  # what the kernels take to load
    rates = [asyncio.run(graph.throughput(trades, quotes, 1000)) for _ in range(size.runs)]
    case = "decode, bars, VWAP, imbalance, volatility, conflate, source"
    rows = [result("throughput, frames of 1,000 rows", "rtlab", case, "rows/s", rates)]
    best = 0.0
    some, few = trades[: size.plain], quotes[: size.plain]
    expected = graph.results(some, few)
    peer_rows = (some[:, :3], few[:, [0, 2, 3, 4, 5]])
    for name, numbers, reason in peers.measure(*peer_rows, expected, size.runs, python_of):
        best = max(best, median(numbers)) if numbers else best
        case = "the same analytics, equal results"
        rows.append(result("throughput, row by row", name, case, "rows/s", numbers, reason))
    steady = asyncio.run(graph.steady(STEADY, size.steady_s))
    case = f"{STEADY:,} rows/s for {size.steady_s:g} s, frames at {graph.HZ} Hz"
    rows += [
        result("CPU", "rtlab", case, "% of a core", [steady.core_percent]),
        result("row to source, p50", "rtlab", case, "ms", [steady.p50_ms]),
        result("row to source, p99", "rtlab", case, "ms", [steady.p99_ms]),
    ]
    ratio = median(rates) / best if best else None
    return {
        "results": rows,
        "goals": [
            _goal("throughput on one core", median(rates), ">=", 5e6, "rows/s"),
            _goal("throughput beside the best peer", ratio, ">=", 10, "x"),
            _goal("CPU at 50,000 rows/s", steady.core_percent, "<=", 5, "% of a core"),
            _goal("row to source, p99", steady.p99_ms, "<=", 50, "ms"),
        ],
    }


def _goal(name: str, value: float | None, op: str, bound: float, unit: str) -> Result:
    return {"show": 2, "name": name, "value": value, "op": op, "bound": bound, "unit": unit}
