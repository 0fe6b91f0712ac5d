"""Where a client goes and how it shows itself: several gateways, tokens, certificates, compression, silence."""

import asyncio
import logging
from contextlib import AsyncExitStack

import pytest
from support.certificates import make_certificate
from support.markets import HandMarket
from support.tokens import token, tokens
from support.waiting import until
from websockets.asyncio.server import ServerConnection, serve

from rtlab.client import LinkState, connect, connect_blocking
from rtlab.errors import RefusedError, UnreachableError
from rtlab.feed import Gateway
from rtlab.feed.admission import Admission
from rtlab.feed.tls import server_context
from rtlab.protocol import Codec, Welcome

NOBODY = "ws://127.0.0.1:1"


@pytest.fixture
def market() -> HandMarket:
    market = HandMarket()
    market.set_levels((0, 100, 5), (1, 200, 4))
    return market


async def test_readers_of_a_dead_gateway_resume_on_another(market):
    async with AsyncExitStack() as stack:
        one = await Gateway(market).__aenter__()
        two = await stack.enter_async_context(Gateway(market))
        client = await stack.enter_async_context(connect([one.url, two.url]))
        book = await client.ready(client.subscribe("book", "BTC-USD"))
        assert client.url == one.url
        await one.close()
        market.set_levels((0, 101, 7))
        two.publish()
        await until(lambda: book.view.bids()[0] == (101, 7))
        assert (client.url, book.came_back) == (two.url, "resumed")


async def test_the_first_of_several_that_answers_is_taken(market):
    async with Gateway(market) as gateway, connect([NOBODY, gateway.url]) as client:
        await client.ready(client.subscribe("book", "BTC-USD"))
        assert client.statistics().url == gateway.url
    with pytest.raises(UnreachableError):
        async with connect([NOBODY, "ws://127.0.0.1:2"]):
            pass


async def test_a_blocking_reader_goes_to_another_gateway_too(market):
    async with Gateway(market) as gateway:

        def body() -> str:
            with connect_blocking([NOBODY, gateway.url]) as client:
                client.ready(client.subscribe("book", "BTC-USD"))
                return client.url

        assert await asyncio.to_thread(body) == gateway.url


async def test_a_token_opens_the_door_and_is_in_no_log(market, caplog):
    caplog.set_level(logging.DEBUG)
    secret = token()
    async with Gateway(market, admission=Admission(tokens=tokens())) as gateway:
        async with connect(gateway.url, token=secret) as client:
            await client.ready(client.subscribe("book", "BTC-USD"))
            client.authenticate(token(jti="newer"))
            await client.ready(client.subscribe("ticker", "BTC-USD"))
            assert client.state is LinkState.LIVE
        with pytest.raises(RefusedError) as refused:
            async with connect(gateway.url, token="eyJ.forged.token"):
                pass
        assert refused.value.code == 401
    assert secret.rpartition(".")[2] not in caplog.text
    assert "forged" not in caplog.text + str(refused.value)


async def test_a_subscription_that_a_newer_token_does_not_allow_ends_and_the_others_go_on(market):
    async with (
        Gateway(market, admission=Admission(tokens=tokens())) as gateway,
        connect(gateway.url, token=token()) as client,
    ):
        book = await client.ready(client.subscribe("book", "BTC-USD"))
        tape = await client.ready(client.subscribe("ticker", "BTC-USD"))
        client.authenticate(token(channels=["ticker"]))
        await until(lambda: book.state == "refused")
        market.set_levels((0, 150, 1))
        gateway.publish()
        await until(lambda: tape.view.row.bid == 150)
        with pytest.raises(RefusedError):
            await client.ready(book)


@pytest.mark.parametrize("codec", ["msgpack", "json"])
async def test_wss_with_a_certificate_that_is_trusted_and_one_that_is_not(market, tmp_path, codec):
    certificate, key = make_certificate(tmp_path)
    async with Gateway(market, tls=server_context(certificate, key)) as gateway:
        url = gateway.url.replace("ws://", "wss://") if gateway.url.startswith("ws://") else gateway.url
        async with connect(url, ca_file=certificate, codec=codec) as client:
            book = await client.ready(client.subscribe("book", "BTC-USD"))
            assert book.view.bids() == [(100, 5)]
            notices = client.changes(policy="block", limit=1)  # holding and going on over TLS
            market.set_levels((0, 101, 1))
            gateway.publish()
            await until(lambda: client.statistics().inbox_blocked == 1)
            market.set_levels((0, 102, 1))
            gateway.publish()
            del notices
            await until(lambda: book.view.bids()[0] == (102, 1))
        with pytest.raises(UnreachableError):
            async with connect(url):
                pass


async def test_a_server_that_compresses_is_understood_as_one_that_does_not(market):
    async def compress(connection: ServerConnection) -> None:
        offered.append(connection.request.headers["Sec-WebSocket-Extensions"])
        await connection.send(Codec().encode(Welcome(1, 0, 1.0, {}, [("BTC-USD", "0.01", "0.001")])))
        await connection.wait_closed()

    offered: list[str] = []
    async with serve(compress, "127.0.0.1", 0, subprotocols=["rtlab.v1.msgpack"]) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connect(url, compression=True) as client:
            assert list(await client.instruments()) == ["BTC-USD"]
    assert "server_no_context_takeover" in offered[0]
    async with Gateway(market) as gateway, connect(gateway.url, compression=True) as client:
        await client.ready(client.subscribe("book", "BTC-USD"))


def quiet(market: HandMarket, silences: list[int]):
    async def converse(connection: ServerConnection) -> None:
        silences.append(1)
        await connection.send(Codec().encode(Welcome(1, 0, 0.1, {"evict_after_s": 0.2}, [])))
        await connection.wait_closed()

    return serve(converse, "127.0.0.1", 0, subprotocols=["rtlab.v1.msgpack"])


async def test_a_server_that_fell_silent_is_left_for_another(market):
    silences: list[int] = []
    async with quiet(market, silences) as server, Gateway(market) as gateway:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connect([url, gateway.url]) as client:
            await client.ready(client.subscribe("book", "BTC-USD"))
            assert client.url == gateway.url
            assert client.statistics().silent == 1
            assert "said nothing for 0.4 s" in client.statistics().last_reason


async def test_a_blocking_reader_leaves_a_silent_server_too(market):
    silences: list[int] = []
    async with quiet(market, silences) as server, Gateway(market) as gateway:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"

        def body() -> int:
            with connect_blocking([url, gateway.url]) as client:
                client.ready(client.subscribe("book", "BTC-USD"))
                return client.statistics().silent

        assert await asyncio.to_thread(body) == 1


async def test_treatment_and_counts_of_a_connection_begin_anew_and_the_sums_stay(market):
    async with Gateway(market) as gateway, connect(gateway.url) as client:
        book = await client.ready(client.subscribe("book", "BTC-USD"))
        client._link.reader.status = Codec().decode_server(
            b"\x95\x17\xa7LAGGING\x05\x06\xcb@Y\x00\x00\x00\x00\x00\x00"
        )
        assert (client.treatment, client.statistics().reader.merged) == ("lagging", 5)
        client.drop()
        await until(lambda: client.state is LinkState.RECONNECTING)
        assert client.treatment == "live"
        await until(lambda: client.state is LinkState.LIVE and book.is_live)
        assert client.statistics().reader.merged >= 5
        assert client.statistics().reader.dropped >= 6
