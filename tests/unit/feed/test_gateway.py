import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator

import pytest
from support.markets import HandMarket
from support.waiting import until
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from rtlab.errors import AddressError, ClosedError
from rtlab.feed import Gateway
from rtlab.protocol import (
    Batch,
    Channel,
    Codec,
    Increment,
    Limits,
    Ping,
    Pong,
    Snapshot,
    Status,
    Subscribe,
    Subscribed,
    Welcome,
)


class Peer:
    """A client without a Reader: it sees every message as it came."""

    def __init__(self, connection: ClientConnection, codec: Codec) -> None:
        self.connection, self.codec = connection, codec
        self.payloads: list[bytes] = []
        self.messages: list[object] = []

    async def ask(self, *channels: Channel) -> None:
        await self.send(Subscribe(1, list(channels)))

    async def send(self, message: object) -> None:
        await self.connection.send(self.codec.encode(message), text=self.codec.encoding == "json")

    async def read(self, wanted: type) -> object:
        """Read until a message of `wanted` came, which is given; Pings are answered on the way."""
        while True:
            for index, message in enumerate(self.messages):
                if isinstance(message, wanted):
                    del self.messages[: index + 1]
                    return message
            payload = await asyncio.wait_for(self.connection.recv(decode=False), 10)
            self.payloads.append(payload)
            message = self.codec.decode_server(payload)
            parts = message.messages if isinstance(message, Batch) else [message]
            self.messages += parts
            for ping in [part for part in parts if isinstance(part, Ping)]:
                await self.send(
                    Pong(ping.nonce, {key: (head[0], head[2]) for key, head in ping.heads.items()})
                )

    async def end(self) -> tuple[int, str]:
        """Read, answering nothing, until the server closes; give the code and reason."""
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.connection.recv(decode=False)
        return self.connection.close_code or 0, self.connection.close_reason or ""


@contextlib.asynccontextmanager
async def peer(gateway: Gateway, encoding: str = "msgpack") -> AsyncIterator[Peer]:
    codec = Codec(encoding)
    async with open_websocket(
        gateway.url, subprotocols=[codec.subprotocol], compression=None, proxy=None, close_timeout=2
    ) as connection:
        yield Peer(connection, codec)


async def page(gateway: Gateway, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    raw = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return raw.partition(b"\r\n\r\n")[2]


@pytest.fixture
def market() -> HandMarket:
    market = HandMarket()
    market.set_levels((0, 100, 5), (0, 99, 3), (1, 102, 4))
    return market


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_a_reader_is_welcomed_and_gets_its_snapshot_then_increments(market, encoding):
    async with Gateway(market) as gateway, peer(gateway, encoding) as client:
        welcome = await client.read(Welcome)
        assert welcome.version == 1
        await client.ask(Channel("book", "BTC-USD", 2))
        subscribed = await client.read(Subscribed)
        assert (subscribed.tick_size, subscribed.lot_size) == ("0.01", "0.001")
        snapshot = await client.read(Snapshot)
        assert (snapshot.key, snapshot.bids) == (subscribed.key, [(100, 5), (99, 3)])
        await until(lambda: gateway.statistics().live == 1)
        market.set_levels((0, 101, 7))
        gateway.publish()
        increment = await client.read(Increment)
        assert increment.first_seq == snapshot.seq + 1
        assert (0, 101, 7) in increment.changes


async def test_readers_at_the_same_point_are_written_the_same_bytes_built_once(market):
    async with Gateway(market) as gateway, contextlib.AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(peer(gateway)) for _ in range(5)]
        for client in peers:
            await client.ask(Channel("book", "BTC-USD"))
            await client.read(Snapshot)
        reading = [asyncio.create_task(client.read(Increment)) for client in peers]
        await until(lambda: gateway.statistics().live == 5)
        shared = gateway.statistics().frames_shared
        market.set_levels((0, 101, 7))
        gateway.publish()
        increments = await asyncio.gather(*reading)
        assert increments == [increments[0]] * 5
        assert gateway.statistics().frames_shared >= shared + 4


