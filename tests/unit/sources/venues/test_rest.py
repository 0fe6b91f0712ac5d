import asyncio
import http.server
import threading
from contextlib import contextmanager

import pytest

from rtlab.sources.venues import rest
from rtlab.sources.venues.rest import LIMITED_S, Rest, retry_after_s


@contextmanager
def answering(*replies):
    """A server that gives (status, headers, body) in turn; yields its base and what it was asked."""
    asked, left = [], list(replies)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            status, headers, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_an_answer_is_its_status_and_body():
    with answering((200, {}, b"{}")) as (base, asked):
        answer = await Rest().get(f"{base}/a?b=c")
    assert (answer.status, answer.body, answer.reason) == (200, b"{}", "")
    assert asked == ["/a?b=c"]


@pytest.mark.parametrize("status", [429, 418])
async def test_while_a_venue_wants_a_pause_it_is_not_asked(status):
    with answering((status, {"Retry-After": "7"}, b'{"msg":"Too many requests"}')) as (base, asked):
        one = Rest()
        first = await one.get(f"{base}/a")
        second = await one.get(f"{base}/b")
    assert (first.status, first.retry_after_s) == (status, 7.0)
    assert "Too many requests" in first.reason
    assert (second.status, one.asked, one.held, one.limited, len(asked)) == (0, 1, 1, 1, 1)
    assert 6 < second.retry_after_s <= 7
    assert "asked for a pause" in second.reason


async def test_a_limit_without_a_time_is_a_pause_of_ours():
    with answering((429, {}, b"")) as (base, _):
        assert (await Rest().get(base)).retry_after_s == LIMITED_S


@pytest.mark.parametrize("status", [400, 404, 500, 302])
async def test_any_other_failure_is_an_answer_with_a_reason(status):
    with answering((status, {"Location": "/elsewhere"}, b"why")) as (base, asked):
        answer = await Rest().get(f"{base}/a")
    assert (answer.status, answer.retry_after_s, asked) == (status, 0.0, ["/a"])
    assert answer.reason == f"the venue answered {status} why"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/a", "http://127.0.0.1:x/", "no address"])
async def test_nobody_there_is_an_answer_too(url):
    answer = await Rest().get(url)
    assert (answer.status, answer.body) == (0, b"")
    assert "does not answer" in answer.reason


async def test_an_answer_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(rest, "MOST_BYTES", 10)
    with answering((200, {}, b"x" * 11)) as (base, _):
        answer = await Rest().get(base)
    assert (answer.status, answer.body) == (0, b"")


async def test_only_a_few_are_asked_at_once():
    one = Rest()
    held = [await one._room.acquire() for _ in range(rest.AT_ONCE)]
    asking = asyncio.create_task(one.get("http://127.0.0.1:1/"))
    await asyncio.sleep(0)
    assert not asking.done()
    assert len(held) == rest.AT_ONCE
    one._room.release()
    assert (await asking).status == 0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3"}, 3.0),
        ({"retry-after": "3"}, 3.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"Retry-After": "99999999"}, 86_400.0),
        ({}, 0.0),
    ],
)
def test_retry_after(headers, seconds):
    assert retry_after_s(headers) == seconds
