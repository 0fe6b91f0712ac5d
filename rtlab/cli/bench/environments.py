"""Peers that are measured in environments of their own, so that what they need is not what we need."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rtlab.compiling import cache_folder

PATIENCE_S = 300.0


class Unfit(Exception):
    """A peer has no number, for a reason."""


def python_with(room: str, packages: Sequence[str], *, patience_s: float = PATIENCE_S) -> Path:
    """Give the Python of the environment `room`, in which these pinned packages are installed; Unfit if not."""
    folder = cache_folder() / room
    python = folder / "bin" / "python"
    try:
        if not python.exists():
            _run(sys.executable, "-m", "venv", str(folder), patience_s=patience_s)
        pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        _run(*pip, *packages, patience_s=patience_s)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unfit(f"could not be installed: {error}") from None
    return python


def modules_with(room: str, packages: Sequence[str], *, patience_s: float = PATIENCE_S) -> Path:
    """Give the node_modules of the folder `room`, in which these pinned npm packages are installed; Unfit if not."""
    folder = cache_folder() / room
    flags = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _run("npm", "install", "--prefix", str(folder), *flags, *packages, patience_s=patience_s)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unfit(f"could not be installed: {error}") from None
    return folder / "node_modules"


def answer(
    python: Path, script: object, *arguments: object, patience_s: float = PATIENCE_S
) -> dict[str, Any]:
    """Run a script there and give the JSON object that is its last line; Unfit says why there is none."""
    try:
        # -P: a module beside the script must not stand in for one of the standard library, `numbers` for one
        said = _run(str(python), "-P", str(script), *map(str, arguments), patience_s=patience_s)
        told: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise Unfit(f"was not done in {patience_s:g} s") from None
    except subprocess.CalledProcessError as error:
        last = (str(error.stderr).strip().splitlines() or ["no word"])[-1]
        raise Unfit(f"failed: {last}") from None
    except (IndexError, ValueError):
        raise Unfit("gave no answer") from None
    return told


def _run(*command: str, patience_s: float) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=patience_s, check=True).stdout
