"""What every contender sends: the ticks of one simulated book, as level changes for ours and as payloads for peers."""

from typing import NamedTuple

import numpy as np

from rtlab.book import L2Book
from rtlab.cli.bench.load import INSTRUMENT
from rtlab.engine import Engine
from rtlab.model import EventKind, Instrument
from rtlab.protocol import Codec, Increment
from rtlab.sources.simulated import Simulated

DEPTH = 10
TOGETHER = 10
"""Instruments of the case in which one tick brings ten increments."""
_STEP = 4  # level changes; a tick has as many of these steps as it takes until the cut has changed
_COMMANDS_A_TICK = 6
_SOME_TIME = 10**15  # ns, as wide as those that ours sends

INSTRUMENTS = tuple(
    Instrument(f"{INSTRUMENT.symbol}-{n}", INSTRUMENT.tick_size, INSTRUMENT.lot_size) for n in range(TOGETHER)
)


class Ticks(NamedTuple):
    """The book's beginning, and of each tick its level changes (EVENT rows) and a reader's payload (msgpack)."""

    opening: np.ndarray
    rows: list[np.ndarray]
    payloads: list[bytes]


def make_ticks(count: int, depth: int = DEPTH) -> Ticks:
    """Give `count` ticks, always the same; each changes the cut at `depth`, so each is one increment to its readers."""
    simulated, engine = Simulated([INSTRUMENT], seed=1), Engine([INSTRUMENT])
    opening = _levels(engine.process(simulated.batch(simulated.opening)))
    book, codec = L2Book(epoch=1), Codec()
    book.apply_levels(opening)
    made = Ticks(opening, [], [])
    rows, begin, end, stand = opening[:0], 0, 0, book.seq
    while len(made.rows) < count:
        if end >= len(rows):
            more = _levels(engine.process(simulated.batch(count * _COMMANDS_A_TICK)))
            rows, begin, end = np.concatenate([rows[begin:], more]), 0, end - begin
        book.apply_levels(rows[end : end + _STEP])
        end += _STEP
        update = book.since(1, stand, depth, depth)
        if update is not None:
            made.rows.append(rows[begin:end])
            fields = (update.last_seq, update.depth, _SOME_TIME, update.body, book.checksum(depth))
            made.payloads.append(codec.encode(Increment(1, 1, update.first_seq, *fields)))
            begin, stand = end, book.seq
    return made


def of_all_instruments(rows: np.ndarray) -> np.ndarray:
    """Give the same changes once for each of INSTRUMENTS."""
    copies = np.tile(rows, TOGETHER)
    copies["instrument"] = np.repeat(np.arange(TOGETHER), len(rows))
    return copies


def _levels(events: np.ndarray) -> np.ndarray:
    levels: np.ndarray = events[events["kind"] == EventKind.LEVEL]
    return levels
