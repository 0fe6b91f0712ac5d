import asyncio

import pytest
from support.recording import Lively, room
from support.waiting import until

from rtlab.errors import StoreError, UnreachableError
from rtlab.store import BlockingHotReader, HotReader


@pytest.fixture
def here():
    with room() as one:
        yield one


async def test_the_newest_values_follow_the_market_also_when_it_falls_silent(here):
    made = Lively()
    state = made.market.state("BTC-USD")
    async with made.write_to(here.url), HotReader(here.url) as hot:
        for _ in range(3):
            await made.run(20)
            async with asyncio.timeout(5):
                while (book := await hot.book("BTC-USD")).seq < state.book.seq:
                    await asyncio.sleep(0.005)
            assert (book.bids, book.asks) == (state.book.bids(100), state.book.asks(100))
            ticker, bars = await hot.ticker("BTC-USD"), await hot.bars("BTC-USD")
            assert ticker.row == state.ticker.row
            assert bars.bars[10**9] == state.bars[10**9].rows(1)[0]


async def test_a_script_reads_the_same(here):
    made = Lively()
    state = made.market.state("BTC-USD")

    def read():
        with BlockingHotReader(here.url) as hot:
            return hot.book("BTC-USD"), hot.ticker("BTC-USD"), hot.bars("BTC-USD"), hot.reads

    async with made.write_to(here.url) as writer:
        await made.run(20)
        await writer.drained()
        await until(lambda: writer._out["BTC-USD"].newest_due_ns(0) is None)
        await writer.close()
    book, ticker, bars, reads = await asyncio.to_thread(read)
    assert (book.seq, ticker.row, bars.seq, reads) == (state.book.seq, state.ticker.row, state.tape.seq, 3)


async def test_what_is_not_there_is_one_clear_error(here):
    async with HotReader(here.url) as hot:
        with pytest.raises(StoreError, match="no engine has written the book of DOGE there"):
            await hot.book("DOGE")
    async with HotReader("unix:///nowhere/at/all.sock") as hot:
        with pytest.raises(UnreachableError, match="does not answer"):
            await hot.ticker("BTC-USD")
    with BlockingHotReader("unix:///nowhere/at/all.sock") as hot, pytest.raises(UnreachableError):
        hot.book("BTC-USD")


async def test_hot_reads_never_touch_the_cold_side(here):
    made = Lively()
    async with made.write_to(here.url) as writer, here.recorder() as recorder:
        await made.run(20)
        await writer.drained()
        await recorder.reached({"BTC-USD": made.market.state("BTC-USD").position})
        with here.store() as store:
            async with HotReader(here.url) as hot:
                await hot.book("BTC-USD")
            assert store.cold.files_read == 0
