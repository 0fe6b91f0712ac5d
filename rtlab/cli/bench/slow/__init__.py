"""`rtlab bench slow`: readers that take 3 kB/s, or nothing any more, and what they do to those who keep up.

Phases without the slow ones and with them take turns on one server, so that what else the machine does meets both
alike. Beside it, in the same run, a plain server that queues for each reader what it cannot send yet.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from math import sqrt
from statistics import median
from typing import NamedTuple

import numpy as np

from rtlab.cli.bench.children import Child
from rtlab.cli.bench.crowd import Crowd, Wish
from rtlab.cli.bench.load import INSTRUMENT, Load
from rtlab.cli.bench.results import result
from rtlab.cli.bench.slow.readers import BYTES_PER_S, Slow, read_slowly, stop_reading
from rtlab.cli.bench.slow.serving import DEPTH, Account, serve, serve_plainly

PLAIN = "websockets send per reader"
SETTLE_S = 0.5  # after each change of phase, before its numbers count
BEYOND_S = 2.0  # evict_after_s, within which who does nothing is gone
GOALS = {"staleness": 1_200.0, "others": 1.10, "bytes": 65_536.0, "stopped": 1.2, "budget": float(64 << 20)}


class Plan(NamedTuple):
    """What is measured: `fast` readers, beside `slow` ones in `pairs` of phases of `phase_s`; `stops` times `stopped`.

    A phase with the stopped lasts until all of them must have been given up.
    """

    events_per_s: int = 50_000
    fast: int = 200
    slow: int = 10
    stopped: int = 1000
    pairs: int = 8
    stops: int = 3
    phase_s: float = 6.0
    plain_s: float = 20.0
    evict_after_s: float = 10.0
    start_s: float = 20.0  # the most that it takes readers to come


class Measured(NamedTuple):
    """p99 (us) of the fast ones without, with, without ... the slow ones; the phases of these, and what all cost.

    `stopped_us` is the same for others who stop reading; a phase with them lasts until all of them are given up.
    """

    p99_us: Sequence[float]
    phases: Sequence[Slow]
    stopped_us: Sequence[float]
    account: Account
    whole: float  # bytes a second of one who takes all


class Plainly(NamedTuple):
    """The slow readers of the plain server, and the longest queue (messages) it kept for one."""

    slow: Slow
    longest: int


def run(quick: bool) -> dict[str, object]:
    """Measure, and give results and goals as `rtlab bench --json` prints them."""
    return measure(Plan(pairs=1, phase_s=3.0, stopped=200, stops=1, plain_s=8.0) if quick else Plan())


def measure(plan: Plan) -> dict[str, object]:
    """Measure all that is planned; give what `report` makes of it."""
    return report(plan, _with_slow(plan), _plainly(plan))


def _with_slow(plan: Plan) -> Measured:
    phases_s = (2 * plan.pairs + 2 + plan.stops) * (plan.phase_s + SETTLE_S)
    seconds = phases_s + plan.start_s + plan.stops * (plan.start_s + plan.evict_after_s + BEYOND_S)
    with ExitStack() as stack:
        server = stack.enter_context(Child(serve, Load(plan.events_per_s, seconds), plan.evict_after_s))
        slow = stack.enter_context(Child(read_slowly, plan.slow, False))
        stopped = stack.enter_context(Child(stop_reading, plan.stopped))
        port = server.receive()
        slow.send(port)
        stopped.send(port)
        crowd = stack.enter_context(Crowd(port, Wish(plan.fast, [INSTRUMENT.symbol], DEPTH)))
        server.send("go")
        crowd.ready()
        bytes_before, began = crowd.report()["bytes"], time.monotonic()
        p99, phases = [_phase(crowd, plan.phase_s)], []
        for _ in range(plan.pairs):
            slow.send("join")
            slow.receive()
            p99.append(_phase(crowd, plan.phase_s))
            slow.send("leave")
            phases.append(slow.receive())
            p99.append(_phase(crowd, plan.phase_s))
        whole = (crowd.report()["bytes"] - bytes_before) / (time.monotonic() - began) / plan.fast
        stopped_us = [p99[-1]]
        for _ in range(plan.stops):
            stopped.send("stop")
            stopped.receive()
            stopped_us.append(_phase(crowd, plan.evict_after_s + BEYOND_S - SETTLE_S))
            stopped.send("leave")
            stopped.receive()
            stopped_us.append(_phase(crowd, plan.phase_s))
        server.send("enough")
        return Measured(p99, phases, stopped_us, server.receive(), whole)


def _plainly(plan: Plan) -> Plainly:
    with ExitStack() as stack:
        server = stack.enter_context(Child(serve_plainly, Load(plan.events_per_s, plan.plain_s + 2)))
        slow = stack.enter_context(Child(read_slowly, plan.slow, True))
        slow.send(server.receive())
        slow.send("join")
        slow.receive()
        server.send("go")
        time.sleep(plan.plain_s)
        slow.send("leave")
        read = slow.receive()
        server.send("enough")
        return Plainly(read, server.receive())


def _phase(crowd: Crowd, seconds: float) -> float:
    time.sleep(SETTLE_S)
    crowd.report()  # forgets the times until now
    time.sleep(seconds)
    return float(crowd.report()["delivery_p99_us"])


def report(plan: Plan, measured: Measured, plainly: Plainly) -> dict[str, object]:
    """Make results and goals of what was measured."""
    staleness = [float(np.percentile(phase.staleness_ms, 99)) for phase in measured.phases]
    ratios, stopped_ratios = _beside(measured.p99_us), _beside(measured.stopped_us)
    kept = [measured.account.served[port] for phase in measured.phases for port in phase.ports]
    case = f"{plan.slow} at {BYTES_PER_S / 1000:g} of {measured.whole / 1000:.0f} kB/s"
    others, gone = f"{plan.fast} readers", f"{plan.stopped} stopped reading, until they are evicted"
    results = [
        _row("staleness of the slow, p99", case, "ms", staleness),
        _row("staleness of the slow, p99", case, "ms", [_p99(plainly.slow)], PLAIN),
        _row("staleness of the slow at the end", case, "ms", [float(plainly.slow.staleness_ms[-1])], PLAIN),
        _row("messages queued for one of the slow, peak", case, "messages", [plainly.longest], PLAIN),
        _row("bytes in the send buffer of one, peak", case, "bytes", [one.buffered for one in kept]),
        _row("bytes sent to one and unanswered, peak", case, "bytes", [one.unanswered for one in kept]),
        _row("messages lost by the slow", case, "messages", [phase.losses for phase in measured.phases]),
        _row("submit to applied of the fast, p99", f"{others}, without the slow", "us", measured.p99_us[::2]),
        _row("submit to applied of the fast, p99", f"{others}, with the slow", "us", measured.p99_us[1::2]),
        _row("p99 of the fast, with the slow / around it", others, "", ratios),
        _row("submit to applied of the fast, p99", "before and after", "us", measured.stopped_us[::2]),
        _row("submit to applied of the fast, p99", gone, "us", measured.stopped_us[1::2]),
        _row("p99 of the fast, with the stopped / around it", others, "", stopped_ratios),
        _row("bytes in all send buffers, peak", gone, "bytes", [measured.account.buffered]),
        _row("evicted", gone, "readers", [measured.account.evicted]),
    ]
    most = max(max(one.buffered, one.unanswered) for one in kept)
    goals = [
        _goal(3, "staleness of the slow, p99", median(staleness), GOALS["staleness"], "ms"),
        _goal(3, "p99 of the fast, with the slow / around it", median(ratios), GOALS["others"], ""),
        _goal(4, "bytes kept for one of the slow, peak", float(most), GOALS["bytes"], "bytes"),
        _goal(
            4, "bytes in all send buffers, peak", float(measured.account.buffered), GOALS["budget"], "bytes"
        ),
        _goal(
            4, "p99 of the fast, with the stopped / around it", median(stopped_ratios), GOALS["stopped"], ""
        ),
        _goal(
            4, "evicted of the stopped", measured.account.evicted, plan.stops * plan.stopped, "readers", ">="
        ),
    ]
    return {"results": results, "goals": goals}


def _beside(p99_us: Sequence[float]) -> list[float]:
    # each phase with them beside the two around it: what else the machine does changes slower than that. Geometric,
    # because an arithmetic mean of two heavy tails is above the median of one, and would flatter
    without, with_it = p99_us[::2], p99_us[1::2]
    return [w / sqrt(a * b) for w, a, b in zip(with_it, without, without[1:], strict=False)]


def _p99(slow: Slow) -> float:
    return float(np.percentile(slow.staleness_ms, 99))


def _row(
    name: str, case: str, unit: str, values: Sequence[float], contender: str = "rtlab"
) -> dict[str, object]:
    return result(name, contender, case, unit, values)


def _goal(show: int, name: str, value: float, bound: float, unit: str, op: str = "<=") -> dict[str, object]:
    return {"show": show, "name": name, "value": value, "bound": bound, "op": op, "unit": unit}