async def test_what_does_not_concern_a_reader_is_not_sent_to_it(market):
    async with Gateway(market) as gateway, peer(gateway) as client:
        await client.ask(Channel("book", "BTC-USD"))
        await client.read(Snapshot)
        reading = asyncio.create_task(client.read(Increment))
        await until(lambda: gateway.statistics().live == 1)
        sent = gateway.statistics().bytes_sent
        market.set_levels((0, 7, 7), symbol="ETH-USD")
        gateway.publish()
        assert gateway.statistics().bytes_sent == sent
        reading.cancel()


@pytest.mark.parametrize(
    "rubbish", [b"", b"\xc1", b"\x00" * 100, b'{"type": "Subscribe"}', bytes(range(256))]
)
@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_a_foreign_payload_closes_with_4002_and_a_reason_and_the_others_live_on(
    market, encoding, rubbish
):
    async with (
        Gateway(market) as gateway,
        peer(gateway, encoding) as other,
        peer(gateway, encoding) as client,
    ):
        await client.read(Welcome)
        await client.connection.send(rubbish, text=False)
        if encoding == "json" and rubbish.startswith(b"{"):
            return  # a message of ours with a wrong field is answered, not closed
        code, reason = await client.end()
        assert code == 4002
        assert "payload is no message" in reason
        assert gateway.statistics().foreign == 1
        await other.ask(Channel("book", "BTC-USD"))
        assert (await other.read(Snapshot)).bids[0] == (100, 5)


async def test_a_message_that_is_too_long_is_refused_with_1009(market):
    async with Gateway(market) as gateway, peer(gateway) as client:
        await client.connection.send(bytes(Limits().message_bytes + 1))
        code, _ = await client.end()
        assert code == 1009


async def test_bytes_that_are_no_websocket_are_turned_away_and_the_feed_serves_on(market):
    async with Gateway(market) as gateway:
        for rubbish in (b"\x00\xff" * 50 + b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\r\n" * 10):
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(rubbish)
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 10)
            writer.close()
        async with peer(gateway) as client:
            await client.read(Welcome)


async def test_who_offers_no_subprotocol_is_refused_and_counted(market):
    async with Gateway(market) as gateway:
        with pytest.raises(InvalidStatus) as refused:
            await open_websocket(gateway.url, proxy=None)
        assert b"rtlab.v1.msgpack or rtlab.v1.json" in refused.value.response.body
        await until(lambda: gateway.statistics().refused == 1)
        assert gateway.statistics().accepted == 0


async def test_closing_sends_every_reader_away_with_1012_and_a_hint(market):
    async with Gateway(market) as gateway, peer(gateway) as one, peer(gateway, "json") as two:
        for client in (one, two):
            await client.read(Welcome)
        closing = asyncio.create_task(gateway.close())
        for client in (one, two):
            code, reason = await client.end()
            assert code == 1012
            assert "retry in" in reason
        await closing
        await gateway.close()


async def test_closing_takes_bounded_time_though_a_peer_never_speaks_or_never_reads(market):
    async with Gateway(market) as gateway:
        silent = socket.create_connection(("127.0.0.1", gateway.port))
        async with asyncio.timeout(10):
            async with peer(gateway) as client:
                await client.read(Welcome)
                client.connection.transport.pause_reading()
                await gateway.close()
                client.connection.transport.abort()
        silent.close()


async def test_a_port_in_use_is_one_line(market):
    async with Gateway(market) as gateway:
        with pytest.raises(AddressError, match=f"port {gateway.port} .* another program"):
            async with Gateway(market, port=gateway.port):
                pass


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])
async def test_only_this_machine_is_served(market, host):
    with pytest.raises(AddressError, match="token_key"):
        async with Gateway(market, host=host):
            pass


async def test_the_url_of_ipv6_loopback_is_one_that_clients_understand(market):
    async with Gateway(market, host="::1") as gateway:
        assert gateway.url == f"ws://[::1]:{gateway.port}"
        async with peer(gateway) as client:
            await client.read(Welcome)


