"""The fault lab as a person uses it: sliders and buttons in a real browser, and what they change on the page."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from support.browser import Watch, until

from rtlab.lab.faults.experiment import Experiment
from rtlab.lab.faults.page import page_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
SHOTS = Path(".shots")


@pytest.fixture(scope="module")
def address(serve: Callable[[Callable[[], object]], str]) -> Iterator[str]:
    with Experiment() as experiment:
        yield serve(lambda: page_of(experiment).served())


def text(page: Page, wanted: str) -> str:
    return page.locator(wanted).first.inner_text()


def number(page: Page, wanted: str) -> int:
    return int(re.sub(r"\D", "", text(page, wanted)) or 0)


def slide(page: Page, name: str, value: int) -> None:
    page.locator(f"input[name={name}]").evaluate(
        "(one, value) => { one.value = value; one.dispatchEvent(new Event('input')) }", value
    )


def heal(page: Page) -> None:
    page.locator(".press.heal").click()
    until(lambda: text(page, ".ours .pill") == "LIVE", "the reader is live again", 30, page=page)


@pytest.fixture
def lab(browser: Browser, address: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    watch = Watch(page)
    page.goto(address)
    until(lambda: "Equal" in text(page, ".verdict"), "the first comparison", 30, page=page)
    heal(page)
    yield page
    assert "✓ Equal" in text(page, ".verdict")
    assert " 0 different" in text(page, ".verdict")
    assert "silent loss 0" in text(page, ".sums")
    assert text(page, ".ours .of-lost .value") == "0"
    page.close()
    watch.check()


def test_a_slow_line_makes_ours_lag_and_merge_and_the_plain_one_queue(lab: Page) -> None:
    merged = number(lab, ".ours .of-merged .value")
    slide(lab, "bytes_per_s", 15)
    assert text(lab, ".slider:has(input[name=bytes_per_s]) .value") == "2.8 kB/s"
    until(lambda: text(lab, ".plain .pill") == "QUEUEING", "the plain server queues", 30, page=lab)
    until(lambda: "MB" in text(lab, ".plain .of-held .value"), "a megabyte is queued", 40, page=lab)
    until(lambda: number(lab, ".ours .of-merged .value") > merged + 20, "ours is merged", 30, page=lab)
    assert "MB" not in text(lab, ".ours .of-held .value")
    SHOTS.mkdir(exist_ok=True)
    lab.screenshot(path=SHOTS / "fault-slow.png")
    heal(lab)


def test_a_frozen_reader_falls_behind_and_comes_back_at_once(lab: Page) -> None:
    lagged = number(lab, ".step.lagging .times")
    lab.locator(".press.freeze").click()
    until(lambda: text(lab, ".press.freeze") == "Let the reader go on", "it is frozen", page=lab)
    until(
        lambda: (
            number(lab, ".step.lagging .times") > lagged
            or text(lab, ".ours .of-stale_ms .value").endswith(" s")
        ),
        "it falls behind",
        20,
        page=lab,
    )
    lab.locator(".press.freeze").click()
    until(lambda: text(lab, ".ours .pill") == "LIVE", "it is live again", 30, page=lab)
    until(lambda: text(lab, ".ours .of-stale_ms .value").endswith(" ms"), "it is current", 20, page=lab)


def test_a_killed_gateway_is_started_again_and_the_book_is_equal_in_a_new_epoch(lab: Page) -> None:
    epoch = re.findall(r"epoch (\d+)", text(lab, ".verdict"))
    back = number(lab, ".ours .of-resumed .value")
    lab.locator(".press.kill").click()
    until(lambda: text(lab, ".ours .pill") == "RECONNECTING", "the gateway is gone", 20, page=lab)
    until(lambda: number(lab, ".ours .of-resumed .value") > back, "the reader is back", 40, page=lab)
    until(lambda: re.findall(r"epoch (\d+)", text(lab, ".verdict")) != epoch, "a new epoch", 20, page=lab)
    until(lambda: text(lab, ".ours .pill") == "LIVE", "it is live", 30, page=lab)


# where the keyboard is: what a screen reader says of it, and whether an eye can see it
FOCUSED = """() => {
  let one = document.activeElement
  while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement
  if (!one || one === document.body) return null
  const name = one.getAttribute("aria-label") || one.labels?.[0]?.innerText || one.innerText
  return { name, seen: getComputedStyle(one).outlineStyle !== "none" }
}"""


def go(page: Page, name: str) -> None:
    """Press Tab until the keyboard is at what has this name."""
    for _ in range(20):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is not None:
            assert stop["seen"], stop
            assert stop["name"].strip(), stop
            if name in stop["name"]:
                return
    raise AssertionError(f"Tab does not lead to {name}")


def test_a_reader_is_slowed_frozen_freed_and_healed_by_keyboard_alone_and_axe_finds_nothing_serious(
    lab: Page,
) -> None:
    found = Axe().run(lab).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"]) for one in serious] == []
    go(lab, "Switch to dark")
    lab.keyboard.press("Enter")
    lab.locator(".faults.dark").wait_for()
    lab.keyboard.press("Enter")
    lab.locator(".faults.light").wait_for()
    go(lab, "Speed of the line")
    lab.keyboard.press("Home")  # the slowest
    assert text(lab, ".slider:has(input[name=bytes_per_s]) .value") == "1.0 kB/s"
    until(lambda: text(lab, ".plain .pill") == "QUEUEING", "the plain server queues", 30, page=lab)
    go(lab, "Delay")
    lab.keyboard.press("ArrowRight")
    assert text(lab, ".slider:has(input[name=delay_s]) .value") == "10 ms"
    go(lab, "Loss")
    go(lab, "Freeze the reader")
    lab.keyboard.press("Enter")
    until(lambda: text(lab, ".press.freeze") == "Let the reader go on", "it is frozen", page=lab)
    lab.keyboard.press("Enter")
    until(lambda: text(lab, ".press.freeze") == "Freeze the reader", "it goes on", page=lab)
    go(lab, "Heal")
    lab.keyboard.press("Enter")
    assert text(lab, ".slider:has(input[name=bytes_per_s]) .value") == "unlimited"
    assert text(lab, ".slider:has(input[name=delay_s]) .value") == "0 ms"
    until(lambda: text(lab, ".ours .pill") == "LIVE", "the reader is live again", 40, page=lab)


HEIGHTS = {390: 844, 1280: 900, 2560: 1300}


@pytest.mark.parametrize(
    ("scheme", "widths"), [("light", (390, 1280, 2560)), ("dark", (2560, 1280, 390))], ids=["light", "dark"]
)
def test_it_fits_every_screen_in_light_and_dark(
    browser: Browser, address: str, scheme: str, widths: tuple[int, ...]
) -> None:
    first = {"width": widths[0], "height": HEIGHTS[widths[0]]}
    page = browser.new_page(viewport=first, color_scheme=scheme)
    watch = Watch(page)
    page.goto(address)
    until(lambda: "Equal" in text(page, ".verdict"), "the first comparison", 30, page=page)
    background = page.locator(".faults").evaluate("(one) => getComputedStyle(one).backgroundColor")
    red = int(re.findall(r"\d+", background)[0])
    assert red > 200 if scheme == "light" else red < 60
    for cell in page.locator(".cell").all():
        inside, outer = cell.bounding_box(), cell.locator("xpath=ancestor::section").bounding_box()
        assert outer["y"] < inside["y"] < outer["y"] + outer["height"]
    SHOTS.mkdir(exist_ok=True)
    for width in widths:
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=SHOTS / f"fault-{width}-{scheme}.png", full_page=width < 500)
    page.close()
    watch.check()
