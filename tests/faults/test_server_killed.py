"""The server process (engine, market and gateway) killed by SIGKILL at random points under load.

The truth is computed in this process, from the seed of the killed server's commands.
"""

import asyncio
import os
import random

import pytest
from support.command_flow import Truth
from support.live_market import assert_no_silent_loss, assert_true, follow, note_trades
from support.processes import ServerProcess
from support.waiting import until

from rtlab.client import Client, LinkState, connect
from rtlab.lab.faults.proxy import LossyProxy
from rtlab.protocol import Subscription

ROUNDS = int(os.environ.get("RTLAB_ROUNDS", "2"))
WISHES = (
    ("book", "BTC-USD", None),
    ("book", "ETH-USD", 10),
    ("trades", "BTC-USD", 1000),
    ("trades", "ETH-USD", 10),
)
SEED = 31
RATE = 5000 if ROUNDS >= 200 else 2000

pytestmark = [pytest.mark.rounds, pytest.mark.timeout(60 + 30 * ROUNDS)]


async def advance(client: Client, subscriptions: list[Subscription], epoch: int, changes: int) -> None:
    """Wait until every subscription is in `epoch` and the first has seen that many more changes there."""
    first = subscriptions[0].view
    start = first.seq if first.epoch == epoch else 0
    await until(
        lambda: (
            all(s.is_live and s.view.epoch == epoch for s in subscriptions) and first.seq >= start + changes
        ),
        deadline_s=30,
    )
    assert client.state is LinkState.LIVE


async def test_after_each_kill_the_clients_books_equal_the_engines_and_it_says_that_it_took_a_snapshot():
    rnd = random.Random(SEED)
    with ServerProcess(seed=SEED, rate=RATE) as server:
        await asyncio.to_thread(server.start, 1)
        async with connect(server.url) as client:
            subscriptions = await follow(client, *WISHES)
            for epoch in range(1, ROUNDS + 2):
                truth = Truth(server.seed + epoch)
                await advance(client, subscriptions, epoch, rnd.randrange(50, 3000))
                for subscription in subscriptions:
                    assert_true(truth, subscription)
                    assert subscription.came_back == "snapshot"
                if epoch > ROUNDS:
                    break
                await asyncio.to_thread(server.kill)
                await until(lambda: client.state is LinkState.RECONNECTING)
                for subscription in subscriptions:  # what was good before is kept, and is still true
                    assert_true(truth, subscription)
                await asyncio.to_thread(server.start, epoch + 1)
            statistics = client.statistics()
            assert (statistics.opened, statistics.lost) == (ROUNDS + 1, ROUNDS)
            assert (statistics.reader.gaps, statistics.reader.checksum_failures) == (0, 0)


async def test_after_each_cut_of_the_connection_it_resumes_where_it_was():
    rnd = random.Random(SEED)
    with ServerProcess(seed=SEED, rate=RATE) as server:
        await asyncio.to_thread(server.start, 1)
        truth = Truth(server.seed + 1)
        async with LossyProxy(server.port) as proxy, connect(proxy.url) as client:
            subscriptions = await follow(client, *WISHES)
            whole, _, tape, _ = subscriptions
            given, books = note_trades(client, tape), []
            for number in range(1, ROUNDS + 1):
                await advance(client, subscriptions, 1, rnd.randrange(1, 1500))
                proxy.cut()
                await until(lambda: client.state is LinkState.RECONNECTING)
                await until(lambda n=number: client.statistics().opened == n + 1)
                await advance(client, subscriptions, 1, rnd.randrange(1, 500))
                assert tape.came_back == "resumed"
                books.append(whole.came_back)
                for subscription in subscriptions:
                    assert_true(truth, subscription)
            statistics = client.statistics()
            assert (statistics.opened, statistics.lost) == (ROUNDS + 1, ROUNDS)
            assert (statistics.reader.gaps, statistics.reader.checksum_failures) == (0, 0)
            assert_no_silent_loss(truth, tape, given)
            # after long on a busy machine the whole book may be cheaper than what became of it
            assert books.count("resumed") > ROUNDS / 2
            assert set(books) <= {"resumed", "snapshot"}
