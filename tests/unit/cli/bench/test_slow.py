import asyncio
import time

import numpy as np
import pytest

from rtlab.book import Market
from rtlab.cli.bench import slow
from rtlab.cli.bench.load import INSTRUMENT
from rtlab.feed import Gateway
from rtlab.model import EVENT, EventKind

SECOND = 1_000_000_000


def phase(port: int, begin_s: float, end_s: float, *staleness_ms: float) -> slow.Slow:
    return slow.Slow(port, int(begin_s * SECOND), int(end_s * SECOND), np.array(staleness_ms), 10, 0)


def test_the_others_are_compared_between_phases_without_the_moments_around_a_change():
    at = np.arange(0, 25 * SECOND, SECOND // 100, dtype=np.int64)
    age = np.full(len(at), 100.0)
    with_it = ((at >= 5.6 * SECOND) & (at < 10 * SECOND)) | ((at >= 15.6 * SECOND) & (at < 20 * SECOND))
    age[with_it] = 108.0
    age[(at >= 10 * SECOND) & (at < 10.4 * SECOND)] = 9e9  # while it leaves
    phases = [phase(1, 5, 10, *[500.0] * 99, 5000.0), phase(2, 15, 20, *[900.0] * 100)]
    served = {
        1: slow.Served(3e3, 1000, 5000),
        2: slow.Served(3e3, 0, 7000),
        3: slow.Served(5e5, 0, 30000),
    }
    report = slow.report(phases, slow.Fast(at, age), served)
    goals = {goal["name"]: goal for goal in report["goals"]}
    assert goals["p99 of the others, with it / around it"]["value"] == pytest.approx(1.08)
    assert goals["bytes kept for it, peak"]["value"] == 7000.0
    assert 500.0 < goals["staleness of the slow reader, p99"]["value"] < 1000.0
    assert {goal["show"] for goal in report["goals"]} == {11}
    assert all(row["case"] for row in report["results"])
    assert "500 kB/s" in report["results"][0]["case"]


async def test_a_trickle_takes_a_few_bytes_at_a_time_and_still_comes_to_hold_the_book():
    market = Market([INSTRUMENT], epoch=1)
    rows = np.zeros(40, EVENT)
    rows["kind"], rows["ts"] = EventKind.LEVEL, time.monotonic_ns()
    rows["side"], rows["price"], rows["qty"] = np.arange(40) % 2, 1000 + np.arange(40), 7
    market.apply(rows)
    async with Gateway(market) as gateway:
        reader = await asyncio.to_thread(slow.Trickle, gateway.url)
        with reader:
            async with asyncio.timeout(20):
                while (age := reader.read(100)) is None:
                    await asyncio.sleep(0.001)
            assert age > 0
            assert reader.reader.subscriptions[0].view.bids()[0] == (1038, 7)
            assert reader.port == int(gateway.readers()[0].address.rpartition(":")[2])


def test_a_small_run_of_the_whole_bench_keeps_its_bounds():
    report = slow.measure(20_000, 1, 2.5)
    rows = {row["name"]: row for row in report["results"]}
    assert rows["messages lost by it"]["max"] == 0
    assert rows["bytes sent to it and unanswered, peak"]["max"] <= 65536
    assert rows["staleness of the slow reader, p99"]["max"] > 0
    assert len(report["goals"]) == 3
