"""`rtlab bench fanout --soak 10m`: readers by the thousand on one gateway for long; `--churn`: they come, go and stall.

Every reader folds and checks every increment. Memory is that of the gateway's process, looked at all the time; its
level is what it is after the first tenth, when all caches and pools have been filled.
"""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rtlab.book import Market
from rtlab.cli.bench.children import Child, Owner
from rtlab.cli.bench.crowd import Crowd, Told, Wish
from rtlab.cli.bench.fanout import cores, why_not
from rtlab.cli.bench.fanout.serving import resident_bytes, settle_on
from rtlab.cli.bench.load import INSTRUMENT
from rtlab.cli.bench.results import result
from rtlab.engine import Engine
from rtlab.feed import Gateway
from rtlab.model import EventKind
from rtlab.sources.simulated import Simulated

CHANGES_PER_S = 2_000
STEP_S = 0.005
LOOKS = 40
LONGEST_LOOK_S = 5.0
DEPTH = 10
SETTLE_S = 20.0  # for everybody to stand at the end, heartbeats included
LEAVE, STALL = 0.01, 0.001  # parts of the readers that do so each second of a churn
MEMORY_BOUND = 0.05
Row = dict[str, object]


class Served(NamedTuple):
    """The gateway's process at one moment: resident bytes, the book's seq, its checksum at DEPTH.

    `evicted` readers are told at the end, `cpu_s` is what it has used so far.
    """

    resident: int
    seq: int
    checksum: int
    evicted: int
    cpu_s: float


class Look(NamedTuple):
    """Both sides at one moment, `at` seconds from the beginning."""

    at: float
    served: Served
    told: Told


class Soaked(NamedTuple):
    """What a soak came to; `last` is after everything came to rest, `ready_s` is how long it took all to be there."""

    readers: int
    seconds: float
    churned: bool
    looks: Sequence[Look]
    last: Look
    ready_s: float = 0.0


def run(seconds: float, readers: int, *, churn: bool) -> dict[str, object]:
    """Soak, and give results and goals as `rtlab bench --json` prints them."""
    if reason := why_not(readers):
        row = _row("soak", f"{readers:,} readers", "", []) | {"reason": reason}
        return {"results": [row], "goals": []}
    return report(soak(seconds, readers, churn=churn))


def soak(seconds: float, readers: int, *, churn: bool) -> Soaked:
    """Let `readers` follow one book for `seconds`, and look at both sides all the time."""
    server_core, load_core = cores()
    wish = Wish(readers, [INSTRUMENT.symbol], DEPTH, reconnect=churn)
    if churn:
        wish = wish._replace(leave=LEAVE * readers, stall=STALL * readers)
    looks: list[Look] = []
    with Child(serve, server_core) as server, Crowd(server.receive(), wish, core=load_core) as crowd:
        ready_s = crowd.ready()
        crowd.report()  # forgets the times of the beginning
        if churn:
            crowd.churn()
        began = time.monotonic()
        while not looks or looks[-1].at < seconds:
            time.sleep(min(seconds / LOOKS, LONGEST_LOOK_S))
            looks.append(_look(server, crowd, began))
        server.send("quiet")
        server.receive()
        last, end = _look(server, crowd, began), time.monotonic() + SETTLE_S
        while not _at_rest(last, readers, churn=churn) and time.monotonic() < end:
            time.sleep(0.2)
            last = _look(server, crowd, began)
    return Soaked(readers, seconds, churn, looks, last, ready_s)


def _look(server: Child, crowd: Crowd, began: float) -> Look:
    server.send("look")
    return Look(time.monotonic() - began, server.receive(), crowd.report())


def _at_rest(look: Look, readers: int, *, churn: bool) -> bool:
    # while they churn somebody is always away
    told = look.told
    return churn or (told.get("seq") == look.served.seq and told.get("at_seq") == readers)


async def serve(owner: Owner, core: int | None) -> None:
    """Serve a simulated book that changes CHANGES_PER_S times a second; tells a Served at every word."""
    settle_on(core)
    market = Market([INSTRUMENT], epoch=1)
    book, changes = market.book(INSTRUMENT.symbol), _changes(market)
    market.apply(next(changes))  # what has to be compiled is, before readers come and wait
    async with Gateway(market) as gateway:
        changing = asyncio.create_task(_change(market, gateway, changes))
        owner.send(gateway.port)
        evicted = 0
        while True:
            if await owner.receive() == "quiet":
                changing.cancel()
                evicted = gateway.statistics().evicted  # looks at every reader: not while it is measured
            used = (resident_bytes(os.getpid()), book.seq, book.checksum(DEPTH), evicted, time.process_time())
            owner.send(Served(*used))


