import asyncio
import gc
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamz import Stream
from streamz.core import RefCounter
from support.waiting import until

from rtlab.pipelines.conflate import conflate
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import FrameStream, dismantle, root


class Gate:
    """An asynchronous sink that finishes a value when it is told to."""

    def __init__(self) -> None:
        self.begun: list[object] = []
        self.ended: list[object] = []
        self._open = asyncio.Semaphore(0)

    async def __call__(self, x: object) -> None:
        self.begun.append(x)
        await self._open.acquire()
        self.ended.append(x)

    async def finish(self) -> None:
        self._open.release()
        count = len(self.ended)
        await until(lambda: len(self.ended) > count)
        await asyncio.sleep(0)


def begun() -> FrameStream:
    return root("x", "trades", OwnersLoop())


def test_what_is_ready_gets_every_value_at_once():
    stream, seen = begun(), []
    node = stream.conflate()
    node.sink(seen.append)
    for number in range(5):
        stream._emit(number)
    assert seen == [0, 1, 2, 3, 4]
    assert node.merged == 0


async def test_what_is_busy_gets_the_newest_when_it_is_ready():
    stream, gate = begun(), Gate()
    node = stream.conflate()
    node.sink(gate)
    for number in range(5):
        stream._emit(number)
    await until(lambda: gate.begun == [0])
    await gate.finish()
    await until(lambda: gate.begun == [0, 4])
    assert node.merged == 3
    await gate.finish()
    assert gate.ended == [0, 4]


async def test_the_last_value_is_delivered_though_none_follows_it():
    stream, gate = begun(), Gate()
    stream.conflate().sink(gate)
    stream._emit("first")
    await until(lambda: bool(gate.begun))
    stream._emit("last")
    await gate.finish()
    await gate.finish()
    assert gate.ended == ["first", "last"]


async def test_nothing_above_waits_for_what_is_below():
    stream, gate = begun(), Gate()
    stream.conflate().sink(gate)
    assert stream._emit(1) == []
    assert stream._emit(2) == []
    stream.loop.close()


async def test_no_task_stays_when_there_is_nothing_to_deliver():
    stream, gate = begun(), Gate()
    stream.conflate().sink(gate)
    stream._emit(1)
    assert len(stream.loop.tasks) == 1
    await gate.finish()
    await until(lambda: not stream.loop.tasks)


async def test_a_branch_without_conflation_beside_it_gets_everything():
    stream, gate, seen = begun(), Gate(), []
    stream.conflate().sink(gate)
    stream.sink(seen.append)
    for number in range(4):
        stream._emit(number)
    assert seen == [0, 1, 2, 3]
    stream.loop.close()


async def test_a_failing_sink_does_not_end_the_delivery(caplog):
    seen = []

    async def fails_once(x: int) -> None:
        await asyncio.sleep(0)
        if x == 0:
            raise ValueError("broken")
        seen.append(x)

    stream = begun()
    stream.conflate().sink(fails_once)
    for number in range(3):
        stream._emit(number)
    await until(lambda: seen == [2])
    assert "broken" in caplog.text


async def test_closing_cancels_what_is_being_delivered():
    stream, gate = begun(), Gate()
    node = stream.conflate()
    node.sink(gate)
    stream._emit(1)
    stream._emit(2)
    await until(lambda: gate.begun == [1])
    dismantle(stream)
    await until(lambda: not stream.loop.tasks)
    assert gate.begun == [1]
    assert gate.ended == []
    freed = weakref.ref(node)
    del node
    gc.collect()
    assert freed() is None


async def test_leaving_the_graph_by_itself_is_possible():
    stream, gate = begun(), Gate()
    node = stream.conflate()
    node.sink(gate)
    stream._emit(1)
    node.destroy()
    assert list(stream.downstreams) == []
    await until(lambda: not stream.loop.tasks)


async def test_it_is_a_node_of_every_streamz_stream():
    stream, gate = Stream(asynchronous=True), Gate()
    node = stream.conflate()
    node.sink(gate)
    assert isinstance(node, conflate)
    for number in range(3):
        await stream.emit(number)
    await gate.finish()
    await gate.finish()
    assert gate.ended == [0, 2]


async def test_metadata_is_held_as_long_as_its_value():
    loop = OwnersLoop()
    loop.bind()
    counters = [RefCounter(loop=loop) for _ in range(3)]
    stream, gate = begun(), Gate()
    stream.conflate().sink(gate)
    for number, counter in enumerate(counters):
        stream._emit(number, metadata=[{"ref": counter}])
    assert [counter.count for counter in counters] == [1, 0, 1]
    await gate.finish()
    await until(lambda: counters[0].count == 0)
    assert counters[2].count == 1
    await gate.finish()
    await until(lambda: counters[2].count == 0)


async def test_closing_lets_go_of_metadata():
    loop = OwnersLoop()
    loop.bind()
    counters = [RefCounter(loop=loop) for _ in range(2)]
    stream, gate = begun(), Gate()
    stream.conflate().sink(gate)
    for number, counter in enumerate(counters):
        stream._emit(number, metadata=[{"ref": counter}])
    dismantle(stream)
    await until(lambda: [counter.count for counter in counters] == [0, 0])


def test_an_asynchronous_sink_without_a_loop_is_a_clear_failure(caplog):
    async def sink(x: object) -> None: ...

    stream = begun()
    node = stream.conflate()
    node.sink(sink)
    stream._emit(1)
    stream._emit(2)
    assert "needs a running event loop" in caplog.text
    assert node.merged == 0


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["emit", "emit", "emit", "finish", "pause"]), max_size=40))
def test_in_any_order_the_newest_is_delivered_last_and_every_value_is_accounted_for(steps):
    async def played() -> None:
        stream, gate, emitted = begun(), Gate(), 0
        node = stream.conflate()
        node.sink(gate)
        for step in steps:
            if step == "emit":
                stream._emit(emitted)
                emitted += 1
            elif step == "finish" and len(gate.begun) > len(gate.ended):
                await gate.finish()
            else:
                await asyncio.sleep(0)
        while emitted and (not gate.ended or gate.ended[-1] != emitted - 1):
            await gate.finish()
        assert gate.ended == sorted(set(gate.ended))
        assert len(gate.ended) + node.merged == emitted
        await until(lambda: not stream.loop.tasks)

    asyncio.run(played())


@pytest.mark.parametrize("busy_ms", [0, 1, 5])
async def test_a_slow_sink_sees_the_last_of_a_thousand(busy_ms):
    seen = []

    async def slow(x: int) -> None:
        await asyncio.sleep(busy_ms / 1000)
        seen.append(x)

    stream = begun()
    node = stream.conflate()
    node.sink(slow)
    for number in range(1000):
        stream._emit(number)
        if number % 50 == 0:
            await asyncio.sleep(0.001)
    await until(lambda: seen[-1:] == [999])
    assert len(seen) + node.merged == 1000
