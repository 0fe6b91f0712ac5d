"""Pages with the messages on them, of a relay on a gateway, for browsers; and what is read off them."""

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from playwright.sync_api import Frame, Page
from support.messaging import DIRECTORY, JAVASCRIPT

from rtlab.book import Market
from rtlab.embedded import EmbeddedServer
from rtlab.feed import Gateway
from rtlab.feed.admission import Admission
from rtlab.feed.http import Page as HttpPage
from rtlab.feed.policy import ANY, Policy
from rtlab.messaging.correspondent import Correspondent, Received
from rtlab.messaging.identity.wallets import local_wallet
from rtlab.messaging.pages import PAGE, pages
from rtlab.messaging.relay import PATH, Relay
from rtlab.model import Side, VenueTrade
from rtlab.sources.simulated import demo_instruments

AXE = JAVASCRIPT / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = {"serious", "critical"}
FAMILIES = ("ethereum", "solana", "near")


class Served(NamedTuple):
    """A relay in a thread of its own; `routes` may be given further pages, `redis` is where it stores."""

    http: str
    url: str
    relay: Relay
    redis: str
    routes: dict[str, Callable[[], HttpPage]]
    gateway: Gateway
    loop: asyncio.AbstractEventLoop

    def trade(self, price: int, ago_s: float = 0.0) -> None:
        """Let the feed of the same gateway tell of a trade of BTC-USD at `price` ticks, `ago_s` seconds ago."""
        now = time.time_ns() - int(ago_s * 1e9)
        fields = {"ts_event": now, "ts_recv": now, "trade_id": now, "aggressor_side": Side.BID, "qty": 5}
        trade = VenueTrade(instrument="BTC-USD", price=price, **fields)

        def tell() -> None:
            self.gateway.market.apply_trade(trade)
            self.gateway.publish()

        self.loop.call_soon_threadsafe(tell)

    def readers(self) -> int:
        """Give how many read the feed now."""
        return self.gateway.statistics().readers

    @property
    def page(self) -> str:
        return self.http + PAGE


@contextmanager
def serving() -> Iterator[Served]:
    """Serve a relay and its page until the block ends."""
    loop, began, ended = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    told: list[Served] = []

    async def serve(redis: str) -> None:
        relay = Relay(redis, DIRECTORY)
        door = Admission(Policy(origins=(ANY,)))
        services = {PATH: relay.service()}
        async with (
            relay,
            Gateway(Market(demo_instruments(), 1), services=services, admission=door) as gateway,
        ):
            gateway.routes.update(pages(DIRECTORY, test_wallets=FAMILIES))
            http = gateway.url.replace("ws://", "http://")
            told.append(Served(http, gateway.url + PATH, relay, redis, gateway.routes, gateway, loop))
            began.set()
            await ended.wait()

    with EmbeddedServer() as server:
        thread = threading.Thread(target=lambda: loop.run_until_complete(serve(server.url)))
        thread.start()
        try:
            assert began.wait(20)
            yield told[0]
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join(20)
            loop.close()


def sign_in(page: Page, url: str, family: str, **options: str) -> str:
    """Open the page with a test wallet; give its account."""
    page.goto(url + "".join(f"?{name}={value}" for name, value in options.items()))
    page.get_by_role("button", name=f"Test wallet ({family})").click()
    page.get_by_text("Online").wait_for()
    return account_of(page)


def account_of(page: Page) -> str:
    return page.locator("header").locator("button").last.get_attribute("title")


def write(page: Page, account: str, text: str) -> None:
    """Write to an account, as for the first time."""
    page.get_by_label("Account to write to").fill(account)
    page.get_by_role("button", name="Write", exact=True).click()
    say(page, text)


def say(page: Page, text: str) -> None:
    box = page.get_by_label("Message", exact=True)
    box.fill(text)
    box.press("Enter")


def said(page: Page) -> Any:
    return page.locator(".said")


def converse(part: Any, bot: "Bot", name: str, account: str) -> None:
    """Sign in by the wallet of a name, in a page or a part of one; write to a bot, and read its answer."""
    button = part.get_by_role("button", name=name)
    button.wait_for()
    lines = part.locator(".full").inner_text().splitlines()
    assert not [line for line in lines if line.isdecimal()], "the count of what is not there"
    button.click()
    part.get_by_text("Online").wait_for()
    assert account_of(part) == account
    assert part.locator(".test").count() == 0
    write(part, bot.account, f"from {account}")
    box = part.get_by_label("Message", exact=True).bounding_box()
    assert box["height"] < 40, "as before it was written in"
    heard = bot.reads("text")
    assert (heard.account, heard.content["text"]) == (account, f"from {account}")
    bot.send(account, kind="text", text=f"to {account}")
    said(part).get_by_text(f"to {account}").wait_for()


def accept(page: Page) -> None:
    """Open the first request and accept it."""
    page.get_by_text("Requests").wait_for()
    page.get_by_role("navigation").locator("li button").first.click()
    page.get_by_role("button", name="Accept").click()
    page.get_by_label("Message", exact=True).wait_for()


def faults_of(page: Page | Frame, part: str = "html") -> list[str]:
    """What axe has against a page, or parts of it: only what is serious."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("(part) => axe.run(part).then(({ violations }) => violations)", part)
    return [
        f"{one['id']}: {node['html'][:80]} {node['failureSummary'][:200]}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


class Bot:
    """A bot in a thread of its own, for tests that drive a browser meanwhile."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._bot = Correspondent(url, DIRECTORY, local_wallet("solana", secrets.token_bytes(32)))
        self._wait(self._bot.__aenter__())
        self.account = self._bot.account

    def _wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def alert(self, account: str, title: str, text: str) -> None:
        self._wait(self._bot.alert(account, title, text))

    def send(self, account: str, **content: str) -> None:
        self._wait(self._bot.send(account, **content))

    def attach(self, account: str, name: str, content: bytes) -> None:
        self._wait(self._bot.attach(account, name, content))

    def fetch(self, received: Received) -> bytes:
        return self._wait(self._bot.fetch(received))

    def reads(self, kind: str) -> Received:
        """Wait for the next content of a kind."""

        async def next_one() -> Received:
            async for received in self._bot.received():
                if received.content["kind"] == kind:
                    return received
            raise AssertionError

        return self._wait(next_one())

    def close(self) -> None:
        self._wait(self._bot.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