async def _change(market: Market, gateway: Gateway, changes: Iterator[np.ndarray]) -> None:
    due = time.monotonic()
    while True:
        rows = next(changes)
        rows["ts"] = time.monotonic_ns()
        market.apply(rows)
        gateway.publish()
        due = max(due + STEP_S, time.monotonic() - 1.0)  # what is late is caught up, but not for ever
        await asyncio.sleep(max(0.0, due - time.monotonic()))


def _changes(market: Market) -> Iterator[np.ndarray]:
    simulated, engine = Simulated([INSTRUMENT], seed=1), Engine([INSTRUMENT])
    market.apply(engine.process(simulated.batch(simulated.opening)))
    step = round(CHANGES_PER_S * STEP_S)
    while True:
        events = engine.process(simulated.batch(200 * step))
        levels = events[events["kind"] == EventKind.LEVEL]
        for start in range(0, len(levels) - step + 1, step):
            yield levels[start : start + step]


def report(soaked: Soaked) -> dict[str, object]:
    """Make results and goals of a soak: Show 2, or with churn Show 11."""
    told, served = soaked.last.told, soaked.last.served
    how = ", who come, go and stall" if soaked.churned else ""
    case = f"{soaked.readers:,} readers{how}, {CHANGES_PER_S:,} changes/s, {soaked.seconds:g} s"
    memory = drift(soaked)
    unlike = told.get("unlike", 0) + (told.get("seq") == served.seq and told.get("crc") != served.checksum)
    last_seq, first = soaked.looks[-1].served.seq, soaked.looks[0]
    span = max(1e-9, soaked.looks[-1].at - first.at)
    came = [one.told["increments"] + one.told["snapshots"] for one in soaked.looks]
    busy = 100 * (soaked.looks[-1].served.cpu_s - first.served.cpu_s) / span
    messages = (came[-1] - came[0]) / span / soaked.readers
    results = [
        _row(f"delivery of the newest change, {name}", case, "ms", _times(soaked, "delivery", name))
        for name in ("p50", "p99", "p999", "max")
    ]
    results += [
        _row(f"age of the book right before a message, {name}", case, "ms", _times(soaked, "staleness", name))
        for name in ("p50", "p99")
    ]
    counted = (
        "increments",
        "snapshots",
        "checked",
        "pings",
        "resumed",
        "lagging",
        "left",
        "stalls",
        "closes",
        "resets",
    )
    results += [_row(name, case, "", [float(told[name])]) for name in counted]
    results += [
        _row("changes of the book", case, "1/s", [(last_seq - first.served.seq) / span]),
        _row("messages to a reader", case, "1/s", [messages]),
        _row("CPU of the gateway's process", case, "%", [busy]),
        _row("until all were there", case, "s", [soaked.ready_s]),
        _row("evicted", case, "readers", [float(served.evicted)]),
        _row("memory of the gateway", case, "MiB", [one.served.resident / 2**20 for one in soaked.looks]),
        _row("memory, furthest from its level", case, "", [memory]),
        _row("books unlike at the end", case, "books", [float(unlike)]),
        _row("readers there at the end", case, "readers", [float(told["ready"])]),
    ]
    show = 11 if soaked.churned else 2
    goals = [
        _goal(show, "gaps", told["gaps"], 0),
        _goal(show, "checksum differences", told["differ"] + unlike, 0),
        _goal(show, "messages malformed", told["malformed"], 0),
        _goal(show, "memory, furthest from its level after the first tenth", memory, MEMORY_BOUND),
    ]
    if not soaked.churned:
        goals.append(_goal(show, "readers not at the last change", soaked.readers - told.get("at_seq", 0), 0))
    return {"results": results, "goals": goals}


def drift(soaked: Soaked) -> float:
    """Give how far memory went from its level after the first tenth, as a part of it."""
    after = [one.served.resident for one in soaked.looks if one.at >= soaked.seconds / 10]
    return max(abs(one - after[0]) for one in after) / after[0]


def _times(soaked: Soaked, what: str, quantile: str) -> list[float]:
    # of a moment in which nothing came there is no time
    return [us / 1e3 for one in soaked.looks if (us := one.told[f"{what}_{quantile}_us"])]


def _goal(show: int, name: str, value: float, bound: float) -> Row:
    return {"show": show, "name": name, "value": value, "bound": bound, "op": "<=", "unit": ""}


def _row(name: str, case: str, unit: str, values: Sequence[float]) -> Row:
    return result(name, "rtlab", case, unit, values)
