import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.waiting import until

from rtlab.errors import ConfigError, FullError
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import FrameStream, dismantle, root


class Gate:
    """An asynchronous sink that finishes a value when it is told to."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self._open = asyncio.Semaphore(0)

    async def __call__(self, x: object) -> None:
        self.seen.append(x)
        await self._open.acquire()

    async def open(self, values: int) -> None:
        for _ in range(values):
            self._open.release()
        for _ in range(10 + 10 * values):
            await asyncio.sleep(0)


def begun() -> FrameStream:
    return root("x", "trades", OwnersLoop())


async def test_a_buffer_gives_what_waited_in_order():
    stream, gate = begun(), Gate()
    node = stream.buffer(10)
    node.sink(gate)
    for number in range(5):
        stream._emit(number)
    assert node.waiting == 4
    await gate.open(9)
    assert gate.seen == [0, 1, 2, 3, 4]
    assert (node.waiting, node.dropped) == (0, 0)


@pytest.mark.parametrize(
    ("policy", "kept"), [("oldest", [0, 3, 4]), ("newest", [0, 1, 2]), ("refuse", [0, 1, 2])]
)
async def test_a_full_buffer_does_what_its_policy_says_and_counts(policy, kept, caplog):
    stream, gate = begun(), Gate()
    node = stream.buffer(2, policy)
    node.sink(gate)
    for number in range(5):
        stream._emit(number)
    await gate.open(9)
    assert gate.seen == kept
    assert node.dropped == 2
    assert node.errors == (2 if policy == "refuse" else 0)
    assert ("a buffer of 2 values is full" in caplog.text) == (policy == "refuse")


async def test_a_refusal_is_a_failure_with_its_value():
    loop = OwnersLoop()
    stream, gate = root("x", "trades", loop), Gate()
    stream.buffer(1, "refuse").sink(gate)
    for number in range(3):
        stream._emit(number)
    await gate.open(5)
    (failure,) = loop.failed
    assert isinstance(failure.cause, FullError)
    assert failure.on == "2"


@pytest.mark.parametrize("limit", [0, -1, None, float("inf"), True, 10**6])
def test_an_endless_buffer_cannot_be_built(limit):
    stream = begun()
    with pytest.raises(ConfigError, match="a buffer needs a bound: expected 1 to 100,000 values"):
        stream.buffer(limit)
    assert list(stream.downstreams) == []


def test_an_unknown_policy_is_refused():
    with pytest.raises(ConfigError, match="oldest or newest or refuse"):
        begun().buffer(3, "hope")


def test_what_is_ready_needs_no_loop():
    stream, seen = begun(), []
    stream.buffer(2).sink(seen.append)
    for number in range(5):
        stream._emit(number)
    assert seen == [0, 1, 2, 3, 4]


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from(["come", "go"]), max_size=40),
    st.integers(1, 4),
    st.sampled_from(["oldest", "newest"]),
)
def test_every_value_is_delivered_waits_or_is_counted(script, limit, policy):
    async def played() -> None:
        stream, gate = begun(), Gate()
        node = stream.buffer(limit, policy)
        node.sink(gate)
        came = 0
        for step in script:
            if step == "come":
                stream._emit(came)
                came += 1
                for _ in range(10):
                    await asyncio.sleep(0)
            else:
                await gate.open(1)
            assert node.waiting <= limit
            assert came == len(gate.seen) + node.waiting + node.dropped
        await gate.open(came + 1)
        assert gate.seen == sorted(set(gate.seen))
        assert len(gate.seen) + node.dropped == came

    asyncio.run(played())


async def test_a_closed_buffer_lets_go_of_what_waits():
    stream, gate = begun(), Gate()
    node = stream.buffer(5)
    node.sink(gate)
    for number in range(4):
        stream._emit(number)
    dismantle(stream)
    assert node.waiting == 0
    await gate.open(5)
    assert gate.seen in ([], [0])


async def test_throttle_passes_the_first_at_once_and_the_newest_after_the_interval():
    stream, seen = begun(), []
    node = stream.throttle("20ms")
    node.sink(seen.append)
    for number in range(6):
        stream._emit(number)
    assert seen == [0]
    await until(lambda: len(seen) == 2)
    assert seen == [0, 5]
    assert node.merged == 4


async def test_throttle_never_passes_two_within_an_interval():
    stream, times = begun(), []
    loop = asyncio.get_running_loop()
    stream.throttle("20ms").sink(lambda _: times.append(loop.time()))
    began = loop.time()
    while loop.time() < began + 0.15:
        stream._emit(1)
        await asyncio.sleep(0.001)
    await until(lambda: len(times) > 1)
    assert len(times) <= (times[-1] - times[0]) / 0.02 + 1.5


async def test_a_closed_throttle_says_nothing_more():
    stream, seen = begun(), []
    stream.throttle("10ms").sink(seen.append)
    stream._emit(1)
    stream._emit(2)
    dismantle(stream)
    await asyncio.sleep(0.05)
    assert seen == [1]
