"""The Python matching engines of the package index, each pinned and in one environment of their own."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtlab.cli.bench import rival
from rtlab.cli.bench.environments import Unfit, answer, python_with
from rtlab.engine import CommandKind, Engine, EventKind
from rtlab.model import Instrument

VERSIONS = {
    "lightmatchingengine": "2019.1.4",
    "litebook": "0.0.1",
    "limit-order-book": "2.0.0",
    "order-matching": "0.12.0",
}
RowArray = npt.NDArray[np.void]
PythonOf = Callable[[str], Path]
_PATIENCE_S = 120


class Truth(NamedTuple):
    """What every engine must have traded, and must hold at the end."""

    traded: int
    bids: int
    asks: int


def truth(rows: RowArray, instrument: Instrument) -> Truth:
    """Give what our engine makes of a flow."""
    engine = Engine([instrument])
    events = engine.process(rows)
    bids, asks = (sum(qty for _, qty in side) for side in engine.book(instrument.symbol))
    return Truth(int(events["qty"][events["kind"] == EventKind.TRADE].sum()), bids, asks)


def environment(name: str) -> Path:
    """Give the Python of the environment in which the pinned engine is installed; Unfit when that fails."""
    return python_with("rivals", ("numpy", f"{name}=={VERSIONS[name]}"), patience_s=_PATIENCE_S)


def measure(
    rows: RowArray, expected: Truth, runs: int, python_of: PythonOf = environment
) -> Iterator[tuple[str, list[float], str]]:
    """Give (engine and version, messages a second of each run, reason why there is none) of each engine."""
    columns = [
        rows["kind"] == CommandKind.CANCEL,
        *(rows[name] for name in ("order_id", "side", "price", "qty")),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        np.save(path, np.stack([np.asarray(column, np.int64) for column in columns], axis=1))
        for name, version in VERSIONS.items():
            try:
                python = python_of(name)
                rates = [_once(python, name, path, expected) for _ in range(runs)]
                yield f"{name} {version}", rates, ""
            except Unfit as unfit:
                yield f"{name} {version}", [], str(unfit)


def best(measured: list[tuple[str, list[float], str]]) -> float | None:
    """Give the median of the fastest engine that has numbers."""
    return max((median(rates) for _, rates, _ in measured if rates), default=None)


def _once(python: Path, name: str, path: Path, expected: Truth) -> float:
    told = answer(python, rival.__file__, name, path, patience_s=_PATIENCE_S)
    for what in Truth._fields:
        if told[what] is not None and told[what] != getattr(expected, what):
            raise Unfit(f"{what} is {told[what]:,} where {getattr(expected, what):,} is right")
    return float(told["rate"])
