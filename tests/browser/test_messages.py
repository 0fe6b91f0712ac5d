"""The messages in a browser: two wallets write to each other through a relay, on a page with a strict policy."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from redis import Redis
from support.browser import Watch, until
from support.messages_page import (
    Bot,
    Served,
    accept,
    account_of,
    converse,
    faults_of,
    said,
    say,
    serving,
    sign_in,
    write,
)
from support.messages_wallets import WALLETS, answer_as
from support.messaging import DIRECTORY, Person
from support.rabbit import free_port

from rtlab.feed.http import Page as HttpPage
from rtlab.messaging.identity import SCHEMES

pytestmark = pytest.mark.browser
SHOTS = Path(os.environ["SHOTS"]) if "SHOTS" in os.environ else None

HOSTILE = (
    "<img src=x onerror=window.hit=1>",
    "<script>window.hit=1</script>",
    "<svg onload=window.hit=1>",
    "javascript:window.hit=1",
    "\"><iframe srcdoc='<script>parent.hit=1</script>'>",
    "{{constructor.constructor('window.hit=1')()}}",
    "${window.hit=1}",
    "<a href='javascript:window.hit=1'>go</a>",
    "</textarea><script>window.hit=1</script>",
    "\u202e<b onmouseover=window.hit=1>x</b>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.hit=1>",
    "&lt;script&gt;window.hit=1&lt;/script&gt;",
)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as there:
        yield there


@contextmanager
def people(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a browser of somebody of his own; all must end without errors and requests to other hosts."""
    opened = []

    def open_one(width: int = 900, height: int = 560) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height})
        page = context.new_page()
        page.set_default_timeout(15_000)
        opened.append((context, Watch(page)))
        return page

    yield open_one
    for context, watch in opened:
        context.close()
        watch.check()


@pytest.fixture
def person(browser: Browser) -> Iterator[Callable[..., Page]]:
    with people(browser) as open_one:
        yield open_one


def shot(page: Page, name: str) -> None:
    if SHOTS is not None:
        page.screenshot(path=SHOTS / f"{name}.png")


@contextmanager
def acquainted(served: Served, person: Callable[..., Page], **phone: int) -> Iterator[tuple[Page, Page]]:
    one, other = person(), person(**phone)
    sign_in(one, served.page, "ethereum", theme="light")
    write(one, sign_in(other, served.page, "solana", theme="dark"), "hello")
    accept(other)
    yield one, other


@pytest.fixture(scope="module")
def friends(browser: Browser, served: Served) -> Iterator[tuple[Page, Page]]:
    """Two who talk with each other, for all tests that leave their conversation open."""
    with people(browser) as person, acquainted(served, person) as pair:
        yield pair


def test_two_wallets_write_to_each_other(served, person):
    with acquainted(served, person, width=390, height=760) as (one, other):
        say(other, "hello yourself")
        said(one).get_by_text("hello yourself").wait_for()
        said(other).first.get_by_role("button", name="Reply").click()
        say(other, "this answers you")
        said(one).get_by_text("this answers you").wait_for()
        assert said(one).last.locator(".quote").inner_text() == "hello"
        say(one, "read this")
        one.locator(".said.mine").last.get_by_text("read", exact=True).wait_for()
        other.get_by_label("Message", exact=True).press_sequentially("I am")
        one.get_by_role("status").get_by_text("writes…").wait_for()
        shot(one, "conversation")
        shot(other, "phone")
        assert other.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_of_a_crowd_the_newest_are_drawn_first_and_then_all(served, person):
    with acquainted(served, person) as (one, other):
        other.evaluate(HOLD_DRAWING)
        one.evaluate(SEND_MANY, [account_of(other), 110])
        until(lambda: other.evaluate(MANY) == 111, "all have come", page=other)
        first, then = other.evaluate(DRAW_ONCE), other.evaluate(DRAW_ONCE)
        assert first == [f"of many {i}" for i in range(90, 110)]
        assert then == [f"of many {i}" for i in range(10, 110)]
        other.get_by_role("button", name="Show earlier").click()
        assert other.evaluate(DRAW_ONCE) == ["hello", *(f"of many {i}" for i in range(110))]
        assert other.get_by_role("button", name="Show earlier").count() == 0


