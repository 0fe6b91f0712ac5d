import asyncio
import contextlib
import gc
import socket
import sys
import time
from contextlib import asynccontextmanager
from random import Random

import pytest
from support.talker import Talker
from support.waiting import until

from rtlab.lab.faults.proxy import KERNEL, LossyProxy

MESSAGE = Random(1).randbytes(300_000)


@asynccontextmanager
async def joined(**settings):
    """A talker, a proxy before it, and somebody who talks to it through the proxy."""
    async with Talker() as talker, LossyProxy(talker.port, **settings) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=1 << 20)
        await until(lambda: talker.is_met)
        try:
            yield talker, proxy, reader, writer
        finally:
            writer.transport.abort()


async def come(reader, size):
    return await asyncio.wait_for(reader.readexactly(size), 20)


FAULTS = {
    "none": {},
    "delay": {"delay_s": 0.02},
    "jitter": {"jitter_s": 0.01},
    "loss": {"loss": 0.02},
    "throttle": {"bytes_per_s": 1_000_000.0},
    "split": {"split": 400},
    "glue": {"glue": 50_000},
    "all": {"delay_s": 0.01, "jitter_s": 0.01, "bytes_per_s": 3_000_000.0, "split": 3000, "glue": 4000},
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
async def test_whatever_the_line_does_the_bytes_arrive_whole_and_in_order_both_ways(faults):
    async with joined(seed=3) as (talker, proxy, reader, writer):
        for name, value in faults.items():
            setattr(proxy.line, name, value)
        talker.writer.write(MESSAGE)
        writer.write(MESSAGE[:50_000])
        assert await come(reader, len(MESSAGE)) == MESSAGE
        await until(lambda: len(talker.heard) == 50_000)
        assert bytes(talker.heard) == MESSAGE[:50_000]
        await until(lambda: proxy.held == 0)
        assert proxy.carried == len(MESSAGE) + 50_000


async def test_a_delay_holds_back_and_is_over_at_once_when_it_is_taken_away():
    async with joined() as (talker, proxy, reader, _):
        proxy.line.delay_s = 60.0
        talker.writer.write(b"late")
        await until(lambda: proxy.held == 4)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(4), 0.1)
        proxy.line.delay_s = 0.0
        assert await come(reader, 4) == b"late"


async def test_a_throttled_line_takes_its_time():
    async with joined() as (talker, proxy, reader, _):
        proxy.line.bytes_per_s = 20_000.0
        begin = time.monotonic()
        talker.writer.write(MESSAGE[:10_000])
        await come(reader, 10_000)
        assert time.monotonic() - begin >= 0.49


@pytest.mark.parametrize("fault", ["stalled", "slow"])
async def test_what_cannot_be_taken_on_is_not_read_so_that_the_sender_feels_it(fault):
    async with joined(most=8192) as (talker, proxy, reader, _):
        if fault == "stalled":
            proxy.line.stalled = True
        else:
            proxy.line.bytes_per_s = 100.0
        whole = MESSAGE * 40  # more than the kernels between us hide
        talker.writer.write(whole)
        await asyncio.sleep(0.2)
        assert proxy.held <= 8192
        assert talker.writer.transport.get_write_buffer_size() > 0
        proxy.line.heal()
        assert await come(reader, len(whole)) == whole


async def test_a_half_open_line_swallows_what_is_said_and_is_reset_when_it_is_over():
    async with joined() as (talker, proxy, reader, writer):
        proxy.line.deaf = True
        talker.writer.write(b"into the void")
        writer.write(b"hello?")
        await until(lambda: proxy.lost == 19)
        talker.writer.close()  # not even its end is told
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)
        assert talker.heard == b""
        proxy.line.deaf = False
        with pytest.raises(ConnectionResetError):
            await come(reader, 1)


async def test_a_cut_resets_both_sides():
    async with joined() as (talker, proxy, reader, _):
        assert proxy.cut() == 1
        with pytest.raises(ConnectionResetError):
            await come(reader, 1)
        await until(lambda: talker.ended == 1)
        assert (proxy.accepted, proxy.cuts) == (1, 1)


