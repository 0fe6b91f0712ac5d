import asyncio
import gc
import logging
import sys
import threading
import weakref

import pytest
import streamz
from streamz import Stream
from streamz.core import RefCounter
from streamz.orderedweakset import OrderedWeakrefSet
from support.frames import trades
from support.waiting import until

from rtlab.errors import ConfigError, LocalError
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import FrameStream, dismantle, register, root

FRAME = trades([(1, 1000, 5, 0), (2, 1001, 5, 0)])


def begun() -> FrameStream:
    return root("trades BTC-USD", "trades", OwnersLoop())


def broken(x: object) -> None:
    raise ValueError("broken")


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_values_reach_every_branch():
    stream, seen = begun(), []
    stream.sink(seen.append)
    stream.map(lambda frame: frame.rows).sink(seen.append)
    stream._emit(FRAME)
    assert seen == [FRAME, 2]


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_failing_function_stops_no_other_branch(position, caplog):
    stream, seen = begun(), []
    functions = [seen.append, seen.append]
    functions.insert(position, broken)
    for function in functions:
        stream.sink(function)
    stream._emit(FRAME)
    assert seen == [FRAME, FRAME]


def test_branches_below_streamz_own_nodes_are_kept_apart_as_well(caplog):
    stream, seen = begun(), []
    deep = stream.filter(lambda frame: True).map(lambda frame: frame.rows)
    deep.sink(broken)
    deep.map(broken).sink(seen.append)
    deep.sink(seen.append)
    stream._emit(FRAME)
    assert seen == [2]


def test_a_failure_is_logged_once_with_its_function_and_frame(caplog):
    stream = begun()
    stream.map(broken)
    mapped = stream.map(broken)
    mapped.sink(print)
    stream._emit(FRAME)
    (message,) = errors(caplog)
    assert "broken" in message
    assert "map" in message
    assert "<Frame trades BTC-USD, 2 rows, seq 1 to 2, ts 1 to 2>" in message
    assert caplog.records[0].exc_info[0] is ValueError
    assert mapped.errors == 1


def test_a_function_that_always_fails_does_not_flood_the_log(caplog):
    stream = begun()
    sink = stream.sink(broken)
    for _ in range(100):
        stream._emit(FRAME)
    assert sink.errors == stream.loop.failures == 100
    assert len(errors(caplog)) == 7  # 1, 2, 4, ... 64
    assert "(64 failures so far)" in errors(caplog)[-1]


def test_each_failing_function_is_logged_by_itself(caplog):
    stream = begun()
    sinks = [stream.sink(broken) for _ in range(3)]
    stream._emit(FRAME)
    assert len(errors(caplog)) == 3
    assert [sink.errors for sink in sinks] == [1, 1, 1]


def test_a_long_value_is_shortened_in_the_log(caplog):
    stream = begun()
    stream.sink(broken)
    stream._emit("x" * 10_000)
    assert len(errors(caplog)[0]) < 500


def test_streamz_still_logs_for_streams_that_are_not_ours(caplog):
    stream = streamz.Stream()
    stream.map(broken).sink(print)
    with pytest.raises(ValueError, match="broken"):
        stream.emit(1)
    assert [record.name for record in caplog.records] == ["streamz.core"]


def test_an_interrupt_is_no_failure_of_a_function():
    def interrupted(x: object) -> None:
        raise KeyboardInterrupt

    stream = begun()
    stream.sink(interrupted)
    with pytest.raises(KeyboardInterrupt):
        stream._emit(FRAME)


def test_every_node_of_streamz_has_its_twin_here():
    stream = begun()
    node = (
        stream.map(str)
        .filter(len)
        .accumulate(lambda total, x: total + x, start="")
        .sliding_window(2)
        .pluck(0)
    )
    joined = node.zip(stream).combine_latest(stream).union(stream).flatten().unique(100).partition(2)
    for one in (node, joined, joined.sink(print)):
        assert isinstance(one, FrameStream)
    dismantle(stream)


def test_streams_of_others_are_untouched():
    assert not isinstance(streamz.Stream().map(str), FrameStream)
    assert type(streamz.Stream()) is streamz.Stream


def test_a_node_can_be_added_to_every_stream():
    @register
    def twice(upstream: FrameStream) -> FrameStream:
        return upstream.map(lambda x: 2 * x)

    try:
        stream, seen = begun(), []
        stream.twice().twice().sink(seen.append)
        stream._emit(1)
        assert seen == [4]
    finally:
        del streamz.Stream.twice


