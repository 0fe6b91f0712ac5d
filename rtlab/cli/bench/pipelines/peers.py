"""The streaming engines of the package index, each pinned and in an environment of its own."""

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtlab.cli.bench.pipelines import peer
from rtlab.compiling import cache_folder

VERSIONS = {"streamz": "0.6.6", "bytewax": "0.21.1", "csp": "0.19.1", "pathway": "0.33.0"}
PythonOf = Callable[[str], Path]
Rows = npt.NDArray[np.int64]
_PATIENCE_S = 300


class Unfit(Exception):
    """An engine has no number, for a reason."""


def environment(name: str) -> Path:
    """Give the Python of the environment in which the pinned engine is installed; Unfit when that fails."""
    folder = cache_folder() / "streaming" / name
    python = folder / "bin" / "python"
    try:
        if not python.exists():
            _run(sys.executable, "-m", "venv", str(folder))
        wanted = f"{name}=={VERSIONS[name]}"
        _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "numpy", wanted)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unfit(f"could not be installed: {error}") from None
    return python


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
    try:
        answer = json.loads(_run(str(python), str(peer.__file__), name, str(path)).strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise Unfit(f"did not get through the rows in {_PATIENCE_S} s") from None
    except subprocess.CalledProcessError as error:
        last = (str(error.stderr).strip().splitlines() or ["no word"])[-1]
        raise Unfit(f"failed: {last}") from None
    for what, value in expected.items():
        if not math.isclose(answer["results"][what], value, rel_tol=1e-9):
            raise Unfit(f"{what} is {answer['results'][what]:,} where {value:,} is right")
    return float(answer["rate"])


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True).stdout
