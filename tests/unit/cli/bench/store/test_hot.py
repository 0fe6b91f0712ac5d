import sys
import time

import pytest
from support.recording import Lively, room

from rtlab.cli.bench.store.hot import READERS, FilesRead, _reader, ask_alone, share
from rtlab.store import HotReader


@pytest.fixture
async def url():
    made = Lively()
    with room() as here:
        async with made.write_to(here.url) as writer:
            await made.run(5)
            await writer.drained()
            yield here.url


async def test_books_and_tickers_are_read_in_turn_until_the_end(url):
    took = {"book": [], "ticker": []}
    async with HotReader(url) as hot:
        await _reader(hot, 0, time.monotonic() + 0.7, took)
    assert len(took["book"]) - len(took["ticker"]) in (0, 1)
    assert took["book"]
    assert all(one > 0 for reads in took.values() for one in reads)


@pytest.mark.parametrize("way", [share, ask_alone])
async def test_two_hundred_readers_are_measured_sharing_and_each_alone_and_read_no_file(url, way):
    took, read = await way(url, 0.1)
    assert [len(took[name]) >= READERS // 2 for name in ("book", "ticker")] == [True, True]
    assert read in (0, None)


def test_what_is_read_from_files_is_counted_to_the_byte(tmp_path):
    (tmp_path / "file").write_bytes(bytes(12345))
    read = FilesRead()
    (tmp_path / "file").read_bytes()
    assert read.bytes() == 12345 or not sys.platform.startswith("linux")