SEND_MANY = """async ([to, many]) => {
  for (let i = 0; i < many; i++) await window.messages.messenger.send(to, { text: `of many ${i}` })
}"""
MANY = "() => window.messages.messenger.chats()[0].messages.length"
HOLD_DRAWING = "() => (window.requestAnimationFrame = (draw) => (window.draw = draw))"
DRAW_ONCE = """async () => {
  const { messenger } = window.messages
  while (!window.draw) {
    messenger.dispatchEvent(new Event("change"))
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const drawing = window.draw
  window.draw = undefined
  drawing()
  const said = document.getElementById("messages").shadowRoot.querySelectorAll(".said > [dir]")
  return [...said].map(({ textContent }) => textContent)
}"""


def test_both_see_one_safety_number_and_both_devices(friends):
    one, other = friends
    numbers = []
    for page in (one, other):
        page.get_by_role("button", name="Details").click()
        numbers.append(page.locator(".digits").inner_text())
        assert page.locator(".full li").count() == 2
    shot(one, "details")
    assert numbers[0] == numbers[1]
    assert len(numbers[0].split()) == 12
    for page in friends:
        page.locator(".bar").get_by_role("button", name="Close").click()


def test_whatever_is_written_is_shown_and_never_run(friends):
    one, other = friends
    for text in HOSTILE:
        say(one, text)
    for text in HOSTILE:
        said(other).get_by_text(text, exact=True).wait_for()
    other.get_by_label("Search on this device").fill("onerror")
    other.get_by_role("navigation").locator("li").first.wait_for()
    for page in (one, other):
        assert page.evaluate("window.hit") is None
        assert page.evaluate("document.querySelectorAll('img,iframe,svg,math,a').length") == 0
    shot(other, "hostile")
    other.get_by_label("Search on this device").fill("")


def test_a_device_keeps_its_messages_and_goes_on_after_a_reload(friends):
    one, other = friends
    say(one, "before the reload")
    said(other).get_by_text("before the reload").wait_for()
    account = account_of(other)
    other.reload()
    other.get_by_text("Online").wait_for()
    assert account_of(other) == account
    say(one, "after the reload")
    other.get_by_role("navigation").locator("li button").first.click()
    said(other).get_by_text("before the reload").wait_for()
    said(other).get_by_text("after the reload").wait_for()


# a page either sends no message at all or each: a socket that swallowed the first two would not take the third
HOLD = """(() => {
  if (localStorage.release) delete localStorage.hold
  const send = WebSocket.prototype.send
  WebSocket.prototype.send = function (data) {
    if (!(localStorage.hold && data.includes('"op":"send"'))) send.call(this, data)
  }
})()"""


def test_what_waits_outlives_reloads_and_goes_once_and_in_its_order(served, person):
    with acquainted(served, person) as (one, other):
        one.add_init_script(HOLD)
        one.evaluate(HOLD)
        one.evaluate("localStorage.hold = 1")
        for text in ("first of three", "second of three"):
            say(one, text)
            one.locator(".said.mine").filter(has_text=text).get_by_text("waits").wait_for()
        one.reload()
        one.get_by_text("Online").wait_for()
        one.get_by_role("navigation").locator("li button").first.click()
        say(one, "third of three")
        one.locator(".said.mine").filter(has_text="third of three").get_by_text("waits").wait_for()
        one.evaluate("localStorage.release = 1")
        one.reload()
        for text in ("first of three", "second of three", "third of three"):
            said(other).get_by_text(text).wait_for()
        found = [text.split("\n")[0] for text in said(other).all_inner_texts()]
        assert found == ["hello", "first of three", "second of three", "third of three"]


def test_what_came_in_is_acknowledged_only_once_it_is_saved(served, person):
    with acquainted(served, person) as (one, other):
        other.evaluate(FULL_DISK)
        say(one, "nowhere to keep it")
        said(other).get_by_text("nowhere to keep it").wait_for()
        other.get_by_role("alert").get_by_text("the disk is full").wait_for()
        say(one, "and this neither")
        said(other).get_by_text("and this neither").wait_for()
        until(lambda: other.evaluate("window.refused") > 1, "another try to save", page=other)
        assert other.evaluate("window.acknowledged") == 0
        other.reload()
        other.get_by_text("Online").wait_for()
        other.get_by_role("navigation").locator("li button").first.click()
        said(other).get_by_text("and this neither").wait_for()
        assert said(other).get_by_text("nowhere to keep it").count() == 1
        say(other, "now both are here")
        said(one).get_by_text("now both are here").wait_for()


