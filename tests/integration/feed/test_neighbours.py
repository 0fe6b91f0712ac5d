"""What one reader does to the others, and to the server's memory: nothing, and a bounded number of bytes."""

import asyncio
import os
import random

from support.live_market import LiveMarket, follow
from support.waiting import until
from websockets.asyncio.client import connect as open_websocket

from rtlab.client import connect
from rtlab.lab.faults.proxy import LossyProxy
from rtlab.protocol import Limits

WISHES = (("book", "BTC-USD", 20), ("trades", "BTC-USD", 100), ("ticker", "BTC-USD", None))


async def test_a_throttled_reader_lags_within_bounds_and_is_true_and_the_others_are_live():
    async with (
        LiveMarket(seed=21) as live,
        LossyProxy(live.gateway.port) as proxy,
        connect(proxy.url) as slow,
        connect(live.gateway.url) as fast,
    ):
        proxy.line.bytes_per_s = 3000
        live.step(500)
        lagging, current = await follow(slow, *WISHES), await follow(fast, *WISHES)
        heads: list[int] = []
        fast.on_applied(lambda applied: heads.append(current[0].view.seq))
        for _ in range(1500):
            live.step(20)
            await asyncio.sleep(0.001)
            assert all(
                reader.buffered + reader.subscriber.unanswered <= 2 * 65536
                for reader in live.gateway.readers()
            )
        quickest, slowest = sorted(live.gateway.readers(), key=lambda reader: reader.subscriber.merged)
        assert slowest.subscriber.merged > 100
        assert slowest.subscriber.merged > 2 * quickest.subscriber.merged
        assert 2 * slowest.bytes_sent < quickest.bytes_sent
        await live.caught_up(*current)
        live.assert_true(*current)
        await live.caught_up(*lagging)
        live.assert_true(*lagging)
        assert lagging[1].view.dropped.seq > 0
        reader = slow.statistics().reader
        assert (reader.gaps, reader.checksum_failures) == (0, 0)


async def test_a_reader_that_is_evicted_comes_back_when_it_may_and_resumes():
    limits = Limits(heartbeat_s=0.05, evict_after_s=0.4, retry_after_s=0.1)
    async with (
        LiveMarket(seed=22, limits=limits) as live,
        LossyProxy(live.gateway.port) as proxy,
        connect(proxy.url) as client,
    ):
        live.step(300)
        (book,) = await follow(client, ("book", "BTC-USD", None))
        proxy.line.stalled = True
        await until(lambda: live.gateway.statistics().evicted == 1)
        proxy.line.stalled = False
        proxy.cut()
        live.step()
        await live.caught_up(book)
        assert book.came_back == "resumed"
        live.assert_true(book)


async def test_random_bytes_of_many_clients_hurt_nobody_else():
    rnd = random.Random(23)
    async with LiveMarket(seed=23) as live, connect(live.gateway.url) as client:
        live.step(300)
        subscriptions = await follow(client, *WISHES)

        async def babble(subprotocol: str) -> None:
            async with open_websocket(
                live.gateway.url, subprotocols=[subprotocol], compression=None, proxy=None, close_timeout=1
            ) as connection:
                await connection.send(rnd.randbytes(rnd.randrange(200)), text=False)
                await connection.wait_closed()

        async def babble_raw() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", live.gateway.port)
            writer.write(os.urandom(rnd.randrange(1, 3000)))
            writer.write_eof()
            await reader.read()
            writer.close()

        talkers = [babble("rtlab.v1.msgpack") for _ in range(10)] + [
            babble("rtlab.v1.json") for _ in range(10)
        ]
        talking = asyncio.gather(*talkers, *(babble_raw() for _ in range(10)))
        while not talking.done():
            live.step(5)
            await asyncio.sleep(0.001)
        await talking
        assert live.gateway.statistics().foreign == 20
        await live.caught_up(*subscriptions)
        live.assert_true(*subscriptions)
        assert (client.statistics().opened, client.statistics().reader.gaps) == (1, 0)


async def test_readers_that_come_and_go_leave_nothing_behind():
    async with LiveMarket(seed=24) as live:
        live.step(300)

        async def visit() -> None:
            async with connect(live.gateway.url) as client:
                await follow(client, *WISHES)

        for _ in range(3):
            await asyncio.gather(*(visit() for _ in range(10)))
        await until(lambda: live.gateway.statistics().readers == 0)
        statistics = live.gateway.statistics()
        assert (statistics.accepted, statistics.buffered, statistics.evicted) == (30, 0, 0)
        assert not live.gateway._connections
