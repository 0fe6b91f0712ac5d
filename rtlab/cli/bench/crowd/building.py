"""Small C programs of the benchmarks: compiled when first needed, and kept in the user's cache folder."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from rtlab.compiling import cache_folder
from rtlab.errors import LocalError

FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror")


def compiler() -> str | None:
    """Give the C compiler of this machine, if it has one."""
    return next(filter(None, map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang"))), None)


def binary(name: str, sources: Sequence[Path]) -> Path:
    """Give the program `name` made of `sources` (.c, and .h beside them), compiled unless it was before.

    LocalError when there is no compiler, or it does not compile them: they want Linux.
    """
    found = compiler()
    if found is None:
        raise LocalError(
            f"this machine has no C compiler for {name}", expected="cc, gcc or clang on the PATH"
        )
    headers = sorted(
        header for folder in {source.parent for source in sources} for header in folder.glob("*.h")
    )
    text = b"\0".join(one.read_bytes() for one in (*headers, *sources))
    kept = cache_folder() / f"{name}-{sha256(text + repr((found, FLAGS)).encode()).hexdigest()[:16]}"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        _compile(found, name, sources, kept)
    return kept


def _compile(found: str, name: str, sources: Sequence[Path], kept: Path) -> None:
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        made = Path(folder) / name
        command = [found, *FLAGS, "-o", str(made), *map(str, sources)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr[:120])
            raise LocalError(f"this machine's compiler does not make {name}: {first.strip()}")
        made.replace(kept)  # whole or not at all, whoever else compiles it now
