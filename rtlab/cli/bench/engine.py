"""`rtlab bench engine`: five shapes of order flow through the kernel, beside its twin and the engines of the index."""

import os
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Sequence
from itertools import repeat
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rtlab.cli.bench import rivals
from rtlab.cli.bench.results import result
from rtlab.cli.bench.shapes import ONE, SHAPES, flow, limits_and_cancels, standing
from rtlab.engine import CommandKind, Engine, Side
from rtlab.engine.reference import ReferenceEngine
from rtlab.model import CancelOrder, NewOrder

RowArray = npt.NDArray[np.void]
Result = dict[str, object]

BATCH = 8_192
_START = """
import time
began = time.perf_counter()
from rtlab.engine import Engine
from rtlab.sources.simulated import demo_instruments
Engine(demo_instruments())
print(time.perf_counter() - began)
"""


class Size(NamedTuple):
    """How much is measured."""

    runs: int
    messages: int  # of a shape
    plain: int  # of the flow of limits and cancels, for single commands and for other engines
    resting: int  # orders of the deep book
    growing: int  # commands while everything grows


FULL = Size(5, 2_000_000, 200_000, 1_000_000, 10_000_000)
QUICK = Size(3, 2_000_000, 20_000, 100_000, 500_000)


def run(quick: bool) -> dict[str, object]:
    """Measure all of it; give results and goals as `rtlab bench --json` prints them."""
    size = QUICK if quick else FULL
    parts = [
        _shapes(size),
        _single(size),
        _beside_rivals(size, rivals.environment),
        _deep(size),
        _pauses(size),
        _start(size),
    ]
    return {
        "results": [row for rows, _ in parts for row in rows],
        "goals": [goal for _, goals in parts for goal in goals],
    }


def _rate(engine: Engine | ReferenceEngine, rows: RowArray, batch: int) -> float:
    began = time.perf_counter()
    for start in range(0, len(rows), batch):
        engine.process(rows[start : start + batch])
    return len(rows) / (time.perf_counter() - began)


