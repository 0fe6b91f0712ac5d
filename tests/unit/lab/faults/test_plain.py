import asyncio
from contextlib import asynccontextmanager

from support.waiting import until

from rtlab.lab.faults import plain
from rtlab.lab.faults.plain import PlainReader, PlainServer
from rtlab.lab.faults.proxy import LossyProxy


@asynccontextmanager
async def read():
    async with PlainServer() as server, LossyProxy(server.port) as proxy:
        reader = PlainReader(proxy.url)
        reading = asyncio.create_task(reader.run())
        try:
            await until(lambda: reader.is_connected and server.readers)
            yield server, proxy, reader
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def test_a_reader_that_keeps_up_has_everything():
    async with read() as (server, _, reader):
        for seq in range(1, 101):
            server.publish({"epoch": 1, "seq": seq})
        await until(lambda: reader.seq == 100)
        assert (reader.lost, server.held) == (0, 0)


async def test_for_one_that_does_not_it_holds_all_there_is():
    async with read() as (server, proxy, reader):
        proxy.line.stalled = True
        for seq in range(1, 2001):
            server.publish({"epoch": 1, "seq": seq, "bids": [[seq, 1]] * 200})
        await until(lambda: server.held > 1_000_000)
        assert reader.seq == 0
        proxy.line.stalled = False
        await until(lambda: reader.seq == 2000)


async def test_what_was_queued_is_lost_without_a_word_when_it_dies():
    async with read() as (server, _, reader):
        server.publish({"epoch": 1, "seq": 1})
        await until(lambda: reader.seq == 1)
        server.die()
        await until(lambda: not reader.is_connected)
        for seq in range(2, 12):
            server.publish({"epoch": 1, "seq": seq})
        await until(lambda: reader.is_connected)
        await until(lambda: server.publish({"epoch": 1, "seq": 12}) or reader.seq == 12)
        assert reader.lost >= 10
        assert reader.connections == 2


async def test_it_is_bounded_all_the_same_so_that_it_cannot_hurt_the_machine(monkeypatch):
    monkeypatch.setattr(plain, "MOST", 200_000)
    async with read() as (server, proxy, _):
        proxy.line.stalled = True
        for seq in range(1000):
            server.publish({"epoch": 1, "seq": seq, "bids": [[seq, 1]] * 200})
        assert server.given_up == 1
        await until(lambda: server.held == 0)
