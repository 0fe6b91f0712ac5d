import json

import pytest

from rtlab.cli.bench.everything import BEGINS, ENDS, measured, reports, written_into
from rtlab.errors import ConfigError, SourceError


def made(name, quick, **more):
    return {"bench": name, "machine": {"quick": quick}, "results": [], "goals": [], **more}


def never(name, quick):
    raise AssertionError(name)


def test_each_bench_is_measured_in_turn():
    assert [one["bench"] for one in reports(["b", "a"], quick=True, measure=made)] == ["b", "a"]
    assert next(reports(["a"], quick=False, measure=made))["machine"] == {"quick": False}


def test_what_is_kept_is_not_measured_again(tmp_path):
    first = list(reports(["a", "b"], quick=True, keep=tmp_path / "kept", measure=made))
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["a.json", "b.json"]
    assert list(reports(["a", "b"], quick=True, keep=tmp_path / "kept", measure=never)) == first


def test_it_is_measured_when_it_is_asked_for_and_no_sooner():
    told = reports(
        ["a", "b"],
        quick=True,
        measure=lambda name, quick: never(name, quick) if name == "b" else made(name, quick),
    )
    assert next(told)["bench"] == "a"
    with pytest.raises(AssertionError, match="b"):
        next(told)


def test_what_failed_is_not_kept(tmp_path):
    def failing(name, quick):
        return made(name, quick, reason="it broke")

    assert next(reports(["a"], quick=True, keep=tmp_path, measure=failing))["reason"] == "it broke"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "[]", "{", json.dumps({"bench": "b"}), json.dumps({"bench": "a"})])
def test_a_kept_file_that_is_no_report_of_its_bench_is_told(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(SourceError, match="no report of a bench: expected that of a"):
        next(reports(["a"], quick=True, keep=tmp_path, measure=never))


def test_a_bench_that_ends_badly_is_a_report_with_its_reason():
    told = measured("no-such-bench", quick=True)
    assert told["results"] == told["goals"] == []
    assert told["reason"].startswith("ended with status 2: rtlab: ")


def test_the_table_takes_the_place_between_the_marks_again_and_again():
    document = f"# Title\n\n{BEGINS}\nold\n{ENDS}\n\nthe rest\n"
    once = written_into(document, "| new |\n")
    assert once == f"# Title\n\n{BEGINS}\n\n| new |\n\n{ENDS}\n\nthe rest\n"
    assert written_into(once, "| new |\n") == once


@pytest.mark.parametrize("document", ["", BEGINS, ENDS, f"{ENDS}\n{BEGINS}"])
def test_a_document_without_a_place_for_the_table_is_told(document):
    with pytest.raises(ConfigError, match="no place for the numbers"):
        written_into(document, "")
