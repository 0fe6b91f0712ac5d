"""Tokens, TLS, limits and the end of a gateway over real sockets."""

import asyncio
import contextlib
import logging
import time

import pytest
from support.certificates import make_certificate
from support.live_market import LiveMarket, follow
from support.tokens import token, tokens
from support.waiting import until
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from rtlab.client import connect
from rtlab.errors import RtlabError
from rtlab.feed.admission import Admission
from rtlab.feed.policy import Policy
from rtlab.feed.tls import server_context
from rtlab.protocol import Authenticate, Channel, Codec, Error, Limits, Ping, Pong, Subscribe, Welcome

WISHES = (("book", "BTC-USD", 20), ("trades", "BTC-USD", 100))
CODEC = Codec("json")


def websocket(url: str, **headers: str):
    return open_websocket(
        url,
        subprotocols=["rtlab.v1.json"],
        additional_headers=headers,
        compression=None,
        proxy=None,
        close_timeout=1,
    )


async def test_over_tls_with_a_token_a_reader_follows_and_others_do_not_get_in(tmp_path):
    certificate, key = make_certificate(tmp_path)
    tls, admission = server_context(certificate, key), Admission(None, tokens())
    async with LiveMarket(seed=51, admission=admission, tls=tls) as live:
        live.step(300)
        url = live.gateway.url
        assert url.startswith("wss://")
        async with connect(url, token=token(), ca_file=str(certificate)) as client:
            subscriptions = await follow(client, *WISHES)
            for _ in range(20):
                live.step(20)
                await asyncio.sleep(0)
            await live.caught_up(*subscriptions)
            live.assert_true(*subscriptions)
        with pytest.raises(RtlabError):  # it does not trust the certificate
            async with connect(url, token=token()):
                pass
        with pytest.raises(RtlabError, match="401"):
            async with connect(url, token=token(exp=1), ca_file=str(certificate)):
                pass


async def test_a_browser_shows_its_token_in_the_first_message():
    live = LiveMarket(seed=52, admission=Admission(None, tokens()))
    async with live, contextlib.AsyncExitStack() as stack:
        page = await stack.enter_async_context(websocket(live.gateway.url, Origin="http://localhost:8888"))
        await page.send(CODEC.encode(Authenticate(token(channels=["book/BTC-USD"]))).decode())
        welcome = CODEC.decode_server(await page.recv())
        assert isinstance(welcome, Welcome)
        assert [symbol for symbol, _, _ in welcome.instruments] == ["BTC-USD"]
        await page.send(CODEC.encode(Subscribe(1, [Channel("trades", "BTC-USD")])).decode())
        async with asyncio.timeout(10):
            while True:
                message = CODEC.decode_server(await page.recv())
                for one in getattr(message, "messages", [message]):
                    if isinstance(one, Error):
                        assert one.code == 4003
                        return


async def test_a_page_of_elsewhere_is_refused():
    async with LiveMarket(seed=53) as live:
        with pytest.raises(InvalidStatus) as refused:
            await websocket(live.gateway.url, Origin="https://evil.example")
        assert refused.value.response.status_code == 403


async def test_who_never_asks_or_never_authenticates_is_ended():
    admission = Admission(Policy(handshake_s=0.3), tokens())
    async with LiveMarket(seed=54, admission=admission) as live:
        reader, writer = await asyncio.open_connection("127.0.0.1", live.gateway.port)
        writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")
        async with websocket(live.gateway.url) as silent:
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(silent.recv(), 10)
        assert closed.value.rcvd.code == 4001
        assert "authenticate itself within 0.3 s" in closed.value.rcvd.reason
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        await until(lambda: admission.statistics()[:2] == (0, 0))
        assert admission.statistics().overdue == 2


