"""The journal's benchmark: every contender writes the same rows, and has its numbers."""

import sqlite3
from pathlib import Path

import pytest
from support.command_flow import Flow

from rtlab.cli.bench import journal as bench
from rtlab.cli.bench.journal import Size, file_system, measure
from rtlab.engine.journal import read_journal

SMALL = Size(runs=2, commands=3_000, syncs=20)


@pytest.fixture(scope="module")
def report():
    return measure(SMALL)


def test_every_contender_has_a_row_for_every_batch_and_its_numbers_are_in_order(report):
    rows = [row for row in report["results"] if row["name"] == "throughput"]
    contenders = {row["contender"].split(" ")[0].strip(",:") for row in rows}
    assert contenders == {"rtlab", "the", "SQLite"}
    assert len(rows) == 4 * 4
    for row in report["results"]:
        assert 0 < row["min"] <= row["median"] <= row["max"]
        assert row["runs"] == 2


def test_cases_name_the_file_system(report):
    kind = file_system(Path("/"))
    assert kind
    assert " " not in kind
    rows = [row for row in report["results"] if row["name"] == "throughput"]
    assert all(" on " in row["case"] for row in rows)


def test_both_goals_of_the_issue_are_told_with_what_was_measured(report):
    share, rate = report["goals"]
    assert (share["show"], share["bound"], share["op"]) == (6, 1.0, ">=")
    assert (rate["show"], rate["bound"], rate["unit"]) == (6, 1_500_000, "commands/s")
    measured = next(
        row["median"]
        for row in report["results"]
        if row["contender"] == "rtlab" and "per 1,000," in row["case"]
    )
    assert rate["value"] == measured


def test_recovery_is_told_with_what_it_recovered(report):
    names = [row["name"] for row in report["results"]][-3:]
    assert names == ["check every byte", "recover without a snapshot", "keep a snapshot"]
    assert report["results"][-2]["case"] == "3,000 commands"


def test_every_contender_puts_all_rows_on_the_disk(tmp_path):
    rows = Flow(1).take(100)
    assert bench._alone(tmp_path, rows, 30) > 0
    journal = read_journal(tmp_path / "journal")
    assert b"".join(batch.tobytes() for batch in journal.batches()) == rows.tobytes()
    assert bench._disk(tmp_path, rows, 30) > 0
    assert (tmp_path / "file").read_bytes() == rows.tobytes()
    assert bench._sqlite(tmp_path, rows, 30) > 0
    connection = sqlite3.connect(tmp_path / "commands.db")
    stored = connection.execute("select row from command order by number").fetchall()
    connection.close()
    assert b"".join(row for (row,) in stored) == rows.tobytes()