async def test_asynchronous_functions_are_awaited_and_kept_apart(caplog):
    seen = []

    async def slow(x: object) -> None:
        await asyncio.sleep(0)
        seen.append(x)

    async def fails(x: object) -> None:
        await asyncio.sleep(0)
        raise ValueError("broken later")

    stream = begun()
    stream.sink(fails)
    stream.sink(slow)
    pending = stream._emit(FRAME)
    assert len(pending) == 2
    await stream.settle_soon(pending)
    assert seen == [FRAME]
    assert "broken later" in errors(caplog)[0]
    assert "seq 1 to 2" in errors(caplog)[0]
    assert stream.loop.failures == 1


async def test_what_is_to_be_called_afterwards_is_called_even_when_cancelled():
    called, stream = [], begun()
    never = asyncio.get_running_loop().create_future()
    task = stream.settle_soon([never], lambda: called.append(True))
    await asyncio.sleep(0)
    task.cancel()
    await until(lambda: bool(called))


def test_an_asynchronous_function_without_a_loop_is_a_clear_failure(caplog):
    async def slow(x: object) -> None: ...

    stream, seen = begun(), []
    stream.sink(slow)
    stream.sink(seen.append)
    assert stream._emit(FRAME) == []
    assert seen == [FRAME]
    assert "needs a running event loop" in errors(caplog)[0]


async def test_metadata_is_released_when_all_branches_are_done_even_with_failures():
    released = []
    loop = OwnersLoop()
    loop.bind()
    counter = RefCounter(cb=lambda: released.append(True), loop=loop)
    counter.retain()
    stream = begun()
    stream.sink(broken)
    stream.map(lambda x: x).sink(lambda x: None)
    stream._emit(FRAME, metadata=[{"ref": counter}])
    assert counter.count == 1
    counter.release()
    await until(lambda: bool(released))


def test_no_thread_and_no_loop_is_made_by_building_a_graph():
    before = threading.enumerate()
    stream = begun()
    for node in (
        stream.conflate(),
        stream.throttle("1s"),
        stream.buffer(3),
        stream.rate_limit(1),
        Stream.timed_window(stream, 1),
    ):
        node.sink(print)
    stream.zip(begun()).sink(print)
    assert threading.enumerate() == before
    dismantle(stream)


def test_the_latest_rows_of_every_node_are_at_hand():
    stream = begun()
    cheap = stream.filter(lambda frame: frame.rows < 2)
    assert stream.latest_frame is None
    assert stream.to_frame().empty
    stream._emit(FRAME)
    stream._emit(FRAME.part(0, 1))
    assert stream.to_frame()["ticks"].tolist() == [1000, 1001, 1000]
    assert stream.to_frame(1)["ticks"].tolist() == [1000]
    assert cheap.to_frame()["ticks"].tolist() == [1000]
    assert cheap.latest_frame.rows == 1


def test_a_node_of_values_that_are_no_frames_has_no_rows():
    stream = begun()
    numbers = stream.map(lambda frame: frame.rows)
    stream._emit(FRAME)
    assert numbers.latest_frame is None
    assert numbers.to_frame().empty


def test_a_stream_keeps_as_many_rows_as_it_is_told():
    stream = begun()
    for _ in range(3):
        stream._emit(FRAME)
    assert stream.keep(4) is stream
    assert len(stream.to_frame()) == 4
    for _ in range(1000):
        stream._emit(FRAME)
    assert len(stream.to_frame()) == 4
    assert len(stream.keep(5000).to_frame()) == 4
    with pytest.raises(ConfigError):
        stream.keep(0)


class Hasty(OrderedWeakrefSet):
    """Branches of a stream that emits from another thread: at the very moment one is added, and while it is read."""

    def __init__(self, stream: FrameStream) -> None:
        super().__init__()
        self._stream, self._disturbed = stream, False

    def add(self, node) -> None:
        super().add(node)
        self._stream._emit(FRAME)

    def __iter__(self):
        self._disturbed = not self._disturbed
        if self._disturbed:
            raise RuntimeError("OrderedDict mutated during iteration")
        return super().__iter__()


