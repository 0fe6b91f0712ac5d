"""The Python matching engines of the package index, each pinned and in one environment of their own."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
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
NEEDS = {"order-matching": "order-matching[polars]"}
"""What pip is asked for, where the name alone leaves out what the engine imports."""
AT_MOST: Mapping[str, int] = {"order-matching": 1_000, "lightmatchingengine": 20_000}
"""Messages for those that are so slow that the whole flow would take minutes: they get its beginning."""
RowArray = npt.NDArray[np.void]
PythonOf = Callable[[str], Path]
_PATIENCE_S = 120


class Truth(NamedTuple):
    """What every engine must have traded, and must hold at the end."""

    traded: int
    bids: int
    asks: int


class Measured(NamedTuple):
    """What one engine made of `messages`: its rates, or the reason why there are none."""

    contender: str
    messages: int
    rates: list[float]  # messages a second, of each run
    reason: str


def truth(rows: RowArray, instrument: Instrument) -> Truth:
    """Give what our engine makes of a flow."""
    engine = Engine([instrument])
    events = engine.process(rows)
    bids, asks = (sum(qty for _, qty in side) for side in engine.book(instrument.symbol))
    return Truth(int(events["qty"][events["kind"] == EventKind.TRADE].sum()), bids, asks)


def environment(name: str) -> Path:
    """Give the Python of the environment in which the pinned engine is installed; Unfit when that fails."""
    return python_with("rivals", ("numpy", requirement(name)), patience_s=_PATIENCE_S)


def requirement(name: str) -> str:
    """Give what pip is asked for, so that the engine has what it imports."""
    return f"{NEEDS.get(name, name)}=={VERSIONS[name]}"


def measure(
    rows: RowArray,
    instrument: Instrument,
    runs: int,
    python_of: PythonOf = environment,
    at_most: Mapping[str, int] = AT_MOST,
) -> Iterator[Measured]:
    """Give what each engine makes of a flow, or of its first `at_most` messages."""
    for name, version in VERSIONS.items():
        some = rows[: at_most.get(name)]
        contender = f"{name} {version}"
        try:
            rates = _rates(python_of(name), name, some, truth(some, instrument), runs)
            yield Measured(contender, len(some), rates, "")
        except Unfit as unfit:
            yield Measured(contender, len(some), [], str(unfit))


def best(measured: list[Measured]) -> float | None:
    """Give the median of the fastest engine that has numbers."""
    return max((median(one.rates) for one in measured if one.rates), default=None)


def _rates(python: Path, name: str, rows: RowArray, expected: Truth, runs: int) -> list[float]:
    columns = [
        rows["kind"] == CommandKind.CANCEL,
        *(rows[name] for name in ("order_id", "side", "price", "qty")),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        np.save(path, np.stack([np.asarray(column, np.int64) for column in columns], axis=1))
        return [_once(python, name, path, expected) for _ in range(runs)]


def _once(python: Path, name: str, path: Path, expected: Truth) -> float:
    told = answer(python, rival.__file__, name, path, patience_s=_PATIENCE_S)
    for what in Truth._fields:
        if told[what] is not None and told[what] != getattr(expected, what):
            raise Unfit(f"{what} is {told[what]:,} where {getattr(expected, what):,} is right")
    return float(told["rate"])