async def test_who_comes_while_it_refuses_is_reset_and_after_that_is_let_in():
    async with Talker() as talker, LossyProxy(talker.port) as proxy:
        proxy.refusing = True
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises(ConnectionResetError):
            await come(reader, 1)
        writer.close()
        assert not talker.is_met
        proxy.refusing = False
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await until(lambda: talker.is_met)
        writer.close()


async def test_where_nobody_listens_behind_it_the_connection_ends():
    async with Talker() as talker:
        nobody = talker.port
    async with LossyProxy(nobody) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises(ConnectionResetError):
            await come(reader, 1)
        writer.close()


async def test_an_end_is_passed_on_after_all_that_was_said():
    async with joined() as (talker, proxy, reader, _):
        proxy.line.delay_s = 0.05
        talker.writer.write(b"good ")
        talker.writer.write(b"bye")
        talker.writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 5) == b"good bye"


async def test_split_bytes_come_in_small_pieces():
    async with joined() as (talker, proxy, reader, _):
        proxy.line.split = 5
        talker.writer.write(MESSAGE[:2000])
        pieces = []
        while sum(map(len, pieces)) < 2000:
            pieces.append(await asyncio.wait_for(reader.read(4096), 5))
        assert b"".join(pieces) == MESSAGE[:2000]
        assert len(pieces) > 20


async def test_glued_bytes_come_together():
    async with joined() as (talker, proxy, reader, _):
        proxy.line.glue = 400
        for i in range(10):
            talker.writer.write(MESSAGE[40 * i : 40 * i + 40])
            await asyncio.sleep(0)
        assert await asyncio.wait_for(reader.read(4096), 5) == MESSAGE[:400]


async def test_spoiled_bytes_are_the_servers_only():
    async with joined() as (talker, proxy, reader, writer):
        proxy.spoil = lambda segment: segment.upper()
        talker.writer.write(b"quiet")
        writer.write(b"hush")
        assert await come(reader, 5) == b"QUIET"
        await until(lambda: len(talker.heard) == 4)
        assert talker.heard == b"hush"


async def test_a_closed_proxy_leaves_no_connection_and_no_byte_behind():
    async with joined(most=KERNEL) as (talker, proxy, _, _):
        proxy.line.stalled = True
        talker.writer.write(MESSAGE)
        await until(lambda: proxy.held > 0)
        await proxy.__aexit__(None, None, None)
        assert proxy.held == 0
        await until(lambda: talker.ended == 1)


async def test_a_proxy_that_closes_while_it_dials_leaves_nothing_open():
    async with Talker() as talker, LossyProxy(talker.port) as proxy:
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await until(lambda: proxy.accepted)
        await proxy.__aexit__(None, None, None)
        writer.close()


def test_on_the_other_event_loop_a_peer_that_is_gone_ends_a_line_in_silence(caplog):
    uvloop = pytest.importorskip("uvloop")

    async def talk():
        for _ in range(20):
            async with joined() as (talker, proxy, _, writer):
                proxy.line.split, proxy.line.delay_s = 50, 0.01
                talker.writer.write(MESSAGE[:5000])
                await until(lambda p=proxy: p.carried > 100)
                writer.transport.abort()
                talker.writer.transport.abort()
                await until(lambda p=proxy: p.held == 0)

    uvloop.run(talk())
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


async def end_while_they_come(turns: int) -> None:
    """Five knock, and the proxy ends so many turns of the loop later."""
    async with Talker() as talker:
        knocking = list[socket.socket]()
        async with LossyProxy(talker.port) as proxy:
            for _ in range(5):
                knocking.append(socket.socket())
                knocking[-1].setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    knocking[-1].connect(("127.0.0.1", proxy.port))
            for _ in range(turns):
                await asyncio.sleep(0)
        for each in knocking:
            each.close()


@pytest.mark.parametrize("turns", range(8))
@pytest.mark.filterwarnings("error::ResourceWarning")
def test_a_proxy_that_ends_leaves_no_connection_open(turns, monkeypatch):
    left = list[str]()
    monkeypatch.setattr(sys, "unraisablehook", lambda one: left.append(str(one.exc_value)))
    gc.collect()  # what others left
    left.clear()
    asyncio.run(end_while_they_come(turns))
    gc.collect()
    assert left == []