FULL_DISK = """() => {
  const { store, relay } = window.messages.messenger
  const ask = relay.ask.bind(relay)
  const { mail } = relay.on
  let first = Infinity
  window.refused = window.acknowledged = 0
  relay.on.mail = (message) => {
    first = Math.min(first, message.cursor)
    return mail(message)
  }
  relay.ask = (op, fields) => {
    window.acknowledged += op === "ack" && fields.upto >= first
    return ask(op, fields)
  }
  store.put = async () => {
    window.refused++
    throw new Error("the disk is full")
  }
}"""


def test_what_is_stored_in_the_browser_is_encrypted_as_records_and_in_its_places(friends):
    one, other = friends
    say(one, "canary-in-the-browser")
    said(other).get_by_text("canary-in-the-browser").wait_for()
    first = other.evaluate(STORED)
    until(lambda: other.evaluate(STORED)["records"] == 0, "what was put is in its place", page=other)
    last = other.evaluate(STORED)
    assert first["many"] > 0
    assert last["places"] > 20
    for found in (first, last):
        assert (found["clear"], found["extractable"]) == (False, False)
    other.reload()
    other.get_by_text("Online").wait_for()
    other.get_by_role("navigation").locator("li button").first.click()
    said(other).get_by_text("canary-in-the-browser").wait_for()


STORED = """async () => {
  const opening = indexedDB.open("rtlab-messages")
  const database = await new Promise((resolve) => (opening.onsuccess = () => resolve(opening.result)))
  const all = (name, what) => new Promise((resolve) => {
    const request = database.transaction(name).objectStore(name)[what]()
    request.onsuccess = () => resolve(request.result)
  })
  const asked = [all("values", "getAllKeys"), all("values", "getAll"), all("keys", "getAll")]
  const [names, values, [key]] = await Promise.all(asked)
  database.close()
  const text = values.map(({ data }) => new TextDecoder("latin1").decode(data)).join()
  const records = names.filter((name) => name.startsWith("log:")).length
  const clear = text.includes("canary")
  return { many: names.length, records, places: names.length - records, clear, extractable: key.extractable }
}"""


def test_one_tab_owns_a_device(served, person):
    with acquainted(served, person) as (one, _):
        second = one.context.new_page()
        second.goto(served.page)
        second.get_by_text("open in another tab").wait_for()
        shot(second, "second_tab")
        one.close()
        second.get_by_role("button", name="Try again").click()
        second.get_by_text("Online").wait_for()


def test_a_device_that_is_wiped_remembers_nothing(served, person):
    with acquainted(served, person) as (one, _):
        one.locator("header").locator("button").last.click()
        one.get_by_role("button", name="Wipe this device").first.click()
        one.get_by_role("button", name="Wipe this device").last.click()
        one.get_by_text("Sign in with a wallet").wait_for()
        one.reload()
        one.get_by_text("Sign in with a wallet").wait_for()


def test_a_blocked_account_is_not_heard(served, person):
    with acquainted(served, person) as (one, other):
        other.get_by_role("button", name="Details").click()
        other.get_by_role("button", name="Block").click()
        other.get_by_role("button", name="Unblock").wait_for()
        say(one, "are you there")
        one.locator(".said.mine").last.get_by_text("not sent").wait_for()
        assert said(other).get_by_text("are you there").count() == 0


def test_it_works_by_keyboard_alone(friends):
    one, other = friends
    one.get_by_label("Message", exact=True).focus()
    one.keyboard.type("two lines")
    one.keyboard.press("Shift+Enter")
    one.keyboard.type("of text")
    one.keyboard.press("Enter")
    said(other).get_by_text("two lines").wait_for()
    one.keyboard.press("Escape")
    one.get_by_text("Choose a conversation.").wait_for()
    reached = set()
    for _ in range(12):
        one.keyboard.press("Tab")
        reached.add(one.evaluate(FOCUSED))
    assert {"Account to write to", "Search on this device", "BUTTON"} <= reached
    one.get_by_role("navigation").locator("li button").first.click()


