"""Simulated hours at speed: hot memory stays flat, files have the stated size, retention is exact, no row is lost."""

import asyncio
import os
from itertools import pairwise

import pytest
from redis import Redis
from support.kept import DAY_NS, plain
from support.recording import Lively, room
from support.waiting import until

from rtlab.store import History
from rtlab.store.recording import RecorderLimits

HOURS = 24 if "RTLAB_ROUNDS" in os.environ else 2
STEPS_AN_HOUR = 150
HOUR_NS = 3600 * 10**9
TARGET = 40_000
SYMBOL = "BTC-USD"

pytestmark = [pytest.mark.rounds, pytest.mark.timeout(120 + 30 * HOURS)]


async def test_a_day_at_speed_costs_no_row_and_no_memory():
    begin = DAY_NS - HOURS // 2 * HOUR_NS  # midnight is in the middle
    with room() as here, Redis.from_url(here.url) as redis:
        made = Lively(begin_ns=begin, step_ns=HOUR_NS // STEPS_AN_HOUR)
        history, limits = History(seconds=0, snapshot_s=0), RecorderLimits(flush_s=0.01, roll_rows=300)
        lengths = []
        async with (
            made.write_to(here.url, history=history) as writer,
            here.recorder(limits) as recorder,
        ):
            await until(lambda: recorder._ones and all(one.marked for one in recorder._ones.values()))
            with here.store() as store:
                for _ in range(HOURS):
                    for _ in range(10):
                        await made.run(STEPS_AN_HOUR // 10)
                        await writer.drained()
                        whole = {name: made.market.state(name).position for name in made.market.symbols}
                        await recorder.reached(whole)
                    await made.run(1)
                    await writer.drained()
                    lengths.append(sum(redis.memory_usage(key) for key in redis.keys("*steps")))
                    await asyncio.to_thread(store.compact, target_bytes=TARGET)
            await recorder.reached({name: made.market.state(name).position for name in made.market.symbols})
            assert writer.statistics().unrecorded == 0
        assert max(lengths[len(lengths) // 2 :]) <= 2 * max(lengths[: len(lengths) // 2])
        with here.store() as store:
            assert plain(store.read("book", SYMBOL)) == made.book
            assert plain(store.read("trades", SYMBOL)) == made.trades
            assert [gap.reason for gap in store.manifest(SYMBOL).gaps] == ["start"]
            store.compact(target_bytes=TARGET)
            files = store.manifest(SYMBOL).of("book")
            assert all(one.bytes <= TARGET for one in files)
            pairs = pairwise(files)
            assert all(one.bytes + two.bytes > TARGET for one, two in pairs if one.date == two.date)
            store.retain(since=DAY_NS)
            assert plain(store.read("book", SYMBOL)) == [row for row in made.book if row[2] >= DAY_NS]
            assert plain(store.read("trades", SYMBOL)) == [row for row in made.trades if row[2] >= DAY_NS]
    rows = len(made.book) + len(made.trades)
    print(f"{HOURS} hours, {rows:,} rows, streams of {min(lengths)} to {max(lengths)} bytes")
