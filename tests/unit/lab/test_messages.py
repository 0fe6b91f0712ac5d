import asyncio
import json
import time
import urllib.request

import pytest
from support.markets import HandMarket
from support.messaging import Person

from rtlab.config import Settings
from rtlab.errors import StoreError
from rtlab.lab.door import gateway_of
from rtlab.lab.messages import offer, page_of, pane_options, relay_of
from rtlab.messaging.connection import link
from rtlab.messaging.pages import MODULE, PAGE
from rtlab.messaging.relay import PATH


def page(gateway, name):
    address = gateway.url.replace("ws", "http", 1) + name
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read().decode()


async def test_no_relay_is_there_unless_the_settings_name_one():
    async with relay_of(Settings()) as relay:
        assert relay is None


async def test_a_relay_shares_port_pages_and_metrics_with_the_feed():
    settings, person = Settings(port=0, messages="lab.example"), Person()
    binding = person.wallet.bind(person.device.public, "lab.example", time.time())
    async with relay_of(settings) as relay, gateway_of(settings, HandMarket()) as gateway:
        assert page_of(gateway) is None
        offer(relay, gateway)
        assert page_of(gateway) == gateway.url.replace("ws", "http", 1).rstrip("/") + "/messages.html"
        async with link(gateway.url + PATH, person.device, binding, "lab.example"):
            health = json.loads(await asyncio.to_thread(page, gateway, "/health"))
            metrics = await asyncio.to_thread(page, gateway, "/metrics")
            shown = await asyncio.to_thread(page, gateway, PAGE)
            module = await asyncio.to_thread(page, gateway, MODULE)
    assert health["messages"]["online"] == 1
    assert "rtlab_messages_online 1.0" in metrics
    assert '"directory":"lab.example","testWallets":[]' in shown
    assert "export{" in module.replace(" ", "")[-400:]


async def test_a_redis_that_does_not_answer_is_one_clear_error():
    settings = Settings(messages="lab.example", redis_url="unix:///nowhere/at/all.sock")
    with pytest.raises(StoreError, match="relay's Redis does not answer"):
        async with relay_of(settings):
            raise AssertionError


def test_the_pane_finds_the_relay_of_its_feed():
    assert pane_options(Settings(messages="lab.example"), "ws://127.0.0.1:1/") == {
        "url": "ws://127.0.0.1:1/messages",
        "directory": "lab.example",
        "testWallets": ["ethereum", "solana", "near"],
    }
    assert pane_options(Settings(messages="x", url="ws://h:1"), "ws://h:1")["testWallets"] == []
