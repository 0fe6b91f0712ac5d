"""`rtlab bench fanout`: the CPU of one send to one reader of many, beside the least possible and the usual servers.

The server has one core, the readers another. All contenders send the same ticks at the same rates in turn, round
after round, so that what else the machine does meets all alike. Ours keeps all its promises meanwhile: its readers
fold and check every increment and answer every ping, whose cost is in its CPU; the peers' readers only read. Where
a tick brings ten increments, bare sends get a tenth of the ticks: both then write as many frames a second, and what
costs by the second (pings, answers) is spread over as many.
"""

import os
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from rtlab.cli.bench.crowd import Crowd, Wish
from rtlab.cli.bench.fanout.contenders import (
    AIOHTTP,
    BROADCAST,
    OURS,
    PICOWS,
    RAW,
    Contender,
    contenders,
)
from rtlab.cli.bench.fanout.report import Case, Measured, report
from rtlab.cli.bench.fanout.serving import Window, raise_file_limit
from rtlab.cli.bench.fanout.ticks import INSTRUMENTS, TOGETHER

ALL = (RAW, OURS, PICOWS, BROADCAST, AIOHTTP)
SENDS_PER_S = 100_000  # of all readers together
PYTHON_READERS = 300  # what readers in Python can follow
SPARE_FILES = 64


class Plan(NamedTuple):
    """How much is measured: numbers of readers, rounds, seconds of a window, readers of the case of ten increments.

    Before each window all send for `warm_up_s`: a reader's credit grows from a small window in its first seconds,
    with more pings than later.
    """

    sizes: Sequence[int]
    rounds: int
    seconds: float
    together: int
    sends_per_s: int = SENDS_PER_S
    warm_up_s: float = 0.3

    def cases(self) -> list[Case]:
        """Give what is measured in each round."""
        ones = [Case(size, self.sends_per_s / size, together=False) for size in self.sizes]
        return [*ones, Case(self.together, self.sends_per_s / self.together, together=True)]


def run(quick: bool) -> dict[str, object]:
    """Measure all contenders; give results and goals as `rtlab bench --json` prints them."""
    return measure(
        Plan((500, 2_000), 2, 0.5, 500)
        if quick
        else Plan((500, 2_000, 5_000, 10_000), 3, 2.0, 2_000, warm_up_s=3.0)
    )


def measure(plan: Plan, names: Sequence[str] = ALL) -> dict[str, object]:
    """Measure as planned; give what `report` makes of it."""
    server_core, load_core = cores()
    ticks = sum(int(case.rate * (plan.seconds + plan.warm_up_s + 1)) for case in plan.cases()) * plan.rounds
    measured: list[Measured] = []
    too_many: dict[Case, str] = {}
    with contenders(ticks, server_core, names) as field:
        before = {name: one.resident() for name, one in field.present.items()}
        for turn in range(plan.rounds):
            for case in plan.cases():
                if reason := why_not(case.readers):
                    too_many[case] = reason
                    continue
                for name, one in field.present.items():
                    if not case.together or name in (OURS, RAW):
                        measured.append(_window(name, one, case, plan, load_core, before[name], turn))
    labels = {name: one.label for name, one in field.present.items()}
    return report(plan.cases(), measured, labels, field.absent, too_many)


def cores() -> tuple[int | None, int | None]:
    """Give the core of the server and that of the readers; None when there are no two, or they cannot be chosen."""
    if sys.platform != "linux":
        return None, None
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[-1]) if len(allowed) > 1 else (None, None)


def why_not(readers: int) -> str | None:
    """Say why this machine cannot have so many readers, if so."""
    most = raise_file_limit() - SPARE_FILES
    if readers > most:
        return f"this user may open {most:,} sockets in a process (ulimit -Hn)"
    return None


def _window(
    name: str, server: Contender, case: Case, plan: Plan, core: int | None, before: int, turn: int
) -> Measured:
    books = [one.symbol for one in INSTRUMENTS] if case.together else [INSTRUMENTS[0].symbol]
    with Crowd(server.port, Wish(case.readers, books if name == OURS else ()), core=core) as crowd:
        crowd.ready()
        rate = case.rate / TOGETHER if case.together and name == RAW else case.rate
        server.measure(Window(rate, plan.warm_up_s, case.together))
        start, began = crowd.report(), time.monotonic()
        spent = server.measure(Window(rate, plan.seconds, case.together))
        end, took = crowd.report(), time.monotonic() - began
        resident = server.resident()
    what = "increments" if name == OURS else "frames"
    return Measured(
        name,
        case,
        turn,
        spent,
        end[what] - start[what],
        (end["cpu_s"] - start["cpu_s"]) / took,
        (resident - before) / case.readers,
        end["gaps"] + end["differ"] + end["malformed"],
        end["lagging"],
        crowd.why_python,
    )
