from support.command import assert_one_clear_line, rtlab

GRID = ("--instrument", "ABC", "--tick-size", "0.01", "--lot-size", "1")


def test_trades_go_in_and_out(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text("when,at,much,who\n1700000000,10.01,5,buy\n1700000001,10.02,7,sell\n")
    columns = "ts=when,price=at,qty=much,side=who"
    done = rtlab(
        "import", file, tmp_path / "s", *GRID, "--columns", columns, "--time-unit", "s", cwd=tmp_path
    )
    assert done.stdout == f"2 trades of ABC are in {tmp_path / 's'}\n", done.stderr
    out = rtlab("export", tmp_path / "s", "trades", "ABC", tmp_path / "out.csv", cwd=tmp_path)
    assert out.returncode == 0, out.stderr
    assert [line.split(",")[-2:] for line in (tmp_path / "out.csv").read_text().splitlines()[1:]] == [
        ['"10.01"', '"5"'],
        ['"10.02"', '"7"'],
    ]


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
