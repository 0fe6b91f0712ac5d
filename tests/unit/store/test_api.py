import asyncio
import random
import time

import pyarrow as pa
import pytest
from support.kept import Made, keep, plain
from support.recording import Lively, recorded, room, safe

from rtlab.book import Market, pack_state
from rtlab.embedded import EmbeddedServer
from rtlab.errors import ConfigError, StoreError, UnreachableError
from rtlab.model import Instrument
from rtlab.store.api import HOT, Store
from rtlab.store.cold.place import LocalPlace
from rtlab.store.keys import RECORDER
from rtlab.store.moments import text_of
from rtlab.store.tables import import_rows


@pytest.fixture
def here():
    with room() as one:
        yield one


async def test_hot_and_cold_are_one_table_at_every_moment(here):
    made = Lively()
    async with made.write_to(here.url) as writer:
        with here.store() as store:
            for _ in range(3):
                await made.run(20)
                await writer.drained()
                assert await here.read(store) == made.book  # nobody has recorded this yet
                async with here.recorder() as recorder:
                    await made.run(20)
                    await safe(recorder, made)
                    assert await here.read(store) == made.book
            told = await asyncio.to_thread(
                store.sql, "SELECT count(*) FROM trades WHERE instrument = 'BTC-USD'"
            )
            assert told.column(0)[0].as_py() == len(made.trades)


async def test_what_is_only_hot_is_read_before_anything_is_recorded(here):
    made = Lively()
    async with made.write_to(here.url) as writer:
        await made.run(20)
        await writer.drained()
        with here.store() as store:
            assert await here.read(store, "trades") == made.trades
            assert list(await asyncio.to_thread(store.instruments)) == ["BTC-USD", "ETH-USD"]


def test_a_span_and_columns_are_cut(tmp_path):
    made, rnd = Made(), random.Random(4)
    keep(tmp_path, made, rolls=3)
    with Store(tmp_path) as store:
        for _ in range(10):
            first, last = sorted(rnd.randrange(made.ts + 1) for _ in range(2))
            rows = store.read("trades", "BTC-USD", first, last)
            assert plain(rows) == [row for row in made.trades if first <= row[2] < last]
        assert store.read("book", "BTC-USD", columns=["qty", "ts"]).column_names == ["qty", "ts"]
        assert store.read("book", "BTC-USD", "2030-01-01").num_rows == 0
        assert sum(part.num_rows for part in store.batches("book", "BTC-USD")) == len(made.book)


def test_a_store_says_what_is_in_its_files(tmp_path):
    with Store(tmp_path) as store:
        assert repr(store) == f"<Store {tmp_path}: no files yet>"
    made = Made()
    keep(tmp_path, made, rolls=3)
    with Store(tmp_path) as store:
        rows = sum(one.rows for one in store.manifest("BTC-USD").files)
        assert rows > len(made.trades)
        assert repr(store) == f"<Store {tmp_path}: BTC-USD {rows:,} rows>"


