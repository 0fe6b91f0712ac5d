"""An engine at a steady rate, its Redis and a recorder, in processes of their own."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from rtlab.book import Market, Step
from rtlab.cli.bench.children import Child, Owner
from rtlab.cli.bench.load import INSTRUMENT, Load, drive
from rtlab.embedded import EmbeddedServer
from rtlab.engine import Engine
from rtlab.model import EventKind
from rtlab.sources.flow import Commands
from rtlab.store import Recorder, Store, Writer
from rtlab.store.cold.columns import Stand, StepRows
from rtlab.store.cold.place import LocalPlace

STEP_S = 0.005
_SAMPLE_S = 0.5


class Recorded(NamedTuple):
    """What came of a run."""

    rows_per_s: float
    worst_lag_s: float
    bytes_per_row: float


@contextmanager
def folder() -> Iterator[Path]:
    """Give a temporary folder with a short name."""
    path = Path(tempfile.mkdtemp(prefix="rt-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def load_of(rows_per_s: int, seconds: float) -> Load:
    """Give a load of so many level changes and trades a second."""
    opening, commands = Load(50_000, _SAMPLE_S).commands()
    engine = Engine([INSTRUMENT])
    engine.process(opening)
    kinds = engine.process(commands)["kind"]
    rows = np.count_nonzero((kinds == EventKind.LEVEL) | (kinds == EventKind.TRADE)) / _SAMPLE_S
    return Load(int(50_000 * rows_per_s / rows), seconds)


def record(rows_per_s: int, seconds: float) -> Recorded:
    """Record for `seconds`; count from the first row submitted to the last one safe."""
    with folder() as path, EmbeddedServer(path / "hot") as server:
        place = LocalPlace(path)
        load = load_of(rows_per_s, seconds)
        with Child(keep, server.url, str(path)) as keeping, Child(produce, load, server.url) as producing:
            producing.receive()
            keeping.receive()
            producing.send("go")
            first, began, last = producing.receive(4 * seconds + 60)
            keeping.send(last)
            ended, worst = keeping.receive(60)
        with Store(path) as store:
            files = store.manifest(INSTRUMENT.symbol).files
        rows = [one for one in files if one.channel != "levels"]
        size = sum((place.folder / one.path).stat().st_size for one in rows)
        return Recorded((last - first) / (ended - began), worst, size / sum(one.rows for one in rows))


async def produce(owner: Owner, load: Load, url: str) -> None:
    """Engine and writer; submits the load at the owner's word, says from where to where and since when."""
    opening, commands = load.commands()
    engine, market = Engine([INSTRUMENT]), Market([INSTRUMENT], epoch=1)
    market.apply(engine.process(opening))
    state = market.state(INSTRUMENT.symbol)
    async with Writer(market, url) as writer:

        def step(rows: Commands) -> None:
            market.apply(engine.process(rows))

        owner.send("ready")
        await owner.receive()
        first, began = state.position, time.monotonic()
        await drive(commands, step, STEP_S)
        await writer.drained()
        owner.send((first, began, state.position))
        await owner.receive()


async def keep(owner: Owner, url: str, path: str) -> None:
    """The recorder; when it is told a position, it says when all up to there was safe, and its worst lag."""
    async with Recorder(url, LocalPlace(Path(path)), Path(path)) as recorder:
        await recorder.reached({INSTRUMENT.symbol: 0})
        owner.send("ready")
        last = await owner.receive()
        await recorder.reached({INSTRUMENT.symbol: last})
        ended, worst = time.monotonic(), recorder.statistics().worst_lag_s
    owner.send((ended, worst))
    await owner.receive()


def sample(rows: int) -> pa.Table:
    """Give so many rows of a simulated market, of the tail's form."""
    load = load_of(rows, 1.2)
    opening, commands = load.commands()
    engine, market = Engine([INSTRUMENT]), Market([INSTRUMENT], epoch=1)
    taken = StepRows(Stand(1))
    market.on_step = lambda state, step: _add(taken, step)
    market.apply(engine.process(opening))
    for first in range(0, len(commands), 64):
        market.apply(engine.process(commands[first : first + 64]))
    return pa.Table.from_batches([taken.take()]).slice(0, rows)


def _add(taken: StepRows, step: Step) -> None:
    taken.add(step)
