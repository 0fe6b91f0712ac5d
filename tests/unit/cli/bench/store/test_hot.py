import time

from support.recording import Lively, room

from rtlab.cli.bench.store.hot import OWN, READERS, _ask_alone, _reader, _share
from rtlab.store import HotReader


async def test_books_and_tickers_are_read_in_turn_until_the_end(tmp_path):
    made, took = Lively(), {"book": [], "ticker": []}
    with room() as here:
        async with made.write_to(here.url) as writer:
            await made.run(5)
            await writer.drained()
            async with HotReader(here.url) as hot:
                await _reader(hot, 0, time.monotonic() + 0.7, took)
    assert len(took["book"]) - len(took["ticker"]) in (0, 1)
    assert took["book"]
    assert all(one > 0 for reads in took.values() for one in reads)


async def test_two_hundred_readers_are_measured_sharing_and_each_alone():
    made, took = Lively(), {name: [] for name in ("book", "ticker", *OWN.values())}
    with room() as here:
        async with made.write_to(here.url) as writer:
            await made.run(5)
            await writer.drained()
            await _share(here.url, 0.1, took)
            await _ask_alone(here.url, 0.1, took)
    for names in (("book", "ticker"), tuple(OWN.values())):
        assert [len(took[name]) >= READERS // 2 for name in names] == [True, True]
