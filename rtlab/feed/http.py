"""What the gateway answers to plain HTTP on its port, and how it turns strangers away."""

import json
from collections.abc import Callable, Sequence
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import NegotiationError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from rtlab.errors import LocalError
from rtlab.protocol import SUBPROTOCOLS

Route = Callable[[], tuple[str, bytes]]
"""A plain page: gives (content type, body)."""


def select_subprotocol(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol:
    """Take the first subprotocol of the reader that we speak; refuse with one clear line when there is none."""
    for subprotocol in offered:
        if subprotocol in SUBPROTOCOLS:
            return subprotocol
    raise NegotiationError(
        f"the client offers no subprotocol of this feed: expected {' or '.join(SUBPROTOCOLS)}, "
        f"got {', '.join(offered) or 'none'}"
    )


def health_page(health: dict[str, object]) -> tuple[str, bytes]:
    """Give `health` as a JSON page."""
    return "application/json", json.dumps(health, default=str).encode() + b"\n"


def answer(routes: dict[str, Route], connection: ServerConnection, request: Request) -> Response | None:
    """Answer a plain HTTP request by its route; None lets the WebSocket handshake go on."""
    path = request.path.partition("?")[0]
    if path in routes:
        try:
            content_type, body = routes[path]()
        except LocalError as problem:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, f"{problem}\n")
        return _page(connection, content_type, body)
    if path == "/":
        return None
    pages = ", ".join(sorted(routes))
    line = f"nothing is served at {path[:80]!r}: the feed is a WebSocket at /, pages are {pages}\n"
    return connection.respond(HTTPStatus.NOT_FOUND, line)


def _page(connection: ServerConnection, content_type: str, body: bytes) -> Response:
    response = connection.respond(HTTPStatus.OK, "")
    response.body = body
    for name, value in (("Content-Type", content_type), ("Content-Length", str(len(body)))):
        del response.headers[name]
        response.headers[name] = value
    response.headers["Cache-Control"] = "no-store"
    return response
