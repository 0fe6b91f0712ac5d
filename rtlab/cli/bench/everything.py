"""`rtlab bench --all`: every bench in turn, each in a process of its own, and one table of what they told."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rtlab.errors import ConfigError, SourceError

Report = Mapping[str, Any]
Measure = Callable[[str, bool], Report]

BEGINS = "<!-- numbers: what follows is written by `rtlab bench --all --into FILE` -->"
ENDS = "<!-- numbers: end -->"


def measured(name: str, quick: bool) -> Report:
    """Measure one bench in a process of its own; one that fails is a report without numbers, with its `reason`."""
    command = [sys.executable, "-m", "rtlab", "bench", name, "--json", *(["--quick"] if quick else [])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        report: Report = json.loads(done.stdout)
        return report
    last = (done.stderr.strip().splitlines() or ["no word"])[-1]
    return {
        "bench": name,
        "results": [],
        "goals": [],
        "reason": f"ended with status {done.returncode}: {last}",
    }


def reports(
    names: Iterable[str], *, quick: bool, keep: Path | None = None, measure: Measure = measured
) -> Iterator[Report]:
    """Give the report of each bench; what the folder `keep` has is not measured again, and what is new is kept there.

    SourceError for a file there that is no report of its bench.
    """
    for name in names:
        path = None if keep is None else keep / f"{name}.json"
        if path is not None and path.exists():
            yield _read(path, name)
            continue
        report = measure(name, quick)
        if path is not None and "reason" not in report:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(report), "utf-8")
        yield report


def written_into(text: str, table: str) -> str:
    """Give a document with `table` in place of what stands between BEGINS and ENDS; ConfigError without both."""
    before, found, rest = text.partition(BEGINS)
    _, closed, after = rest.partition(ENDS)
    if not found or not closed:
        raise ConfigError("the document has no place for the numbers", expected=f"{BEGINS} and {ENDS}")
    return f"{before}{BEGINS}\n\n{table}\n{ENDS}{after}"


def _read(path: Path, name: str) -> Report:
    try:
        report: Report = json.loads(path.read_text("utf-8"))
        if report["bench"] == name and {"machine", "results", "goals"} <= set(report):
            return report
        raise KeyError(name)
    except (ValueError, KeyError, TypeError):
        raise SourceError("no report of a bench", expected=f"that of {name}", got=str(path)) from None
