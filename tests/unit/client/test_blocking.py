import asyncio
import socket
import time
from collections.abc import Callable
from typing import TypeVar

import pytest
from support.markets import BTC, HandMarket
from websockets.asyncio.server import ServerConnection, serve

from rtlab.client import BlockingClient, LinkState, connect_blocking
from rtlab.errors import ClosedError, ConfigError, RefusedError, UnreachableError
from rtlab.feed import Gateway
from rtlab.lab.faults.proxy import LossyProxy

T = TypeVar("T")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


async def beside(body: Callable[..., T]) -> T:
    """Run `body(on_loop)` in a thread; `on_loop(function)` runs a function in the server's loop and waits for it."""
    loop = asyncio.get_running_loop()

    def on_loop(function: Callable[[], T]) -> T:
        async def once() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(once(), loop).result(10)

    return await asyncio.to_thread(body, on_loop)


def read_until(client: BlockingClient, condition: Callable[[], object], deadline_s: float = 20.0) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "the condition did not come about"
        client.read(0.2)


@pytest.fixture
def market() -> HandMarket:
    market = HandMarket()
    market.set_levels((0, 100, 5), (0, 99, 3), (1, 102, 4))
    return market


@pytest.mark.parametrize("codec", ["msgpack", "json"])
async def test_a_subscription_fills_and_follows_while_it_is_read(market, codec):
    async with Gateway(market) as gateway:

        def body(on_loop):
            with connect_blocking(gateway.url, codec=codec) as client:
                book = client.ready(client.subscribe("book", "BTC-USD"))
                assert book.view.bids() == [(100, 5), (99, 3)]
                on_loop(lambda: (market.set_levels((0, 101, 7)), gateway.publish()))
                read_until(client, lambda: book.view.bids()[0] == (101, 7))
                assert client.state is LinkState.LIVE
                assert client.staleness_ms >= 0
                assert client.instruments()["BTC-USD"] == BTC
                assert client.statistics().reader.snapshots == 1
            assert client.state is LinkState.CLOSED

        await beside(body)


async def test_read_gives_what_changed_and_callbacks_heard_it_before(market):
    async with Gateway(market) as gateway:

        def body(on_loop):
            with connect_blocking(gateway.url) as client:
                heard = []
                remove = client.on_applied(heard.append)
                book = client.subscribe("book", "BTC-USD")
                given = []
                while not book.is_live:
                    given += client.read(5.0)
                    assert given == heard
                assert [one.how for one in given if one.subscription is book] == ["subscribed", "snapshot"]
                remove()
                client.unsubscribe(book)

        await beside(body)


async def test_read_without_news_gives_nothing_after_its_time(market):
    async with Gateway(market) as gateway:

        def body(on_loop):
            with connect_blocking(gateway.url) as client:
                read_until(client, lambda: client.state is LinkState.LIVE)
                while client.read(0.05):
                    pass
                assert client.read(0.0) == []

        await beside(body)


async def test_a_cut_connection_comes_back_while_it_is_read_and_resumes(market):
    async with Gateway(market) as gateway, LossyProxy(gateway.port) as proxy:

        def body(on_loop):
            with connect_blocking(proxy.url) as client:
                book = client.ready(client.subscribe("book", "BTC-USD"))
                on_loop(proxy.cut)
                on_loop(lambda: (market.set_levels((0, 101, 7)), gateway.publish()))
                read_until(client, lambda: book.view.bids()[0] == (101, 7))
                assert book.came_back == "resumed"
                assert (client.statistics().opened, client.statistics().lost) == (2, 1)

        await beside(body)


async def test_a_server_that_comes_back_with_a_new_epoch_gives_a_snapshot(market):
    async with Gateway(market) as gateway:

        def first(on_loop):
            client = connect_blocking(gateway.url)
            client.__enter__()
            return client, client.ready(client.subscribe("book", "BTC-USD"))

        client, book = await beside(first)
    again = HandMarket(epoch=2)
    again.set_levels((0, 50, 1))
    async with Gateway(again, port=gateway.port):

        def second(on_loop):
            read_until(client, lambda: book.view.bids() == [(50, 1)])
            assert book.came_back == "snapshot"
            assert "1012" in client.statistics().last_reason
            client.close()
            client.close()

        await beside(second)


