import asyncio
import time

from rtlab.sources.venues.pacing import CAP_S, FIRST_S, Pace, Tries


async def test_turns_keep_their_distance_and_their_order():
    pace, done = Pace(0.02), []

    async def one(number):
        await pace.turn()
        done.append((number, time.monotonic()))

    began = time.monotonic()
    await asyncio.gather(*(one(number) for number in range(5)))
    assert [number for number, _ in done] == [0, 1, 2, 3, 4]
    assert done[-1][1] - began >= 0.08
    assert pace.waited == 4


async def test_who_comes_late_does_not_wait():
    pace = Pace(0.001)
    await pace.turn()
    await asyncio.sleep(0.002)
    await pace.turn()
    assert pace.waited == 0


def test_tries_come_ever_later_at_random_and_never_before_the_venue_allows():
    tries = Tries(seed=1)
    delays = [tries.delay_s() for _ in range(400)]
    assert 0 <= delays[0] <= FIRST_S
    assert max(delays) <= CAP_S
    late = delays[50:]
    assert min(late) < CAP_S / 10 < 9 * CAP_S / 10 < max(late)  # over the whole of the time
    assert all(7 <= tries.delay_s(7.0) <= 7 + CAP_S for _ in range(50))
    tries.reset()
    assert tries.delay_s() <= FIRST_S
