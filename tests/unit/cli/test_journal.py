import json

import pytest
from support.command import assert_one_clear_line, rtlab
from support.journals import new_engine, stream, write

from rtlab.engine.journal import replay_journal


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "journal"
    write(folder, 2000)
    return folder


def test_a_sound_journal_is_verified_in_one_line(folder):
    done = rtlab("journal", "verify", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{folder}: sound: commands ")
    assert "to 2,000 in" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_a_torn_end_is_told_and_damage_ends_with_file_and_offset(tmp_path):
    write(tmp_path, 100)
    path = next(tmp_path.glob("*.segment"))
    content = path.read_bytes()
    path.write_bytes(content + b"torn")
    done = rtlab("journal", "verify", tmp_path)
    assert done.returncode == 0
    assert f"{path}: 4 bytes at its end are of a batch that was never acknowledged" in done.stdout
    path.write_bytes(content[:3000] + b"?" + content[3001:])
    assert_one_clear_line(rtlab("journal", "verify", tmp_path), f"{path}, offset ", "checksum")
    assert_one_clear_line(rtlab("journal", "replay", tmp_path), f"{path}, offset ")
    assert_one_clear_line(rtlab("journal", "dump", tmp_path), f"{path}, offset ")


def test_a_folder_without_a_journal_is_told(tmp_path):
    assert_one_clear_line(rtlab("journal", "verify", tmp_path / "none"), "no snapshot of a journal")


def test_commands_are_printed_by_name_one_a_line(folder):
    done = rtlab("journal", "dump", folder, "--from", 1990, "--count", 3)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["command"] for line in lines] == [1990, 1991, 1992]
    for line, row in zip(lines, stream(2000)[1990:], strict=False):
        assert (line["order_id"], line["ts"]) == (row["order_id"], row["ts"])
        assert line["kind"] == {1: "NEW", 2: "CANCEL"}[int(row["kind"])]
        assert line["side"] == ("BID", "ASK")[int(row["side"])]
        assert line.get("order_type") == (None, "MARKET")[int(row["order_type"])]
        assert line.get("stop_price") is None
    assert len(rtlab("journal", "dump", folder, "--from", 1990).stdout.splitlines()) == 10


def test_a_replay_says_what_the_commands_lead_to(folder):
    done = rtlab("journal", "replay", folder)
    assert done.returncode == 0, done.stderr
    replayed = replay_journal(folder)
    assert f"gave {replayed.events:,} events, CRC-32 {replayed.checksum:08x}" in done.stdout
    assert f"the snapshot after {replayed.snapshots[0]:,} is what they lead to" in done.stdout
    truth = new_engine()
    truth.process(stream(2000))
    bids, asks = truth.book("BTC-USD")
    best = (f"{len(side)} levels, best {side[0][0]} x {side[0][1]}" for side in (bids, asks))
    assert "BTC-USD: bids {}; asks {}".format(*best) in done.stdout


def test_a_replay_can_end_before_the_end(folder):
    assert "to 1,591 gave" in rtlab("journal", "replay", folder, "--to", 1560).stdout
