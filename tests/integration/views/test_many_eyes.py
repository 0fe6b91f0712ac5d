"""Many tabs of one Panel server: what they cost each other, and what they leave behind."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest
from support.eyes import Served, Tab, p95, served

ROUNDS = int(os.environ.get("RTLAB_ROUNDS", "0"))
TABS, SECONDS = (50, 10.0) if ROUNDS else (5, 1.0)
COME_AND_GO = 200 if ROUNDS else 6
long = pytest.mark.timeout(1800 if ROUNDS else 300)  # a page of the market takes a second of a slow processor


async def told(server: Served) -> dict:
    return await asyncio.to_thread(server.told)


async def until_told(server: Served, holds: Callable[[dict], bool], what: str, seconds: float = 20.0) -> dict:
    deadline = asyncio.get_running_loop().time() + seconds
    while not holds(now := await told(server)):
        assert asyncio.get_running_loop().time() < deadline, f"{what}: {now}"
        await asyncio.sleep(0.1)
    return now


async def until(holds: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, what
        await asyncio.sleep(0.01)


class Tabs:
    """Open tabs, each read by a task of its own."""

    def __init__(self, server: Served) -> None:
        self.server = server
        self.all: list[Tab] = []
        self._runs: list[asyncio.Task] = []

    async def open(self, count: int) -> None:
        for _ in range(count):
            tab = Tab(self.server.url)
            await tab.open()
            await tab.greet()
            self.all.append(tab)
            self._runs.append(asyncio.create_task(tab.run()))

    async def pushes_during(self, wait: Awaitable[object]) -> list[int]:
        before = [tab.pushes for tab in self.all]
        await wait
        return [tab.pushes - then for tab, then in zip(self.all, before, strict=True)]

    async def close(self) -> None:
        for run in self._runs:
            run.cancel()
        failed = [
            one
            for one in await asyncio.gather(*self._runs, return_exceptions=True)
            if isinstance(one, Exception)
        ]
        await asyncio.gather(*(tab.close() for tab in self.all))
        assert failed == []

    async def come_and_go(self, count: int, *, stay: int = 0) -> None:
        """Open so many and close each at once; one in `stay` stays until all go."""
        for number in range(count):
            await self.open(1)
            if not stay or number % stay:
                await self.all[-1].close()


@pytest.fixture(scope="module")
def charts():
    with served("chart") as server:
        yield server


@pytest.fixture
async def tabs(charts: Served):
    opened = Tabs(charts)
    yield opened
    await opened.close()
    await until_told(charts, lambda now: not now["sessions"] and not now["alive"], "all plots are freed")


@long
@pytest.mark.long
async def test_every_tab_gets_its_own_window_of_the_one_series(charts: Served, tabs: Tabs, capsys):
    await tabs.open(TABS)
    await until(lambda: all(tab.pushes > 3 for tab in tabs.all), "all tabs are pushed to")
    for tab in tabs.all:
        tab.lags.clear()
    before = await told(charts)
    pushes = await tabs.pushes_during(asyncio.sleep(SECONDS))
    now = await told(charts)
    assert now["alive"] == now["sessions"] == TABS
    assert [tab.answers for tab in tabs.all] == [1] * TABS
    # ten different spans of the same series: the longer, the fewer pixel columns close in a push
    assert min(pushes) > 0.5 * max(pushes) > 0
    seconds = now["now"] - before["now"]
    cpu = (now["cpu_s"] - before["cpu_s"]) / seconds
    lag = p95([lag for tab in tabs.all for lag in tab.lags])
    with capsys.disabled():
        rate = sum(pushes) / TABS / seconds
        print(f"\n{TABS} tabs, {rate:.1f} pushes/s each: {100 * cpu:.0f} % of a core, lag p95 {lag:.0f} ms")


@pytest.mark.long
async def test_a_tab_that_sleeps_costs_the_others_nothing_and_comes_back_without_a_backlog(tabs: Tabs):
    await tabs.open(4)
    sleeper, *others = tabs.all
    await until(lambda: all(tab.pushes > 3 for tab in tabs.all), "all tabs are pushed to")
    awake = await tabs.pushes_during(asyncio.sleep(1.0))
    sleeper.asleep = True
    asleep = await tabs.pushes_during(asyncio.sleep(1.5))
    assert sum(asleep[1:]) / 1.5 > 0.6 * sum(awake[1:])
    before = sleeper.pushes
    sleeper.asleep = False
    await until(
        lambda: sleeper.newest and max(tab.newest for tab in others) - sleeper.newest < 300,
        "it is as new as the others",
        5.0,
    )
    # what was under way when it fell asleep, and a few that came meanwhile: not all that the others got
    assert sleeper.pushes - before < 8 + 5


def left_of(kind: str, first: dict, last: dict) -> str:
    """What is left of all that came and went, beside the series itself: less than a page is made of."""
    assert last["objects"] - first["objects"] < 3000
    grown = (
        40 * (last["points"] - first["points"]) // 1024
    )  # kB: two floats, room for as many, and the levels
    assert last["kb"] - first["kb"] < 60_000 + grown
    return (
        f"\n{COME_AND_GO} {kind} came and went: {last['kb'] - first['kb']:+} kB,"
        f" {last['objects'] - first['objects']:+} objects of {first['objects']}, 0 views, 0 sessions"
    )


@long
async def test_tabs_that_come_and_go_leave_nothing(charts: Served, tabs: Tabs, capsys):
    await tabs.come_and_go(2)  # what is made once for all
    await tabs.close()
    first = await until_told(charts, lambda now: not now["sessions"] and not now["alive"], "no sessions")
    await tabs.come_and_go(COME_AND_GO, stay=4)
    await until(lambda: all(tab.answers for tab in tabs.all if not tab.closed), "their first windows")
    await tabs.close()
    last = await until_told(charts, lambda now: not now["sessions"] and not now["alive"], "all are freed")
    with capsys.disabled():
        print(left_of("charts", first, last))


@long
@pytest.mark.long
async def test_when_the_last_market_page_is_closed_no_subscription_is_left(capsys):
    with served("market") as server:
        tabs = Tabs(server)
        await tabs.open(2)
        await until_told(server, lambda now: now["subscriptions"] == 3, "book, bars and trades")
        first = await until_told(server, lambda now: now["sessions"] == 2, "two that stay")
        others = Tabs(server)
        await others.come_and_go(COME_AND_GO)
        await others.close()
        last = await until_told(server, lambda now: now["alive"] == now["sessions"] == 2, "only the two")
        assert last["subscriptions"] == 3
        await tabs.close()
        await until_told(
            server, lambda now: not (now["alive"] or now["sessions"] or now["subscriptions"]), "nothing left"
        )
        with capsys.disabled():
            print(left_of("market pages", first, last))
