import asyncio
import gc
import threading
import weakref

import numpy as np
import pytest
from support.frames import BTC
from support.waiting import until

from rtlab.errors import ClosedError, ConfigError, LocalError
from rtlab.pipelines import FrameSource


def rows(count: int, first: int = 1) -> list[tuple[int, int, int, int]]:
    return [(number, 1000 + number, 1, number % 2) for number in range(first, first + count)]


class Taken:
    """A sink that remembers the sequence of every frame."""

    def __init__(self, source: FrameSource) -> None:
        self.frames: list[list[int]] = []
        source.stream.sink(lambda frame: self.frames.append(frame["seq"].tolist()))

    @property
    def seqs(self) -> list[int]:
        return [seq for frame in self.frames for seq in frame]


class Gate:
    """An asynchronous sink that is busy until it is let go."""

    def __init__(self, source: FrameSource) -> None:
        self.seqs: list[int] = []
        self.begun = 0
        self._open = asyncio.Semaphore(0)
        source.stream.sink(self._take)

    async def _take(self, frame) -> None:
        self.begun += 1
        await self._open.acquire()
        self.seqs += frame["seq"].tolist()

    def let_go(self, times: int = 1) -> None:
        for _ in range(times):
            self._open.release()


def test_flush_emits_what_waits_in_one_frame():
    with FrameSource(BTC, "trades") as source:
        taken = Taken(source)
        source.on_trades(rows(2), 1)
        source.on_trades(rows(3, 3), 3)
        assert taken.frames == []
        assert source.flush() == 5
        assert source.flush() == 0
        assert taken.frames == [[1, 2, 3, 4, 5]]


def test_a_full_frame_goes_out_at_once():
    with FrameSource(BTC, "trades", limit=4) as source:
        taken = Taken(source)
        source.on_trades(rows(3), 1)
        assert taken.frames == []
        source.on_trades(rows(7, 4), 4)
        assert taken.frames == [[1, 2, 3, 4], [5, 6, 7, 8]]
        source.flush()
        assert taken.frames[2:] == [[9, 10]]
        assert source.statistics()[:4] == (3, 2, 10, 0)


def test_trades_arrive_as_a_frame_of_trades():
    with FrameSource(BTC, "trades") as source:
        source.on_trades([(5, 1000, 3, 1)], 9)
        source.flush()
        frame = source.stream.latest_frame
        assert (frame.channel, frame.instrument, frame.key) == ("trades", BTC, None)
        assert {name: column.tolist() for name, column in frame.columns.items()} == {
            "ts": [5],
            "seq": [9],
            "price": [100.0],
            "qty": [0.003],
            "side": [1],
            "ticks": [1000],
            "lots": [3],
        }


@pytest.mark.parametrize("channel", ["ticker", "book"])
def test_quotes_arrive_as_a_frame_of_quotes(channel):
    with FrameSource(BTC, channel) as source:
        source.on_quote(5, 9, 1000, 3, 1002, 4)
        source.on_quote(6, 10, None, 0, 1002, 4)
        source.flush()
        frame = source.stream.latest_frame
        assert frame.channel == channel
        assert frame["bid"].tolist() == [100.0, 0.0]
        assert frame["bid_qty"].tolist() == [0.003, 0.0]
        assert frame["ask"].tolist() == [100.2, 100.2]
        assert frame["seq"].tolist() == [9, 10]


def test_an_array_of_rows_is_taken_as_well():
    with FrameSource(BTC, "trades", limit=100) as source:
        source.on_trades(np.array(rows(250)), 1)
        assert source.statistics().rows == 200


def test_rows_that_came_before_are_left_out():
    with FrameSource(BTC, "trades") as source:
        taken = Taken(source)
        source.on_trades(rows(5), 1)
        source.flush()
        source.on_trades(rows(7), 1)
        source.on_trades(rows(1), 20)
        source.flush()
        assert taken.seqs == [1, 2, 3, 4, 5, 6, 7, 20]
        statistics = source.statistics()
        assert (statistics.repeated, statistics.missed) == (5, 12)


def test_trades_that_are_missing_are_told_at_the_first_and_whenever_they_are_twice_as_many(caplog):
    with FrameSource(BTC, "trades", limit=100) as source:
        source.on_trades(rows(5), 1)
        assert not caplog.records
        for first in range(7, 107, 2):  # one is left out before each
            source.on_trades(rows(1), first)
        assert source.statistics().missed == 50
        assert len(caplog.records) == 6
        assert "stream trades BTC-USD: 32 trades are missing" in caplog.text