async def test_a_revoked_or_ended_token_closes_its_readers_and_no_other(caplog):
    caplog.set_level(logging.DEBUG)
    # a clock that is ahead: what is valid for 600 s ends in one second, however busy the machine
    judge = tokens(leeway_s=0)
    admission = Admission(Policy(connections_per_token=2), judge, wall=lambda: time.time() + 599)
    late = time.time() + 7200
    ended, revoked, lasting = token(jti="e"), token(jti="r", exp=late), token(jti="l", sub="bob", exp=late)
    async with (
        LiveMarket(seed=55, admission=admission) as live,
        connect(live.gateway.url, token=lasting) as client,
        websocket(live.gateway.url, Authorization=f"Bearer {ended}") as first,
        websocket(live.gateway.url, Authorization=f"Bearer {revoked}") as second,
    ):
        live.step(300)
        subscriptions = await follow(client, *WISHES)
        assert live.gateway.revoke("r") == 1
        for one, why in ((second, "was revoked"), (first, "has ended")):
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(to_the_end(one), 10)
            assert closed.value.rcvd.code == 4001
            assert why in closed.value.rcvd.reason
        live.step(50)
        await live.caught_up(*subscriptions)
        live.assert_true(*subscriptions)
        assert client.statistics().opened == 1
    # the peers of this test are the library's, which shows its own requests
    said = [record.getMessage() for record in caplog.records if record.name != "websockets.client"]
    assert len(said) > 5
    assert not [line for line in said for text in (ended, revoked, lasting) if text.split(".")[1] in line]


async def test_a_drain_sends_readers_away_with_a_hint_while_strangers_are_told_to_come_later():
    async with LiveMarket(seed=56) as live:
        live.step(10)
        page = f"http://127.0.0.1:{live.gateway.port}/ready"
        assert b" 200 " in await get(page)
        assert b"rtlab_admission_visits 1.0" in await get(page.replace("ready", "metrics"))
        readers = [await websocket(live.gateway.url) for _ in range(60)]
        draining = asyncio.create_task(live.gateway.drain(0.5))
        await asyncio.sleep(0)
        with pytest.raises(InvalidStatus) as refused:
            await websocket(live.gateway.url)
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["Retry-After"] == "1"
        await asyncio.wait_for(draining, 10)
        for one in readers:
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(to_the_end(one), 10)
            assert closed.value.rcvd.code == 1012
            assert "retry in" in closed.value.rcvd.reason


async def to_the_end(peer) -> None:
    while True:
        await peer.recv()


async def get(url: str) -> bytes:
    host, _, path = url.removeprefix("http://").partition("/")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    writer.write(f"GET /{path} HTTP/1.1\r\n\r\n".encode())
    raw = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return raw


async def test_what_is_no_tls_at_a_tls_port_ends_by_itself_and_quietly(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    tls, admission = server_context(*make_certificate(tmp_path)), Admission(Policy(handshake_s=0.3))
    async with LiveMarket(seed=57, admission=admission, tls=tls) as live:
        for said in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\xc8", b"", bytes(5000)):
            reader, writer = await asyncio.open_connection("127.0.0.1", live.gateway.port)
            writer.write(said)
            with contextlib.suppress(ConnectionResetError):
                await asyncio.wait_for(reader.read(), 10)
            writer.close()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_reader_that_subscribes_to_nothing_is_closed_with_4009():
    limits = Limits(idle_s=0.3, heartbeat_s=0.05)
    async with LiveMarket(seed=58, limits=limits) as live, websocket(live.gateway.url) as idle:

        async def answer_pings() -> None:
            while True:
                message = CODEC.decode_server(await idle.recv())
                live.step(1)
                for one in getattr(message, "messages", [message]):
                    if isinstance(one, Ping):
                        await idle.send(CODEC.encode(Pong(one.nonce, {})).decode())

        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(answer_pings(), 10)
        assert closed.value.rcvd.code == 4009
        assert "nothing subscribed" in closed.value.rcvd.reason


async def test_who_sends_too_fast_is_told_and_then_closed_and_the_others_go_on():
    async with (
        LiveMarket(seed=59, limits=Limits(messages_per_s=20, messages_burst=10)) as live,
        connect(live.gateway.url) as client,
        websocket(live.gateway.url) as loud,
    ):
        live.step(300)
        subscriptions = await follow(client, *WISHES)
        codes = []
        for wish in range(100):
            await loud.send(CODEC.encode(Subscribe(wish, [Channel("nothing", "BTC-USD")])).decode())

        async def note_errors() -> None:
            while True:
                message = CODEC.decode_server(await loud.recv())
                codes.extend(
                    one.code for one in getattr(message, "messages", [message]) if isinstance(one, Error)
                )

        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(note_errors(), 10)
        assert closed.value.rcvd.code == 4029
        assert codes[:10] == [4004] * 10
        assert set(codes[10:]) == {4029}
        await live.caught_up(*subscriptions)
        live.assert_true(*subscriptions)
