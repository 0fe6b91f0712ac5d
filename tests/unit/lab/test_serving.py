import asyncio
import json
import signal
import socket
import urllib.request

import pytest

from rtlab.config import Settings
from rtlab.errors import AddressError, UnreachableError
from rtlab.lab.server import serve_simulated
from rtlab.lab.serving import serve_dashboard


async def _serve(settings, ended, ready):
    await serve_dashboard(settings, on_ready=lambda *told: ready.set_result(told), ended=ended)


def _get(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


async def test_it_serves_the_page_of_another_feed_and_ends_when_told():
    feed_ended, ended = asyncio.Event(), asyncio.Event()
    url = asyncio.get_running_loop().create_future()
    feed = asyncio.create_task(
        serve_simulated(
            Settings(port=0), on_ready=lambda server: url.set_result(server.gateway.url), ended=feed_ended
        )
    )
    ready = asyncio.get_running_loop().create_future()
    settings = Settings(dashboard_port=0, url=await url)
    interrupted = signal.getsignal(signal.SIGINT)
    serving = asyncio.create_task(_serve(settings, ended, ready))
    page, shown, others = await asyncio.wait_for(ready, 60)
    assert shown == settings.url
    assert others == ["depth", "watch", "monitor"]
    assert signal.getsignal(signal.SIGINT) is interrupted
    html = await asyncio.to_thread(_get, page.removesuffix("market"))  # the root leads there
    assert 'name="viewport"' in html
    assert "https://" not in html.split("<body")[0]
    assert "\nrtlab_link_" in await asyncio.to_thread(_get, page.replace("/market", "/metrics"))
    ended.set()
    await asyncio.wait_for(serving, 20)
    feed_ended.set()
    await asyncio.wait_for(feed, 20)


async def test_a_demo_offers_messages_where_it_is_asked_to():
    ended, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    settings = Settings(dashboard_port=0, messages="lab.example")
    serving = asyncio.create_task(_serve(settings, ended, ready))
    page, feed, others = await asyncio.wait_for(ready, 60)
    assert others[-1] == "messages"
    assert 'name="viewport"' in await asyncio.to_thread(_get, page.replace("/market", "/messages"))
    health = json.loads(await asyncio.to_thread(_get, feed.replace("ws:", "http:") + "/health"))
    assert (health["messages"]["online"], health["messages"]["stored"]) == (0, 0)
    ended.set()
    await asyncio.wait_for(serving, 20)


async def test_a_busy_dashboard_port_is_one_clear_error():
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        ready = asyncio.get_running_loop().create_future()
        with pytest.raises(AddressError, match=f"{port}.*--dashboard-port"):
            await _serve(Settings(dashboard_port=port), asyncio.Event(), ready)


async def test_a_feed_that_is_not_there_is_one_clear_error():
    ready = asyncio.get_running_loop().create_future()
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:9"):
        await _serve(Settings(dashboard_port=0, url="ws://127.0.0.1:9"), asyncio.Event(), ready)
