import json
import sys
from pathlib import Path

import pytest

from rtlab.cli.bench.pipelines import graph, peers

TRADES, QUOTES = graph.random_rows(500)
EXPECTED = graph.results(TRADES, QUOTES)
ROWS = TRADES[:, :3], QUOTES[:, [0, 2, 3, 4, 5]]


def nowhere(name: str) -> Path:
    raise peers.Unfit("could not be installed: no index")


def test_an_engine_that_cannot_be_installed_has_a_reason():
    measured = list(peers.measure(*ROWS, EXPECTED, 2, nowhere))
    assert [name.split()[0] for name, _, _ in measured] == list(peers.VERSIONS)
    assert all((rates, reason) == ([], "could not be installed: no index") for _, rates, reason in measured)


def test_an_engine_that_is_there_is_measured_and_one_that_is_not_says_why():
    here = Path(sys.executable)
    measured = {name.split()[0]: rest for name, *rest in peers.measure(*ROWS, EXPECTED, 1, lambda _: here)}
    rates, reason = measured["streamz"]
    assert (len(rates), reason) == (1, "")
    assert rates[0] > 0
    for name in ("bytewax", "csp", "pathway"):
        rates, reason = measured[name]
        assert rates == []
        assert reason.startswith("failed: ModuleNotFoundError: No module named")


@pytest.mark.parametrize(("wrong", "reason"), [({"imbalance": 1.0}, "imbalance is 1.0 where"), ({}, "")])
def test_an_engine_that_comes_to_something_else_gets_no_number(tmp_path, wrong, reason):
    says = {"rate": 5.0, "results": EXPECTED | wrong}
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\nprint({json.dumps(says)!r})\n")
    python.chmod(0o755)
    for _, rates, why in peers.measure(*ROWS, EXPECTED, 2, lambda _: python):
        assert rates == ([] if reason else [5.0, 5.0])
        assert why.startswith(reason)
