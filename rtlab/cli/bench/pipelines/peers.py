"""The streaming engines of the package index, each pinned and in an environment of its own."""

import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtlab.cli.bench.environments import Unfit, answer, python_with
from rtlab.cli.bench.pipelines import peer

VERSIONS = {"streamz": "0.6.6", "bytewax": "0.21.1", "csp": "0.19.1", "pathway": "0.33.0"}
PythonOf = Callable[[str], Path]
Rows = npt.NDArray[np.int64]
_PATIENCE_S = 300


def environment(name: str) -> Path:
    """Give the Python of the environment in which the pinned engine is installed; Unfit when that fails."""
    return python_with(f"streaming/{name}", ("numpy", f"{name}=={VERSIONS[name]}"), patience_s=_PATIENCE_S)


def measure(
    trades: Rows, quotes: Rows, expected: dict[str, float], runs: int, python_of: PythonOf = environment
) -> Iterator[tuple[str, list[float], str]]:
    """Give (engine and version, rows a second of each run, reason why there is none) of each engine."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        np.savez(path, trades=trades, quotes=quotes)
        for name, version in VERSIONS.items():
            try:
                python = python_of(name)
                yield f"{name} {version}", [_once(python, name, path, expected) for _ in range(runs)], ""
            except Unfit as unfit:
                yield f"{name} {version}", [], str(unfit)


def _once(python: Path, name: str, path: Path, expected: dict[str, float]) -> float:
    told = answer(python, peer.__file__, name, path, patience_s=_PATIENCE_S)
    for what, value in expected.items():
        if not math.isclose(told["results"][what], value, rel_tol=1e-9):
            raise Unfit(f"{what} is {told['results'][what]:,} where {value:,} is right")
    return float(told["rate"])