def test_a_new_epoch_counts_from_anew():
    with FrameSource(BTC, "trades") as source:
        taken = Taken(source)
        source.on_trades(rows(3), 1, epoch=1)
        source.on_trades(rows(2), 1, epoch=2)
        source.flush()
        assert taken.seqs == [1, 2, 3, 1, 2]


@pytest.mark.parametrize("channel", ["bars", "", "trade", "Trades"])
def test_another_channel_is_refused_and_the_known_ones_named(channel):
    with pytest.raises(ConfigError, match="trades, ticker, book"):
        FrameSource(BTC, channel)


def test_a_rate_or_limit_that_makes_no_sense_is_refused():
    with pytest.raises(ConfigError, match="at least 1"):
        FrameSource(BTC, "trades", limit=0)
    with pytest.raises(ConfigError, match="out of range"):
        FrameSource(BTC, "trades", hz=0)


def test_the_wrong_kind_of_input_is_refused():
    with FrameSource(BTC, "ticker") as quotes, FrameSource(BTC, "trades") as trades:
        with pytest.raises(LocalError, match="source of quotes"):
            quotes.on_trades(rows(1), 1)
        with pytest.raises(LocalError, match="source of trades"):
            trades.on_quote(1, 1, 1, 1, 2, 1)
        with pytest.raises(LocalError, match="4 int64"):
            trades.on_trades([(1, 2, 3)], 1)


def test_a_closed_source_says_so():
    source = FrameSource(BTC, "trades")
    source.close()
    source.close()
    for call in (lambda: source.on_trades(rows(1), 1), source.flush, source.start):
        with pytest.raises(ClosedError, match="trades BTC-USD is closed"):
            call()
    assert source.statistics().frames == 0


def test_rows_that_wait_at_the_end_are_told_and_not_emitted():
    source = FrameSource(BTC, "trades")
    taken = Taken(source)
    source.on_trades(rows(3), 1)
    source.close()
    assert taken.frames == []
    assert source.statistics().pending == 3


def test_failures_in_the_graph_are_counted_and_stop_nothing(caplog):
    with FrameSource(BTC, "trades") as source:
        source.stream.map(lambda frame: 1 / 0).sink(print)
        taken = Taken(source)
        for first in (1, 2, 3):
            source.on_trades(rows(1), first)
            source.flush()
        assert taken.seqs == [1, 2, 3]
        assert source.statistics().errors == 3
    assert source.statistics().errors == 3


def test_a_sink_that_feeds_its_own_source_gets_the_next_frame():
    with FrameSource(BTC, "trades", limit=2) as source:
        taken = Taken(source)
        source.stream.sink(
            lambda frame: (
                source.on_trades(rows(2), int(frame["seq"][-1]) + 1) if frame["seq"][0] < 5 else None
            )
        )
        source.on_trades(rows(2), 1)
        source.flush()
        assert taken.frames == [[1, 2], [3, 4], [5, 6]]


def test_a_sink_that_closes_its_source_is_the_last_to_be_called():
    source = FrameSource(BTC, "trades")
    source.stream.sink(lambda frame: source.close())
    source.on_trades(rows(1), 1)
    source.flush()
    with pytest.raises(ClosedError):
        source.flush()


async def test_the_clock_emits_what_has_come():
    async with FrameSource(BTC, "trades", hz=500) as source:
        taken = Taken(source)
        for first in range(1, 30):
            source.on_trades(rows(1), first)
            await asyncio.sleep(0)
        await until(lambda: len(taken.seqs) == 29)
        assert taken.seqs == list(range(1, 30))
        assert len(taken.frames) < 29


async def test_the_first_row_after_a_pause_does_not_wait_for_a_tick():
    async with FrameSource(BTC, "trades", hz=0.001) as source:
        taken = Taken(source)
        source.on_trades(rows(1), 1)
        await until(lambda: taken.frames == [[1]])
        source.on_trades(rows(1), 2)
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert taken.frames == [[1]]