def test_nobody_there_is_one_line_that_names_the_address():
    url = f"ws://127.0.0.1:{free_port()}"
    with pytest.raises(UnreachableError, match="is the server running") as missing, connect_blocking(url):
        pass
    assert url in str(missing.value)


def test_with_retry_reading_waits_no_longer_than_asked_for_a_server_that_is_not_there():
    with connect_blocking(f"ws://127.0.0.1:{free_port()}", retry=True) as client:
        assert client.read(0.1) == []
        assert client.state is LinkState.CONNECTING
        assert client.statistics().tries >= 1
        with pytest.raises(UnreachableError, match="no book of BTC-USD"):
            client.ready(client.subscribe("book", "BTC-USD"), timeout_s=0.1)
        with pytest.raises(UnreachableError, match="no welcome"):
            client.instruments(timeout_s=0.1)


async def test_with_retry_it_finds_a_server_that_comes_later(market):
    port = free_port()
    client = connect_blocking(f"ws://127.0.0.1:{port}", retry=True)
    with client:
        book = client.subscribe("book", "BTC-USD")
        assert client.read(0.05) == []
        async with Gateway(market, port=port):
            await beside(lambda _: client.ready(book))
            assert book.view.bids()[0] == (100, 5)
            await asyncio.to_thread(client.close)


async def test_a_refused_subscription_is_raised(market):
    async with Gateway(market) as gateway:

        def body(on_loop):
            with connect_blocking(gateway.url) as client, pytest.raises(RefusedError, match="NO-SUCH"):
                client.ready(client.subscribe("book", "NO-SUCH"))

        await beside(body)


async def test_random_bytes_of_a_server_close_with_4002_and_are_counted():
    codes: asyncio.Queue[int | None] = asyncio.Queue()

    async def rubbish(connection: ServerConnection) -> None:
        await connection.send(b"\xc1\xff\x00rubbish")
        await connection.wait_closed()
        codes.put_nowait(connection.close_code)

    async with serve(rubbish, "127.0.0.1", 0, subprotocols=["rtlab.v1.msgpack"]) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"

        def body(on_loop):
            with connect_blocking(url) as client:
                read_until(client, lambda: client.state is LinkState.RECONNECTING)
                assert client.statistics().foreign == 1

        await beside(body)
        assert await asyncio.wait_for(codes.get(), 10) == 4002


async def test_who_is_not_allowed_in_is_told_and_the_client_is_closed():
    async def refuse(connection: ServerConnection) -> None:
        await connection.close(4001, "not you")

    async with serve(refuse, "127.0.0.1", 0, subprotocols=["rtlab.v1.msgpack"]) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"

        def body(on_loop):
            with connect_blocking(url) as client:
                with pytest.raises(RefusedError, match="4001: not you"):
                    read_until(client, lambda: False)
                with pytest.raises(ClosedError):
                    client.read(0.1)

        await beside(body)


async def test_a_callback_that_raises_is_raised_by_read(market):
    async with Gateway(market) as gateway:

        def fail(_: object) -> None:
            raise ZeroDivisionError("mine")

        def body(on_loop):
            with connect_blocking(gateway.url) as client:
                client.on_applied(fail)
                with pytest.raises(ZeroDivisionError):
                    client.ready(client.subscribe("book", "BTC-USD"))

        await beside(body)


async def test_closing_from_another_thread_ends_a_read_that_waits(market):
    async with Gateway(market) as gateway:
        client = connect_blocking(gateway.url)
        await beside(lambda _: client.__enter__())
        reading = asyncio.create_task(beside(lambda _: read_until(client, lambda: False)))
        await asyncio.to_thread(client.close)
        with pytest.raises(ClosedError):
            await asyncio.wait_for(reading, 10)


def test_an_address_of_another_kind_is_refused_at_once():
    with pytest.raises(ConfigError, match="ws://host:port"):
        connect_blocking("http://localhost")


async def test_a_client_is_opened_once(market):
    async with Gateway(market) as gateway:

        def body(on_loop):
            with connect_blocking(gateway.url) as client, pytest.raises(ClosedError, match="anew"):
                client.__enter__()
            with pytest.raises(ClosedError, match="anew"):
                client.__enter__()

        await beside(body)
