import asyncio
import gc
import threading
import weakref
from contextvars import ContextVar

from support.fake_page import FakePage

from rtlab.lab.board import Lookers
from rtlab.lab.grids import Grid
from rtlab.views.metrics import Metrics


def grid() -> tuple[Grid, Lookers]:
    lookers = Lookers()
    return Grid("Numbers", Metrics(), lookers), lookers


def test_without_a_loop_it_shows_at_once():
    made, lookers = grid()
    lookers.show({"state": "live"})
    assert made.page._health.state == "live"


async def test_on_a_loop_many_calls_of_other_threads_are_one():
    made, lookers = grid()
    shown = []
    made.page.update = lambda health: shown.append(health)
    thread = threading.Thread(target=lambda: [lookers.show({"messages": i}) for i in range(50)])
    thread.start()
    thread.join()
    await asyncio.sleep(0)
    assert shown == [{"messages": 49}]


async def test_it_shows_in_a_context_of_its_own_whatever_page_the_numbers_came_by():
    made, lookers = grid()
    page, seen = ContextVar("page", default="none"), []
    made.page.update = lambda health: seen.append(page.get())
    page.set("another")
    lookers.show({"messages": 1})
    await asyncio.sleep(0)
    assert seen == ["none"]


def test_who_closes_is_told_nothing_more_and_nobody_else_holds_it():
    made, lookers = grid()
    made.close()
    assert len(lookers) == 0
    there = weakref.ref(made)
    del made
    gc.collect()
    assert there() is None


def test_a_page_holds_what_it_shows():
    lookers = Lookers()
    page = FakePage(Grid("Numbers", Metrics(), lookers))
    gc.collect()
    assert len(lookers) == 1
    page.close()


def test_each_tab_has_a_page_of_its_own(monkeypatch):
    monkeypatch.setattr(Grid, "served", lambda self: self)
    shown, lookers = grid()
    first, second = shown._for_a_tab(), shown._for_a_tab()
    assert len({shown, first, second}) == len(lookers) == 3