async def test_frames_are_at_most_as_many_as_ticks():
    async with FrameSource(BTC, "trades", hz=100) as source:
        begun = asyncio.get_running_loop().time()
        for first in range(1, 400):
            source.on_trades(rows(1), first)
            await asyncio.sleep(0)
        await until(lambda: source.statistics().pending == 0)
        took = asyncio.get_running_loop().time() - begun
        assert source.statistics().frames <= took * 100 + 2


async def no_timer_runs() -> None:
    loop = asyncio.get_running_loop()
    end, quiet = loop.time() + 10, 0
    while quiet < 30:
        assert loop.time() < end, "timers go on and on"
        await asyncio.sleep(0)
        timers = [timer for timer in loop._scheduled if not timer.cancelled()]
        quiet = 0 if timers else quiet + 1


async def test_a_source_without_rows_sleeps():
    async with FrameSource(BTC, "trades", hz=50) as source:
        taken = Taken(source)
        source.on_trades(rows(1), 1)
        await until(lambda: taken.seqs == [1])
        await no_timer_runs()


async def test_a_source_whose_graph_is_busy_sleeps_until_it_is_ready():
    async with FrameSource(BTC, "trades", hz=50) as source:
        gate = Gate(source)
        source.on_trades(rows(1), 1)
        await until(lambda: gate.begun == 1)
        source.on_trades(rows(1), 2)
        await no_timer_runs()
        gate.let_go(2)
        await until(lambda: gate.seqs == [1, 2])


async def test_run_ends_when_a_sink_closes_the_source():
    source = FrameSource(BTC, "trades", hz=1000)
    source.stream.sink(lambda frame: source.close())
    task = asyncio.create_task(source.run())
    source.on_trades(rows(1), 1)
    await asyncio.wait_for(task, 10)


async def test_run_can_be_awaited_and_ends_with_close():
    source = FrameSource(BTC, "trades", hz=1000)
    taken = Taken(source)
    task = asyncio.create_task(source.run())
    source.on_trades(rows(2), 1)
    await until(lambda: taken.seqs == [1, 2])
    source.close()
    await asyncio.wait_for(task, 10)


async def test_a_source_is_started_once():
    async with FrameSource(BTC, "trades") as source:
        with pytest.raises(LocalError, match="started before"):
            source.start()
        with pytest.raises(LocalError, match="started before"):
            await source.run()


