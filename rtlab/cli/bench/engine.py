"""`rtlab bench engine`: commands a second through the kernel, its twin, and a peer where one is installed."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import NamedTuple

import numpy as np

from rtlab.engine import COMMAND, CommandKind, Engine, EventKind, OrderType, Side, TimeInForce
from rtlab.engine.reference import ReferenceEngine
from rtlab.model import CancelOrder, NewOrder
from rtlab.sources.flow import Commands
from rtlab.sources.simulated import Simulated, demo_instruments

PEER = "lightmatchingengine"
"""On PyPI; plain Python; limit orders and cancels."""

_INSTRUMENTS = demo_instruments()
_ONE = _INSTRUMENTS[:1]
_TWIN = "reference twin"
_MIXED = "all commands, 3 instruments"
_PLAIN = "limits and cancels, 1 instrument"
_START = """
import time
began = time.perf_counter()
from rtlab.engine import Engine
from rtlab.sources.simulated import demo_instruments
Engine(demo_instruments())
print(time.perf_counter() - began)
"""


class Size(NamedTuple):
    """How much is measured: runs, and commands for contenders that are compiled and that are not."""

    runs: int
    compiled: int
    plain: int


def run(quick: bool) -> dict[str, object]:
    """Measure all contenders; give results as `rtlab bench --json` prints them. There is no goal of its own."""
    size = Size(3, 200_000, 10_000) if quick else Size(7, 1_000_000, 40_000)
    return {"results": [*measure(size), *_start(size)], "goals": []}


def measure(size: Size) -> list[dict[str, object]]:
    """Give the results of all contenders, once everything is compiled."""
    return [*_throughput(size), *_latency(size), *_against_peer(size)]


def _throughput(size: Size) -> Iterator[dict[str, object]]:
    simulated = Simulated(_INSTRUMENTS, seed=1)
    opening, commands = simulated.batch(simulated.opening), simulated.batch(size.compiled)
    for batch in (8, 64, 1_000, size.compiled):
        some = commands[: min(size.compiled, batch * 10_000)]
        rates = [_rate(Engine(_INSTRUMENTS), opening, some, batch) for _ in range(size.runs)]
        yield _row("throughput", "rtlab", f"{_MIXED}, batches of {batch:,}", "commands/s", rates)
    some = commands[: size.plain]
    rates = [_rate(ReferenceEngine(_INSTRUMENTS), opening, some, len(some)) for _ in range(size.runs)]
    yield _row("throughput", _TWIN, f"{_MIXED}, batches of {len(some):,}", "commands/s", rates)


def _rate(engine: Engine | ReferenceEngine, opening: Commands, commands: Commands, batch: int) -> float:
    engine.process(opening)
    began = time.perf_counter()
    for start in range(0, len(commands), batch):
        engine.process(commands[start : start + batch])
    return len(commands) / (time.perf_counter() - began)


def _latency(size: Size) -> Iterator[dict[str, object]]:
    values = _values(_plain_flow(size.plain))
    for contender, make in (("rtlab", Engine), (_TWIN, ReferenceEngine)):
        microseconds = []
        for _ in range(size.runs):
            engine = make(_ONE)
            times = []
            for value in values:
                began = time.perf_counter_ns()
                engine.submit(value)
                times.append(time.perf_counter_ns() - began)
            microseconds.append(median(times) / 1e3)
        yield _row("one submit, p50", contender, _PLAIN, "us", microseconds)


def _against_peer(size: Size) -> Iterator[dict[str, object]]:
    flow = _plain_flow(size.plain)
    rates = [_rate(Engine(_ONE), flow[:0], flow, len(flow)) for _ in range(size.runs)]
    yield _row("throughput", "rtlab", _PLAIN, "commands/s", rates)
    rates = [_rate(ReferenceEngine(_ONE), flow[:0], flow, len(flow)) for _ in range(size.runs)]
    yield _row("throughput", _TWIN, _PLAIN, "commands/s", rates)
    try:
        contender = f"{PEER} {version(PEER)}"
    except PackageNotFoundError:
        reason = f"not installed: pip install {PEER}"
        yield _row("throughput", PEER, _PLAIN, "commands/s", [], reason=reason)
        return
    events = Engine(_ONE).process(flow)
    traded = int(events["qty"][events["kind"] == EventKind.TRADE].sum())
    measured = [_peer(flow) for _ in range(size.runs)]
    if any(peer_traded != traded for _, peer_traded in measured):
        reason = f"traded {measured[0][1]:,} lots where {traded:,} are right"
        yield _row("throughput", contender, _PLAIN, "commands/s", [], reason=reason)
    else:
        yield _row("throughput", contender, _PLAIN, "commands/s", [rate for rate, _ in measured])


def _peer(flow: Commands) -> tuple[float, int]:
    """Give commands a second of the peer, and the lots that it traded."""
    engine = import_module(f"{PEER}.{PEER}").LightMatchingEngine()
    columns = [flow[name].tolist() for name in ("kind", "order_id", "side", "price", "qty")]
    its_ids: dict[int, int] = {}
    trades = []
    began = time.perf_counter()
    for kind, order_id, side, price, qty in zip(*columns, strict=True):
        if kind == CommandKind.CANCEL:
            engine.cancel_order(its_ids[order_id], "I")
        else:
            order, made = engine.add_order("I", price, qty, side + 1)
            its_ids[order_id] = order.order_id
            trades += made
    elapsed = time.perf_counter() - began
    return len(flow) / elapsed, sum(trade.trade_qty for trade in trades) // 2


def _plain_flow(count: int) -> Commands:
    """Give the limit orders and the cancels of live orders in a simulated market: what every contender knows."""
    simulated = Simulated(_ONE, seed=1)
    rows = simulated.batch(simulated.opening + count)
    resting = (
        (rows["order_type"] == OrderType.LIMIT) & (rows["tif"] == TimeInForce.GTC) & (rows["flags"] == 0)
    )
    rows = rows[resting & (rows["kind"] != CommandKind.REPLACE)]
    events = Engine(_ONE).process(rows)
    refused = events["command"][events["kind"] == EventKind.REJECTED]
    return np.delete(rows, refused).astype(COMMAND)


def _values(rows: Commands) -> list[NewOrder | CancelOrder]:
    symbol = _ONE[0].symbol
    names = ("kind", "order_id", "side", "price", "qty")
    return [
        CancelOrder(instrument=symbol, order_id=order_id)
        if kind == CommandKind.CANCEL
        else NewOrder(instrument=symbol, order_id=order_id, side=Side(side), price=price, qty=qty)
        for kind, order_id, side, price, qty in zip(*(rows[name].tolist() for name in names), strict=True)
    ]


def _start(size: Size) -> Iterator[dict[str, object]]:
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        cold, *warm = (_seconds_to_start(environment) for _ in range(1 + size.runs))
    yield _row("import and first engine", "rtlab", "nothing compiled before", "s", [cold])
    yield _row("import and first engine", "rtlab", "compiled before", "s", warm)


def _seconds_to_start(environment: dict[str, str]) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _START],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return float(done.stdout)


def _row(
    name: str, contender: str, case: str, unit: str, numbers: list[float], **reason: str
) -> dict[str, object]:
    summary = (median(numbers), min(numbers), max(numbers)) if numbers else (None, None, None)
    columns = dict(zip(("median", "min", "max"), summary, strict=True))
    return (
        {"name": name, "contender": contender, "case": case, "unit": unit, "runs": len(numbers)}
        | columns
        | reason
    )
