"""The load of the feed's benchmarks: a simulated market whose commands are submitted when they are due."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtlab.cli.running import settle_heap
from rtlab.engine import Engine
from rtlab.model import EventKind, Instrument
from rtlab.sources.flow import Commands
from rtlab.sources.simulated import Simulated, demo_instruments

Times = npt.NDArray[np.int64]

INSTRUMENT: Instrument = demo_instruments()[0]
STEP_S = 0.002  # the server sleeps between two batches, as `rtlab serve` does
_CALIBRATION = 20_000


class Load(NamedTuple):
    """`events_per_s` of one instrument for `seconds`, always the same."""

    events_per_s: int
    seconds: float
    seed: int = 1

    def commands(self) -> tuple[Commands, Commands]:
        """Give the commands that fill the book, and those to be submitted, `ts` in ns from the beginning."""
        simulated = Simulated([INSTRUMENT], rate=self.events_per_s / _events_per_command(), seed=self.seed)
        return simulated.batch(simulated.opening), simulated.until(int(self.seconds * 1e9))


def _events_per_command() -> float:
    simulated = Simulated([INSTRUMENT], seed=1)
    events = Engine([INSTRUMENT]).process(simulated.batch(_CALIBRATION))
    return len(events) / _CALIBRATION


class Truth(NamedTuple):
    """What the engine makes of a load: its rate, and the book's seq after each command that changed the book."""

    events: int
    commands: Times  # indexes into the submitted commands
    seqs: Times


def truth(load: Load) -> Truth:
    """Run `load` through an engine of our own."""
    opening, commands = load.commands()
    engine = Engine([INSTRUMENT])
    before = engine.process(opening)
    events = engine.process(commands)
    first = int(np.count_nonzero(before["kind"] == EventKind.LEVEL))
    causes = events["command"][events["kind"] == EventKind.LEVEL] - len(opening)
    last = np.append(causes[1:] != causes[:-1], True)
    return Truth(len(events), causes[last], (first + 1 + np.arange(len(causes)))[last])


async def drive(commands: Commands, step: Callable[[Commands], None], step_s: float = STEP_S) -> Times:
    """Give `step` the commands as they come due, with the time of submission as ts; give those times (ns).

    It sleeps at least `step_s` between two batches.
    """
    due, submitted = commands["ts"].copy(), np.zeros(len(commands), np.int64)
    settle_heap()
    start = time.monotonic_ns()
    done, count = 0, len(commands)
    while done < count:
        now = time.monotonic_ns()
        until = int(np.searchsorted(due, now - start, side="right"))
        if until > done:
            submitted[done:until] = commands["ts"][done:until] = now
            step(commands[done:until])
            done = until
        if done < count:
            ahead_s = (start + int(due[done]) - time.monotonic_ns()) / 1e9
            await asyncio.sleep(max(step_s, ahead_s))
    return submitted