def test_a_source_may_be_built_before_its_loop_and_started_from_another_thread():
    before = threading.active_count()
    source = FrameSource(BTC, "trades", hz=1000)
    taken = Taken(source)
    latest: list[object] = []
    source.stream.conflate().sink(latest.append)  # a node of streamz that wants a loop
    assert threading.active_count() == before
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    source.start(loop)

    async def feed() -> None:
        source.on_trades(rows(3), 1)
        await until(lambda: taken.seqs == [1, 2, 3])
        await until(lambda: bool(latest))
        await source.stop()

    asyncio.run_coroutine_threadsafe(feed(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
    loop.close()
    assert threading.active_count() == before


async def test_while_the_graph_is_busy_the_oldest_trades_are_dropped_and_counted():
    async with FrameSource(BTC, "trades", hz=1000, limit=5) as source:
        gate = Gate(source)
        source.on_trades(rows(2), 1)
        await until(lambda: gate.begun == 1)
        for first in range(3, 103, 4):
            source.on_trades(rows(4), first)
        assert source.statistics().pending == 5
        assert source.statistics().dropped == 95
        gate.let_go(9)
        await until(lambda: len(gate.seqs) == 7)
        assert gate.seqs == [1, 2, 98, 99, 100, 101, 102]
        assert source.statistics().missed == 0


async def test_while_the_graph_is_busy_the_newest_quotes_are_kept_and_the_rest_counted():
    async with FrameSource(BTC, "ticker", hz=1000, limit=3) as source:
        gate = Gate(source)
        source.on_quote(1, 1, 1, 1, 2, 1)
        await until(lambda: gate.begun == 1)
        for seq in range(2, 12):
            source.on_quote(seq, seq, 1, 1, 2, 1)
        gate.let_go(9)
        await until(lambda: len(gate.seqs) == 4)
        assert gate.seqs == [1, 9, 10, 11]
        assert (source.statistics().merged, source.statistics().dropped) == (7, 0)


async def test_behind_conflate_a_busy_sink_drops_nothing_for_the_others():
    async with FrameSource(BTC, "trades", hz=1000, limit=5) as source:
        taken, never = Taken(source), asyncio.Event()

        async def busy(frame) -> None:
            await never.wait()

        node = source.stream.conflate()
        node.sink(busy)
        for first in range(1, 101):
            source.on_trades(rows(1), first)
        source.flush()
        assert taken.seqs == list(range(1, 101))
        assert source.statistics().dropped == 0
        assert node.merged == 18


async def test_flush_emits_nothing_while_the_graph_is_busy():
    source = FrameSource(BTC, "trades")
    gate = Gate(source)
    source.on_trades(rows(1), 1)
    assert source.flush() == 1
    source.on_trades(rows(1), 2)
    assert source.flush() == 0
    gate.let_go()
    await until(lambda: source.flush() == 1)
    await source.stop()


async def rows_of(frame) -> int:
    return frame.rows


async def never(frame) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("busy", [False, True])
async def test_after_stop_no_task_thread_or_node_is_left(busy):
    tasks, threads = asyncio.all_tasks(), threading.enumerate()
    source = FrameSource(BTC, "trades", hz=1000)
    frames = Taken(source).frames
    seen = weakref.WeakSet([source.stream])
    if busy:
        Gate(source)
        node = source.stream.bars("1s").conflate()
        node.sink(never)
        seen.add(node)
        source.stream.map_async(rows_of).sink(print)
        del node
    source.start()
    source.on_trades(rows(3), 1)
    await until(lambda: frames == [[1, 2, 3]])
    await source.stop()
    assert asyncio.all_tasks() == tasks
    assert threading.enumerate() == threads
    del source
    await asyncio.sleep(0)
    gc.collect()
    assert list(seen) == []


async def test_stopping_from_within_a_sink_ends_cleanly(caplog):
    source = FrameSource(BTC, "trades", hz=1000)
    stopped = asyncio.Event()

    async def stop(frame) -> None:
        source.close()
        stopped.set()

    source.stream.sink(stop)
    source.start()
    source.on_trades(rows(1), 1)
    await asyncio.wait_for(stopped.wait(), 10)
    await source.stop()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("built_in_the_loop", [True, False])
def test_streamz_own_nodes_work_without_its_thread(built_in_the_loop, caplog):
    before = threading.enumerate()
    counts: dict[str, int] = {}

    def see(name: str, node) -> None:
        counts[name] = 0

        def count(x: object) -> None:
            counts[name] += 1

        node.sink(count)

    def built() -> FrameSource:
        source = FrameSource(BTC, "trades", hz=1000)
        stream = source.stream
        sizes = stream.map(lambda frame: frame.rows)
        see("throttle", stream.throttle("1ms"))
        see("buffer", stream.buffer(2))
        see("rate_limit", stream.rate_limit(0.001))
        see("map_async", stream.map_async(rows_of))
        see("conflate", stream.conflate())
        see("zip", stream.zip(sizes))
        see("combine_latest", stream.combine_latest(sizes, emit_on=1))
        see("partition", stream.partition(2))
        see("sliding_window", stream.sliding_window(2))
        return source

    async def fed(source: FrameSource | None) -> None:
        source = source or built()
        source.start()
        for first in range(1, 6):
            source.on_trades(rows(1), first)
            await until(lambda: source.statistics().frames == first)  # noqa: B023
            await until(lambda: counts["map_async"] == counts["conflate"] == first)  # noqa: B023
        await until(lambda: counts["throttle"] == counts["rate_limit"] == 5)
        assert source.statistics().errors == 0
        await source.stop()

    asyncio.run(fed(None if built_in_the_loop else built()))
    assert threading.enumerate() == before
    assert caplog.records == []
    assert counts == dict.fromkeys(counts, 5) | {"partition": 2, "combine_latest": 4}


async def test_two_sources_can_be_joined():
    async with FrameSource(BTC, "trades", hz=1000) as trades, FrameSource(BTC, "ticker", hz=1000) as quotes:
        seen: list[tuple[int, int]] = []
        joined = trades.stream.combine_latest(quotes.stream)
        joined.sink(lambda pair: seen.append((pair[0].rows, pair[1].rows)))
        trades.on_trades(rows(3), 1)
        quotes.on_quote(1, 1, 1, 1, 2, 1)
        await until(lambda: bool(seen))
        assert seen == [(3, 1)]
