"""One engine, two gateways at one port, one Redis: each killed by SIGKILL at random points under load."""

import asyncio
import os
import random

import pytest
from support.command_flow import Truth
from support.crowds import until_told
from support.live_market import assert_no_silent_loss, assert_true, follow, note_trades
from support.scaled import Scaled
from support.store import cut_log, kill, store_server
from support.waiting import until

from rtlab.cli.bench.crowd import Crowd, Wish
from rtlab.client import Client, LinkState, connect
from rtlab.protocol import Subscription

ROUNDS = int(os.environ.get("RTLAB_ROUNDS", "1"))
WISHES = (("book", "BTC-USD", None), ("book", "ETH-USD", 10), ("trades", "BTC-USD", 4096))
SEED = 57
RATE = 3000 if ROUNDS >= 200 else 1000
CALM = (
    100  # commands a second: of a small book that changed much, a snapshot is cheaper than what became of it
)
READERS = 5000 if ROUNDS >= 200 else 300
BACK_S = 15.0

pytestmark = [pytest.mark.rounds, pytest.mark.timeout(120 + 30 * ROUNDS)]


@pytest.fixture(scope="module")
def whole():
    with store_server() as server, Scaled(server.url, seed=SEED, rate=RATE) as scaled:
        yield server, scaled


async def advance(subscriptions: list[Subscription], epoch: int, changes: int) -> None:
    """Wait until every subscription is live in `epoch` and the first has seen that many more changes there."""
    first = subscriptions[0].view
    start = first.seq if first.epoch == epoch else 0
    await until(
        lambda: (
            all(s.is_live and s.view.epoch == epoch for s in subscriptions) and first.seq >= start + changes
        ),
        deadline_s=30,
    )


async def back(client: Client, opened: int) -> None:
    await until(lambda: client.state is LinkState.LIVE and client.statistics().opened >= opened, 30)


async def test_readers_of_a_killed_gateway_resume_on_the_other_and_lose_no_trade_silently(whole):
    rnd = random.Random(SEED)
    server, scaled = whole
    truth = Truth(SEED + scaled.epoch)
    async with connect(scaled.url) as client:
        subscriptions = await follow(client, *WISHES)
        given, came = note_trades(client, subscriptions[2]), []
        for _ in range(max(2, ROUNDS)):
            await advance(subscriptions, scaled.epoch, rnd.randrange(50, 1500))
            opened = client.statistics().opened
            await asyncio.to_thread(scaled.gateways.pop(0).kill)
            if client.statistics().opened == opened and client.state is not LinkState.LIVE:
                await back(client, opened + 1)
            await asyncio.to_thread(scaled.start_gateway)
            await advance(subscriptions, scaled.epoch, rnd.randrange(50, 500))
            for subscription in subscriptions:
                assert_true(truth, subscription)
            came.append(subscriptions[2].came_back)
        statistics = client.statistics()
        assert statistics.lost >= 1
        assert came.count("resumed") >= 1
        assert (statistics.reader.gaps, statistics.reader.checksum_failures) == (0, 0)
        assert_no_silent_loss(truth, subscriptions[2], given)


async def test_after_redis_was_killed_everything_goes_on_without_a_loss(whole):
    rnd = random.Random(SEED)
    server, scaled = whole
    truth = Truth(SEED + scaled.epoch)
    async with connect(scaled.url) as client:
        subscriptions = await follow(client, *WISHES)
        given = note_trades(client, subscriptions[2])
        for _ in range(ROUNDS):
            await advance(subscriptions, scaled.epoch, rnd.randrange(50, 1500))
            kill(server)
            await asyncio.to_thread(server.start)
            await advance(subscriptions, scaled.epoch, rnd.randrange(50, 1500))
            for subscription in subscriptions:
                assert_true(truth, subscription)
        statistics = client.statistics()
        assert (statistics.lost, statistics.reader.gaps, statistics.reader.checksum_failures) == (0, 0, 0)
        assert_no_silent_loss(truth, subscriptions[2], given)


