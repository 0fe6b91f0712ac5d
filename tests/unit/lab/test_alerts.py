import asyncio
import contextlib
import gc
import os
import signal
import time
import weakref

import pytest
from support.bus_servers import RedisServer
from support.hook import Hook
from support.rabbit import free_port

import rtlab
from rtlab.alerts import Rule, Said
from rtlab.errors import BusError, ClosedError, ConfigError, GridError, InstrumentError, UnreachableError


@pytest.fixture(scope="module")
def lab():
    with rtlab.demo(rate=2000) as lab:
        yield lab


def wait_until(condition, deadline_s=30.0):
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)


def settled(lab):
    """Wait until all that was said has come back, and give the counts."""
    wait_until(lambda: lab.alerts.statistics().shown == lab.alerts.statistics().said)
    return lab.alerts.statistics()


def test_an_alert_reaches_the_desk_its_own_function_and_the_webhook(lab):
    got = []
    with Hook() as hook:
        watch = lab.alert("BTC-USD", above=0, webhook=hook.url, then=got.append)
        wait_until(lambda: hook.got and got)
        ((_, headers, body),) = hook.got
        assert got[0].text == body["text"]
        assert body["text"].startswith("BTC-USD traded at ")
        assert headers["Idempotency-Key"] == f"{watch.id}-1"
        assert got[0] in [alert for _, alert in lab.alerts.recent]
        assert "said 1 times" in repr(watch)
        assert body["text"] in repr(lab.alerts)
        watch.end()
        watch.end()
        assert watch not in lab.alerts.watches


