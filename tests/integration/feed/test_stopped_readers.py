"""Readers that stop for good: gone in time, at a bounded cost each and all together, and nobody else notices."""

import asyncio
import contextlib
import os
import random
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable

import pytest
from support.certificates import make_certificate
from support.markets import HandMarket
from support.waiting import until
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.protocol import OPEN
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from rtlab.client import connect
from rtlab.feed import Gateway
from rtlab.feed.tls import server_context
from rtlab.lab.faults.proxy import LossyProxy
from rtlab.protocol import Codec, Limits, Reader

STOPPED = 1000 if int(os.environ.get("RTLAB_ROUNDS", "0")) >= 100 else 40
LEVELS = 10_000  # a book that no buffer of a socket takes whole
CODEC = Codec()


class Deaf:
    """A socket whose reader answers until it is live, then asks for a whole book and reads nothing more.

    With a context it speaks TLS: by itself, for a library's transport goes on reading below.
    """

    def __init__(self, url: str, context: ssl.SSLContext | None = None) -> None:
        self._url = parse_uri(url)
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context and context.wrap_bio(self._came, self._goes, server_hostname="localhost")
        self._protocol = ClientProtocol(self._url, subprotocols=[Subprotocol(CODEC.subprotocol)])
        self._reader = Reader(CODEC)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.setblocking(False)

    async def ask(self) -> None:
        loop, protocol = asyncio.get_running_loop(), self._protocol
        await loop.sock_connect(self._socket, (self._url.host, self._url.port))
        if self._tls is not None:
            await self._to_the_end(self._tls.do_handshake)
        protocol.send_request(protocol.connect())
        self._reader.connected(0)
        while self._reader.status is None:  # it is told when it becomes live
            await self._send()
            protocol.receive_data(await self._receive())
            for event in protocol.events_received():
                if isinstance(event, Frame):
                    self._reader.receive(bytes(event.data), 0)
        self._reader.subscribe("book", "BTC-USD")
        await self._send()

    async def _send(self) -> None:
        if self._protocol.state is OPEN:
            for payload in self._reader.payloads_to_send(0):
                self._protocol.send_binary(payload)
        for data in self._protocol.data_to_send():
            if self._tls is not None:
                self._tls.write(data)
                data = self._goes.read()
            await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def _receive(self) -> bytes:
        if self._tls is not None:
            return await self._to_the_end(lambda: self._tls.read(4096))
        return await asyncio.get_running_loop().sock_recv(self._socket, 4096)

    async def _to_the_end(self, step: Callable[[], bytes]) -> bytes:
        loop = asyncio.get_running_loop()
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                await loop.sock_sendall(self._socket, self._goes.read())
                self._came.write(await loop.sock_recv(self._socket, 4096))
            finally:
                await loop.sock_sendall(self._socket, self._goes.read())

    def close(self) -> None:
        self._socket.close()


def deep_market() -> HandMarket:
    rnd, market = random.Random(31), HandMarket()
    levels = [
        (side, 100_000 + (place if side else -place), rnd.randrange(1, 10**9))
        for side in (0, 1)
        for place in range(1, LEVELS // 2 + 1)
    ]
    market.set_levels(*levels)
    return market


@contextlib.asynccontextmanager
async def moving(market: HandMarket, gateway: Gateway) -> AsyncIterator[None]:
    """Let the best bid change a hundred times a second."""

    async def move() -> None:
        for count in range(1_000_000):
            market.set_levels((0, 99_999, 1 + count % 1000), ts=time.monotonic_ns())
            gateway.publish()
            await asyncio.sleep(0.01)

    moves = asyncio.create_task(move())
    try:
        yield
    finally:
        moves.cancel()


async def test_a_reader_that_stops_for_good_is_gone_in_time_and_held_bytes_within_the_window():
    limits = Limits(evict_after_s=1.0, heartbeat_s=0.2, window_ceiling=8192)
    market = deep_market()
    async with (
        Gateway(market, limits=limits) as gateway,
        LossyProxy(gateway.port) as proxy,
        moving(market, gateway),
        connect(proxy.url) as client,
    ):
        await client.ready(client.subscribe("book", "BTC-USD", depth=20))
        await until(lambda: gateway.statistics().live == 1)
        proxy.line.stalled = True
        stopped, most = time.monotonic(), 0
        while not gateway.statistics().evicted:
            most = max(most, *(c.held() for c in gateway.connections), 0)
            assert time.monotonic() - stopped <= limits.evict_after_s + 2
            await asyncio.sleep(0.01)
        assert most <= limits.window_ceiling


@contextlib.asynccontextmanager
async def measuring(gateway: Gateway) -> AsyncIterator[list[int]]:
    """Note the most that is held for all readers, whenever the loop comes round."""
    most = [0]

    async def measure() -> None:
        while True:
            most[0] = max(most[0], sum(c.held() for c in gateway.connections))
            await asyncio.sleep(0)

    task = asyncio.create_task(measure())
    try:
        yield most
    finally:
        task.cancel()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("secured", [False, True])
async def test_many_that_stop_at_once_are_held_within_the_memory_budget_and_the_others_follow(
    secured, tmp_path
):
    budget, market = 1 << 20, deep_market()
    limits = Limits(evict_after_s=1.5)
    certificate, key = make_certificate(tmp_path)
    context = ssl.create_default_context(cafile=str(certificate)) if secured else None
    tls = server_context(certificate, key) if secured else None
    async with contextlib.AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(
            Gateway(market, limits=limits, memory_budget=budget, tls=tls)
        )
        most = await stack.enter_async_context(measuring(gateway))
        await stack.enter_async_context(moving(market, gateway))
        client = await stack.enter_async_context(
            connect(gateway.url, ca_file=(secured and certificate) or None)
        )
        book = await client.ready(client.subscribe("book", "BTC-USD", depth=20))
        deaf = [stack.enter_context(contextlib.closing(Deaf(gateway.url, context))) for _ in range(STOPPED)]
        for one in deaf:
            await one.ask()
        await until(lambda: gateway.statistics().evicted == STOPPED)
        statistics = gateway.statistics()
        assert budget / 2 < most[0] <= budget
        assert statistics.given_up >= STOPPED // 2  # they would have held eight times the budget
        assert (statistics.readers, statistics.live) == (1, 1)
        seq = book.view.seq
        await until(lambda: book.view.seq > seq + 10)
        assert client.statistics().reader.gaps == 0
