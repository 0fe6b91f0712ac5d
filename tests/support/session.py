"""A small recorded session of one instrument, its truth in plain rows, and one with a hole in it."""

from pathlib import Path

import numpy as np
from support.kept import Made, keep, writer_of

from rtlab.store.cold.columns import Stand, StepRows
from rtlab.store.cold.schema import Levels

BEGIN_NS = 1_700_000_000_000_000_000
STEP_NS = 50_000_000


def session(folder: Path, *, rolls: int = 2, steps: int = 40) -> Made:
    """Record `rolls` files and a tail of `steps` steps each; give what was made."""
    made = Made(begin_ns=BEGIN_NS, step_ns=STEP_NS)
    keep(folder, made, rolls=rolls, steps=steps)
    return made


def with_hole(folder: Path, made: Made, *, known: bool) -> int:
    """Let the recorder of `made` miss ten steps and go on; give the number of level changes before it does."""
    made.make(10)
    made.rows.take()
    book = made.market.book("BTC-USD")
    sides = [(0, *level) for level in book.bids()] + [(1, *level) for level in book.asks()]
    columns = zip(*sorted(sides, key=lambda row: row[1]), strict=True)
    levels = Levels(*(np.array(column, np.int64) for column in columns))
    before = len(made.book)
    with writer_of(folder) as writer:
        writer.begin(made.rows.stand, levels if known else None, "ten steps were missed")
        made.make(10)
        made.append_to(writer)
    return before


def again(folder: Path, made: Made) -> Made:
    """Record on in a new epoch, from an empty market, as a recorder does that was started again."""
    other = Made(seed=2, epoch=made.epoch + 1, begin_ns=made.ts, step_ns=STEP_NS)
    other.rows = StepRows(Stand(other.epoch))
    with writer_of(folder) as writer:
        writer.begin(other.rows.stand, Levels.empty(), "start")
        other.make(20)
        other.append_to(writer)
    return other
