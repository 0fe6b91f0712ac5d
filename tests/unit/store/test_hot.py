import asyncio

import pytest
from support.kept import plain
from support.recording import Lively, room
from support.small_market import SmallMarket
from support.store import kill
from support.waiting import until

from rtlab.errors import StoreError, UnreachableError
from rtlab.store import BlockingHotReader, HotReader
from rtlab.store.connection import stop
from rtlab.store.keys import hot_key
from rtlab.store.newest import pack_newest
from rtlab.store.unrecorded import connect_blocking


@pytest.fixture
def here():
    with room() as one:
        yield one


async def test_the_newest_values_follow_the_market_also_when_it_falls_silent(here):
    made = Lively()
    state = made.market.state("BTC-USD")
    async with made.write_to(here.url), HotReader(here.url, fresh_s=0) as hot:
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
        await recorder.close()
        away = here.folder.rename(here.folder.with_name("away"))
        async with HotReader(here.url) as hot:
            read = [await hot.book("BTC-USD"), await hot.ticker("BTC-USD"), await hot.bars("BTC-USD")]
        assert all(one.seq > 0 for one in read)
        assert not here.folder.exists()
        away.rename(here.folder)
    with here.store() as store:
        assert plain(await asyncio.to_thread(store.read, "book", "BTC-USD")) == made.book


class Counted:
    """A written instrument whose ticker is another one each time it is put there."""

    def __init__(self, url):
        self._redis, self._small = connect_blocking(url), SmallMarket()
        self.put()

    def put(self):
        self._small.step()
        newest = pack_newest(self._small.state)
        self._redis.set(hot_key("BTC-USD", "book"), newest.book)
        self._redis.set(hot_key("BTC-USD", "ticker"), newest.ticker)

    def take_away(self):
        self._redis.delete(hot_key("BTC-USD", "book"))

    @property
    def seq(self):
        return self._small.state.book.seq

    @property
    def seqs(self):
        return {self._small.state.ticker.seq, self.seq}

    def close(self):
        self._redis.close()


@pytest.fixture
def counted(here):
    one = Counted(here.url)
    yield one
    one.close()


async def test_tasks_that_read_at_once_ask_redis_once_and_all_are_told_the_same(here, counted):
    async with HotReader(here.url, fresh_s=3600) as hot:
        books = await asyncio.gather(*(hot.book("BTC-USD") for _ in range(200)))
        assert {book.seq for book in books} == {counted.seq}
        assert (hot.reads, hot.asked) == (200, 1)
        assert len({id(book.bids) for book in books}) == 200, "one reader could change what another holds"


async def test_nothing_older_than_said_is_told_and_all_who_wait_ask_once_more(here, counted):
    async with HotReader(here.url, fresh_s=0) as hot:
        for number in range(1, 20):
            books = await asyncio.gather(*(hot.book("BTC-USD") for _ in range(10)))
            assert {book.seq for book in books} == {counted.seq}
            assert hot.asked <= 2 * number
            counted.put()


async def test_one_that_joined_a_question_asked_too_long_ago_asks_again(here, counted):
    async with HotReader(here.url, fresh_s=0) as hot:
        first = asyncio.create_task(hot.book("BTC-USD"))
        await until(lambda: hot.asked == 1)
        counted.put()  # the first question may be answered before this or after
        assert (await hot.book("BTC-USD")).seq == counted.seq
        await first
        assert hot.asked == 2


async def test_one_that_comes_between_an_answer_and_its_end_asks_again(here, counted):
    async with HotReader(here.url, fresh_s=0) as hot:
        question = hot._ask(hot_key("BTC-USD", "ticker"))
        while not question.done():
            await asyncio.sleep(0)  # so that this goes on before what is called at its end
        assert list(hot._asking.values()) == [question]
        assert (await hot.ticker("BTC-USD")).seq == counted.seq
        assert hot.asked == 2
        await until(lambda: not hot._asking)


def make_older(hot, *, by_s):
    """Let all copies have been asked for so much earlier."""
    for key, copy in hot._copies.items():
        hot._copies[key] = copy._replace(asked_s=copy.asked_s - by_s)