def _shapes(size: Size) -> tuple[list[Result], list[Result]]:
    rows, worst = [], float("inf")
    for shape in SHAPES:
        messages = flow(shape, size.messages)
        rates = [_rate(Engine([ONE]), messages, BATCH) for _ in range(size.runs)]
        case = f"{shape}, {len(messages):,} messages, batches of {BATCH:,}"
        rows.append(result("throughput", "rtlab", case, "messages/s", rates))
        worst = min(worst, median(rates))
    messages = flow("normal", size.messages // 2)
    eights = [1e9 / _rate(Engine([ONE]), messages[:200_000], 8) for _ in range(size.runs)]
    rows.append(result("one command in batches of 8", "rtlab", "normal", "ns", eights))
    goals = [
        _goal(4, "worst shape", worst, ">=", 8e6, "messages/s"),
        _goal(4, "a command in batches of 8", median(eights), "<=", 250, "ns"),
    ]
    return rows, goals


def _single(size: Size) -> tuple[list[Result], list[Result]]:
    values = _values(limits_and_cancels(flow("normal", 3 * size.plain))[: size.plain])
    times = np.zeros(len(values), np.int64)
    times.fill(1)  # now its pages are there: nothing that a submit is timed by costs memory
    fastest = np.full(len(values), np.iinfo(np.int64).max)
    half, most, idle = [], [], []
    for _ in range(size.runs):
        _time_each(Engine([ONE]).submit, values, times)
        np.minimum(fastest, times, out=fastest)
        half.append(float(np.percentile(times, 50)) / 1e3)
        most.append(float(np.percentile(times, 99)) / 1e3)
        _time_each(_idle_for(half[-1] * 1e3), values, times)
        idle.append(float(np.percentile(times, 99)) / 1e3)
    rows = [
        result("one submit, p50", "rtlab", "limits and cancels", "us", half),
        result("one submit, p99", "rtlab", "limits and cancels", "us", most),
        result(
            "one submit, p99",
            "rtlab",
            f"limits and cancels, of each command the fastest of {size.runs} runs",
            "us",
            [float(np.percentile(fastest, 99)) / 1e3],
        ),
        result("one submit, p99", "the machine alone", "a loop of nothing, as long as the p50", "us", idle),
    ]
    return rows, [
        _goal(4, "one submit, p50", median(half), "<=", 1.5, "us"),
        _goal(4, "one submit, p99", median(most), "<=", 4, "us"),
    ]


def _time_each(do: Callable[[Any], object], values: Sequence[object], times: npt.NDArray[np.int64]) -> None:
    clock = time.perf_counter_ns
    for at, value in enumerate(values):
        began = clock()
        do(value)
        times[at] = clock() - began


def _idle_for(nanoseconds: float) -> Callable[[object], None]:
    """Give a function that does nothing for so long: its slowest calls are the machine's own doing."""

    def idle(turns: int) -> None:
        for _ in repeat(None, turns):
            pass

    none, whole = (min(timeit.repeat(lambda n=n: idle(n), number=100, repeat=5)) * 1e7 for n in (0, 1000))  # type: ignore[misc]
    turns = max(0, round(1000 * (nanoseconds - none) / (whole - none)))
    return lambda _: idle(turns)


def _beside_rivals(size: Size, python_of: rivals.PythonOf) -> tuple[list[Result], list[Result]]:
    messages = limits_and_cancels(flow("normal", 3 * size.plain))[: size.plain]

    def row(contender: str, count: int, rates: list[float], how: str = "", reason: str = "") -> Result:
        case = f"limits and cancels, {'the first ' * (count < len(messages))}{count:,} messages{how}"
        return result("throughput", contender, case, "messages/s", rates, reason)

    ours = [_rate(Engine([ONE]), messages, BATCH) for _ in range(size.runs)]
    twin = messages[:1000]
    rows = [
        row("rtlab", len(messages), ours, f", batches of {BATCH:,}"),
        row("rtlab", len(messages), _one_by_one(messages, size.runs), ", one by one"),
        row("reference twin", len(twin), [_rate(ReferenceEngine([ONE]), twin, BATCH)]),
    ]
    measured = list(rivals.measure(messages, ONE, size.runs, python_of))
    rows += [row(one.contender, one.messages, one.rates, ", one by one", one.reason) for one in measured]
    fastest = rivals.best(measured)
    times = median(ours) / fastest if fastest else None
    return rows, [_goal(4, "times the fastest other engine", times, ">=", 10, "x")]


def _one_by_one(messages: RowArray, runs: int) -> list[float]:
    values, rates = _values(messages), []
    for _ in range(runs):
        engine = Engine([ONE])
        began = time.perf_counter()
        for value in values:
            engine.submit(value)
        rates.append(len(values) / (time.perf_counter() - began))
    return rates


def _deep(size: Size) -> tuple[list[Result], list[Result]]:
    messages, book = flow("static book", size.messages // 2), standing(size.resting)
    shallow = [_rate(Engine([ONE]), messages, BATCH) for _ in range(size.runs)]
    deep, weights = [], []
    for _ in range(size.runs):
        engine = Engine([ONE], capacity=size.resting + len(messages) // 20)
        engine.process(book)
        weights.append(engine.statistics().memory_bytes / size.resting)
        deep.append(_rate(engine, messages, BATCH))
    case = f"static book over {size.resting:,} resting orders"
    rows = [
        result("throughput", "rtlab", "static book alone", "messages/s", shallow),
        result("throughput", "rtlab", case, "messages/s", deep),
        result("memory of a resting order", "rtlab", case, "bytes", weights),
    ]
    return rows, [
        _goal(5, "times slower over a deep book", median(shallow) / median(deep), "<=", 2, "x"),
        _goal(5, "memory of a resting order", median(weights), "<=", 128, "bytes"),
    ]


def _pauses(size: Size) -> tuple[list[Result], list[Result]]:
    """Half of the commands are orders that stay: pool, map, levels and windows grow all the time."""
    engine, pauses = Engine([ONE]), []
    book = standing(size.growing // 2)
    for start in range(0, len(book), 500):
        rows = np.repeat(book[start : start + 500], 2)
        rows["kind"][1::2], rows["qty"][1::2] = CommandKind.REPLACE, 1
        busy, began = time.process_time(), time.perf_counter()
        engine.process(rows)
        pauses.append((1e3 * (time.perf_counter() - began), 1e3 * (time.process_time() - busy)))
    worst, of_it = max(pauses)
    case = f"{2 * len(book):,} commands, {len(book):,} orders stay, batches of 1,000"
    made = [
        result("worst pause", "rtlab", case, "ms", [worst]),
        result("worst pause, processor time in it", "rtlab", case, "ms", [of_it]),
    ]
    return made, [_goal(9, "worst pause while everything grows", worst, "<=", 10, "ms")]


def _values(rows: RowArray) -> list[NewOrder | CancelOrder]:
    names = ("kind", "order_id", "side", "price", "qty")
    return [
        CancelOrder(instrument=ONE.symbol, order_id=order_id)
        if kind == CommandKind.CANCEL
        else NewOrder(instrument=ONE.symbol, order_id=order_id, side=Side(side), price=price, qty=qty)
        for kind, order_id, side, price, qty in zip(*(rows[name].tolist() for name in names), strict=True)
    ]


def _start(size: Size) -> tuple[list[Result], list[Result]]:
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        cold, *warm = (_seconds_to_start(environment) for _ in range(1 + size.runs))
    rows = [
        result("import and first engine", "rtlab", "nothing compiled before", "s", [cold]),
        result("import and first engine", "rtlab", "compiled before", "s", warm),
    ]
    return rows, [_goal(9, "import and first engine, warm", median(warm), "<=", 1.5, "s")]


def _seconds_to_start(environment: dict[str, str]) -> float:
    command = [sys.executable, "-c", _START]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=True)
    return float(done.stdout)


def _goal(show: int, name: str, value: float | None, op: str, bound: float, unit: str) -> Result:
    return {"show": show, "name": name, "value": value, "op": op, "bound": bound, "unit": unit}
