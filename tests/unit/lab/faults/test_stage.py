import asyncio

from support.waiting import until

from rtlab.client import LinkState, connect
from rtlab.lab.faults.run import LIMITS
from rtlab.lab.faults.stage import Child, Here
from rtlab.lab.faults.verdict import difference


async def test_the_market_outlives_its_gateway_and_readers_resume():
    stage = Here(3, 2000, LIMITS)
    await stage.start()
    try:
        async with connect(f"ws://127.0.0.1:{stage.port}") as client:
            book = await client.ready(client.subscribe("book", "BTC-USD", depth=20))
            port, before = stage.port, book.view.seq
            await stage.strike("restart", 0.05)
            assert (stage.port, stage.deaths) == (port, 1)
            await until(lambda: book.is_live and book.view.seq > before)
            assert book.view.epoch == 1
            await stage.settle()
            await until(lambda: book.view.seq == stage.market.book("BTC-USD").seq)
            assert difference(book, stage.truth()) == ""
            assert not stage.published(book)  # noted from when it was asked for
    finally:
        await stage.close()


async def test_two_strikes_at_once_are_done_one_after_the_other():
    stage = Here(3, 2000, LIMITS)
    await stage.start()
    try:
        await asyncio.gather(stage.strike("restart", 0.01), stage.strike("die", 0.01))
        assert stage.deaths == 2
        async with connect(f"ws://127.0.0.1:{stage.port}") as client:
            assert client.state in (LinkState.LIVE, LinkState.CONNECTING)
    finally:
        await stage.close()


async def test_a_killed_process_comes_back_on_its_port_with_a_new_history_of_the_same_market():
    stage = Child(3, 2000, LIMITS)
    try:
        await stage.start()
        async with connect(f"ws://127.0.0.1:{stage.port}") as client:
            book = await client.ready(client.subscribe("book", "BTC-USD", depth=20))
            first = book.view.epoch
            await stage.strike("freeze", 0.05)
            await stage.strike("kill", 0.0)
            await until(lambda: book.is_live and book.view.epoch > first)
            assert difference(book, stage.truth()) == ""
            assert stage.published(book) is None
    finally:
        await stage.close()