def test_a_sandboxed_frame_has_memory_only_and_works(served, person):
    options = {"url": served.url, "directory": DIRECTORY, "testWallets": ["near"]}
    one, other = person(), person()
    one.goto(served.http + framed(served, options))
    inner = one.frame_locator("iframe")
    inner.get_by_role("button", name="Test wallet (near)").click()
    inner.get_by_text("Online").wait_for()
    account = inner.locator("header").locator("button").last.get_attribute("title")
    assert account.startswith("near:mainnet:")
    sign_in(other, served.page, "ethereum")
    write(other, account, "into the frame")
    inner.get_by_text("Requests").wait_for()
    inner.get_by_role("navigation").locator("li button").first.click()
    inner.get_by_role("button", name="Accept").click()
    box = inner.get_by_label("Message", exact=True)
    box.fill("out of the frame")
    box.press("Enter")
    said(other).get_by_text("out of the frame").wait_for()
    file_of(other, "into.txt", b"a file")
    inner.locator(".card").get_by_text("into.txt").wait_for()
    shot(one, "sandboxed")


RARE = ("Ethereum, the old way", "Ethereum, typed data")
IN_PART = {"panel": ("Polkadot",), "frame": ("Cosmos",)}
"""Wallets that are tried in a host also where few rounds are asked for; the page by itself has them all."""


def hosted(family: str, host: str) -> Any:
    rare = family in RARE if host == "page" else family not in IN_PART[host]
    return pytest.param(host, family, marks=pytest.mark.long) if rare else (host, family)


@pytest.mark.parametrize(
    ("host", "family"), [hosted(family, host) for host in ("page", *IN_PART) for family in WALLETS]
)
def test_an_injected_wallet_signs_in_and_writes_in_every_host(served, person, serve, host, family):
    page, bot = person(), Bot(served.url)
    wallet = Person(WALLETS[family].scheme).wallet
    answer_as(page, family, wallet)
    page.goto(address_of(host, served, serve))
    part = page.frame_locator("iframe") if host == "frame" else page
    converse(part, bot, WALLETS[family].name, wallet.account)
    assert faults_of(page.frames[-1]) == []
    shot(page, f"{host}_{WALLETS[family].scheme}")
    bot.close()


def test_what_a_reader_can_mend_is_said(served, person):
    page = person()
    page.goto(served.http + framed(served, {"url": served.url, "testWallets": ["near"]}))
    part = page.frame_locator("iframe")
    part.get_by_role("button", name="Test wallet (near)").click()
    alert = part.get_by_role("alert")
    alert.get_by_text(
        f"this relay calls itself {DIRECTORY}, and the page expects 127.0.0.1: give the page"
    ).wait_for()
    part.get_by_text("Offline").wait_for()
    for account, is_told in (("alice", True), ("near:mainnet:alice.near", False)):
        part.get_by_label("Account to write to").fill(account)
        part.get_by_role("button", name="Write", exact=True).click()
        alert.get_by_text("That is no account").wait_for(state="visible" if is_told else "hidden")


def test_a_relay_that_is_not_there_is_named_beside_offline(served, browser):
    nowhere = f"ws://127.0.0.1:{free_port()}/messages"
    page = browser.new_page(viewport={"width": 390, "height": 600})  # it logs what it cannot reach
    page.goto(served.http + framed(served, {"url": nowhere, "testWallets": ["near"]}))
    part = page.frame_locator("iframe")
    part.get_by_role("button", name="Test wallet (near)").click()
    part.get_by_text(f"Offline: no answer at {nowhere}").wait_for()
    shot(page, "nobody")
    page.close()


def address_of(host: str, served: Served, serve: Callable[..., str]) -> str:
    if host == "page":
        return served.page
    options = {"url": served.url, "directory": DIRECTORY}
    if host == "panel":
        from rtlab.lab.serving import messages_page_of

        return serve(messages_page_of(options))
    return served.http + framed(served, options)


