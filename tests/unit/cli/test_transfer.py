from click.testing import CliRunner
from support.command import assert_one_clear_line, rtlab
from support.recordings import book_ticker, depth, snapshot, write_gzip

from rtlab.cli import cli

GRID = ("--instrument", "ABC", "--tick-size", "0.01", "--lot-size", "1")


def said(*arguments):
    done = CliRunner().invoke(cli, [str(one) for one in arguments])
    assert done.exception is None, done.exception
    return done.output.strip()


def test_trades_go_in_and_out(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text("when,at,much,who\n1700000000,10.01,5,buy\n1700000001,10.02,7,sell\n")
    columns = "ts=when,price=at,qty=much,side=who"
    done = said("import", file, tmp_path / "s", *GRID, "--columns", columns, "--time-unit", "s")
    assert done == f"2 trades of ABC are in {tmp_path / 's'}"
    assert said("export", tmp_path / "s", "trades", "ABC", tmp_path / "out.csv").startswith(
        "2 rows of trades"
    )
    assert [line.split(",")[-2:] for line in (tmp_path / "out.csv").read_text().splitlines()[1:]] == [
        ['"10.01"', '"5"'],
        ['"10.02"', '"7"'],
    ]


def test_times_may_be_text_and_the_help_says_what_a_side_may_be(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text("when,at,much,who\n2024-08-08T00:00:00.000000000,10.01,5,buy\n")
    columns = ("--columns", "ts=when,price=at,qty=much,side=who", "--time-unit")
    done = rtlab("import", file, tmp_path / "s", *GRID, *columns, "s", cwd=tmp_path)
    assert_one_clear_line(done, "the unit of ISO 8601 text is iso", "2024-08-08T00")
    assert said("import", file, tmp_path / "s", *GRID, *columns, "iso").startswith("1 trades of ABC")
    told = " ".join(said("import", "--help").split())
    assert "side says buy, bid, b or 0; or sell, ask, s or 1" in told
    assert "ISO 8601 text" in told


def test_what_is_not_said_or_not_known_is_one_clear_error(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text("when,at\n1,2\n")
    said = ("--time-unit", "s", "--columns")
    done = rtlab("import", file, tmp_path / "s", *GRID, *said, "ts=when", cwd=tmp_path)
    assert_one_clear_line(done, "expected ts=COLUMN,price=COLUMN")
    done = rtlab("import", file, tmp_path / "s", *GRID[:-1], "much", *said, "x", cwd=tmp_path)
    assert_one_clear_line(done, "this is no decimal")
    done = rtlab("export", tmp_path, "trades", "ABC", tmp_path / "out.xls", cwd=tmp_path)
    assert_one_clear_line(done, "ends in .csv or .parquet")


def test_candles_and_columns_of_your_own_go_in_and_out(tmp_path):
    (tmp_path / "c.csv").write_text(
        "t,o,h,l,c,v\n60,10.00,10.50,9.90,10.10,7\n120,10.10,10.20,10.00,10.00,3\n"
    )
    columns = "ts=t,open=o,high=h,low=l,close=c,volume=v"
    store, told = tmp_path / "s", (*GRID, "--time-unit", "s", "--columns")
    done = said("import", tmp_path / "c.csv", store, *told, columns, "--channel", "candles")
    assert done == f"2 rows of candles of ABC are in {store}"
    assert (
        said("import", tmp_path / "c.csv", store, *told, "ts=t,mid:price=o", "--channel", "mids")[:14]
        == "2 rows of mids"
    )
    assert said("export", store, "candles", "ABC", tmp_path / "out.csv").startswith(
        "2 rows of candles of ABC"
    )
    assert (tmp_path / "out.csv").read_text().splitlines()[
        1
    ] == '1,60000000000,"10.00","10.50","9.90","10.10","7"'


def test_level_changes_and_recordings_go_in(tmp_path):
    (tmp_path / "b.csv").write_text("t,p,q,s\n1,10.00,5,bid\n2,10.02,4,ask\n")
    told = (*GRID, "--time-unit", "s", "--columns", "ts=t,price=p,qty=q,side=s", "--channel", "book")
    assert (
        said("import", tmp_path / "b.csv", tmp_path / "s", *told)
        == f"2 rows of book of ABC are in {tmp_path / 's'}"
    )
    lines = [
        snapshot(10, [("100", "1")], [("101", "2")], ts_recv=1),
        book_ticker(10, ("100", "1"), ("101", "2")),
        depth(11, 12, [("100", "3")], [], ts_recv=2),
    ]
    file = write_gzip(tmp_path / "spot_btcusdt_20240808.gz", lines)
    done = said("import", file, tmp_path / "s", "--recording")
    assert done == f"3 rows of book, 0 of trades and 1 of quotes of BTCUSDT are in {tmp_path / 's'}"
    assert said("export", tmp_path / "s", "quotes", "BTCUSDT", tmp_path / "q.parquet").startswith(
        "1 rows of quotes"
    )


def test_what_a_table_needs_is_said_and_a_recording_needs_none_of_it(tmp_path):
    (tmp_path / "c.csv").write_text("t\n1\n")
    done = CliRunner().invoke(
        cli, ["import", str(tmp_path / "c.csv"), str(tmp_path / "s"), "--instrument", "A"]
    )
    assert "a table needs --tick-size, --lot-size, --columns, --time-unit" in done.output
    told = ["import", str(tmp_path / "c.csv"), str(tmp_path / "s"), "--recording", "--columns", "ts=t"]
    assert "a --recording needs no columns" in CliRunner().invoke(cli, told).output
