import asyncio
import threading
from contextvars import ContextVar

from rtlab.lab.inbox import TRADES_KEPT, Inbox, merge
from rtlab.views.page import MarketState


def _trades(*ts):
    return {"ts": list(ts), "ticks": [1] * len(ts), "lots": [1] * len(ts), "side": [0] * len(ts)}


def test_without_a_loop_states_are_handed_on_at_once():
    taken = []
    Inbox(taken.append).put(MarketState([(1, 1)], []))
    assert taken == [MarketState([(1, 1)], [])]


async def test_states_from_another_thread_arrive_in_the_loop_that_made_the_inbox():
    arrived, names = asyncio.Event(), []

    def take(state):
        names.append(threading.current_thread().name)
        arrived.set()

    inbox = Inbox(take)
    thread = threading.Thread(target=inbox.put, args=(MarketState([], []),))
    thread.start()
    await asyncio.wait_for(arrived.wait(), 5)
    thread.join()
    assert names == ["MainThread"]


async def test_states_are_taken_in_a_context_of_their_own_whatever_page_they_came_by():
    page, seen = ContextVar("page", default="none"), []
    inbox = Inbox(lambda state: seen.append(page.get()))
    page.set("another")
    inbox.put(MarketState([], []))
    await asyncio.sleep(0)
    assert seen == ["none"]


async def test_a_busy_loop_gets_one_state_that_says_what_all_said():
    taken = []
    inbox = Inbox(taken.append)
    inbox.put(MarketState([(1, 1)], [], 5, [(10, "open"), (20, "a")], _trades(1, 2)))
    inbox.put(MarketState([(2, 2)], [], 6, [(20, "b")], _trades(3)))
    inbox.put(MarketState([(3, 3)], [], 7))
    assert taken == []
    await asyncio.sleep(0)
    assert taken == [MarketState([(3, 3)], [], 7, [(10, "open"), (20, "b")], _trades(1, 2, 3))]


async def test_beginning_anew_forgets_what_waited_before_it():
    taken = []
    inbox = Inbox(taken.append)
    inbox.put(MarketState([(1, 1)], []))
    inbox.put(None)
    inbox.put(MarketState([(2, 2)], []))
    await asyncio.sleep(0)
    assert taken == [None, MarketState([(2, 2)], [])]


async def test_each_state_after_a_delivery_is_delivered_too():
    taken = []
    inbox = Inbox(taken.append)
    for i in range(3):
        inbox.put(MarketState([(i, i)], []))
        await asyncio.sleep(0)
    assert [state.bids for state in taken] == [[(0, 0)], [(1, 1)], [(2, 2)]]


def test_what_is_merged_stays_bounded():
    many = _trades(*range(TRADES_KEPT))
    merged = merge(MarketState([], [], trades=many), MarketState([], [], trades=_trades(-1, -2)))
    assert len(merged.trades["ts"]) == TRADES_KEPT
    assert merged.trades["ts"][-2:] == [-1, -2]


def test_merging_with_no_trades_keeps_those_there_are():
    some = MarketState([], [], trades=_trades(1))
    none = MarketState([], [])
    assert merge(some, none).trades == _trades(1)
    assert merge(none, some).trades == _trades(1)
    assert merge(none, none).trades is None
