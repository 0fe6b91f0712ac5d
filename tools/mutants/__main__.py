"""Change the engine in every way that mutmut knows, one place at a time, and see who notices.

`python tools/mutants kernel`, or `twin`: the changed one plays the probes, and what it gives has to differ from what
the other one gives. Who lives is tried again on the unit tests of his module. Nothing is compiled: the kernel runs as
plain Python. A run may be interrupted: what was found is kept in .made/mutants, and the next one goes on from there.
"""

import argparse
import gc
import json
import os
import pickle
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.interpreted import interpret  # noqa: E402

interpret()

from changes import Change, changes_of  # noqa: E402
from probes import ROUNDS, Kind, Probe, probes  # noqa: E402

from rtlab.engine import Engine  # noqa: E402
from rtlab.engine.reference import ReferenceEngine  # noqa: E402

SIDES = {
    "kernel": "bits ids expiry output queues accounts checks ending matching auction settling entering holding"
    " conditional sweeping kernel memory values",
    "twin": "plain_accounts plain_book plain_checks plain_floor reference",
}
KEPT = ROOT / ".made" / "mutants"
NOTICED, LIVES = 1, 0
PATIENCE = 4
"""Times as long as the unchanged one may a changed one take for a probe, and 0.2 s."""
PATIENCE_WITH_TESTS = 90
"""Seconds of the processor."""
SLOW = (
    "icebergs_of_the_most or conserved or in_another_process or thousands or do_not_touch or one_specialisation"
    " or finaliser"
)
"""Tests that are left out: they take seconds where nothing is compiled, or look at what was compiled."""
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:nbval", "-p", "no:xdist", "-k", f"not ({SLOW})")
BESIDE = {
    "accounts": "entering matching",
    "auction": "accounts",
    "bits": "queues storage",
    "ending": "accounts conditional matching",
    "ids": "kernel",
    "queues": "storage matching",
    "checks": "limits entering settling",
    "plain_checks": "limits entering settling conditional",
    "matching": "accounts published published_exchange_core published_others conditional",
    "plain_floor": "matching auction conditional settling published published_exchange_core",
    "plain_book": "matching auction checks conditional settling published",
    "reference": "matching entering auction conditional settling sweeping expiry engine",
    "holding": "entering conditional expiry",
    "entering": "holding checks conditional expiry matching published_nautilus",
    "kernel": "engine snapshot small_batches storage sweeping auction expiry settling",
    "conditional": "holding settling published_nautilus",
    "settling": "conditional matching",
}
"""Whose tests are about a module too."""

Expected = list[tuple[Probe, object, float]]


