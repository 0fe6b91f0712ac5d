import asyncio
import socket

import pytest
from support.markets import BTC, HandMarket
from support.waiting import until
from websockets.asyncio.server import ServerConnection, serve

from rtlab.client import LinkState, connect
from rtlab.errors import ClosedError, ConfigError, RefusedError, UnreachableError
from rtlab.feed import Gateway
from rtlab.lab.faults.proxy import LossyProxy
from rtlab.protocol import Applied


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def market() -> HandMarket:
    market = HandMarket()
    market.set_levels((0, 100, 5), (0, 99, 3), (1, 102, 4))
    return market


@pytest.mark.parametrize("codec", ["packed", "json"])
async def test_a_subscription_fills_and_follows(market, codec):
    async with Gateway(market) as gateway, connect(gateway.url, codec=codec) as client:
        book = await client.ready(client.subscribe("book", "BTC-USD"))
        assert book.view.bids() == [(100, 5), (99, 3)]
        market.set_levels((0, 101, 7))
        gateway.publish()
        await until(lambda: book.view.bids()[0] == (101, 7))
        assert client.state is LinkState.LIVE
        assert 0 <= client.staleness_ms < 20_000


async def test_iteration_gives_each_change_in_order(market):
    async with Gateway(market) as gateway, connect(gateway.url) as client:
        book = client.subscribe("book", "BTC-USD")
        await client.ready(book)
        notices = aiter(client)
        for price in range(103, 113):
            market.set_levels((1, price, 1))
            gateway.publish()
            await until(lambda: book.view.seq == market.book("BTC-USD").seq)
        seen = [await anext(notices) for _ in range(10)]
        seqs = [one.message.last_seq for one in seen if one.how == "increment"]
        assert seqs == sorted(seqs)
        assert client.statistics().inbox_dropped == 0


async def test_two_iterations_each_see_everything_and_one_that_ended_costs_nothing(market):
    async with Gateway(market) as gateway, connect(gateway.url) as client:
        book = await client.ready(client.subscribe("book", "BTC-USD"))
        one, two, gone = aiter(client), aiter(client), aiter(client)
        del gone
        market.set_levels((1, 103, 1))
        gateway.publish()
        await until(lambda: book.view.seq == 4)
        increments = []
        for notices in (one, two):
            while (applied := await anext(notices)).how != "increment":
                pass
            increments.append(applied)
        assert increments[0] == increments[1]
        assert client.statistics().inbox_waiting == 0


async def test_a_slow_iteration_drops_its_oldest_notices_and_counts_them(market):
    async with Gateway(market) as gateway, connect(gateway.url) as client:
        book = await client.ready(client.subscribe("book", "BTC-USD"))
        notices = aiter(client)
        for number in range(1100):
            market.set_levels((1, 200, 1 + number))
            gateway.publish()
            await until(lambda: book.view.seq == market.book("BTC-USD").seq)
        statistics = client.statistics()
        assert statistics.inbox_waiting == 1024
        assert statistics.inbox_dropped >= 1100 - 1024
        assert book.view.asks()[1] == (200, 1100)
        assert len(notices) == 1024


async def test_the_instruments_are_known_without_a_subscription(market):
    async with Gateway(market) as gateway, connect(gateway.url) as client:
        assert (await client.instruments())["BTC-USD"] == BTC


async def test_after_unsubscribing_the_view_stays_as_it_was(market):
    async with Gateway(market) as gateway, connect(gateway.url) as client:
        book = await client.ready(client.subscribe("book", "BTC-USD"))
        client.unsubscribe(book)
        other = await client.ready(client.subscribe("ticker", "BTC-USD"))
        market.set_levels((0, 101, 7))
        gateway.publish()
        await until(lambda: other.view.row.bid == 101)
        assert book.view.bids()[0] == (100, 5)


async def test_a_refused_subscription_is_raised_by_ready_and_the_others_live_on(market):
    async with Gateway(market) as gateway, connect(gateway.url) as client:
        with pytest.raises(RefusedError, match="NO-SUCH"):
            await client.ready(client.subscribe("book", "NO-SUCH"))
        await client.ready(client.subscribe("book", "BTC-USD"))
        with pytest.raises(ConfigError, match="channel"):
            client.subscribe("no-such-channel", "BTC-USD")


async def test_nobody_there_is_one_line_that_names_the_address():
    url = f"ws://127.0.0.1:{free_port()}"
    with pytest.raises(UnreachableError, match=r"is the server running") as missing:
        async with connect(url):
            pass
    assert url in str(missing.value)
    assert "\n" not in str(missing.value)


async def test_with_retry_it_waits_for_a_server_that_comes_later(market):
    port = free_port()
    async with connect(f"ws://127.0.0.1:{port}", retry=True) as client:
        book = client.subscribe("book", "BTC-USD")
        await until(lambda: client.statistics().tries > 1)
        assert client.state is LinkState.CONNECTING
        assert "nobody answers" in client.statistics().last_reason
        async with Gateway(market, port=port):
            await client.ready(book)
            assert book.view.bids()[0] == (100, 5)


