"""What was live is played again from the store, the whole way to a client: the same bytes arrive."""

import asyncio

from support.command_flow import INSTRUMENTS
from support.recording import Lively, room, safe
from support.waiting import until

from rtlab.book import Market
from rtlab.client import connect
from rtlab.feed import Gateway
from rtlab.lab.pace import play
from rtlab.pipelines import FrameSource
from rtlab.protocol import Trades

SECOND = 10**9


class Seen:
    """A client of a gateway: its book, its bars, and what the pipelines make of its trades."""

    def __init__(self, client) -> None:
        self.book = client.subscribe("book", "BTC-USD")
        self.bars = client.subscribe("bars", "BTC-USD", interval_ns=SECOND)
        self.trades = client.subscribe("trades", "BTC-USD", depth=100_000)
        self.source = FrameSource(INSTRUMENTS[0], "trades", hz=30)
        self.vwap: list[object] = []
        self.source.stream.vwap().sink(lambda frame: self.vwap.extend(frame.to_pandas().to_numpy().tolist()))
        client.on_applied(self._on_applied)

    def _on_applied(self, applied) -> None:
        if isinstance(applied.message, Trades):
            message = applied.message
            self.source.on_trades(message.trades, message.before.seq + 1, epoch=message.epoch)

    async def end(self, market) -> tuple[object, ...]:
        state = market.state("BTC-USD")
        await until(lambda: (self.book.view.seq, self.trades.view.seq) == (state.book.seq, state.tape.seq))
        await until(lambda: self.bars.view.seq == state.tape.seq)
        self.source.flush()
        book, bars = self.book.view, self.bars.view
        made = (book.epoch, book.seq, book.digest(10_000), bars.seq, bars.digest(10_000))
        return (*made, self.trades.view.digest(0), self.vwap[-1])


async def test_a_replay_from_the_store_equals_the_live_run_byte_for_byte():
    kept = {"tape_rows": 100_000, "tombstones": 4096}
    with room() as here:
        made = Lively(begin_ns=SECOND, step_ns=SECOND // 50)
        made.market = Market(INSTRUMENTS, 1, **kept)
        async with made.write_to(here.url), here.recorder() as recorder, Gateway(made.market) as gateway:
            async with connect(gateway.url) as client:
                seen = Seen(client)
                for _ in range(200):
                    await made.run(1)
                    gateway.publish()
                live = await seen.end(made.market)
            await safe(recorder, made)
        with here.store() as store:
            steps = await asyncio.to_thread(lambda: list(store.replay()))
    market = Market(INSTRUMENTS, 1, **kept)
    async with Gateway(market) as gateway, connect(gateway.url) as client:
        seen = Seen(client)

        def act(one) -> None:
            market.fold(*one)
            gateway.publish()

        await play(((ts, (symbol, step)) for ts, symbol, step in steps), act, speed=100.0)
        assert await seen.end(market) == live
    assert len(made.trades) > 100
