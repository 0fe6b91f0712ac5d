"""Run the command line as a user does, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def rtlab(
    *arguments: object, timeout: float = 60, cwd: Path | None = None, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `rtlab ARGUMENTS` to its end."""
    command = [sys.executable, "-m", "rtlab", *map(str, arguments)]
    environment = {**os.environ, **(environ or {})}
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=cwd, env=environment)


def signalled_while_compiling(
    number: int, cache: Path, *arguments: object, timeout: float = 100
) -> subprocess.CompletedProcess[str]:
    """Run `rtlab ARGUMENTS` with an empty cache of kernels, and send a signal when the first is being compiled."""
    command = [sys.executable, "-m", "rtlab", *map(str, arguments)]
    environ, pipe, said = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}, subprocess.PIPE, b""
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, env=environ, bufsize=0) as process:
        assert process.stderr is not None
        while not said.endswith("…".encode()):  # unbuffered: the rest is for `communicate`
            said += (one := process.stderr.read(1))
            assert one, said
        process.send_signal(number)
        out, more = process.communicate(timeout=timeout)
    return subprocess.CompletedProcess(command, process.returncode, out.decode(), (said + more).decode())


def environ_without(module: str, folder: Path) -> dict[str, str]:
    """Give an environment where `module` is not installed, and no kernel was ever compiled; `folder` is for both."""
    told = f"raise ModuleNotFoundError({f'No module named {module!r}'!r}, name={module!r})\n"
    (folder / f"{module}.py").write_text(told)
    return {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "kernels")}


def assert_one_clear_line(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    """Exit status 2, nothing on standard output, one line on standard error, and no traceback."""
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("rtlab: compiling")]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("rtlab: ")
    for part in parts:
        assert part in lines[0]
