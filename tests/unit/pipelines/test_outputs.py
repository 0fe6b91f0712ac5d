import asyncio
import gc
import weakref
from contextlib import asynccontextmanager

import duckdb
import numpy as np
import pytest
from support.frames import BTC, random_trades, trades

from rtlab.bus import connect
from rtlab.errors import ConfigError, LocalError, StoreError
from rtlab.pipelines import FrameRow, FrameSource, frame_topic, outputs, read_frames
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import dismantle, root

ROWS = random_trades(1, 3000)


def begun():
    return root("trades BTC-USD", "trades", OwnersLoop())


def fed(stream, rows: np.ndarray = ROWS, step: int = 100) -> None:
    for first in range(0, len(rows), step):
        stream._emit(trades(rows[first : first + step], first + 1))


def test_rows_are_in_files_and_no_open_bar_is(tmp_path):
    stream = begun()
    bars = stream.bars("1s").keep(1000)
    node = bars.to_store(tmp_path, rows_per_file=10)
    fed(stream)
    dismantle(stream)
    final = bars.to_frame()
    final = final[final["final"]]
    table = read_frames(tmp_path, "bars", "BTC-USD")
    assert table.column("close").to_pylist() == final["close"].tolist()
    assert table.column("start").to_pylist() == [one.value for one in final.index]
    assert (node.written, node.waiting, node.dropped) == (len(final), 0, 0)
    files = sorted((tmp_path / "bars" / "BTC-USD").iterdir())
    assert len(files) == -(-len(final) // 10)
    where = tmp_path / "bars" / "BTC-USD" / "*.parquet"
    assert duckdb.sql(f"select sum(trades) from '{where}'").limit(1).fetchall() == [
        (int(final["trades"].sum()),)
    ]


def test_files_of_a_second_run_come_after_those_of_the_first(tmp_path):
    for first in (0, 1500):
        stream = begun()
        stream.to_store(tmp_path)
        stream._emit(trades(ROWS[first : first + 1500], first + 1))
        dismantle(stream)
    assert read_frames(tmp_path, "trades", "BTC-USD").column("seq").to_pylist() == list(range(1, 3001))


def test_a_disk_that_takes_nothing_is_told_and_the_rows_wait(tmp_path, caplog):
    (tmp_path / "trades").write_text("a file where a folder should be")
    stream = begun()
    node = stream.to_store(tmp_path, rows_per_file=200)
    other = stream.vwap()
    fed(stream)
    assert node.errors > 0
    assert "takes no more frames" in caplog.text
    assert node.waiting == 3000
    assert other.rows == 3000
    assert not list(tmp_path.glob("*.new"))
    (tmp_path / "trades").unlink()
    node.flush()
    assert node.written == 3000


def test_what_the_disk_never_took_is_counted_when_the_graph_ends(tmp_path, caplog):
    (tmp_path / "trades").write_text("a file where a folder should be")
    stream = begun()
    node = stream.to_store(tmp_path)
    fed(stream, ROWS[:500])
    dismantle(stream)
    assert (node.dropped, node.written, node.errors) == (500, 0, 1)


def test_what_ends_a_branch_lives_as_long_as_its_graph(tmp_path):
    stream = begun()
    stream.to_store(tmp_path)
    there = weakref.ref(next(iter(stream.downstreams)))
    gc.collect()
    assert there() is not None
    dismantle(stream)
    gc.collect()
    assert there() is None


def test_frames_that_wait_for_a_disk_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, "MOST_WAITING", 5)
    (tmp_path / "trades").write_text("a file where a folder should be")
    stream = begun()
    node = stream.to_store(tmp_path)
    fed(stream, ROWS[:1000])
    assert (node.waiting, node.dropped) == (500, 500)


def test_what_is_not_stored_is_told(tmp_path):
    with pytest.raises(StoreError, match="no frames of bars BTC-USD"):
        read_frames(tmp_path, "bars", "BTC-USD")
    with pytest.raises(ConfigError, match="at least 1 row"):
        begun().to_store(tmp_path, rows_per_file=0)


@asynccontextmanager
async def a_bus():
    bus = connect()
    async with bus:
        yield bus


async def test_rows_come_over_the_bus_in_order():
    topic, got = frame_topic("bars", shards=1), []
    async with a_bus() as bus:

        @bus.consume(topic)
        async def take(event) -> None:
            got.append(event.body)

        async with FrameSource(BTC, "trades", hz=500) as source:
            bars = source.stream.bars("1s").keep(1000)
            node = bars.to_bus(bus, topic)
            for first in range(0, 3000, 100):
                source.on_trades(ROWS[first : first + 100], first + 1)
                source.flush()
            await node.drained()
            async with asyncio.timeout(20):
                while len(got) < node.published:
                    await asyncio.sleep(0.01)
            final = bars.to_frame()
            final = final[final["final"]]
    assert [row.values["close"] for row in got] == final["close"].tolist()
    assert {(row.channel, row.instrument) for row in got} == {("bars", "BTC-USD")}
    assert isinstance(got[0], FrameRow)
    assert (node.dropped, node.waiting) == (0, 0)


class Broken:
    """A bus that refuses everything."""

    async def publish(self, topic, *events) -> None:
        raise ConnectionError("the bus is gone")


async def test_a_bus_that_is_gone_is_told_and_counted(caplog):
    async with FrameSource(BTC, "trades", hz=500) as source:
        node = source.stream.to_bus(Broken(), frame_topic("trades"))
        source.on_trades(ROWS[:10], 1)
        source.flush()
        await node.drained()
        assert (node.published, node.dropped, node.errors) == (0, 10, 1)
        assert "the bus is gone" in caplog.text


def test_pandas_users_have_a_dataframe_over_the_same_frames():
    stream, seen = begun(), []
    example = trades(ROWS[:1])
    frame = stream.dataframe(example)
    frame[frame.side == 0].qty.sum().stream.sink(seen.append)
    fed(stream)
    mine = ROWS[ROWS[:, 3] == 0]
    assert seen[-1] == pytest.approx(mine[:, 2].sum() / 1000, rel=1e-12)


def test_a_dataframe_needs_to_know_its_columns():
    with pytest.raises(LocalError, match="a dataframe needs to know its columns"):
        begun().dataframe()


@pytest.mark.parametrize("name", ["to_store"])
def test_what_is_no_frame_is_told(name, tmp_path):
    stream = begun()
    node = stream.to_store(tmp_path)
    stream._emit(5)
    assert node.errors == 1
