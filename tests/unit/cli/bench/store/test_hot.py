import time

from support.recording import Lively, room

from rtlab.cli.bench.store.hot import _reader


async def test_books_and_tickers_are_read_in_turn_until_the_end(tmp_path):
    made, took = Lively(), {"book": [], "ticker": []}
    with room() as here:
        async with made.write_to(here.url) as writer:
            await made.run(5)
            await writer.drained()
            await _reader(here.url, 0, time.monotonic() + 0.7, took)
    assert len(took["book"]) == len(took["ticker"]) == 1
    assert all(one > 0 for reads in took.values() for one in reads)
