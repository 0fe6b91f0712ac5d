import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.client.inbox import Inbox, Waiting
from rtlab.errors import ConfigError, OverrunError
from rtlab.protocol import Applied, Channel, Subscription

BOOK, TRADES = (Subscription(n, Channel(name, "BTC-USD")) for n, name in enumerate(("book", "trades")))


def note(number: int, subscription: Subscription | None = BOOK) -> Applied:
    return Applied(subscription, number, "increment")


async def rest(inbox: Inbox) -> list[object]:
    return [applied.message async for applied in inbox]


@given(puts=st.integers(0, 50), limit=st.integers(1, 20))
def test_the_newest_within_the_limit_are_seen_and_the_others_counted(puts, limit):
    async def body() -> None:
        inbox = Inbox(limit)
        kept = [inbox.put(note(number)) for number in range(puts)]
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
    inbox.put(note(7))
    assert (await asyncio.wait_for(waiting, 5)).message == 7


async def test_the_end_comes_after_what_was_waiting_and_stays():
    inbox = Inbox()
    inbox.put(note(1))
    inbox.finish()
    assert await rest(inbox) == [1]
    assert await rest(inbox) == []


async def test_a_problem_is_raised_after_what_was_waiting():
    inbox = Inbox()
    inbox.put(note(1))
    inbox.finish(ZeroDivisionError("mine"))
    assert (await anext(inbox)).message == 1
    with pytest.raises(ZeroDivisionError, match="mine"):
        await anext(inbox)


async def test_who_waits_when_it_ends_is_let_go():
    inbox = Inbox()
    waiting = asyncio.create_task(rest(inbox))
    await asyncio.sleep(0)
    inbox.finish()
    assert await asyncio.wait_for(waiting, 5) == []


@given(whose=st.lists(st.integers(0, 3), max_size=60), limit=st.integers(1, 8))
def test_waiting_keeps_the_newest_of_each_and_the_order_of_all(whose, limit):
    subscriptions = [Subscription(n, Channel("book", "BTC-USD")) for n in range(4)]
    waiting, expected, dropped = Waiting(limit), [], 0
    for number, owner in enumerate(whose):
        applied = note(number, subscriptions[owner])
        if len(expected) == limit:  # a plain second implementation: the oldest of the same, else the oldest
            same = [one for one in expected if one[1] == owner]
            expected.remove(same[0] if same else expected[0])
            dropped += 1
        expected.append((number, owner))
        dropped -= waiting.make_room(applied)
        waiting.add(applied)
        assert len(waiting) <= limit
    assert dropped == 0
    assert [waiting.take().message for _ in range(len(waiting))] == [number for number, _ in expected]


async def test_who_says_much_does_not_silence_who_says_little():
    inbox = Inbox(5)
    inbox.put(note(0, TRADES))
    for number in range(1, 100):
        inbox.put(note(number, BOOK))
    inbox.finish()
    assert await rest(inbox) == [0, 96, 97, 98, 99]
    assert inbox.dropped == 95


async def test_one_that_raises_gives_what_it_holds_and_then_says_that_the_caller_is_too_slow():
    inbox = Inbox(2, "raise")
    assert [inbox.put(note(number)) for number in range(4)] == [True, True, False, True]
    assert inbox.dropped == 1  # what comes after its end was not for it
    assert [(await anext(inbox)).message for _ in range(2)] == [0, 1]
    for _ in range(2):
        with pytest.raises(OverrunError, match="at most 2 waiting"):
            await anext(inbox)


async def test_one_that_blocks_drops_nothing_and_asks_for_more_when_half_is_taken():
    asked = []
    inbox = Inbox(4, "block", on_room=lambda: asked.append(len(inbox)))
    for number in range(6):  # one message may bring several
        assert inbox.put(note(number))
        assert inbox.is_blocking is (number >= 3)
    assert [(await anext(inbox)).message for _ in range(3)] == [0, 1, 2]
    assert asked == []
    await anext(inbox)
    assert (asked, inbox.is_blocking, inbox.dropped) == ([2], False, 0)


async def test_one_that_ended_or_was_closed_blocks_nobody():
    asked = []
    for end in (Inbox.finish, Inbox.close):
        inbox = Inbox(1, "block", on_room=lambda: asked.append(True))
        inbox.put(note(1))
        assert inbox.is_blocking
        end(inbox)
        assert not inbox.is_blocking
    assert asked == [True]
    assert await rest(inbox) == []


async def test_one_about_a_subscription_sees_nothing_else():
    inbox = Inbox(10, only=(TRADES,))
    for number, whose in enumerate((BOOK, TRADES, None, TRADES)):
        assert inbox.put(note(number, whose))
    inbox.finish()
    assert await rest(inbox) == [1, 3]


def test_a_policy_and_a_limit_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match="newest, block, raise"):
        Inbox(1, "oldest")
    with pytest.raises(ConfigError, match="a limit of 1 or more"):
        Inbox(0)