async def test_publishing_outside_of_serving_is_an_error_of_the_caller(market):
    gateway = Gateway(market)
    with pytest.raises(ClosedError, match="async with"):
        gateway.publish()
    async with gateway:
        gateway.publish()
    with pytest.raises(ClosedError):
        gateway.publish()


async def test_publishes_in_a_burst_are_merged_and_the_last_state_arrives(market):
    async with Gateway(market) as gateway, peer(gateway) as client:
        await client.ask(Channel("book", "BTC-USD"))
        await client.read(Snapshot)
        reading = asyncio.create_task(client.read(Increment))
        await until(lambda: gateway.statistics().live == 1)
        publishes = gateway.statistics().publishes
        for number in range(500):
            market.set_levels((0, 101, 1 + number))
            gateway.publish()
        changes = (await reading).changes
        while changes != [(0, 101, 500)]:
            changes = (await client.read(Increment)).changes
        assert gateway.statistics().publishes - publishes < 500
        assert gateway.statistics().postponed >= 1


async def test_pings_come_without_any_publish(market):
    async with Gateway(market, limits=Limits(heartbeat_s=0.05)) as gateway, peer(gateway) as client:
        nonces = [(await client.read(Ping)).nonce for _ in range(4)]
        assert nonces == sorted(set(nonces))


async def test_a_reader_that_never_answers_is_evicted_with_4008_and_a_hint(market):
    limits = Limits(heartbeat_s=0.05, evict_after_s=0.3, retry_after_s=7.0)
    async with Gateway(market, limits=limits) as gateway, peer(gateway) as client:
        await client.ask(Channel("book", "BTC-USD"))
        code, reason = await client.end()
        assert code == 4008
        assert "retry in 7 s" in reason
        assert gateway.statistics().evicted == 1
        await until(lambda: gateway.statistics().readers == 0)


async def test_a_reader_that_never_reads_costs_bounded_bytes_is_evicted_and_aborted(market):
    limits = Limits(heartbeat_s=0.05, evict_after_s=0.5, window_ceiling=32768)
    async with Gateway(market, limits=limits) as gateway, peer(gateway) as client:
        await client.ask(Channel("book", "BTC-USD"), Channel("trades", "BTC-USD"))
        await client.read(Snapshot)
        client.connection.transport.pause_reading()
        peak, number = 0, 0
        async with asyncio.timeout(20):
            while gateway.statistics().evicted == 0:
                for _ in range(20):
                    number += 1
                    market.set_levels(*((0, 100 - i, 1 + number) for i in range(50)))
                    market.trade(*((0, 100, 1) for _ in range(50)))
                    gateway.publish()
                peak = max(peak, gateway.statistics().buffered)
                await asyncio.sleep(0)
        assert peak <= 2 * 32768
        await until(lambda: gateway.statistics().readers == 0)
        client.connection.transport.abort()


async def test_health_tells_who_is_served(market):
    async with Gateway(market) as gateway, peer(gateway) as client:
        await client.read(Welcome)
        health = json.loads(await page(gateway, "/health"))
        assert health["status"] == "serving"
        assert health["instruments"] == ["BTC-USD", "ETH-USD"]
        assert health["readers"] == 1
        assert health["uptime_s"] >= 0


async def test_metrics_are_prometheus_text(market):
    async with Gateway(market) as gateway, peer(gateway) as client:
        await client.read(Welcome)
        lines = (await page(gateway, "/metrics")).decode().splitlines()
        values = dict(line.split() for line in lines if line and not line.startswith("#"))
        assert float(values["rtlab_feed_readers"]) == 1.0
        assert float(values["rtlab_feed_bytes_sent"]) > 0


