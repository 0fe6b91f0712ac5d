"""The same reads and the same upkeep where the files lie in a bucket: an S3 server on loopback."""

import pytest
from support.kept import BTC, DAY_NS, Made, plain
from support.s3 import s3_server

from rtlab.errors import StoreError
from rtlab.store import Store
from rtlab.store.cold.columns import Stand
from rtlab.store.cold.place import BucketPlace
from rtlab.store.cold.schema import Levels
from rtlab.store.cold.writer import ColdWriter


@pytest.fixture(scope="module")
def server():
    with s3_server() as url:
        yield url


def url_of(server: str, name: str) -> str:
    return server.replace("/market?", f"/{name}?")


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


def test_a_failed_upload_leaves_no_half_file_visible_and_what_was_safe_is_read(server, tmp_path):
    url, made = url_of(server, "fails"), Made()
    keep(url, tmp_path, made, rolls=1)

    class Breaks(BucketPlace):
        """Uploads half of a Parquet file, and then the network is gone."""

        def _upload(self, content, path):
            if path.endswith(".parquet"):
                super()._upload(content[: len(content) // 2], f"{path}.never")
                raise OSError(101, "Network is unreachable")
            super()._upload(content, path)

    with ColdWriter(BucketPlace(url), tmp_path, BTC) as writer:
        made.make(20)
        made.append_to(writer)
        whole = BucketPlace(url).paths("")
        writer.place = Breaks(url)
        with pytest.raises(OSError, match="Network is unreachable"):
            writer.roll()
    left = set(BucketPlace(url).paths("")) - set(whole)
    assert all(path.endswith(".never") for path in left)
    with Store(url, work=tmp_path) as store:
        assert plain(store.read("book", "BTC-USD")) == made.book
        keep(url, tmp_path, made, rolls=1)
        assert plain(store.read("book", "BTC-USD")) == made.book
        store.compact()
        assert not any(path.endswith(".never") for path in store.place.paths(""))


def test_a_bucket_that_is_not_there_is_one_clear_error(server, tmp_path):
    url = server.replace("s3://rows/", "s3://nowhere/")
    with pytest.raises(StoreError, match="nowhere"), ColdWriter(BucketPlace(url), tmp_path, BTC) as writer:
        writer.begin(Stand(1), Levels.empty(), "start")