def main() -> None:
    """Try what has not been tried, and list who lives."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("side", choices=SIDES)
    arguments.add_argument("--modules", nargs="*", help="these alone")
    arguments.add_argument(
        "--for", dest="seconds", type=float, default=float("inf"), help="stop after so many"
    )
    arguments.add_argument(
        "--tests", action="store_true", help="try those that live on the tests, and no others"
    )
    given = arguments.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = KEPT / f"{given.side}.jsonl"
    verdicts = _verdicts(kept)
    changes = [change for module in given.modules or SIDES[given.side].split() for change in _changes(module)]
    # in no order: a run that is interrupted has tried some of all modules
    changes.sort(key=lambda change: change.key)
    until = time.monotonic() + given.seconds
    with kept.open("a") as file:
        for change, verdict in _found(given.side, changes, verdicts, tests=given.tests):
            verdicts[change.key] = verdict
            file.write(json.dumps([change.key, verdict]) + "\n")
            file.flush()
            if time.monotonic() > until:
                break
    _report(changes, verdicts)


def _verdicts(kept: Path) -> dict[str, str]:
    return dict(json.loads(line) for line in kept.read_text().splitlines()) if kept.exists() else {}


def _changes(module: str) -> list[Change]:
    """To find them takes longer than to try some: they are kept until the module changes."""
    path = ROOT / "rtlab" / "engine" / f"{module}.py"
    kept = KEPT / f"{module}.json"
    if not kept.exists() or kept.stat().st_mtime < path.stat().st_mtime:
        found = [vars(change) for change in changes_of(f"rtlab.engine.{module}", path)]
        kept.write_text(json.dumps(found))
    return [Change(**one) for one in json.loads(kept.read_text())]


def _found(
    side: str, changes: list[Change], verdicts: dict[str, str], *, tests: bool
) -> Iterator[tuple[Change, str]]:
    mutated, other = (Engine, ReferenceEngine) if side == "kernel" else (ReferenceEngine, Engine)
    expected = _expected(side, mutated, other)
    for change in () if tests else [change for change in changes if change.key not in verdicts]:
        yield change, _apart(partial(_probed, change, mutated, expected), "lives the probes", "noticed")
    for module in dict.fromkeys(change.module for change in changes):
        alive = [
            one for one in changes if (one.module, verdicts.get(one.key)) == (module, "lives the probes")
        ]
        if alive and _apart(partial(_tested, module, None), "lives", "noticed") != "lives":
            sys.exit(f"without any change the tests of {module} fail")
        for change in alive:
            # once more, for the probes may have learned since
            verdict = _apart(partial(_probed, change, mutated, expected), "lives", "noticed")
            if verdict == "lives":
                verdict = _apart(partial(_tested, module, change), "lives", "noticed by tests")
            yield change, verdict


def _expected(side: str, mutated: Kind, other: Kind) -> Expected:
    """Give what each probe has to give, and how long it takes: kept until one of the sources changes."""
    kept = KEPT / f"{side}-{_fingerprint()}.pickle"
    if not kept.exists():
        told = []
        for name, probe in probes():
            wanted = probe(other)
            began = time.process_time()
            if probe(mutated) != wanted:
                sys.exit(f"without any change the two differ: {name}")
            told.append((wanted, time.process_time() - began))
        kept.write_bytes(pickle.dumps(told))
    told = pickle.loads(kept.read_bytes())
    gc.freeze()  # or the children would copy all of it to count references
    return [(probe, wanted, seconds) for (_, probe), (wanted, seconds) in zip(probes(), told, strict=True)]


def _fingerprint() -> str:
    folders = [ROOT / name for name in ("rtlab/engine", "rtlab/model", "tests/support", "tools/mutants")]
    sources = b"".join(path.read_bytes() for folder in folders for path in sorted(folder.glob("*.py")))
    return sha256(sources + str(ROUNDS).encode()).hexdigest()[:16]


def _probed(change: Change, mutated: Kind, expected: Expected) -> bool:
    """Whether a probe notices the change."""
    change.make()
    for probe, wanted, seconds in expected:
        signal.setitimer(signal.ITIMER_PROF, PATIENCE * seconds + 0.2)
        if probe(mutated) != wanted:
            return True
    return False


def _tested(module: str, change: Change | None) -> bool:
    """Whether a unit test of a module notices a change in it."""
    os.close(1)
    os.open(os.devnull, os.O_WRONLY)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE_WITH_TESTS)
    if change is not None:
        change.make()
    return pytest.main([*OPTIONS, *tests_of(module)]) != 0


def tests_of(module: str) -> list[str]:
    """Give the files of tests that are about a module."""
    name = module.rpartition(".")[2]
    beside = BESIDE.get(name, "").split()
    about = [
        f"test_{one}.py"
        for one in ("survivors", "survivors_terms", name, name.removeprefix("plain_"), *beside)
    ]
    files = [ROOT / "tests" / "unit" / "engine" / one for one in dict.fromkeys(about)]
    return [str(file) for file in files if file.exists()]


def _apart(notices: Callable[[], bool], lives: str, noticed: str) -> str:
    """Let another process say whether it notices, and tell how that ended."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = NOTICED
        try:
            code = NOTICED if notices() else LIVES
        finally:
            os._exit(code)  # whatever a changed engine raises is noticed
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "endless" if os.WTERMSIG(status) == signal.SIGPROF else "crashes"
    return noticed if os.WEXITSTATUS(status) == NOTICED else lives


def _report(changes: list[Change], verdicts: dict[str, str]) -> None:
    changes.sort(key=lambda change: (change.module, change.function))
    for module in dict.fromkeys(change.module for change in changes):
        _count(module, ours := [change for change in changes if change.module == module], verdicts)
        for change in ours:
            if verdicts.get(change.key, "").startswith("lives"):
                print(f"  {change.function}\n    " + change.shown.replace("\n", "\n    "))
    _count("all", changes, verdicts)


def _count(what: str, changes: list[Change], verdicts: dict[str, str]) -> None:
    found = Counter(verdicts.get(change.key, "not tried") for change in changes)
    print(
        f"{what}: {len(changes)} changes",
        *(f"{count} {verdict}" for verdict, count in found.most_common()),
        sep=", ",
    )


if __name__ == "__main__":
    main()
