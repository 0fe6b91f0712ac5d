import pytest
from support.owner import serving
from support.waiting import until

from rtlab.cli.bench.fanout.ours import serve_rtlab
from rtlab.cli.bench.fanout.serving import Window
from rtlab.cli.bench.fanout.ticks import DEPTH, INSTRUMENTS, make_ticks
from rtlab.client import connect


@pytest.mark.parametrize(("together", "books"), [(False, 1), (True, 10)])
async def test_readers_follow_one_book_or_ten(together, books):
    ticks = 40
    async with (
        serving(serve_rtlab, ticks, None) as (owner, port),
        connect(f"ws://127.0.0.1:{port}") as client,
    ):
        wishes = [client.subscribe("book", one.symbol, depth=DEPTH) for one in INSTRUMENTS[:books]]
        for wish in wishes:
            await client.ready(wish)
        before = wishes[0].view.seq
        spent = await owner.ask(Window(20.0, 0.1, together))
        made = make_ticks(ticks).rows
        expected = before + sum(map(len, made[: spent.ticks]))
        await until(lambda: all(wish.view.seq == expected for wish in wishes))
        assert len({wish.view.checksum(DEPTH) for wish in wishes}) == 1
        assert spent.market_s > 0
