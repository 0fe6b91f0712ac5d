import asyncio

import pytest

from rtlab.bus.cancelling import cancelled


async def test_a_task_that_loses_a_cancellation_is_cancelled_again():
    lost = 0

    async def loses_two():
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                lost += 1
                if lost == 3:
                    raise

    task = asyncio.create_task(loses_two())
    await asyncio.sleep(0)
    await asyncio.wait_for(cancelled(task), 60)
    assert (task.cancelled(), lost) == (True, 3)


async def test_what_has_ended_or_fails_at_its_end_is_passed_over():
    async def fails():
        try:
            await asyncio.sleep(3600)
        finally:
            raise ValueError("at its end")

    over, failing = asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(fails())
    await over
    await asyncio.wait_for(cancelled(over, failing), 60)
    await cancelled()
    with pytest.raises(ValueError, match="at its end"):
        failing.result()
