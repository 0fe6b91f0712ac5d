"""The same reads and the same upkeep where the files lie in a bucket: an S3 server on loopback."""

import asyncio

import pytest
from support.kept import BTC, DAY_NS, Made, plain
from support.own_channel import SCHEMA, some
from support.s3 import s3_server
from support.waiting import until

from rtlab.errors import StoreError
from rtlab.lab.faults.proxy import LossyProxy
from rtlab.store import Store
from rtlab.store.cold.columns import Stand
from rtlab.store.cold.own import OwnWriter
from rtlab.store.cold.place import BucketPlace
from rtlab.store.cold.schema import Levels
from rtlab.store.cold.writer import ColdWriter

STEPS_OF_A_LARGE_FILE = 2000
SLOW = 200_000  # bytes/s: such a file takes a while
PART = 30_000  # bytes: less than half of it


@pytest.fixture(scope="module")
def server():
    with s3_server() as url:
        yield url


def url_of(server: str, name: str) -> str:
    return server.replace("/market?", f"/{name}?")


def port_of(url):
    return int(url.partition("endpoint=http://127.0.0.1:")[2].partition("&")[0])


def through(url, line):
    """Give the URL of the same bucket behind a bad line."""
    return url.replace(f":{port_of(url)}&", f":{line.port}&")


def read(url, work, channel="book"):
    with Store(url, work=work) as store:
        return store.read(channel, "BTC-USD")


def keep(url, work, made, *, rolls):
    with ColdWriter(BucketPlace(url), work, BTC) as writer:
        if not writer.stand.epoch:
            writer.begin(Stand(1), Levels.empty(), "start")
        for number in range(rolls + 1):
            made.make(20)
            made.append_to(writer)
            if number < rolls:
                writer.roll()


def test_rows_books_and_sql_are_read_from_a_bucket_and_its_tail(server, tmp_path):
    url, made = url_of(server, "reads"), Made()
    keep(url, tmp_path, made, rolls=3)
    keep(url, tmp_path, made, rolls=1)
    with Store(url, work=tmp_path) as store:
        assert plain(store.read("book", "BTC-USD")) == made.book
        assert plain(store.read("trades", "BTC-USD", 5, made.ts // 2)) == [
            row for row in made.trades if 5 <= row[2] < made.ts // 2
        ]
        for seq in sorted(made.books)[1::25]:
            book = store.book("BTC-USD", at=(1, seq))
            assert (book.bids, book.asks) == made.books[seq]
        assert store.sql("SELECT count(*) FROM book").column(0)[0].as_py() == len(made.book)
        assert store.check() == len(store.manifest("BTC-USD").files) > 10


def test_a_bucket_is_compacted_and_old_days_leave_it(server, tmp_path):
    url, made = url_of(server, "upkeep"), Made(step_ns=DAY_NS // 40)
    keep(url, tmp_path, made, rolls=4)
    with Store(url, work=tmp_path) as store:
        assert store.compact()["BTC-USD"].made > 0
        assert plain(store.read("book", "BTC-USD")) == made.book
        store.retain(since=2 * DAY_NS)
        assert plain(store.read("trades", "BTC-USD")) == [row for row in made.trades if row[2] >= 2 * DAY_NS]
        named = {one.path for one in store.manifest("BTC-USD").files}
        assert {path for path in store.place.paths("") if path.startswith("date=")} == named


def test_an_own_channel_is_merged_asked_and_dropped_in_a_bucket_too(server, tmp_path):
    url = url_of(server, "own")
    with OwnWriter(BucketPlace(url), tmp_path, "notes", "BTC/USD", SCHEMA) as writer:
        for first in (0, 3, 6):
            writer.append(some(first, 3))
            if first < 6:
                writer.roll()
    with Store(url, work=tmp_path) as store:
        for files in (2, 1):
            assert len(store.place.paths("own")) == files
            assert store.read("notes", "BTC/USD", columns=["size"]).column("size").to_pylist() == [
                *range(0, 18, 2)
            ]
            told = store.sql("SELECT instrument, count(*) AS n, sum(size) AS size FROM notes GROUP BY ALL")
            assert told.to_pylist() == [{"instrument": "BTC/USD", "n": 9, "size": sum(range(0, 18, 2))}]
            store.compact()
        store.retain(since=DAY_NS)
        assert store.read("notes", "BTC/USD").num_rows == 3  # what is not a file yet


async def test_an_upload_that_is_cut_leaves_no_half_file_visible_and_goes_on_when_the_line_is_good(
    server, tmp_path
):
    url, made = url_of(server, "fails"), Made()
    await asyncio.to_thread(keep, url, tmp_path, made, rolls=1)
    before = plain(await asyncio.to_thread(read, url, tmp_path))
    async with LossyProxy(port_of(url)) as line:
        writer = ColdWriter(BucketPlace(through(url, line)), tmp_path, BTC)
        await asyncio.to_thread(writer.__enter__)  # the line is on this loop
        whole = BucketPlace(url).paths("")
        made.make(STEPS_OF_A_LARGE_FILE)
        made.append_to(writer)
        line.line.bytes_per_s = SLOW
        carried = line.carried
        rolling = asyncio.create_task(asyncio.to_thread(writer.roll))
        await until(lambda: line.carried > carried + PART)
        line.refusing = True
        assert line.cut() > 0
        line.line.heal()
        with pytest.raises(StoreError, match="cannot be used"):
            await rolling
        writer.close()
        here = BucketPlace(url)
        assert [path for path in here.paths("") if not path.startswith("tmp/")] == whole
        seen = await asyncio.to_thread(read, url, tmp_path)
        assert plain(seen) == made.book  # the tail has what the files do not
        assert len(seen) > len(before)
        with pytest.raises(StoreError, match="cannot be used"):
            await asyncio.to_thread(read, through(url, line), tmp_path)
        line.refusing = False
        await asyncio.to_thread(keep, through(url, line), tmp_path, made, rolls=1)
    assert plain(await asyncio.to_thread(read, url, tmp_path)) == made.book
    assert plain(await asyncio.to_thread(read, url, tmp_path, "trades")) == made.trades
    with Store(url, work=tmp_path) as store:
        store.compact()
        assert store.check() == len(store.manifest("BTC-USD").files)
        named = {one.path for one in store.manifest("BTC-USD").files}
        assert {path for path in here.paths("") if path.startswith("date=")} == named


def test_a_bucket_that_is_not_there_is_one_clear_error(server, tmp_path):
    url = server.replace("s3://rows/", "s3://nowhere/")
    with pytest.raises(StoreError, match="nowhere"), ColdWriter(BucketPlace(url), tmp_path, BTC) as writer:
        writer.begin(Stand(1), Levels.empty(), "start")
