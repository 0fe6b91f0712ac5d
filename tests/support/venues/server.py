"""A loopback venue behind a real socket: WebSocket and HTTP on one port of 127.0.0.1, in the test's own loop."""

import asyncio
import http
import time
from types import TracebackType
from typing import Self

from support.venues.venue import STEP_NS, LoopbackVenue
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response


class VenueServer:
    """`url` is the base to give in place of the venue's own addresses."""

    def __init__(self, venue: LoopbackVenue) -> None:
        self.venue = venue
        self.opened = 0
        self._began = time.monotonic_ns()
        venue.wall = time.time_ns()

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            process_request=self._request,
            ping_interval=None,
            close_timeout=1,
        )
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._moving = asyncio.create_task(self._move())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._moving.cancel()
        await asyncio.gather(self._moving, return_exceptions=True)
        self._server.close()
        await self._server.wait_closed()

    @property
    def now(self) -> int:
        return time.monotonic_ns() - self._began

    async def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            if not self.venue.is_limited():
                return None
            headers = Headers({"Retry-After": str(self.venue.retry_after_s), "Content-Length": "0"})
            return Response(self.venue.limit_status, "Too Many Requests", headers)
        reply = self.venue.http(request.path)
        headers = Headers({"Content-Length": str(len(reply.body)), "Connection": "close"})
        if reply.retry_after_s is not None:
            headers["Retry-After"] = str(reply.retry_after_s)
        reason = http.HTTPStatus(reply.status).phrase
        return Response(reply.status, reason, headers, reply.body)

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        session = self.venue.open(connection.request.path)
        self.opened += 1
        news = asyncio.Event()
        session.on_out = news.set
        writing = asyncio.create_task(self._write(connection, session, news))
        try:
            async for text in connection:
                self.venue.heard(session, str(text))
        except ConnectionClosed:
            pass  # the client, or a fault, ended it
        finally:
            self.venue.leave(session)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _write(self, connection: ServerConnection, session, news: asyncio.Event) -> None:
        news.set()
        while session.close is None:
            await news.wait()
            news.clear()
            for payload in session.take():
                await connection.send(payload)
        code, reason = session.close
        if code == 1006:
            connection.transport.abort()
        else:
            await connection.close(code, reason)

    async def _move(self) -> None:
        while True:
            await asyncio.sleep(STEP_NS / 1e9)
            self.venue.step(self.now)
            for session in self.venue.sessions:
                session.on_out()
