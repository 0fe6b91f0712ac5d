"""`rtlab bench capacity`: how costs grow with readers, instruments, stored rows and points, and a million readers.

Each is the whole cost at four sizes that double; the exponent says how it grows, 1 being in proportion. Two costs
grow by themselves, so the same without rtlab is measured beside ours, and bounds what is ours: the kernel's cost of a
send grows with its sockets (bare send(2)), and many instruments in turn find the processor's caches and its table of
pages cold (a word of each of as many pages: an instrument has its own, and an order touches nothing else).
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rtlab.cli.bench.capacity.accepting import accept_us
from rtlab.cli.bench.capacity.costs import Readers, of_instruments, of_pages, of_points, of_readers, of_rows
from rtlab.cli.bench.capacity.growth import BOUND, exponent
from rtlab.cli.bench.capacity.simulation import Capacity, Costs, Plan, simulate
from rtlab.cli.bench.fanout import cores
from rtlab.cli.bench.results import result

Rows = list[dict[str, object]]
Whole = tuple[Sequence[int], list[float]]


class Sizes(NamedTuple):
    """What is measured: four sizes of each."""

    readers: Sequence[int] = (500, 1_000, 2_000, 4_000)
    instruments: Sequence[int] = (250, 500, 1_000, 2_000)
    rows: Sequence[int] = (250_000, 500_000, 1_000_000, 2_000_000)
    points: Sequence[int] = (4_000_000, 8_000_000, 16_000_000, 32_000_000)
    ticks_per_s: float = 25.0
    seconds: float = 3.0


QUICK = Sizes(
    (250, 500, 1_000, 2_000), (100, 200, 400, 800), (100_000, 200_000, 400_000, 800_000), seconds=1.0
)


def run(quick: bool) -> dict[str, object]:
    """Measure all four; give results and goals as `rtlab bench --json` prints them."""
    return measure(QUICK if quick else Sizes())


def measure(sizes: Sizes) -> dict[str, object]:
    """Measure as told, and simulate from what came of it."""
    core, _ = cores()
    readers = of_readers(sizes.readers, ticks_per_s=sizes.ticks_per_s, seconds=sizes.seconds, core=core)
    matched, folded = of_instruments(sizes.instruments)
    pages = of_pages(sizes.instruments)
    with tempfile.TemporaryDirectory(prefix="rt-") as folder:
        written, read = of_rows(sizes.rows, Path(folder))
    points = of_points(sizes.points)
    reader, instrument = "a reader: one tick to all", "an instrument: matching 40 orders each"
    wholes: dict[str, Whole] = {
        reader: (sizes.readers, readers.ours),
        instrument: (sizes.instruments, matched),
        "an instrument: folding what came of them": (sizes.instruments, folded),
        "a stored row: keeping": (sizes.rows, written),
        "a stored row: reading": (sizes.rows, read),
        "a point: into a pyramid": (sizes.points, points),
    }
    bare: dict[str, tuple[str, Whole]] = {instrument: ("memory alone", (sizes.instruments, pages))}
    if readers.bare is not None:
        bare[reader] = "send(2) in C", (sizes.readers, readers.bare)
    results = [row for name, whole in wholes.items() for row in _growth(name, "rtlab", *whole)]
    results += [row for name, (peer, whole) in bare.items() for row in _growth(name, peer, *whole)]
    costs = _costs(readers, sizes, folded)
    began = time.perf_counter()
    made = simulate(costs, Plan())
    results += _simulated(costs, made, time.perf_counter() - began)
    return {"results": results, "goals": _goals(wholes, bare)}


def _costs(readers: Readers, sizes: Sizes, folded: Sequence[float]) -> Costs:
    # an instrument's 40 orders are about as many changes of its book
    change_us = 1e6 * folded[-1] / (40 * sizes.instruments[-1])
    send_us = 1e6 * readers.ours[-1] / sizes.readers[-1]
    return Costs(send_us, change_us, accept_us(sizes.readers[0]), readers.bytes_each / 1024)


def _growth(name: str, contender: str, sizes: Sequence[int], costs: Sequence[float]) -> Rows:
    rows = [
        result(f"{name}, each", contender, f"of {size:,}", "us", [1e6 * cost / size])
        for size, cost in zip(sizes, costs, strict=True)
    ]
    case = f"{sizes[0]:,} to {sizes[-1]:,}"
    return [*rows, result(f"{name}, exponent", contender, case, "", [exponent(sizes, costs)])]


def _simulated(costs: Costs, made: Capacity, seconds: float) -> Rows:
    plan = Plan()
    case = f"{plan.readers:,} readers, {plan.sends_per_s:g} sends/s each, {plan.changes_per_s:,.0f} changes/s"
    given = f"from {costs.send_us:.1f} us a send, {costs.accept_us:.0f} us a comer, {costs.reader_kib:.1f} KiB a reader"
    rows = [
        ("gateways of one core", f"{case}, {given}", "", float(made.gateways)),
        ("readers a gateway", f"bound by {made.bound_by}", "", float(made.readers_each)),
        ("core of a gateway, busy", "steady", "%", 100 * made.busy),
        ("memory of a gateway's readers", "steady", "MiB", made.memory_mib),
        ("sent by a gateway", f"{plan.send_bytes} bytes a send", "Mbit/s", made.egress_mbit),
        ("a gateway dies: its readers back, p50", f"{made.lost:,} readers", "s", made.back_p50_s),
        ("a gateway dies: its readers back, p99", f"{made.lost:,} readers", "s", made.back_p99_s),
        ("a gateway dies: all back", f"{made.lost:,} readers", "s", made.back_all_s),
        ("core of the fullest gateway then, busy", "while they come", "%", 100 * made.busy_then),
    ]
    found = [result(f"simulated: {name}", "rtlab", where, unit, [value]) for name, where, unit, value in rows]
    return [*found, result("simulated: took", "rtlab", "one core", "s", [seconds])]


def _goals(wholes: Mapping[str, Whole], bare: Mapping[str, tuple[str, Whole]]) -> Rows:
    goals = [_goal(f"exponent of {name}", exponent(*whole), BOUND) for name, whole in wholes.items()]
    for name, (peer, whole) in bare.items():
        beyond = exponent(*wholes[name]) - exponent(*whole)
        goals.append(_goal(f"exponent of {name}, beyond that of {peer}", beyond, BOUND - 1))
    return goals


def _goal(name: str, value: float, bound: float) -> dict[str, object]:
    return {"show": 7, "name": name, "value": value, "bound": round(bound, 3), "op": "<=", "unit": ""}
