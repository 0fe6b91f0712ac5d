"""Each peer sends every payload to every reader, in order."""

import pytest
from support.owner import serving
from support.recorded import missing
from websockets.asyncio.client import connect

from rtlab.cli.bench.fanout.peers import serve_aiohttp, serve_picows, serve_websockets
from rtlab.cli.bench.fanout.serving import Window


@pytest.mark.parametrize("work", [serve_websockets, serve_picows, serve_aiohttp])
async def test_every_reader_gets_every_payload(work):
    payloads = [b"one", b"two", b"three"]
    try:
        async with serving(work, payloads, None) as (owner, port):
            url = f"ws://127.0.0.1:{port}"
            async with (
                connect(url, proxy=None, close_timeout=1) as one,
                connect(url, proxy=None, close_timeout=1) as other,
            ):
                spent = await owner.ask(Window(50.0, 0.1))
                assert spent.ticks >= 1
                assert spent.market_s == 0.0
                for connection in (one, other):
                    came = [await connection.recv() for _ in range(spent.ticks)]
                    assert came == [payloads[n % 3] for n in range(spent.ticks)]
    except ModuleNotFoundError as absent:
        missing(str(absent))
