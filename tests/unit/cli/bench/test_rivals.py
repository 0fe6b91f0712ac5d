import sys
from pathlib import Path

import numpy as np
import pytest

from rtlab.cli.bench import rivals
from rtlab.cli.bench.shapes import ONE, flow, limits_and_cancels

ROWS = limits_and_cancels(flow("normal", 600, depth=50))


def nowhere(name: str) -> Path:
    raise rivals.Unfit("could not be installed: no index")


def test_an_engine_that_cannot_be_installed_has_a_reason() -> None:
    measured = list(rivals.measure(ROWS, ONE, 2, nowhere))
    assert [one.contender.split()[0] for one in measured] == list(rivals.VERSIONS)
    assert all(one.rates == [] and one.reason == "could not be installed: no index" for one in measured)
    assert rivals.best(measured) is None


def test_an_engine_that_fails_says_its_last_word() -> None:
    measured = list(rivals.measure(ROWS, ONE, 1, lambda name: Path(sys.executable)))
    missing = [one.reason for one in measured if not one.rates]
    assert missing
    assert all(reason.startswith("failed: ") and len(reason) > 10 for reason in missing)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"traded": 0}, "traded is 0 where"),
        ({"bids": 1}, "bids is 1 where"),
        ({}, ""),
    ],
)
def test_an_engine_that_trades_otherwise_gets_no_number(
    tmp_path: Path, told: dict[str, int], reason: str
) -> None:
    says = {"rate": 5.0, "traded": None, "bids": None, "asks": None} | told
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\nimport json\nprint(json.dumps({says!r}))\n")
    python.chmod(0o755)
    expected = rivals.truth(ROWS, ONE)
    assert expected.traded > 0
    for one in rivals.measure(ROWS, ONE, 2, lambda name: python):
        assert one.rates == ([] if reason else [5.0, 5.0])
        assert one.reason.startswith(reason)


def test_the_fastest_is_the_one_with_the_highest_median() -> None:
    rates = {"a": [1.0, 9.0, 2.0], "b": [3.0, 3.0, 3.0], "c": []}
    assert rivals.best([rivals.Measured(name, 9, some, "") for name, some in rates.items()]) == 3.0


def test_a_slow_engine_gets_the_beginning_of_the_flow_and_its_own_truth(tmp_path: Path) -> None:
    some = ROWS[:200]
    expected = rivals.truth(some, ONE)
    assert expected != rivals.truth(ROWS, ONE)
    python = tmp_path / "python"
    says = {"rate": 7.0, **expected._asdict()}
    python.write_text(f"#!{sys.executable}\nimport json\nprint(json.dumps({says!r}))\n")
    python.chmod(0o755)
    *others, slow = rivals.measure(ROWS, ONE, 1, lambda name: python, {"order-matching": len(some)})
    assert slow == (f"order-matching {rivals.VERSIONS['order-matching']}", len(some), [7.0], "")
    assert all(one.messages == len(ROWS) and "is right" in one.reason for one in others)


@pytest.mark.parametrize("name", rivals.VERSIONS)
def test_an_engine_is_asked_for_by_its_name_and_pinned_version(name: str) -> None:
    wanted, version = rivals.requirement(name).split("==")
    assert wanted.split("[")[0] == name
    assert version == rivals.VERSIONS[name]
    assert set(rivals.NEEDS) <= set(rivals.VERSIONS)


def test_the_truth_adds_up() -> None:
    told = rivals.truth(ROWS, ONE)
    placed = int(ROWS["qty"][ROWS["kind"] == 1].sum())
    assert 2 * told.traded + told.bids + told.asks <= placed
    assert np.isfinite(told.traded)
