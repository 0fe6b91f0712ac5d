import asyncio
import functools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from rtlab.errors import LocalError
from rtlab.feed.http import Route, answer, health_page, select_subprotocol
from rtlab.protocol import SUBPROTOCOLS


def broken() -> tuple[str, bytes]:
    raise LocalError("metrics need another package")


@asynccontextmanager
async def serving(routes: dict[str, Route]) -> AsyncIterator[int]:
    async def converse(connection: ServerConnection) -> None:
        await connection.send(connection.subprotocol or "none")

    async with serve(
        converse,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol(name) for name in SUBPROTOCOLS],
        select_subprotocol=select_subprotocol,
        process_request=functools.partial(answer, routes),
    ) as server:
        yield server.sockets[0].getsockname()[1]


async def get(port: int, path: str) -> tuple[int, dict[str, str], bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    raw = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert len([line for line in lines if line.lower().startswith("content-length")]) == 1
    assert int(headers["content-length"]) == len(body)
    return int(status.split()[1]), headers, body


async def test_a_page_comes_whole_with_its_type_whatever_the_query():
    async with serving({"/health": lambda: health_page({"status": "serving", "readers": 3})}) as port:
        for path in ("/health", "/health?verbose=1"):
            status, headers, body = await get(port, path)
            assert status == 200
            assert headers["content-type"] == "application/json"
            assert headers["cache-control"] == "no-store"
            assert json.loads(body) == {"status": "serving", "readers": 3}


async def test_a_page_that_cannot_be_given_says_why():
    async with serving({"/metrics": broken}) as port:
        status, _, body = await get(port, "/metrics")
        assert status == 503
        assert body == b"metrics need another package\n"


async def test_an_unknown_path_is_told_what_there_is():
    async with serving({"/health": lambda: health_page({})}) as port:
        status, _, body = await get(port, "/etc/passwd" + "x" * 200)
        assert status == 404
        assert b"/health" in body
        assert body.count(b"\n") == 1
        assert len(body) < 300


async def test_a_plain_request_for_the_feed_is_told_to_use_a_websocket():
    async with serving({}) as port:
        status, _, body = await get(port, "/")
        assert status == 426
        assert b"WebSocket" in body


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        (["rtlab.v1.json"], "rtlab.v1.json"),
        (["rtlab.v1.msgpack"], "rtlab.v1.msgpack"),
        (["rtlab.v9.msgpack", "rtlab.v1.json", "rtlab.v1.msgpack"], "rtlab.v1.json"),
    ],
)
async def test_the_first_offered_subprotocol_that_we_speak_is_taken(offered, taken):
    async with (
        serving({}) as port,
        connect(f"ws://127.0.0.1:{port}", subprotocols=offered, proxy=None) as client,
    ):
        assert client.subprotocol == taken
        assert await client.recv() == taken


@pytest.mark.parametrize(("offered", "named"), [(None, "got none"), (["chat", "mqtt"], "got chat, mqtt")])
async def test_who_offers_no_subprotocol_of_ours_is_refused_with_what_was_expected(offered, named):
    async with serving({}) as port:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://127.0.0.1:{port}", subprotocols=offered, proxy=None)
        line = refused.value.response.body.decode()
        assert refused.value.response.status_code == 400
        assert "rtlab.v1.msgpack or rtlab.v1.json" in line
        assert named in line
        assert line.count("\n") == 1


async def test_a_websocket_at_an_unknown_path_is_refused():
    async with serving({}) as port:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://127.0.0.1:{port}/feed", subprotocols=["rtlab.v1.json"], proxy=None)
        assert refused.value.response.status_code == 404


def test_a_health_page_shows_what_json_does_not_know_as_text():
    content_type, body = health_page({"state": object})
    assert content_type == "application/json"
    assert "object" in json.loads(body)["state"]