def test_the_book_at_a_time_and_at_a_sequence_is_that_of_the_market(tmp_path):
    made = Made()
    keep(tmp_path, made, rolls=4)
    with Store(tmp_path) as store:
        for seq, (bids, asks) in made.books.items():
            if seq:
                book = store.book("BTC-USD", at=(1, seq))
                assert (book.bids, book.asks, book.seq) == (bids, asks, seq)
        for ts in range(made.ts // 50, made.ts + 2, made.ts // 50):
            last = [row[1] for row in made.book if row[2] <= ts][-1]
            assert store.book("BTC-USD", at=ts).seq == last


def test_a_book_that_is_not_known_is_one_clear_error(tmp_path):
    keep(tmp_path, Made(begin_ns=10**9), rolls=1)
    with Store(tmp_path) as store:
        known = r"a moment from 1970-01-01T00:00:01\.\d{3} on, got 1970-01-01T00:00:00\.000"
        with pytest.raises(StoreError, match=f"kept that far back: expected {known}"):
            store.book("BTC-USD", at=5)
        with pytest.raises(StoreError, match="the book of BTC-USD is not kept there"):
            store.book("BTC-USD", at=(1, 10**6))
        with pytest.raises(StoreError, match="the book of BTC-USD is not known there"):
            store.book("BTC-USD", at=(0, 1))


def test_a_book_after_the_end_of_the_record_is_an_error_that_says_where_that_is(tmp_path):
    made = Made()
    keep(tmp_path, made, rolls=2)
    with Store(tmp_path) as store:
        end = store.newest("BTC-USD")
        assert store.book("BTC-USD", at=end).seq == made.book[-1][1]
        ends = rf"is not known then: expected a moment up to {text_of(end)}, where the record ends, got 2030"
        with pytest.raises(StoreError, match=ends):
            store.book("BTC-USD", at="2030-01-01")


async def test_while_it_is_recorded_the_newest_book_is_that_of_now_and_no_later_one(here):
    made = Lively()
    async with made.write_to(here.url):
        with here.store() as store:

            def at(ts):
                return asyncio.to_thread(store.book, "BTC-USD", at=ts)

            async with here.recorder() as recorder:
                await made.run(20)
                await safe(recorder, made)
                async with asyncio.timeout(10):
                    while not await asyncio.to_thread(store._hot_value, RECORDER):
                        await asyncio.sleep(0.01)
                now = time.time_ns()
                assert (await at(now)).seq == made.book[-1][1]
                with pytest.raises(StoreError, match="is not known then"):
                    await at(now + 3600 * 10**9)
            with pytest.raises(StoreError, match="is not known then"):
                await at(now)


def test_an_instrument_that_falls_silent_has_a_book_as_long_as_others_are_recorded(tmp_path):
    made = {name: import_row(tmp_path, name, ts) for name, ts in (("A", 5), ("B", 9))}
    assert made == {"A": 1, "B": 1}
    with Store(tmp_path) as store:
        assert store.book("A", at=9).bids == [(1, 1)]
        with pytest.raises(StoreError, match="the book of A is not known then"):
            store.book("A", at=10)


def import_row(folder, symbol, ts):
    row = pa.table({"ts": [ts], "price": [1], "qty": [1], "side": ["bid"]})
    named = {name: name for name in row.column_names}
    where = Instrument(symbol, "1", "1"), LocalPlace(folder), folder
    return import_rows(row, named, "ns", *where, channel="book")


def test_a_span_that_ends_before_it_begins_is_an_error_and_an_empty_one_is_empty(tmp_path):
    keep(tmp_path, Made(), rolls=1)
    with Store(tmp_path) as store:
        assert store.read("trades", "BTC-USD", "2030-01-02", "2030-01-02").num_rows == 0
        with pytest.raises(
            ConfigError, match=r"before the start: expected a moment from 2030-01-02T.* on, got 2030-01-01"
        ):
            store.read("trades", "BTC-USD", "2030-01-02", "2030-01-01")
        with pytest.raises(ConfigError, match="before the start"):
            next(store.replay(start=2, end=1))


def test_sql_over_a_folder_that_is_not_there_says_so_and_gives_no_empty_table(tmp_path):
    with (
        Store(tmp_path / "gone") as store,
        pytest.raises(StoreError, match=r"no folder .*gone.*rtlab record"),
    ):
        store.sql("SELECT * FROM trades")


def test_sql_over_a_folder_of_other_things_says_that_there_is_no_record_and_where_one_is(tmp_path):
    (tmp_path / "notes.txt").write_text("not a record")
    with Store(tmp_path) as store:
        with pytest.raises(StoreError, match=rf"no record in the folder {tmp_path}: .*rtlab import` wrote$"):
            store.sql("SELECT * FROM trades")
        keep(tmp_path / "market", Made(), rolls=1)
        with pytest.raises(StoreError, match=r"rtlab record.*, as market/ in it$"):
            store.sql("SELECT * FROM trades")
        keep(tmp_path, Made(), rolls=1)
        assert store.sql("SELECT * FROM trades").num_rows > 0


@pytest.mark.parametrize("began", ["hot", "locks", "tail"])
def test_sql_over_a_record_that_has_just_begun_is_empty(tmp_path, began):
    (tmp_path / began).mkdir()
    (tmp_path / "notes.txt").write_text("beside it")
    with Store(tmp_path) as store:
        assert store.sql("SELECT * FROM trades").num_rows == 0


def test_a_replay_makes_the_same_market_byte_for_byte(tmp_path):
    made = Made()
    made.market.state("BTC-USD").bars_of(10**9)
    keep(tmp_path, made, rolls=4)
    market = Market([made.market.instruments["BTC-USD"]], 1)
    market.state("BTC-USD").bars_of(10**9)
    with Store(tmp_path) as store:
        for _, symbol, step in store.replay():
            market.fold(symbol, step)
    assert pack_state(market.state("BTC-USD")) == pack_state(made.market.state("BTC-USD"))


async def test_instruments_are_replayed_together_by_time(here):
    async with recorded(here, steps=30):
        with here.store() as store:
            played = await asyncio.to_thread(lambda: list(store.replay()))
    assert {symbol for _, symbol, _ in played} == {"BTC-USD", "ETH-USD"}
    assert [ts for ts, _, _ in played] == sorted(ts for ts, _, _ in played)


async def test_the_folders_own_server_is_asked_and_started_if_need_be(here):
    folder, made = here.folder, Lively()
    with EmbeddedServer(folder / HOT) as server:
        async with made.write_to(server.url), here.recorder(url=server.url) as recorder:
            await made.run(10)
            await safe(recorder, made)
        async with made.write_to(server.url) as writer:
            made.epoch = made.market.epoch
            await made.run(10)
            await writer.drained()
    with Store(folder) as store:  # the recorder is gone, what it had not taken is still hot
        assert await here.read(store) == made.book
        assert store.redis_url == f"unix://{folder}/{HOT}/server.sock"


def test_what_goes_wrong_is_named(tmp_path):
    with Store(tmp_path) as store:
        with pytest.raises(StoreError, match=r"nothing of BTC-USD is kept in .*: expected nothing at all"):
            store.read("book", "BTC-USD")
        with pytest.raises(ConfigError, match="no such channel"):
            store.read("quotes", "BTC-USD")
    keep(tmp_path, Made(), rolls=1)
    away = Store(tmp_path, redis_url="unix:///nowhere/at/all.sock")
    with (
        away as store,
        pytest.raises(UnreachableError, match=r"Redis at unix:///nowhere/at/all\.sock does not"),
    ):
        store.read("book", "BTC-USD")
    with pytest.raises(StoreError, match="needs a folder for open tails"):
        Store("s3://bucket/x?access_key=a&secret_key=b&region=us-east-1")


def test_tending_a_store_changes_no_row(tmp_path):
    made = Made()
    keep(tmp_path, made, rolls=5)
    with Store(tmp_path) as store:
        assert store.compact()["BTC-USD"].made == 3
        assert store.retain(since=0)["BTC-USD"].rows_dropped == 0
        assert store.check() == 3
        assert plain(store.read("book", "BTC-USD")) == made.book
