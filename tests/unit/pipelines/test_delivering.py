import asyncio

from streamz.core import RefCounter
from support.waiting import until

from rtlab.pipelines.delivering import Delivering
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import root


class Patient(Delivering):
    """Lets up to two values wait, and leaves out what comes beyond."""

    def _has_room(self) -> bool:
        return len(self._waiting) < 2


def sink(node: Patient) -> tuple[list[object], asyncio.Semaphore]:
    begun, going_on = [], asyncio.Semaphore(0)

    async def take(x: object) -> None:
        begun.append(x)
        await going_on.acquire()

    node.sink(take)
    return begun, going_on


async def test_what_comes_while_those_below_are_busy_waits_in_order_where_there_is_room():
    stream = root("x", "trades", OwnersLoop())
    begun, going_on = sink(Patient(stream))
    for number in range(5):
        stream._emit(number)
    for seen in ([0], [0, 1], [0, 1, 2]):
        await until(lambda: begun == seen)  # noqa: B023
        going_on.release()
    stream._emit(5)
    await until(lambda: begun == [0, 1, 2, 5])


async def test_what_waits_is_held_and_let_go_when_the_node_leaves_and_what_is_left_out_never_was():
    stream = root("x", "trades", OwnersLoop())
    node = Patient(stream)
    begun, _ = sink(node)
    counts = [RefCounter() for _ in range(4)]
    for number, count in enumerate(counts):
        stream._emit(number, metadata=[{"ref": count}])
    await until(lambda: begun == [0])
    assert [count.count for count in counts] == [1, 1, 1, 0]
    node.destroy()
    await asyncio.sleep(0.01)
    assert [count.count for count in counts[1:]] == [0, 0, 0]
    assert begun == [0]