async def read_often(hot, what="book"):
    """Read as often as makes a value one to be renewed; give the seqs that were told."""
    return {(await getattr(hot, what)("BTC-USD")).seq for _ in range(20)}


class Noting(HotReader):
    """A reader that notes its questions."""

    def __init__(self, url, **more):
        super().__init__(url, **more)
        self.questions = []

    async def _fetch(self, keys):
        self.questions.append([key.rpartition(":")[2] for key in keys])
        return await super()._fetch(keys)


async def test_copies_past_a_quarter_of_their_time_are_told_and_renewed_meanwhile_in_one_question(
    here, counted
):
    async with Noting(here.url, fresh_s=3600) as hot:
        old = counted.seqs
        assert await read_often(hot, "ticker") | await read_often(hot) == old
        assert hot._renewing is not None
        assert hot.questions == [["ticker"], ["book"]]
        await stop(hot._renewing)  # it waits for a quarter of an hour: who reads next begins it anew
        make_older(hot, by_s=1000)
        counted.put()
        assert {(await hot.ticker("BTC-USD")).seq, (await hot.book("BTC-USD")).seq} == old
        await until(lambda: hot.asked == 4 and not hot._asking)
        assert {(await hot.ticker("BTC-USD")).seq, (await hot.book("BTC-USD")).seq} == counted.seqs
        assert not old & counted.seqs
        assert hot.questions == [["ticker"], ["book"], ["ticker", "book"]]


async def test_what_is_read_often_is_renewed_until_it_is_not(here, counted):
    async with HotReader(here.url, fresh_s=0.004) as hot:
        for _ in range(19):
            await hot.ticker("BTC-USD")
        assert hot._renewing is None  # who reads now and then makes nobody ask but himself
        while hot._renewing is None or hot.asked < 10:
            await read_often(hot)
            await asyncio.sleep(0)
        await until(hot._renewing.done)
        assert (await hot.book("BTC-USD")).seq == counted.seq


async def test_what_is_not_there_any_more_is_not_told_any_more(here, counted):
    async with HotReader(here.url, fresh_s=3600) as hot:
        for _ in range(19):
            await hot.book("BTC-USD")
        counted.take_away()
        make_older(hot, by_s=1000)
        await hot.book("BTC-USD")
        await until(lambda: hot.asked == 2 and not hot._asking)
        with pytest.raises(StoreError, match="no engine has written"):
            await hot.book("BTC-USD")


async def test_one_task_that_is_cancelled_costs_the_others_nothing(here, counted):
    async with HotReader(here.url, fresh_s=3600) as hot:
        tasks = [asyncio.create_task(hot.book("BTC-USD")) for _ in range(3)]
        await asyncio.sleep(0)  # all wait for the one question, which is not even sent
        tasks[0].cancel()
        books = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(books[0], asyncio.CancelledError)
        assert [book.seq for book in books[1:]] == [counted.seq] * 2
        assert hot.asked == 1


async def test_a_redis_that_is_gone_is_told_to_all_when_their_copy_is_too_old(here, counted):
    async with HotReader(here.url, fresh_s=3600) as hot:
        for _ in range(19):
            seq = (await hot.book("BTC-USD")).seq
        kill(here.server)
        make_older(hot, by_s=2000)
        for _ in range(2):
            assert (await hot.book("BTC-USD")).seq == seq, "it is younger than said"
            await until(hot._renewing.done)
        make_older(hot, by_s=2000)
        told = await asyncio.gather(*(hot.book("BTC-USD") for _ in range(5)), return_exceptions=True)
        assert [type(one) for one in told] == [UnreachableError] * 5
        await asyncio.to_thread(here.server.start)
        assert (await hot.book("BTC-USD")).seq == seq


async def test_an_instrument_that_is_written_later_is_found(here):
    async with HotReader(here.url) as hot:
        with pytest.raises(StoreError, match="no engine has written"):
            await hot.book("BTC-USD")
        counted = Counted(here.url)
        assert (await hot.book("BTC-USD")).seq == counted.seq
        counted.close()


async def test_leaving_ends_what_is_still_asked(here, counted):
    async with HotReader(here.url) as hot:
        reading = asyncio.create_task(hot.book("BTC-USD"))
        await until(lambda: hot.asked == 1)
    assert not hot._asking
    await asyncio.wait([reading])
