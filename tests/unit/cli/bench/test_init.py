import json

import pytest
from click.testing import CliRunner
from support.command import assert_one_clear_line, rtlab

from rtlab.cli.bench import BENCHES, _table, bandwidth, command
from rtlab.cli.bench.everything import BEGINS, ENDS


@pytest.fixture(scope="module")
def report():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bandwidth, "run", lambda quick: bandwidth.measure(3.0, 0.5 if quick else 20.0))
        done = CliRunner().invoke(command, ["bandwidth", "--quick", "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
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


def test_all_that_is_kept_becomes_one_table_in_a_document(report, tmp_path):
    short = report | {"results": report["results"][:5]}
    for name in BENCHES:
        (tmp_path / f"{name}.json").write_text(json.dumps(short | {"bench": name}))
    document = tmp_path / "doc.md"
    document.write_text(f"before\n{BEGINS}\n{ENDS}\nafter\n")
    done = rtlab("bench", "--all", "--keep", tmp_path, "--into", document)
    assert done.returncode == 0, done.stderr
    assert all(f"rtlab bench {name} on" in done.stdout for name in BENCHES)
    text = document.read_text()
    assert text.startswith(f"before\n{BEGINS}\n\nOn cpu ")
    assert text.endswith(f"{ENDS}\nafter\n")
    assert all(f"| {name} | full state / increments" in text for name in BENCHES)
    told = rtlab("bench", "--all", "--keep", tmp_path, "--json")
    assert [one["bench"] for one in json.loads(told.stdout)] == list(BENCHES)
    printed = rtlab("bench", "--all", "--keep", tmp_path).stdout
    assert text.split(BEGINS)[1].split(ENDS)[0].strip() in printed


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((), "--all, or one of engine"),
        (("flow", "--all"), "--all, or one of engine"),
        (("flow", "--keep", "x"), "are for --all"),
        (("--all", "--soak", "1s"), "--soak is for fanout, not for --all"),
    ],
)
def test_what_does_not_go_together_is_one_clear_line(arguments, part):
    assert_one_clear_line(rtlab("bench", *arguments), part)


def test_a_document_without_marks_is_told_before_anything_is_measured(tmp_path):
    document = tmp_path / "doc.md"
    document.write_text("no marks")
    assert_one_clear_line(rtlab("bench", "--all", "--into", document), "no place for the numbers")
    assert document.read_text() == "no marks"