async def test_after_the_engine_was_killed_a_new_epoch_is_told_as_a_snapshot(whole):
    rnd = random.Random(SEED)
    server, scaled = whole
    async with connect(scaled.url) as client:
        subscriptions = await follow(client, *WISHES)
        for _ in range(ROUNDS):
            await advance(subscriptions, scaled.epoch, rnd.randrange(50, 1500))
            truth = Truth(SEED + scaled.epoch)
            assert scaled.engine is not None
            await asyncio.to_thread(scaled.engine.kill)
            await until(lambda: client.treatment == "frozen", 10)  # and not live as if the market rested
            assert client.staleness_ms >= 1500
            for subscription in subscriptions:  # what was good before is kept, and is still true
                assert_true(truth, subscription)
            snapshots = client.statistics().reader.snapshots
            await asyncio.to_thread(scaled.start_engine)
            await advance(subscriptions, scaled.epoch, rnd.randrange(50, 1500))
            assert client.statistics().reader.snapshots >= snapshots + len(WISHES)
            await until(lambda: client.treatment != "frozen")
            for subscription in subscriptions:
                assert_true(Truth(SEED + scaled.epoch), subscription)
        statistics = client.statistics()
        assert (statistics.lost, statistics.reader.checksum_failures) == (0, 0)


async def test_after_a_journaled_engine_was_killed_readers_go_on_in_the_same_epoch(tmp_path):
    rnd = random.Random(SEED)
    with (
        store_server() as server,
        Scaled(server.url, seed=SEED, rate=RATE, journal=tmp_path / "journal") as scaled,
    ):
        truth, epoch = Truth(SEED), scaled.epoch
        async with connect(scaled.url) as client:
            subscriptions = await follow(client, *WISHES)
            given = note_trades(client, subscriptions[2])
            for number in range(max(2, ROUNDS)):
                await advance(subscriptions, epoch, rnd.randrange(50, 1500))
                assert scaled.engine is not None
                await asyncio.to_thread(scaled.engine.kill)
                if number % 2 == 1:  # and Redis, and what that had not synced is gone, as by a power cut
                    kill(server)
                    cut_log(server, rnd.randrange(1, 5000))
                    await asyncio.to_thread(server.start)
                await asyncio.to_thread(scaled.start_engine)
                assert scaled.epoch == epoch, "the journal proves that nothing else was published"
                await advance(subscriptions, epoch, rnd.randrange(50, 1500))
                for subscription in subscriptions:
                    assert_true(truth, subscription)
            statistics = client.statistics()
            reader = statistics.reader
            assert (statistics.lost, reader.gaps, reader.resyncs, reader.checksum_failures) == (0, 0, 0, 0)
            assert_no_silent_loss(truth, subscriptions[2], given)


async def test_all_readers_of_a_killed_gateway_resume_on_the_other(monkeypatch):
    for limit in ("CONNECTIONS", "CONNECTIONS_PER_ADDRESS"):
        monkeypatch.setenv(f"RTLAB_{limit}", "20000")
    with (
        store_server() as server,
        Scaled(server.url, seed=SEED, rate=CALM) as scaled,
        Crowd(scaled.port, Wish(READERS, ["BTC-USD"], 100, reconnect=True)) as crowd,
    ):
        await asyncio.to_thread(crowd.ready)
        before = await asyncio.to_thread(crowd.report)
        scaled.gateways.pop(0).kill()
        await until_told(crowd, lambda told: told["ready"] < READERS, BACK_S)
        told, _ = await until_told(crowd, lambda told: told["ready"] == READERS, BACK_S)
        hit = told["resets"] + told["closes"] - before["resets"] - before["closes"]
        resumed = told["resumed"] - before["resumed"]
        print(f"{hit} of {READERS} readers lost their gateway, {resumed} resumed on the other")
        assert READERS // 4 < hit < READERS * 3 // 4
        assert resumed >= 0.95 * hit
        checked = told["checked"]  # each increment at this depth has the checksum of the book
        told, _ = await until_told(crowd, lambda told: told["checked"] > checked + READERS, BACK_S)
        assert (told["gaps"], told["differ"], told["unlike"]) == (0, 0, 0)
        assert told["snapshots"] == before["snapshots"] + hit - resumed
