import json

import pytest
from support.command import assert_one_clear_line, rtlab

from rtlab.cli.bench import BENCHES, _table


@pytest.fixture(scope="module")
def report():
    done = rtlab("bench", "bandwidth", "--quick", "--json", timeout=110)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_json_is_one_object_with_the_contracted_fields(report):
    assert report["bench"] == "bandwidth"
    assert report["machine"]["cores"] >= 1
    for row in report["results"]:
        assert {"name", "contender", "case", "unit", "runs", "median", "min", "max"} <= set(row)
        assert row["median"] is not None or row["reason"]
    for goal in report["goals"]:
        assert {"show", "name", "value", "bound", "op", "unit"} == set(goal)


def test_a_peer_stands_beside_ours(report):
    contenders = {row["contender"] for row in report["results"]}
    assert "rtlab" in contenders
    assert len(contenders) >= 2


def test_an_unknown_name_is_one_clear_line():
    assert_one_clear_line(rtlab("bench", "speed"), "speed", *BENCHES)


def test_a_table_names_what_was_measured(report, capsys):
    _table(report)
    printed = capsys.readouterr().out
    assert "full state / increments" in printed
    assert "holds: " in printed or "MISSED: " in printed
    assert max(map(len, printed.splitlines())) <= 200