def framed(served: Served, options: dict[str, Any]) -> str:
    """Serve a page with the messages in a sandboxed frame, and give its path."""
    frame = f"""<!doctype html><html lang=en><meta charset=utf-8><title>messages</title>
<main id=m style="height:400px"></main><script type=module>
import {{ mount }} from "{served.http}/messages.js"
await mount(document.getElementById("m"), {json.dumps(options)})
</script>"""
    outer = f"""<!doctype html><html lang=en><meta charset=utf-8><title>host</title><link rel=icon href="data:,">
<iframe title=messages sandbox="allow-scripts" srcdoc="{escape(frame)}" width=800 height=440></iframe>"""
    path = f"/host{len(served.routes)}.html"
    served.routes[path] = lambda: HttpPage(outer.encode(), "text/html; charset=utf-8")
    return path


def test_the_wallets_that_are_tried_are_of_four_families_and_more():
    assert len({WALLETS[one].scheme for one in WALLETS if one not in RARE}) == 5
    assert all(wallet.scheme in SCHEMES for wallet in WALLETS.values())


def test_the_page_asks_nobody_else_and_says_so_in_its_policy(served, person):
    page = person()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    sign_in(page, served.page, "near")
    assert {url.split("?")[0] for url in requests} == {served.page, f"{served.http}/messages.js"}
    policy = page.locator("meta[http-equiv]").get_attribute("content")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    shot(page, "signed_in")


FOCUSED = """() => {
  const found = document.getElementById("messages").shadowRoot.activeElement
  return found?.ariaLabel || found?.tagName
}"""


def test_the_page_of_a_demo_is_a_pane_of_panel(served, person, serve):
    from rtlab.lab.serving import messages_page_of

    options = {"url": served.url, "directory": DIRECTORY, "testWallets": ["solana"]}
    address = serve(messages_page_of(options))
    one, other = person(), person()
    one.goto(address)
    one.get_by_role("button", name="Test wallet (solana)").click()
    one.get_by_text("Online").wait_for()
    sign_in(other, served.page, "ethereum")
    write(other, account_of(one), "to a pane")
    accept(one)
    say(one, "from a pane")
    said(other).get_by_text("from a pane").wait_for()
    inside = one.locator(".app").bounding_box()
    assert (inside["height"], inside["width"]) >= (540, 860)  # all of a window of 900 by 560
    shot(one, "panel")


def test_a_bot_sends_an_alert_and_reads_the_answer(served, person):
    page = person()
    account, bot = sign_in(page, served.page, "ethereum"), Bot(served.url)
    bot.alert(account, "BTC-USD", "is above 100,000")
    accept(page)
    said(page).locator(".card").get_by_text("is above 100,000").wait_for()
    say(page, "thank you")
    assert bot.reads("text").content["text"] == "thank you"
    bot.send(account, kind="price", instrument="BTC-USD")
    said(page).locator(".card").get_by_text("BTC-USD").last.wait_for()
    shot(page, "bot")
    bot.close()


def card(page: Page) -> Any:
    return page.locator(".card.market").last


def test_prices_and_charts_are_drawn_from_the_feed_of_who_looks(served, person):
    one, other = person(), person(width=390, height=760)
    sign_in(one, served.page, "ethereum", theme="light")
    account = sign_in(other, served.page, "solana", theme="dark")
    for n in range(100):
        served.trade(120_000 + n * 7919 % 100 - (n == 50) * 180, ago_s=100 - n)
    write(one, account, "/price BTC-USD")
    other.get_by_text("Requests").wait_for()
    other.get_by_role("navigation").locator("li button").first.click()
    card(other).get_by_text("once you accept").wait_for()
    until(lambda: served.readers() == 1, "a stranger's card asks no feed, the sender's own does", page=other)
    other.get_by_role("button", name="Accept").click()
    for page in (one, other):
        card(page).get_by_text("H 60049.5").wait_for()
        words = card(page).get_by_role("img").get_attribute("aria-label")
        assert words.startswith("BTC-USD: open 60000.0")
        assert "low 59935.0" in words
        assert len(card(page).locator("path.line").get_attribute("d").split("L")) >= 90
    until(lambda: served.readers() == 2, "each reads its own feed", page=other)
    served.trade(123_456)
    for page in (one, other):
        card(page).locator("b").get_by_text("61728.0").wait_for()
    say(other, "/chart BTC-USD 2m")
    for page in (one, other):
        card(page).get_by_text("Your feed has it since").wait_for()
        assert "high 61728.0" in card(page).get_by_role("img").get_attribute("aria-label")
    shot(one, "chart")
    shot(other, "chart_phone")
    assert faults_of(other) == []
    say(one, "/price NO-SUCH")
    card(other).get_by_text("not one we serve").wait_for()
    other.get_by_role("button", name="Back to the conversations").click()
    one.keyboard.press("Escape")
    until(lambda: served.readers() == 0, "who shows no card reads no feed", page=one)


