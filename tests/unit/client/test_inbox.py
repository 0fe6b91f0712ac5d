import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.client.inbox import Inbox


async def rest(inbox: Inbox) -> list[object]:
    return [applied async for applied in inbox]


@given(puts=st.integers(0, 50), limit=st.integers(1, 20))
def test_the_newest_within_the_limit_are_seen_and_the_others_counted(puts, limit):
    async def body() -> None:
        inbox = Inbox(limit)
        kept = [inbox.put(number) for number in range(puts)]
        inbox.finish()
        assert kept == [number < limit for number in range(puts)]
        assert len(inbox) == min(puts, limit)
        assert inbox.dropped == max(0, puts - limit)
        assert await rest(inbox) == list(range(max(0, puts - limit), puts))

    asyncio.run(body())


async def test_who_waits_is_woken_by_the_next_one():
    inbox = Inbox()
    waiting = asyncio.create_task(anext(inbox))
    await asyncio.sleep(0)
    inbox.put("news")
    assert await asyncio.wait_for(waiting, 5) == "news"


async def test_the_end_comes_after_what_was_waiting_and_stays():
    inbox = Inbox()
    inbox.put(1)
    inbox.finish()
    assert await rest(inbox) == [1]
    assert await rest(inbox) == []


async def test_a_problem_is_raised_after_what_was_waiting():
    inbox = Inbox()
    inbox.put(1)
    inbox.finish(ZeroDivisionError("mine"))
    assert await anext(inbox) == 1
    with pytest.raises(ZeroDivisionError, match="mine"):
        await anext(inbox)


async def test_who_waits_when_it_ends_is_let_go():
    inbox = Inbox()
    waiting = asyncio.create_task(rest(inbox))
    await asyncio.sleep(0)
    inbox.finish()
    assert await asyncio.wait_for(waiting, 5) == []
