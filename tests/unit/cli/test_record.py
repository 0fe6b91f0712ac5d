import asyncio

from support.command import assert_one_clear_line, rtlab
from support.recorded import recorded
from support.recordings import book_ticker, depth, snapshot, trade, write_gzip

from rtlab.cli.record import ended_line, raw_line, tell
from rtlab.lab.raw import RawStatistics
from rtlab.store.standing import RecorderStatistics


def test_a_recording_becomes_a_store_that_can_be_tended(tmp_path):
    lines = [
        snapshot(10, [("100", "1")], [("101", "2")], ts_recv=1),
        book_ticker(10, ("100", "1"), ("101", "2")),
        depth(11, 12, [("100", "3")], [("101", "0"), ("102", "1")], ts_recv=2),
        trade(1, "100", "1", buyer_is_maker=True, ts_recv=3),
    ]
    file = write_gzip(tmp_path / "spot_btcusdt_20240808.gz", lines)
    done = rtlab("record", tmp_path / "s", "--source", file, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "6 rows in" in done.stdout
    tended = rtlab("tend", tmp_path / "s", "--check", "--keep", "7d", cwd=tmp_path)
    assert tended.returncode == 0, tended.stderr
    assert "files are as they were made" in tended.stdout


async def test_how_it_stands_is_told_again_and_again(capsys):
    class Some:
        rows = 0

        def statistics(self):
            self.rows += 1
            return RecorderStatistics("recording", rows=self.rows)

    telling = asyncio.create_task(tell(Some(), 0.001))
    lines = []
    while len(lines) < 3:
        await asyncio.sleep(0.001)
        lines += capsys.readouterr().out.splitlines()
    telling.cancel()
    assert [line[:23] for line in lines[:3]] == [f"recording: {n} rows safe," for n in (1, 2, 3)]


def test_what_was_lost_is_said_at_the_end_where_something_was():
    told = RecorderStatistics("closed", rows=1200, gaps=2, worst_lag_s=0.5)
    line = "1,200 rows in 2.0 s, 0 found in tails, 2 gaps, worst lag 0.50 s"
    assert ended_line(told, 2.0) == line
    lost = told._replace(unrecorded=30, rows_lost=4000)
    assert ended_line(lost, 2.0) == line + ", 30 entries given up, 4,000 rows lost"
    assert ended_line(told._replace(rows_lost=7), 2.0) == line + ", 7 rows lost"  # by Redis, not by the limit
    raw = RawStatistics(5000, 1_000_000, 0, 0, 0, 0)
    assert raw_line("kraken", raw) == "5,000 raw messages of kraken, 1,000,000 bytes"
    assert raw_line("kraken", raw._replace(dropped=2, waiting=3)).endswith(", 5 NOT kept")


def test_raw_messages_are_those_of_a_live_venue(tmp_path):
    done = rtlab("record", tmp_path / "s", "--url", "ws://127.0.0.1:1", "--raw", cwd=tmp_path)
    assert_one_clear_line(done, "--raw keeps a live venue's messages")


def test_what_is_to_be_recorded_must_be_said_once(tmp_path):
    assert_one_clear_line(
        rtlab("record", tmp_path / "s", cwd=tmp_path), "Give one of --redis, --url and --source"
    )
    both = rtlab("record", tmp_path / "s", "--url", "ws://x", "--source", "y", cwd=tmp_path)
    assert_one_clear_line(both, "Give one of")
    demo = rtlab("record", tmp_path / "s", "--url", "demo", cwd=tmp_path)
    assert_one_clear_line(demo, "`rtlab serve`, and --url ws://127.0.0.1:8765")
    assert not (tmp_path / "s").exists()


def test_a_feed_that_is_not_there_and_a_missing_file_are_clear_errors(tmp_path):
    done = rtlab("record", tmp_path / "s", "--url", "ws://127.0.0.1:1", cwd=tmp_path)
    assert_one_clear_line(done, "127.0.0.1:1")
    done = rtlab("record", tmp_path / "s", "--source", tmp_path / "none.gz", cwd=tmp_path)
    assert_one_clear_line(done, "none.gz")
    done = rtlab("record", tmp_path / "s", "--source", "krakn:BTC/USD", cwd=tmp_path)
    assert_one_clear_line(done, "did you mean kraken")
    assert not (tmp_path / "s").exists()
    (tmp_path / "one.csv").write_text("a,b\n")
    done = rtlab("record", tmp_path / "one.csv" / "x", "--url", "ws://127.0.0.1:1", cwd=tmp_path)
    assert_one_clear_line(done, "cannot be made: Not a directory")


def test_recorded_data_is_where_tests_find_it():
    assert recorded("binance/usdm_btcusdt_20240808.gz").exists()