def test_a_crowd_of_cards_follows_only_so_many(served, person):
    with acquainted(served, person) as (one, other):
        for n in range(26):
            say(one, f"/price X-{n}")
        card(other).get_by_text("X-25").wait_for()
        assert other.locator(".card.market").get_by_text("Too many are followed").count() >= 12


def file_of(page: Page, name: str, content: bytes) -> None:
    """Choose a file to send, as the button's dialogue would."""
    chosen = {"name": name, "mimeType": "text/html", "buffer": content}
    page.locator("input[type=file]").set_input_files(chosen)


def downloaded(page: Page, name: str) -> bytes:
    with page.expect_download() as saving:
        page.get_by_role("button", name=f"Download {name}").last.click()
    assert saving.value.suggested_filename == name
    return Path(saving.value.path()).read_bytes()


def test_files_go_both_ways_and_what_is_wrong_with_one_is_said(served, person):
    content, bot = os.urandom(900_000), Bot(served.url)
    with acquainted(served, person, width=390, height=760) as (one, other):
        file_of(one, "a\u202egpj.exe", content)
        assert downloaded(other, "a_gpj.exe") == content
        assert other.evaluate("document.querySelectorAll('img,iframe').length") == 0
        shot(other, "file")
        one.locator(".said.mine .card").wait_for()
        assert one.locator("progress").count() == 0

        one.locator("input[type=file]").evaluate(CHOOSE_TOO_LARGE)
        one.get_by_role("alert").get_by_text("25 MiB at most can be sent").wait_for()

        file_of(other, "empty.txt", b"")
        assert downloaded(one, "empty.txt") == b""

        redis = Redis.from_url(served.redis)
        large = max(redis.scan_iter("rtlab:msg:att:*"), key=redis.memory_usage)
        redis.hset(large, "0", redis.hget(large, "0")[::-1])
        redis.close()
        other.get_by_role("button", name="Download a_gpj.exe").click()
        other.locator(".said").get_by_role("alert").get_by_text("a chunk of a file is not genuine").wait_for()
        shot(other, "not_genuine")

        bot.attach(account_of(one), "from a bot.csv", b"1,2\n" * 20_000)
        accept(one)
        assert downloaded(one, "from a bot.csv") == b"1,2\n" * 20_000
        file_of(one, "to a bot", content)
        assert bot.fetch(bot.reads("file")) == content
    bot.close()


CHOOSE_TOO_LARGE = """(input) => {
  const chosen = new DataTransfer()
  chosen.items.add(new File([new Uint8Array(25 * 1048576 + 1)], "huge.bin"))
  input.files = chosen.files
  input.dispatchEvent(new Event("change"))
}"""


def test_axe_finds_nothing_serious_in_light_and_dark(served, person):
    signing = person()
    signing.goto(served.page)
    signing.get_by_text("Try it with a test wallet").wait_for()
    assert faults_of(signing) == []
    with acquainted(served, person, width=390, height=760) as (light, dark):
        say(dark, "read me")
        said(light).get_by_text("read me").wait_for()
        for page in (light, dark):
            assert faults_of(page) == []
        light.get_by_role("button", name="Details").click()
        light.locator(".digits").wait_for()
        assert faults_of(light) == []


