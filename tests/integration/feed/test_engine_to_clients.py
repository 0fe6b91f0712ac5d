"""Commands through the engine, the market and real sockets to clients of both encodings."""

import asyncio
import random
import time

import pytest
from support.live_market import LiveMarket, follow

from rtlab.book import INTERVALS_NS, BarsView
from rtlab.client import connect, connect_blocking

WISHES = (
    ("book", "BTC-USD", None),
    ("book", "BTC-USD", 5),
    ("book", "ETH-USD", 20),
    ("trades", "BTC-USD", 100),
    ("trades", "ETH-USD", 1000),
    ("ticker", "BTC-USD", None),
)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_json_and_msgpack_clients_side_by_side_hold_what_the_engine_made(seed):
    rnd = random.Random(seed)
    async with (
        LiveMarket(seed=seed) as live,
        connect(live.gateway.url) as packed,
        connect(live.gateway.url, codec="json") as named,
    ):
        live.step(500)
        one, two = await follow(packed, *WISHES), await follow(named, *WISHES)
        for _ in range(200):
            live.step(rnd.randrange(1, 60))
            await asyncio.sleep(0)
            if rnd.random() < 0.1:
                live.assert_true(*one, *two)
        await live.caught_up(*one, *two)
        live.assert_true(*one, *two)
        for a, b in zip(one, two, strict=True):
            assert a.view.digest(a.depth) == b.view.digest(b.depth)
        for client in (packed, named):
            reader = client.statistics().reader
            assert (reader.gaps, reader.resyncs, reader.checksum_failures, reader.duplicates) == (0, 0, 0, 0)


async def test_a_client_that_joins_late_holds_the_same_as_one_that_was_there_from_the_beginning():
    async with LiveMarket(seed=4) as live, connect(live.gateway.url) as early:
        first = await follow(early, ("book", "BTC-USD", 10), ("trades", "BTC-USD", 50))
        for _ in range(50):
            live.step()
        async with connect(live.gateway.url) as late:
            second = await follow(late, ("book", "BTC-USD", 10), ("trades", "BTC-USD", 50))
            live.step()
            await live.caught_up(*first, *second)
            live.assert_true(*first)
            assert second[0].view.digest(10) == first[0].view.digest(10)
            assert list(second[1].view.rows)[-50:] == list(first[1].view.rows)[-50:]


async def test_bars_of_a_client_are_those_that_the_trades_make():
    interval = INTERVALS_NS["100ms"]
    async with LiveMarket(seed=5) as live, connect(live.gateway.url) as client:
        bars = await client.ready(client.subscribe("bars", "BTC-USD", interval_ns=interval))
        for _ in range(40):
            live.step()
        await live.caught_up(bars)
        assert isinstance(bars.view, BarsView)
        trades = live.truth.trades(0, bars.view.seq)
        assert sum(bar[5] for bar in bars.view.rows()) == sum(qty for _, qty, _ in trades)


async def test_depth_pays_a_reader_of_the_best_levels_is_sent_less_than_one_of_the_whole_book():
    async with (
        LiveMarket(seed=6) as live,
        connect(live.gateway.url) as deep,
        connect(live.gateway.url) as flat,
    ):
        live.step(500)
        whole = await follow(deep, ("book", "BTC-USD", None))
        best = await follow(flat, ("book", "BTC-USD", 1))
        for _ in range(100):
            live.step(5)
            await live.caught_up(*whole)
        await live.caught_up(*best)
        live.assert_true(*whole, *best)
        sent = {reader.address: reader.bytes_sent for reader in live.gateway.readers()}
        flat_bytes, deep_bytes = sorted(sent.values())
        assert 2 * flat_bytes < deep_bytes


async def test_a_blocking_client_in_a_thread_follows_the_same_market():
    async with LiveMarket(seed=7) as live:
        live.step(200)
        ended = asyncio.Event()

        def follow_blocking():
            with connect_blocking(live.gateway.url) as client:
                book = client.ready(client.subscribe("book", "ETH-USD"))
                tape = client.ready(client.subscribe("trades", "ETH-USD"))
                while not ended.is_set():
                    client.read(0.05)
                heads = [live.market.source(s.channel, s.instrument).seq for s in (book, tape)]
                deadline = time.monotonic() + 10
                while [book.view.seq, tape.view.seq] != heads and time.monotonic() < deadline:
                    client.read(0.05)
                return book, tape

        following = asyncio.create_task(asyncio.to_thread(follow_blocking))
        for _ in range(100):
            live.step()
            await asyncio.sleep(0.001)
        ended.set()
        book, tape = await asyncio.wait_for(following, 30)
        live.assert_true(book, tape)
        assert book.view.seq == live.market.book("ETH-USD").seq
