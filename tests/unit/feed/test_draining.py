import asyncio
import random
import re
import time

import pytest

from rtlab.feed.admission import Admission, Refusal
from rtlab.feed.draining import FEWEST, send_away


class Reader:
    """Notes how and when it was closed."""

    def __init__(self) -> None:
        self.closed: list[tuple[int, float, float]] = []

    def shut(self, code: int, reason: str) -> None:
        hint = re.fullmatch(r"the server is restarting; retry in (\d+\.\d\d) s", reason)
        self.closed.append((code, float(hint[1]), time.monotonic()))


class Crowd:
    """So many readers, and a door."""

    def __init__(self, count: int) -> None:
        self.admission = Admission()
        self.connections = [Reader() for _ in range(count)]


async def drained(count: int, seconds: float) -> tuple[Crowd, float]:
    crowd, began = Crowd(count), time.monotonic()
    await send_away(crowd, seconds, chance=random.Random(1))
    return crowd, began


async def test_everybody_is_closed_once_with_1012_and_a_hint():
    crowd, _ = await drained(500, 0.3)
    assert [[code for code, _, _ in one.closed] for one in crowd.connections] == [[1012]] * 500


async def test_nobody_is_let_in_from_the_beginning():
    crowd = Crowd(200)
    draining = asyncio.create_task(send_away(crowd, 0.3))
    await asyncio.sleep(0)
    refusal = crowd.admission.arrived("127.0.0.1", time.monotonic_ns(), crowd.connections[0].shut)
    assert isinstance(refusal, Refusal)
    assert refusal.status == 503
    await draining


async def test_a_crowd_goes_in_steps_and_comes_back_spread_out():
    crowd, began = await drained(600, 0.5)
    times = sorted(when - began for one in crowd.connections for _, _, when in one.closed)
    returns = sorted(when - began + hint for one in crowd.connections for _, hint, when in one.closed)
    assert len({round(one, 2) for one in times}) >= 5
    assert returns[0] >= times[-1]  # not before the last one has gone
    assert returns[-1] - returns[0] > 0.3
    most = max(sum(start <= one < start + 0.1 for one in returns) for start in returns)
    assert most < 300


@pytest.mark.parametrize("count", [0, 1, FEWEST])
async def test_a_few_go_at_once(count):
    crowd, began = await drained(count, 30)
    assert time.monotonic() - began < 5
    assert all(one.closed for one in crowd.connections)


async def test_without_time_all_go_at_once():
    crowd, _ = await drained(300, 0)
    assert all(one.closed for one in crowd.connections)