async def test_every_reader_has_its_own_statistics_until_it_leaves(market):
    async with Gateway(market) as gateway:
        async with peer(gateway, "json") as client:
            await client.ask(Channel("book", "BTC-USD"))
            await client.read(Snapshot)
            (reader,) = gateway.readers()
            port = client.connection.local_address[1]
            assert (reader.address, reader.subprotocol) == (f"127.0.0.1:{port}", "rtlab.v1.json")
            assert reader.subscriber.subscriptions == 1
            assert reader.bytes_sent >= sum(map(len, client.payloads))
            sent = gateway.statistics().bytes_sent
        await until(lambda: gateway.readers() == [])
        assert gateway.statistics().bytes_sent >= sent
        assert gateway.statistics().accepted == 1


async def compressing(gateway: Gateway, stack: contextlib.AsyncExitStack) -> Peer:
    codec = Codec()
    client = await stack.enter_async_context(
        open_websocket(gateway.url, subprotocols=[codec.subprotocol], compression="deflate", proxy=None)
    )
    return Peer(client, codec)


async def test_who_asks_for_compression_shares_compressed_frames_where_it_is_allowed(market):
    market.set_levels(*((0, 90 - i, 1) for i in range(60)))
    async with Gateway(market, compression=True) as gateway, contextlib.AsyncExitStack() as stack:
        peers = [await compressing(gateway, stack) for _ in range(3)]
        plain = await stack.enter_async_context(peer(gateway))
        for client in [*peers, plain]:
            await client.ask(Channel("book", "BTC-USD"))
            assert len((await client.read(Snapshot)).bids) == 62
        await until(lambda: gateway.statistics().live == 4)
        statistics = gateway.statistics()
        assert statistics.bytes_saved > 200
        assert 0 < statistics.frames_compressed < 3 * 3
        assert len(peers[0].connection.protocol.extensions) == 1


async def test_compression_is_off_where_nobody_allowed_it(market):
    async with Gateway(market) as gateway, contextlib.AsyncExitStack() as stack:
        client = await compressing(gateway, stack)
        await client.ask(Channel("book", "BTC-USD"))
        await client.read(Snapshot)
        assert client.connection.protocol.extensions == []
        assert gateway.statistics().frames_compressed == 0


async def told_frozen(client: Peer, *, frozen: bool) -> Status:
    while ((status := await client.read(Status)).state == "FROZEN") is not frozen:
        pass
    return status


async def test_readers_are_told_when_nothing_is_heard_of_the_engine_and_when_it_is_back(market, monkeypatch):
    monkeypatch.setattr("rtlab.feed.gateway.FROZEN_S", 0.3)
    began, silent = asyncio.get_running_loop().time(), True

    def silence() -> float:
        return asyncio.get_running_loop().time() - began if silent else 0.0

    async with (
        Gateway(market, silence=silence) as gateway,
        peer(gateway) as early,
        peer(gateway, "json") as other,
    ):
        gateway.publish()
        await early.ask(Channel("book", "BTC-USD"))
        await early.read(Snapshot)
        frozen = await told_frozen(early, frozen=True)
        assert frozen.lag_ms >= 300
        await told_frozen(other, frozen=True)
        told = json.loads(await page(gateway, "/ready"))
        assert not told["ready"]
        assert told["why"].startswith("nothing is heard of the engine for ")
        async with peer(gateway) as late:  # is welcomed first, as everybody
            await late.read(Welcome)
            await told_frozen(late, frozen=True)
            silent = False
            for client in (early, other, late):
                await told_frozen(client, frozen=False)
        assert json.loads(await page(gateway, "/ready"))["ready"]


async def test_a_gateway_that_stood_still_itself_does_not_blame_the_engine(market, monkeypatch, caplog):
    monkeypatch.setattr("rtlab.feed.gateway.FROZEN_S", 1.2)
    clock = asyncio.get_running_loop().time
    heard = clock()
    async with Gateway(market, silence=lambda: clock() - heard) as gateway:
        gateway.publish()
        await asyncio.sleep(0.1)
        time.sleep(1.5)  # noqa: ASYNC251 - as a compiler would
        await asyncio.sleep(0.1)
        assert json.loads(await page(gateway, "/ready"))["ready"]
        heard = clock()
        await asyncio.sleep(0.1)
    assert "nothing is heard" not in caplog.text
