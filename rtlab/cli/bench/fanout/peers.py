"""The usual servers in Python as contenders: they send prebuilt payloads, and do nothing else.

All listen on the gateway's own kind of socket (the same SO_SNDBUF, TCP_NODELAY) and run on uvloop.
"""

import itertools

from websockets.asyncio.server import ServerConnection, broadcast, serve

from rtlab.cli.bench.children import Owner
from rtlab.cli.bench.fanout.serving import obey, settle_on
from rtlab.feed.listening import listening_socket


async def serve_websockets(owner: Owner, payloads: list[bytes], core: int | None) -> None:
    """The broadcast of the websockets library."""
    settle_on(core)
    cycle = itertools.cycle(payloads)
    connections: set[ServerConnection] = set()

    async def converse(connection: ServerConnection) -> None:
        connections.add(connection)
        await connection.wait_closed()
        connections.discard(connection)

    async def tick(together: bool) -> float:
        broadcast(connections, next(cycle))
        return 0.0

    listener = listening_socket("127.0.0.1", 0)
    async with serve(converse, sock=listener, compression=None, ping_interval=None):
        await obey(owner, listener.getsockname()[1], tick)


async def serve_picows(owner: Owner, payloads: list[bytes], core: int | None) -> None:
    """Its `send` to each transport: it has no broadcast."""
    from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

    settle_on(core)
    cycle = itertools.cycle(payloads)
    transports: set[WSTransport] = set()

    class Listener(WSListener):
        def on_ws_connected(self, transport: WSTransport) -> None:
            transports.add(transport)

        def on_ws_disconnected(self, transport: WSTransport) -> None:
            transports.discard(transport)

        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type is WSMsgType.CLOSE:
                transport.send_close(frame.get_close_code())
                transport.disconnect()

    async def tick(together: bool) -> float:
        payload, kind = next(cycle), WSMsgType.BINARY
        for transport in transports:
            transport.send(kind, payload)
        return 0.0

    listener = listening_socket("127.0.0.1", 0)
    server = await ws_create_server(lambda request: Listener(), sock=listener)
    try:
        await obey(owner, listener.getsockname()[1], tick)
    finally:
        server.close()


async def serve_aiohttp(owner: Owner, payloads: list[bytes], core: int | None) -> None:
    """Its `send_bytes` to each response, one after the other."""
    from aiohttp import WSMsgType, web

    settle_on(core)
    cycle = itertools.cycle(payloads)
    sockets: set[web.WebSocketResponse] = set()

    async def converse(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse(compress=False)
        await response.prepare(request)
        sockets.add(response)
        async for message in response:
            assert message.type is not WSMsgType.ERROR
        sockets.discard(response)
        return response

    async def tick(together: bool) -> float:
        payload = next(cycle)
        for response in tuple(sockets):
            await response.send_bytes(payload)
        return 0.0

    application = web.Application()
    application.router.add_get("/", converse)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    listener = listening_socket("127.0.0.1", 0)
    await web.SockSite(runner, listener, backlog=1024).start()
    try:
        await obey(owner, listener.getsockname()[1], tick)
    finally:
        await runner.cleanup()
