"""Consumers and server are killed at random, on both engines: nothing lost, nothing applied twice, in order per key."""

import asyncio
import os
import random
import time

import pytest
from support.bus_crowd import Crowd
from support.bus_events import counted_events, counted_topic, judge, make_account, rows
from support.bus_servers import RedisServer
from support.rabbit import NAMES_S, RabbitServer

from rtlab.bus import connect
from rtlab.errors import UnreachableError

ROUNDS = int(os.environ.get("RTLAB_ROUNDS", "0"))
SEEDS = range(20) if ROUNDS else range(1)
EVENTS, KILLS, SERVER_KILLS = (6000, 20, 5) if ROUNDS else (1500, 4, 1)
KEYS, CONSUMERS, LEASE_S = 40, 4, 0.8

pytestmark = [pytest.mark.rounds, pytest.mark.timeout(900)]


async def publish_all(bus, topic, events, pace_s: float) -> None:
    for start in range(0, len(events), 20):
        while True:
            try:
                await bus.publish(topic, *events[start : start + 20], deadline_s=2)
                break
            except UnreachableError:
                continue
        await asyncio.sleep(pace_s)


async def break_things(crowd, server, events, path, draw) -> None:
    # every kill comes when some more of the events have been applied
    whats = ["consumer"] * KILLS + ["server"] * SERVER_KILLS
    draw.shuffle(whats)
    for number, what in enumerate(whats):
        wanted = int(len(events) * 0.9 * number / len(whats) * draw.uniform(0.9, 1.0))
        await until(lambda wanted=wanted: len(rows(path)) >= wanted, 180)
        if what == "server":
            await asyncio.to_thread(server.restart)
        else:
            await asyncio.to_thread(crowd.kill, draw.randrange(CONSUMERS))


async def until(condition, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < end, "not in time"
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("engine", [RedisServer, pytest.param(RabbitServer, marks=pytest.mark.long)])
async def test_nothing_is_lost_or_applied_twice_and_the_order_holds_while_all_are_killed(
    tmp_path, engine, seed, capsys
):
    draw, topic, path = random.Random(seed), counted_topic(shards=4), tmp_path / "account.db"
    make_account(path)
    events = counted_events(topic, EVENTS, KEYS)
    with (
        engine(tmp_path / "server") as server,
        Crowd(CONSUMERS, url=server.url, database=path, lease_s=LEASE_S, topic={"shards": 4}) as crowd,
    ):
        crowd.wait_ready()
        async with connect(server.url) as bus:
            if engine is RabbitServer:
                await asyncio.sleep(NAMES_S)
            publishing = asyncio.create_task(publish_all(bus, topic, events, 0.01))
            await break_things(crowd, server, events, path, draw)
            await publishing
            await until(lambda: len(rows(path)) >= len(events), 180)
            letters = await bus.transport.letters(topic, "main", 100)
        found = judge(path, events) | {"dead": len(letters)}
        with capsys.disabled():
            print(
                f"\n{engine.__name__} seed {seed}: {len(events)} events, {crowd.kills} consumers and {server.kills} "
                f"servers killed: {found}"
            )
        assert crowd.kills >= KILLS
        assert server.kills >= SERVER_KILLS
    assert found == {"lost": 0, "twice": 0, "broken": 0, "strange": 0, "dead": 0}
