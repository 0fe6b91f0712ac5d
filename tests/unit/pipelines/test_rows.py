import logging

from support.frames import BTC, random_trades

from rtlab.pipelines import FrameSource


def divide(row: dict) -> float:
    return 100 / (row["lots"] - 3)


def test_a_row_that_fails_is_told_and_the_others_go_on(caplog):
    with FrameSource(BTC, "trades") as source, caplog.at_level(logging.ERROR):
        node, other = source.stream.each(divide, "ratio"), source.stream.vwap()
        source.on_trades([(n, 1000, lots, 0) for n, lots in enumerate((1, 3, 5))], 1)
        source.flush()
        assert node.latest_frame["ratio"].tolist() == [-50.0, 50.0]
        assert node.latest_frame["seq"].tolist() == [1, 3]
        assert other.latest_frame.rows == 3
        (failure,) = source.failures()
        assert "'seq': 2" in failure.on
        assert "'lots': 3" in failure.on
        assert "ZeroDivisionError" in failure.error
        assert source.statistics().errors == node.errors == 1
        assert "a function failed on a row" in caplog.text


def test_where_every_row_fails_nothing_is_emitted(caplog):
    with FrameSource(BTC, "trades") as source:
        node = source.stream.each(lambda row: row["colour"])
        source.on_trades(random_trades(1, 150), 1)
        source.flush()
        assert node.latest_frame is None
        assert node.errors == 150
        assert len(source.failures()) == 100
        assert "'colour'" in source.failures()[-1].error


def test_what_is_no_frame_is_told():
    with FrameSource(BTC, "trades") as source:
        node = source.stream.map(lambda frame: frame.rows).each(divide)
        source.on_trades(random_trades(1, 3), 1)
        source.flush()
        assert node.errors == 1
        assert "rows are taken from frames" in source.failures()[0].error


def test_a_frame_that_fails_in_a_map_is_named_by_its_rows():
    with FrameSource(BTC, "trades") as source:
        node = source.stream.map(lambda frame: frame["colour"])
        source.on_trades(random_trades(1, 3), 7)
        source.flush()
        (failure,) = source.failures()
        assert "trades BTC-USD, 3 rows, seq 7 to 9" in failure.on
        assert node.errors == 1
