import gzip

import pytest
from support.command import assert_one_clear_line, rtlab
from support.recorded import recorded

SPOT = "binance/spot_ethusdt_20240808.gz"


@pytest.fixture
def beginning(tmp_path):
    """The first records of a real recording, up to a little after its snapshot."""
    with gzip.open(recorded(SPOT), "rb") as whole:
        lines = [next(whole) for _ in range(3000)]
    path = tmp_path / "spot.gz"
    path.write_bytes(gzip.compress(b"".join(lines)))
    return path


def test_a_checked_replay_tells_what_arrived(beginning):
    done = rtlab("replay", beginning, "--verify", "--as-fast-as-possible")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "venue: 0 gaps" in done.stdout
    assert "book equal to the server's" in done.stdout


def test_an_unchecked_replay_plays_to_the_end(beginning):
    done = rtlab("replay", beginning, "--speed", "1000", "--port", "0")
    assert done.returncode == 0
    assert done.stdout.startswith("ETHUSDT from spot.gz: feed at ws://127.0.0.1:")
    assert done.stdout.splitlines()[-1].startswith("the recording is over; readers: 0 in all, ")


def test_a_replay_ends_when_its_time_is_over(beginning):
    done = rtlab("replay", beginning, "--speed", "0.01", "--for", "300ms", "--port", "0")
    assert done.returncode == 0
    assert "the recording is over" not in done.stdout
    assert done.stdout.splitlines()[-1].startswith("readers: 0 in all, ")


def test_a_recording_whose_quotes_differ_does_not_hold(beginning, tmp_path):
    changed = []
    for line in gzip.decompress(beginning.read_bytes()).splitlines():
        changed.append(line.replace(b'"B":"', b'"B":"1') if b"bookTicker" in line else line)
    forged = tmp_path / "forged.gz"
    forged.write_bytes(gzip.compress(b"\n".join(changed) + b"\n"))
    done = rtlab("replay", forged, "--verify", "--as-fast-as-possible")
    assert done.returncode == 2
    assert "different:" in done.stdout
    assert "does not hold" in done.stderr


def test_a_missing_file_is_one_clear_line(tmp_path):
    assert_one_clear_line(rtlab("replay", tmp_path / "none.gz"), "none.gz")


def test_a_foreign_file_is_one_clear_line(tmp_path):
    path = tmp_path / "picture.gz"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert_one_clear_line(rtlab("replay", path), "picture.gz")


def test_a_truncated_file_is_played_up_to_the_cut_and_then_one_clear_line(beginning, tmp_path):
    cut = tmp_path / "cut.gz"
    cut.write_bytes(beginning.read_bytes()[:-2000])
    done = rtlab("replay", cut, "--as-fast-as-possible", "--port", "0")
    assert done.returncode == 2
    assert done.stdout.startswith("ETHUSDT")
    assert len(done.stderr.splitlines()) == 1
    assert "cut.gz" in done.stderr


def test_a_price_off_the_grid_names_its_record(beginning, tmp_path):
    lines = gzip.decompress(beginning.read_bytes()).splitlines()
    at = next(i for i, line in enumerate(lines) if b"@trade" in line)
    lines[at] = lines[at].replace(b'"p":"', b'"p":"0.00')
    path = tmp_path / "off.gz"
    path.write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))
    done = rtlab("replay", path, "--as-fast-as-possible", "--port", "0")
    assert done.returncode == 2
    assert f"record {at + 1}" in done.stderr


@pytest.mark.parametrize("speed", ["0", "-1"])
def test_a_speed_that_is_none_is_one_clear_line_before_anything_is_served(beginning, tmp_path, speed):
    done = rtlab("replay", beginning, "--speed", speed, "--port", "0")
    assert_one_clear_line(done, "above 0", f"got {float(speed)}")
    done = rtlab("record", tmp_path / "s", "--source", beginning, "--speed", speed)
    assert_one_clear_line(done, "above 0", f"got {float(speed)}")


def test_two_speeds_exclude_each_other(beginning):
    assert_one_clear_line(
        rtlab("replay", beginning, "--speed", "2", "--as-fast-as-possible"), "exclude each other"
    )
