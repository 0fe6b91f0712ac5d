"""What the gateway answers to plain HTTP on its port, and how it turns strangers away."""

import json
import math
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from rtlab.errors import LocalError

TEXT, JSON = "text/plain; charset=utf-8", "application/json"


class Page(NamedTuple):
    """A plain page."""

    body: bytes
    content_type: str = JSON
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


Route = Callable[[], Page]
"""Gives a page as it is now."""


def json_page(content: Mapping[str, object], status: int = 200) -> Page:
    """Give `content` as a JSON page."""
    return Page(json.dumps(content, default=str).encode() + b"\n", JSON, status)


def respond(status: int, line: str, retry_after_s: float | None = None) -> Response:
    """Give a plain answer of one line that ends the connection, with a hint when to come back (seconds)."""
    response = _response(Page(f"{line}\n".encode(), TEXT, status))
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(retry_after_s)))
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def answer(routes: Mapping[str, Route], request: Request) -> Response:
    """Answer a plain HTTP request by its route; 404 says what there is instead."""
    path = request.path.partition("?")[0]
    route = routes.get(path)
    if route is None:
        there = f"the feed is a WebSocket at /, pages are {', '.join(sorted(routes))}"
        if path.startswith("/messages"):
            there += "; wallets' messages are there with `rtlab serve --messages`"
        return respond(HTTPStatus.NOT_FOUND, f"nothing is served at {ascii(path)[:80]}: {there}")
    if request.method != "GET":
        return respond(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} is a page: expected GET")
    try:
        return _response(route())
    except LocalError as problem:
        return respond(HTTPStatus.SERVICE_UNAVAILABLE, str(problem))


def _response(page: Page) -> Response:
    headers = Headers()
    headers["Content-Type"] = page.content_type
    headers["Content-Length"] = str(len(page.body))
    headers["Cache-Control"] = "no-store"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Connection"] = "close"
    for name, value in page.headers:
        headers[name] = value
    return Response(page.status, HTTPStatus(page.status).phrase, headers, page.body)