def test_each_crossing_is_told_and_an_ended_rule_says_no_more(lab):
    got, end = [], time.monotonic() + 60
    while len(got) < 2:  # the market may walk away from a line: then another is drawn through its middle
        assert time.monotonic() < end, "no line was crossed twice"
        got = []
        bid, ask = lab.book("BTC-USD").best
        watch = lab.alert("BTC-USD", above=(bid + ask) // 2, then=got.append, rest_s=0.0)
        look_again = time.monotonic() + 5
        while len(got) < 2 and time.monotonic() < look_again:
            time.sleep(0.02)
        watch.end()
    said = watch.said
    wait_until(lambda: len(got) == said)
    assert all(alert.rule == watch.id for alert in got)


class Flapping(Rule):
    """Begins to hold at every second look."""

    condition = "every second look"
    _is_on = False

    def _judge(self, sight):
        self._is_on = not self._is_on
        return Said("it flaps", "1") if self._is_on else None


def test_a_rule_that_flaps_is_told_once_in_its_rest_with_how_often_it_was(lab):
    got, merged = [], lab.alerts.statistics().merged
    watch = lab.alerts.watch(Flapping(lab.instrument("BTC-USD")), then=got.append, rest_s=0.5)
    wait_until(lambda: len(got) == 3)
    watch.end()
    assert [alert.text.partition(",")[0] for alert in got[:3]] == ["it flaps"] * 3
    assert " times in " in got[1].text
    assert got[2].ts - got[1].ts >= 400_000_000
    assert watch.merged > 0
    assert lab.alerts.statistics().merged == merged + watch.merged


def test_a_webhook_that_is_down_is_tried_again_until_it_is_there(lab):
    with Hook(503) as hook:
        watch = lab.alert("ETH-USD", above=0, webhook=hook.url)
        wait_until(lambda: len(hook.got) >= 2)
        hook.status = 200
        wait_until(lambda: lab.alerts.statistics().told and hook.got[-1][0] > hook.got[1][0])
        assert {headers["Idempotency-Key"] for _, headers, _ in hook.got} == {f"{watch.id}-1"}
        watch.end()


async def test_a_webhook_that_stays_down_leaves_a_dead_letter_that_says_why(lab, monkeypatch):
    monkeypatch.setattr("rtlab.lab.alerts.HOOK_RETRY", rtlab.lab.alerts.Retry(tries=2, first_s=0.01))
    async with rtlab.connect(lab.url) as other:
        watch = await other.alert("BTC-USD", above=0, webhook=f"http://127.0.0.1:{free_port()}/secret")
        for _ in range(500):
            if letters := await other.alerts.dead_letters():
                break
            await asyncio.sleep(0.02)
        (letter,) = letters
        assert await asyncio.to_thread(other.alerts.dead_letters_blocking) == letters
        assert (letter.event.id, letter.tries) == (f"{watch.id}-1", 2)
        assert "cannot be reached" in letter.reason
        counted = other.statistics()
        assert counted["alerts"].failed == 2
        assert counted["bus_alerts_webhook"].dead == 1


def test_a_script_asks_for_dead_letters_and_waits_for_them(lab):
    assert lab.alerts.dead_letters_blocking("page") == []
    with pytest.raises(BusError, match="expected one of page, webhook, got pgae"):
        lab.alerts.dead_letters_blocking("pgae")


def test_a_script_is_told_when_its_bus_does_not_answer(tmp_path, monkeypatch, lab):
    with RedisServer(tmp_path / "bus") as server:
        monkeypatch.setenv("RTLAB_BUS_URL", server.url)
        with rtlab.connect(lab.url) as other:
            other.alert("BTC-USD", above=0)
            wait_until(lambda: settled(other).shown)
            os.kill(server._server.pid, signal.SIGSTOP)
            with pytest.raises(UnreachableError, match=r"did not answer within 0\.3 s"):
                other.alerts.dead_letters_blocking(timeout_s=0.3)
            os.kill(server._server.pid, signal.SIGCONT)
            assert other.alerts.dead_letters_blocking() == []


def test_a_feed_that_falls_silent_and_is_lost_is_told(lab):
    with rtlab.demo(rate=500) as other:
        silent, gap = other.alert("BTC-USD", silent=2.5), other.alert("BTC-USD", gap=True)
        assert (silent.said, gap.said) == (0, 0)
        other._server._process.kill()
        wait_until(lambda: silent.said == 1 and gap.said >= 1)
        wait_until(lambda: other.alerts.statistics().shown >= 2)


@pytest.mark.parametrize(
    ("symbol", "asked", "error"),
    [
        ("XRP", {"above": 1}, InstrumentError),
        ("BTC-USD", {}, ConfigError),
        ("BTC-USD", {"above": "0.00001"}, GridError),
        ("BTC-USD", {"above": 1, "webhook": "nowhere"}, ConfigError),
        ("BTC-USD", {"above": 1, "then": "print"}, ConfigError),
    ],
)
def test_what_cannot_be_watched_is_refused(lab, symbol, asked, error):
    with pytest.raises(error):
        lab.alert(symbol, **asked)


def test_a_closed_lab_has_no_desk():
    with rtlab.demo(rate=100) as lab:
        lab.alert("BTC-USD", above=0)
    with pytest.raises(ClosedError):
        lab.alert("BTC-USD", above=0)


def test_a_lab_closes_though_a_task_of_its_desk_loses_a_cancellation():
    async def loses_one():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        await asyncio.sleep(3600)

    with rtlab.demo(rate=100) as lab:
        task = lab.loop.call(lambda: asyncio.ensure_future(loses_one()))
        lab.alerts._tasks.append(task)
    assert task.cancelled()


def test_a_view_shows_what_was_told_and_what_comes_and_goes_when_nobody_holds_it(lab):
    def tell():
        watch = lab.alert("BTC-USD", above=0)
        wait_until(lambda: watch.id in [alert.rule for _, alert in lab.alerts.recent])
        watch.end()

    tell()
    settled(lab)
    view, seen = lab.alerts.view(), len(lab.alerts.recent)
    assert repr(view) == f"AlertList(alerts={seen})"
    tell()
    wait_until(lambda view=view: repr(view) == f"AlertList(alerts={seen + 1})")
    gone = weakref.ref(view)
    del view
    gc.collect()
    assert gone() is None
    tell()
    assert lab.alerts._listeners == []


def test_a_function_that_raises_is_tried_again_and_shown_once(lab):
    tries = []

    def stumble(alert):
        tries.append(alert)
        if len(tries) < 3:
            raise RuntimeError("not yet")

    shown = settled(lab).shown
    watch = lab.alert("BTC-USD", above=0, then=stumble)
    wait_until(lambda: len(tries) == 3)
    watch.end()
    assert {alert.rule for alert in tries} == {watch.id}
    assert lab.alerts.statistics().shown == shown + 1


def test_a_function_counts_as_one_that_was_told_and_one_that_always_raises_leaves_a_dead_letter(lab):
    def stumble(alert):
        raise RuntimeError("never")

    with rtlab.connect(lab.url) as other:
        got, counted = [], other.alerts.statistics
        told = other.alert("BTC-USD", above=0, then=got.append)
        wait_until(lambda: counted().told == 1)
        assert (len(got), counted().failed) == (1, 0)
        told.end()
        watch = other.alert("BTC-USD", above=0, then=stumble)
        wait_until(other.alerts.dead_letters_blocking)
        (letter,) = other.alerts.dead_letters_blocking()
        assert (letter.event.id, letter.group, letter.tries) == (f"{watch.id}-1", "page", 3)
        assert "never" in letter.reason
        assert other.alerts.dead_letters_blocking("page") == [letter]
        assert other.alerts.dead_letters_blocking("webhook") == []
        assert (counted().told, counted().failed) == (1, 3)


async def test_a_bus_that_cannot_be_reached_is_told_to_who_waits(lab, monkeypatch):
    monkeypatch.setenv("RTLAB_BUS_URL", f"redis://127.0.0.1:{free_port()}")
    async with rtlab.connect(lab.url) as other:
        with pytest.raises(UnreachableError):
            await other.alert("BTC-USD", above=0)
        wait_until(lambda: other.statistics()["alerts"].said == 1)  # with the first price
        assert other.statistics()["alerts"].waiting == 1  # it waits, and is counted


async def test_alerts_that_find_no_room_are_counted(lab, monkeypatch):
    monkeypatch.setenv("RTLAB_BUS_URL", f"redis://127.0.0.1:{free_port()}")
    monkeypatch.setattr("rtlab.lab.alerts.MOST_WAITING", 2)
    async with rtlab.connect(lab.url) as other:
        for _ in range(5):
            other.alert("BTC-USD", above=0)
        wait_until(lambda: other.statistics()["alerts"].said == 5)
        counted = other.statistics()["alerts"]
        assert (counted.rules, counted.waiting, counted.unsent) == (5, 2, 3)


def test_while_the_bus_is_away_alerts_wait_and_are_told_once_it_is_back(tmp_path, monkeypatch, lab):
    with RedisServer(tmp_path / "bus") as server:
        monkeypatch.setenv("RTLAB_BUS_URL", server.url)
        got = []
        with rtlab.connect(lab.url) as other:
            first = other.alert("BTC-USD", above=0, then=got.append)
            wait_until(lambda: got)
            os.kill(server._server.pid, signal.SIGKILL)
            other.alert("BTC-USD", above=0, then=got.append)
            wait_until(lambda: other.statistics()["alerts"].waiting == 1)
            server._server.close()
            server._server.start()
            wait_until(lambda: len(got) == 2)
            assert [alert.rule == first.id for alert in got] == [True, False]
            assert other.statistics()["alerts"].waiting == 0


def test_labs_that_share_a_bus_have_a_topic_each(tmp_path, monkeypatch, lab):
    with RedisServer(tmp_path / "bus") as server:
        monkeypatch.setenv("RTLAB_BUS_URL", server.url)
        one, two = [], []
        monkeypatch.setenv("RTLAB_ALERTS", "one")
        with rtlab.connect(lab.url) as first:
            monkeypatch.setenv("RTLAB_ALERTS", "two")
            with rtlab.connect(lab.url) as second:
                watches = (
                    first.alert("BTC-USD", above=0, then=one.append),
                    second.alert("BTC-USD", above=0, then=two.append),
                )
                wait_until(lambda: one and two)
                assert [alert.rule for alert in (*one, *two)] == [watch.id for watch in watches]