@pytest.mark.parametrize("name", ["bars", "vwap", "conflate", "map"])
def test_a_branch_is_ready_for_frames_when_it_is_added(name, caplog):
    stream = begun()
    stream.downstreams = Hasty(stream)
    node = getattr(stream, name)(*{"bars": ("1s",), "map": (lambda frame: frame,)}.get(name, ()))
    assert node.latest_frame is not None
    assert errors(caplog) == []
    stream.downstreams._disturbed = True
    dismantle(stream)


def test_branches_come_and_go_and_rows_are_read_in_other_threads(caplog):
    stream, seen, done = begun(), [], threading.Event()
    stream.bars("1s").sink(seen.append)
    frames = [trades([(second * 10**9, 1000, 1, 0)], second + 1) for second in range(800)]

    def analyst() -> None:  # what it raises, pytest reports
        while not done.is_set():
            bars = stream.bars("1s")
            sink = bars.conflate().sink(lambda frame: None)
            stream.to_frame(5)
            stream.vwap().to_frame()
            assert bars.latest_frame is None or bars.latest_frame.rows
            sink.destroy()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=analyst) for _ in range(2)]
    try:
        for thread in threads:
            thread.start()
        for frame in frames:
            stream._emit(frame)
    finally:
        done.set()
        sys.setswitchinterval(interval)
        for thread in threads:
            thread.join(30)
    assert errors(caplog) == []
    assert len(seen) == 800
    dismantle(stream)


def test_a_dismantled_graph_is_freed_with_its_sinks():
    stream = begun()
    seen = weakref.WeakSet()
    node = stream.map(lambda x: x)
    for one in (stream, node, node.sink(print), node.zip(stream).sink(print)):
        seen.add(one)
    dismantle(stream)
    del stream, node, one
    gc.collect()
    assert list(seen) == []


def test_what_a_dismantled_graph_showed_can_still_be_read():
    stream = begun()
    node = stream.map(lambda x: x)
    stream._emit(FRAME)
    dismantle(stream)
    assert len(node.to_frame()) == 2


def test_a_node_on_two_graphs_lives_on_in_the_open_one_and_ends_with_it():
    one, other, seen = begun(), begun(), []
    one.union(other).sink(seen.append)
    both = weakref.ref(next(iter(one.downstreams)))
    dismantle(one)
    other._emit(1)
    assert seen == [1]
    dismantle(other)
    del one, other
    gc.collect()
    assert both() is None


def test_a_node_that_waits_for_two_graphs_survives_the_end_of_one():
    one, other, seen = begun(), begun(), []
    one.combine_latest(other).sink(seen.append)
    one._emit("a")
    other._emit(1)
    dismantle(one)
    other._emit(2)
    assert seen == [("a", 1), ("a", 2)]
    dismantle(other)


def test_a_function_may_end_the_graph_that_calls_it(caplog):
    stream, seen = begun(), []
    stream.map(lambda x: dismantle(stream)).sink(seen.append)
    stream.sink(seen.append)
    stream._emit(FRAME)
    assert errors(caplog) == []


async def test_a_timed_node_that_has_not_begun_keeps_nobody_waiting():
    stream = begun()
    node = FrameStream(stream)
    Stream.timed_window(stream, 1)
    assert stream._emit(FRAME) == []
    assert node.errors == 0
    dismantle(stream)


async def test_timed_nodes_of_streamz_end_with_the_graph():
    loop = OwnersLoop()
    loop.bind()
    stream, seen = root("x", "trades", loop), []
    own = type("timed_window", (FrameStream, streamz.core.timed_window), {})
    own(stream, 0.001).sink(seen.append)
    node = weakref.ref(next(iter(stream.downstreams)))
    await until(lambda: bool(seen))
    dismantle(stream)

    def is_gone() -> bool:
        gc.collect()
        return node() is None

    await until(is_gone)


@pytest.mark.parametrize(
    "name", ["collect", "delay", "latest", "timed_window", "timed_window_unique", "zip_latest"]
)
def test_what_would_keep_values_without_a_bound_cannot_be_built(name):
    with pytest.raises(LocalError, match=f"{name} of streamz keeps values without a bound: expected"):
        getattr(begun(), name)(1)


def test_a_stream_counts_its_frames_and_rows():
    stream = begun()
    for _ in range(3):
        stream._emit(FRAME)
    stream._emit("no frame")
    assert (stream.frames, stream.rows) == (3, 3 * FRAME.rows)
    assert 0 < stream.began_s <= stream.last_s
