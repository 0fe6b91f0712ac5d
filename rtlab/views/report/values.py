"""What a report shows, as plain values: any session, or anything that is told in the same words."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtlab.model import Instrument, Level
from rtlab.pipelines import Frame

Floats = NDArray[np.float64]


class Series(NamedTuple):
    """Numbers over time: x in ms since 1970, not falling; y in units."""

    x: Floats
    y: Floats


class Note(NamedTuple):
    """A remark at `ts` (ns), of an instrument or (no symbol) of all."""

    ts: int
    text: str
    symbol: str = ""
    by: str = ""


class Part(NamedTuple):
    """One instrument: prices of its trades, bars of `interval_ns`, spread in ticks, flow, its book at the end."""

    instrument: Instrument
    facts: Mapping[str, str]
    price: Series
    bars: Frame | None
    interval_ns: int
    spread: Series
    flow: Series
    bids: Sequence[Level]
    asks: Sequence[Level]


class Report(NamedTuple):
    """A whole page. `facts` are told at its head, `gaps` by whoever keeps the rows, `digest` is of the analytics."""

    title: str
    facts: Mapping[str, str]
    gaps: Sequence[str]
    notes: Sequence[Note]
    parts: Sequence[Part]
    digest: str