def test_a_wallet_has_two_devices_until_one_is_revoked(served, person):
    first, second, other = person(), person(), person()
    wallet = Person("solana").wallet
    for page in (first, second):
        answer_as(page, "Solana", wallet)
        page.goto(served.page)
        page.get_by_role("button", name=WALLETS["Solana"].name).click()
        page.get_by_text("Online").wait_for()
    sign_in(other, served.page, "ethereum")
    write(other, wallet.account, "to both")
    for page in (first, second):
        accept(page)
        said(page).get_by_text("to both").wait_for()
    say(second, "from the second device")
    said(other).get_by_text("from the second device").wait_for()
    said(first).get_by_text("from the second device").wait_for()
    other.evaluate(OLD_DIRECTORY, wallet.account)
    first.get_by_role("button", name="Details").click()
    assert first.locator(".full li").count() == 3
    first.get_by_role("button", name="Revoke").click()
    second.get_by_text("Offline").wait_for()
    shot(first, "revoked")
    first.locator(".bar").get_by_role("button", name="Close").click()
    say(first, "only the first is left")
    said(other).get_by_text("only the first is left").wait_for()
    other.get_by_role("button", name="Details").click()
    until(lambda: other.evaluate(DEVICES, wallet.account) == 2, "the revoked device is out", page=other)
    told = [f"{wallet.account} has other devices than before", "the directory withholds entries"]
    until(lambda: other.evaluate(ALARMS, told) == [True, True], "what is wrong is told", page=other)
    other.get_by_role("alert").get_by_text(told[1]).wait_for()
    shot(other, "withheld")


OLD_DIRECTORY = """async (account) => {
  const { messenger } = window.messages
  const ask = messenger.relay.ask.bind(messenger.relay)
  const old = await ask("look", { account })
  messenger.relay.ask = async (op, fields) => (op === "look" && fields.account === account ? old : ask(op, fields))
  window.alarms = []
  messenger.addEventListener("alarm", ({ detail }) => window.alarms.push(detail.message))
}"""
ALARMS = "(told) => told.map((one) => window.alarms.some((alarm) => alarm.includes(one)))"


DEVICES = "(account) => window.messages.messenger.devices(account).length"


def pressed(page: Page, name: str, tries: int = 40) -> None:
    """Reach something by Tab alone, and press it."""
    for _ in range(tries):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED_TEXT) == name:
            page.keyboard.press("Enter")
            return
    pytest.fail(f"{name} is not reached by Tab")


FOCUSED_TEXT = """() => {
  const found = document.getElementById("messages").shadowRoot.activeElement
  return found?.ariaLabel || found?.textContent || found?.placeholder || ""
}"""


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_search_devices_revoking_and_wiping_go_by_keyboard_on_a_phone(served, person, theme):
    phone, second, other = person(width=390, height=760), person(), person()
    wallet = Person("solana").wallet
    for page in (phone, second):
        answer_as(page, "Solana", wallet)
        page.goto(f"{served.page}?theme={theme}")
        page.get_by_role("button", name=WALLETS["Solana"].name).click()
        page.get_by_text("Online").wait_for()
    sign_in(other, served.page, "ethereum")
    write(other, wallet.account, "find the word kumquat here")
    phone.get_by_text("Requests").wait_for()
    pressed(phone, phone.get_by_role("navigation").locator("li button").first.text_content())
    phone.get_by_role("button", name="Accept").wait_for()
    shot(phone, f"phone_{theme}_request")
    pressed(phone, "Accept")
    phone.get_by_label("Message", exact=True).wait_for()
    pressed(phone, "Details")
    phone.locator(".digits").wait_for()
    shot(phone, f"phone_{theme}_details")
    pressed(phone, "Revoke")
    second.get_by_text("Offline").wait_for()
    until(lambda: phone.locator(".full li").count() == 2, "the revoked device is out of the list", page=phone)
    phone.keyboard.press("Escape")
    phone.keyboard.press("Escape")
    phone.get_by_label("Search on this device").focus()
    phone.keyboard.type("kumquat")
    phone.get_by_role("navigation").locator("li .last.cut").get_by_text("kumquat").wait_for()
    shot(phone, f"phone_{theme}_search")
    pressed(phone, phone.get_by_role("navigation").locator("li button").first.text_content())
    said(phone).get_by_text("kumquat").wait_for()
    phone.keyboard.press("Escape")
    pressed(phone, phone.locator("header button").last.text_content())
    pressed(phone, "Wipe this device")
    phone.get_by_text("Everything on this device is deleted").wait_for()
    shot(phone, f"phone_{theme}_wipe")
    pressed(phone, "Wipe this device")
    phone.get_by_text("Sign in with a wallet").wait_for()
    shot(phone, f"phone_{theme}_wiped")
