import asyncio
import time

import pytest

from rtlab.errors import ConfigError
from rtlab.lab.pace import check_speed, play

MS = 1_000_000


async def test_chunks_come_in_order_and_not_before_their_time():
    seen = []
    begin = time.monotonic()
    await play(
        [(1000 * MS, "a"), (1020 * MS, "b"), (1040 * MS, "c")],
        lambda chunk: seen.append((chunk, time.monotonic() - begin)),
    )
    assert [chunk for chunk, _ in seen] == ["a", "b", "c"]
    assert seen[1][1] >= 0.0195
    assert seen[2][1] >= 0.0395


async def test_what_was_due_before_the_play_began_is_made_up_for():
    seen = []
    begin = time.monotonic()
    chunks = [(0, "a"), (300 * MS, "b"), (320 * MS, "c")]
    slipped = await play(chunks, lambda chunk: seen.append(time.monotonic() - begin), began=begin - 0.3)
    assert slipped == 0
    assert 0.0195 <= seen[2] < 0.3


async def test_speed_divides_the_time_between_chunks():
    begin = time.monotonic()
    await play([(0, 1), (500 * MS, 2)], lambda chunk: None, speed=10)
    assert 0.0495 <= time.monotonic() - begin < 0.5


async def test_as_fast_as_possible_waits_for_nothing_but_lets_others_run():
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    slipped = await play([(i * 10**12, i) for i in range(50)], lambda chunk: None, speed=None)
    task.cancel()
    assert slipped == 0
    assert turns >= 49


async def test_what_cannot_be_caught_up_slips_and_is_counted():
    times = []

    def act(chunk):
        times.append(time.monotonic())
        if chunk == 0:
            time.sleep(0.1)

    slipped = await play([(0, 0), (10 * MS, 1), (40 * MS, 2)], act, most_behind_s=0.02)
    assert slipped >= 0.05
    assert times[2] - times[1] >= 0.0295


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
async def test_a_speed_that_is_none_is_refused(speed):
    with pytest.raises(ConfigError, match="must be above 0"):
        await play([], print, speed=speed)


async def test_nothing_to_play_ends_at_once():
    assert await play([], print) == 0.0


@pytest.mark.parametrize("speed", [0, -1.0, float("nan")])
def test_a_speed_is_checked_where_it_is_told(speed):
    with pytest.raises(ConfigError, match="must be above 0"):
        check_speed(speed)
    assert (check_speed(None), check_speed(0.5)) == (None, 0.5)
