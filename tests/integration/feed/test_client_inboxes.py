"""Who takes what comes in his own time: three policies over a real socket, and what the server feels of them."""

import asyncio

import pytest
from support.markets import HandMarket
from support.waiting import until

from rtlab.client import LinkState, connect, connect_blocking
from rtlab.errors import OverrunError, UnreachableError
from rtlab.feed import Gateway
from rtlab.protocol import Limits, Trades

EVICT_S = 1.5


def move(market: HandMarket, gateway: Gateway, number: int) -> None:
    market.set_levels((1, 200 + number % 7, 1 + number))
    market.trade((0, 200, 1 + number))
    gateway.publish()


async def flow(market: HandMarket, gateway: Gateway, count: int) -> None:
    for number in range(count):
        move(market, gateway, number)
        await asyncio.sleep(0.001)


@pytest.fixture
def market() -> HandMarket:
    market = HandMarket()
    market.set_levels((0, 100, 5), (1, 200, 4))
    return market


async def test_a_blocking_inbox_drops_nothing_and_the_server_feels_it(market):
    async with Gateway(market) as gateway, connect(gateway.url) as client:
        tape = client.subscribe("trades", "BTC-USD", depth=1000)
        await client.ready(client.subscribe("book", "BTC-USD"))
        notices = client.changes(tape, policy="block", limit=8)
        flowing = asyncio.create_task(flow(market, gateway, 700))
        await until(lambda: client.statistics().inbox_blocked > 0)
        await until(
            lambda: gateway.readers()[0].state == "LAGGING"
        )  # its pings are not answered: it reads nothing
        assert len(notices) <= 9
        seen = []

        async def take() -> None:
            async for applied in notices:
                if isinstance(applied.message, Trades):
                    seen.extend(range(applied.message.before.seq + 1, applied.message.last_seq + 1))

        taking = asyncio.create_task(take())
        await flowing
        head = market.source("trades", "BTC-USD")
        await until(lambda: tape.view.seq == head.seq)
        await until(lambda: gateway.readers()[0].state == "LIVE")  # and comes back, with its pings answered
        notices.finish()
        await taking
        assert len(seen) == len(set(seen))
        assert len(seen) + tape.view.dropped.seq == 700
        assert client.statistics().inbox_dropped == 0
        assert client.statistics().lost == 0


async def test_who_blocks_for_good_is_sent_away_and_comes_back_when_he_takes_again(market):
    limits = Limits(evict_after_s=EVICT_S, retry_after_s=0.1)
    async with Gateway(market, limits=limits) as gateway, connect(gateway.url) as client:
        book = await client.ready(client.subscribe("book", "BTC-USD"))
        notices = client.changes(policy="block", limit=1)
        move(market, gateway, 1)
        await until(lambda: gateway.statistics().evicted == 1)
        assert client.state is LinkState.LIVE  # who does not read does not hear that either
        move(market, gateway, 2)
        taken = 0
        while book.view.seq != market.book("BTC-USD").seq:
            await asyncio.wait_for(anext(notices), 10)
            taken += 1
        assert taken > 1
        assert client.statistics().lost == 1
        assert book.came_back == "resumed"


async def test_waiting_for_a_subscription_while_an_inbox_blocks_says_so(market):
    async with Gateway(market) as gateway, connect(gateway.url) as client:
        await client.ready(client.subscribe("book", "BTC-USD"))
        notices = client.changes(policy="block", limit=1)
        move(market, gateway, 1)
        await until(lambda: client.statistics().inbox_blocked == 1)
        with pytest.raises(UnreachableError, match="a blocking inbox is full"):
            await client.ready(client.subscribe("ticker", "BTC-USD"), timeout_s=0.1)
        del notices
        await client.ready(client.subscribe("trades", "BTC-USD"))


async def test_leaving_and_dropping_take_no_longer_while_an_inbox_blocks(market):
    async with Gateway(market) as gateway, connect(gateway.url) as client:
        book = await client.ready(client.subscribe("book", "BTC-USD"))
        notices = client.changes(policy="block", limit=1)
        move(market, gateway, 1)
        await until(lambda: client.statistics().inbox_blocked == 1)
        client.drop()
        await until(lambda: client.statistics().opened == 2)
        assert len(notices) == 1
        move(market, gateway, 2)
        async with asyncio.timeout(0.9):  # a close frame that waits for its answer on a held socket takes 1 s
            await client.close()
        assert book.view.epoch == 1


async def test_an_inbox_that_raises_ends_its_loop_and_the_client_goes_on(market):
    async with Gateway(market) as gateway, connect(gateway.url, policy="raise", limit=4) as client:
        book = await client.ready(client.subscribe("book", "BTC-USD"))
        notices = aiter(client)
        for number in range(20):
            move(market, gateway, number)
            await until(lambda: book.view.seq == market.book("BTC-USD").seq)
        with pytest.raises(OverrunError, match="at most 4 waiting"):
            _ = [applied async for applied in notices]
        assert client.state is LinkState.LIVE
        assert client.statistics().inbox_dropped >= 1


async def test_a_slow_callback_sees_the_newest_and_what_it_raises_closes_the_client(market):
    async with Gateway(market) as gateway:
        client = await connect(gateway.url, limit=2).__aenter__()
        book = await client.ready(client.subscribe("book", "BTC-USD"))
        gate, seen = asyncio.Event(), []

        async def slow(applied) -> None:
            await gate.wait()
            seen.append(applied.message.last_seq)
            if len(seen) == 3:
                raise ZeroDivisionError("mine")

        client.each(slow, book)
        for number in range(30):
            move(market, gateway, number)
            await until(lambda: book.view.seq == market.book("BTC-USD").seq)
        head = book.view.seq
        gate.set()
        await until(lambda: client.state is LinkState.CLOSED)
        assert seen == [seen[0], head - 1, head]
        with pytest.raises(ZeroDivisionError, match="mine"):
            await client.close()


async def test_a_callback_that_was_ended_sees_no_more(market):
    async with Gateway(market) as gateway, connect(gateway.url) as client:
        book = await client.ready(client.subscribe("book", "BTC-USD"))
        seen = []
        end = client.each(lambda applied: seen.append(applied), book)
        move(market, gateway, 1)
        await until(lambda: len(seen) == 1)
        end()
        move(market, gateway, 2)
        await until(lambda: book.view.seq == market.book("BTC-USD").seq)
        assert len(seen) == 1


@pytest.mark.parametrize("policy", ["newest", "raise"])
async def test_a_blocking_client_takes_all_that_came_since_its_last_read(market, policy):
    async with Gateway(market) as gateway:
        client = connect_blocking(gateway.url, policy=policy, limit=3)

        def begin():
            client.__enter__()
            return client.ready(client.subscribe("book", "BTC-USD"))

        book = await asyncio.to_thread(begin)
        await until(lambda: gateway.readers()[0].state == "LIVE")
        for number in range(12):
            move(market, gateway, number)
            await asyncio.sleep(0.02)

        def end():
            try:
                given, deadline = [], 50
                while book.view.seq != market.book("BTC-USD").seq and deadline:
                    given, deadline = client.read(0.5), deadline - 1
                return given, client.statistics().inbox_dropped
            finally:
                client.close()

        if policy == "raise":
            with pytest.raises(OverrunError, match="at most 3 changes"):
                await asyncio.to_thread(end)
        else:
            given, dropped = await asyncio.to_thread(end)
            assert len(given) <= 3
            assert dropped > 0
            assert given[-1].message.last_seq == market.book("BTC-USD").seq