async def test_without_an_answer_ready_says_what_did_not_come():
    async with connect(f"ws://127.0.0.1:{free_port()}", retry=True) as client:
        with pytest.raises(UnreachableError, match=r"no book of BTC-USD in 0\.05 s: the link is connecting"):
            await client.ready(client.subscribe("book", "BTC-USD"), timeout_s=0.05)
        with pytest.raises(UnreachableError, match="no welcome"):
            await client.instruments(timeout_s=0.05)


@pytest.mark.parametrize("url", ["localhost:1", "http://localhost:1", ""])
def test_an_address_of_another_kind_is_refused_at_once(url):
    with pytest.raises(ConfigError, match="ws://host:port"):
        connect(url)


async def test_a_server_of_another_kind_is_not_taken_for_a_feed():
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    with pytest.raises(UnreachableError, match="not a feed"):
        async with connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"):
            pass
    server.close()


async def test_a_websocket_server_that_speaks_another_subprotocol_is_refused():
    async def chat(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(chat, "127.0.0.1", 0, subprotocols=["chat"]) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(RefusedError, match="HTTP 400"):
            async with connect(url):
                pass


async def test_a_cut_connection_comes_back_by_itself_and_resumes(market):
    async with Gateway(market) as gateway, LossyProxy(gateway.port) as proxy, connect(proxy.url) as client:
        book = await client.ready(client.subscribe("book", "BTC-USD"))
        proxy.cut()
        await until(lambda: client.state is LinkState.RECONNECTING)
        market.set_levels((0, 101, 7))
        gateway.publish()
        await until(lambda: book.view.bids()[0] == (101, 7))
        assert (book.came_back, client.state) == ("resumed", LinkState.LIVE)
        assert (client.statistics().opened, client.statistics().lost) == (2, 1)


async def test_what_a_callback_raises_closes_the_client_and_is_raised_by_all_who_wait(market):
    def fail(_: Applied) -> None:
        raise ZeroDivisionError("mine")

    async with Gateway(market) as gateway:
        client = await connect(gateway.url).__aenter__()
        client.on_applied(fail)
        notices = aiter(client)
        with pytest.raises(ZeroDivisionError):
            await client.ready(client.subscribe("book", "BTC-USD"))
        with pytest.raises(ZeroDivisionError):
            _ = [applied async for applied in notices]
        assert client.state is LinkState.CLOSED
        with pytest.raises(ZeroDivisionError, match="mine"):
            await client.__aexit__(None, None, None)
        await client.close()
        with pytest.raises(ClosedError):
            aiter(client)


async def test_a_payload_of_random_bytes_is_answered_with_4002_and_another_try():
    codes: asyncio.Queue[tuple[int | None, str | None]] = asyncio.Queue()

    async def rubbish(connection: ServerConnection) -> None:
        await connection.send(b"\xc1\xff\x00rubbish")
        await connection.wait_closed()
        codes.put_nowait((connection.close_code, connection.close_reason))

    async with (
        serve(rubbish, "127.0.0.1", 0, subprotocols=["rtlab.v1.msgpack"]) as server,
        connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}") as client,
    ):
        code, reason = await asyncio.wait_for(codes.get(), 10)
        assert (code, (reason or "")[:24]) == (4002, "the server's payload is ")
        await until(lambda: client.state is LinkState.RECONNECTING)
        assert client.statistics().foreign == 1
        assert "4002" in client.statistics().last_reason


@pytest.mark.parametrize(("code", "named"), [(4001, "closed with 4001"), (4003, "closed with 4003")])
async def test_who_is_not_allowed_in_does_not_try_again(code, named):
    tries = 0

    async def refuse(connection: ServerConnection) -> None:
        nonlocal tries
        tries += 1
        await connection.close(code, "not you")

    async with serve(refuse, "127.0.0.1", 0, subprotocols=["rtlab.v1.msgpack"]) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(RefusedError, match=named) as refused:
            async with connect(url) as client:
                await until(lambda: client.state is LinkState.CLOSED)
        assert refused.value.code == code
        assert tries == 1


async def test_a_closed_client_ends_its_iteration_and_cannot_be_opened_again(market):
    async with Gateway(market) as gateway:
        async with connect(gateway.url) as client:
            notices = aiter(client)
        _ = [applied async for applied in notices]
        assert [applied async for applied in notices] == []
        assert client.state is LinkState.CLOSED
        await client.close()
        with pytest.raises(ClosedError, match="connect anew"):
            await client.__aenter__()
        with pytest.raises(ClosedError, match="connect anew"):
            await client.ready(client.subscribe("book", "BTC-USD"))


async def test_closing_takes_bounded_time_while_it_is_reconnecting():
    async with asyncio.timeout(5):
        async with connect(f"ws://127.0.0.1:{free_port()}", retry=True) as client:
            await until(lambda: client.statistics().tries > 1)


async def test_a_ping_is_answered_after_the_callbacks_saw_what_came_before(market):
    async with Gateway(market) as gateway, connect(gateway.url) as client:
        applied_seqs: list[int] = []
        client.on_applied(lambda one: applied_seqs.append(book.view.seq))
        book = client.subscribe("book", "BTC-USD")
        await client.ready(book)
        await until(lambda: gateway.readers()[0].state == "LIVE")
        assert gateway.readers()[0].subscriber.unanswered < 65536
        assert applied_seqs[-1] == 3
