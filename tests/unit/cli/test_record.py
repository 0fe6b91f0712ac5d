import asyncio

from support.command import assert_one_clear_line, rtlab
from support.recorded import recorded
from support.recordings import book_ticker, depth, snapshot, trade, write_gzip

from rtlab.cli.record import tell
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
    assert "files are as their manifests say" in tended.stdout


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


def test_what_is_to_be_recorded_must_be_said_once(tmp_path):
    assert_one_clear_line(
        rtlab("record", tmp_path / "s", cwd=tmp_path), "Give one of --redis, --url and --source"
    )
    both = rtlab("record", tmp_path / "s", "--url", "ws://x", "--source", "y", cwd=tmp_path)
    assert_one_clear_line(both, "Give one of")


def test_a_feed_that_is_not_there_and_a_missing_file_are_clear_errors(tmp_path):
    done = rtlab("record", tmp_path / "s", "--url", "ws://127.0.0.1:1", cwd=tmp_path)
    assert_one_clear_line(done, "127.0.0.1:1")
    done = rtlab("record", tmp_path / "s", "--source", tmp_path / "none.gz", cwd=tmp_path)
    assert_one_clear_line(done, "none.gz")
    done = rtlab("record", tmp_path / "s", "--source", "krakn:BTC/USD", cwd=tmp_path)
    assert_one_clear_line(done, "did you mean kraken")


def test_recorded_data_is_where_tests_find_it():
    assert recorded("binance/usdm_btcusdt_20240808.gz").exists()
