"""Clients whose connection or server goes away: they come back by themselves, and say how."""

import asyncio

import pytest
from support.live_market import LiveMarket, assert_no_silent_loss, follow, note_trades
from support.waiting import until

from rtlab.client import LinkState, connect
from rtlab.feed import Gateway
from rtlab.lab.faults.proxy import LossyProxy

WISHES = (("book", "BTC-USD", None), ("book", "BTC-USD", 10), ("trades", "ETH-USD", 1000))


@pytest.mark.parametrize("codec", ["packed", "json"])
async def test_after_a_cut_the_client_resumes_and_loses_no_trade_silently(codec):
    async with (
        LiveMarket(seed=11) as live,
        LossyProxy(live.gateway.port) as proxy,
        connect(proxy.url, codec=codec) as client,
    ):
        live.step(300)
        subscriptions = await follow(client, *WISHES)
        given = note_trades(client, subscriptions[2])
        live.step(20)
        for _ in range(5):
            for _ in range(10):
                live.step(20)
                await asyncio.sleep(0)
            proxy.cut()
            await until(lambda: client.state is LinkState.RECONNECTING)
            live.step(20)
            await live.caught_up(*subscriptions)
            live.assert_true(*subscriptions)
            whole, best, tape = subscriptions
            assert tape.came_back == "resumed"
            # levels may be cheaper than what became of them
            assert {whole.came_back, best.came_back} <= {"resumed", "snapshot"}
        statistics = client.statistics()
        assert (statistics.opened, statistics.lost) == (6, 5)
        assert (statistics.reader.gaps, statistics.reader.checksum_failures) == (0, 0)
        assert_no_silent_loss(live.truth, subscriptions[2], given)


async def test_a_new_epoch_after_a_restart_gives_a_fresh_snapshot_and_says_so():
    async with LiveMarket(seed=12) as live, connect(live.gateway.url) as client:
        live.step(300)
        subscriptions = await follow(client, *WISHES)
        port = live.gateway.port
        await live.gateway.close()
        await until(lambda: client.state is LinkState.RECONNECTING)
        assert "1012" in client.statistics().last_reason
        async with LiveMarket(seed=13, epoch=2, port=port) as again:
            again.step(100)
            await again.caught_up(*subscriptions)
            assert [s.view.epoch for s in subscriptions] == [2, 2, 2]
            assert [s.came_back for s in subscriptions] == ["snapshot"] * 3
            again.assert_true(*subscriptions[:2])


async def test_a_restart_that_keeps_its_history_is_resumed():
    async with LiveMarket(seed=14) as live, connect(live.gateway.url) as client:
        live.step(300)
        subscriptions = await follow(client, *WISHES)
        port = live.gateway.port
        await live.gateway.close()
        await until(lambda: client.state is LinkState.RECONNECTING)
        live.gateway = Gateway(live.market, port=port)  # the same market: a gateway dies, the engine does not
        await live.gateway.__aenter__()
        live.step(100)
        await live.caught_up(*subscriptions)
        live.assert_true(*subscriptions)
        assert subscriptions[2].came_back == "resumed"


async def test_who_was_away_for_longer_than_the_server_remembers_gets_a_snapshot_and_counts_what_it_lost():
    async with (
        LiveMarket(seed=15) as live,
        LossyProxy(live.gateway.port) as proxy,
        connect(proxy.url) as client,
    ):
        live.step(300)
        (tape,) = await follow(client, ("trades", "BTC-USD", 1000))
        proxy.refusing = True
        proxy.cut()
        await until(lambda: client.state is LinkState.RECONNECTING)
        while live.market.source("trades", "BTC-USD").seq < tape.view.seq + 6000:
            live.step(5000)
        proxy.refusing = False
        await live.caught_up(tape)
        live.assert_true(tape)
        assert tape.view.dropped.seq > 0


async def test_a_refusing_address_is_tried_ever_more_rarely_and_found_again():
    async with (
        LiveMarket(seed=16) as live,
        LossyProxy(live.gateway.port) as proxy,
        connect(proxy.url) as client,
    ):
        (book,) = await follow(client, ("book", "BTC-USD", 5))
        proxy.refusing = True
        proxy.cut()
        await until(lambda: client.statistics().tries >= 3)
        assert client.state is LinkState.RECONNECTING
        proxy.refusing = False
        live.step()
        await live.caught_up(book)
        await until(lambda: client.statistics().tries == 0)


async def test_spoiled_bytes_from_the_server_end_the_connection_and_not_the_views():
    async with (
        LiveMarket(seed=17) as live,
        LossyProxy(live.gateway.port) as proxy,
        connect(proxy.url) as client,
    ):
        live.step(300)
        subscriptions = await follow(client, *WISHES)
        before = client.statistics().opened

        def spoil(chunk: bytes) -> bytes:
            return bytes(byte ^ 0x55 for byte in chunk)

        proxy.spoil = spoil
        live.step()
        await until(lambda: client.state is LinkState.RECONNECTING)
        live.assert_true(*subscriptions)
        proxy.spoil = None
        live.step()
        await live.caught_up(*subscriptions)
        live.assert_true(*subscriptions)
        assert client.statistics().opened > before


async def test_single_wrong_bytes_never_leave_a_book_that_claims_to_be_right():
    async with (
        LiveMarket(seed=18) as live,
        LossyProxy(live.gateway.port) as proxy,
        connect(proxy.url) as client,
    ):
        live.step(300)
        (book,) = await follow(client, ("book", "BTC-USD", 10))
        rounds = 0

        def spoil(chunk: bytes) -> bytes:
            nonlocal rounds
            rounds += 1
            if rounds % 7 or len(chunk) < 40:
                return chunk
            at = len(chunk) - 1 - rounds % 30
            return chunk[:at] + bytes((chunk[at] ^ (1 << rounds % 8),)) + chunk[at + 1 :]

        proxy.spoil = spoil
        for _ in range(150):
            live.step(10)
            await asyncio.sleep(0.001)
        proxy.spoil = None
        live.step()
        await live.caught_up(book)
        live.assert_true(book)
