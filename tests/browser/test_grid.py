"""A grid of any numbers in a real browser: cards, filter, order, keyboard, and what is frozen."""

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page
from support.browser import Watch, until

from rtlab.views import Metrics
from rtlab.views.grid_page import GridPage

pytestmark = pytest.mark.browser
Serve = Callable[[Callable[[], object]], str]

NAMES = ["apples", "pears", "plums", "quinces"]
INK = """(card) => {
  const canvas = card.querySelector("canvas")
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
  return data.filter((value, i) => i % 4 === 3 && value > 0).length
}"""


class Numbers:
    def __init__(self) -> None:
        self.metrics, self.pages = Metrics(interval_ns=100_000_000), []  # type: Metrics, list[GridPage]
        self.say(0)

    def app(self) -> object:
        self.pages.append(GridPage("Fruit", self.metrics, has_feed=False))
        return self.pages[-1].served()

    def say(self, more: float, *names: str) -> None:
        values = {name: 10.0 * (i + 1) + more * (i + 1) ** 2 for i, name in enumerate(NAMES)}
        told = {name: values[name] for name in names or NAMES}
        self.metrics.append(time.time_ns(), told)
        for page in self.pages:
            page.update()


@pytest.fixture(scope="module")
def numbers() -> Numbers:
    return Numbers()


@pytest.fixture(scope="module")
def shown(browser: Browser, serve: Serve, numbers: Numbers) -> Iterator[Page]:
    """One page; each test leaves it without a filter and in the first order."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    watch = Watch(page)
    page.goto(serve(numbers.app))
    until(lambda: page.locator("li.card").count() == len(NAMES), "the cards", page=page)
    yield page
    numbers.pages.clear()
    page.close()
    watch.check()


def order(page: Page) -> list[str]:
    return page.locator("li.card:visible .name").all_text_contents()


def test_every_number_has_a_card_with_its_value_change_and_course(shown: Page, numbers: Numbers):
    for more in range(1, 6):
        numbers.say(more)
        shown.wait_for_timeout(120)
    pears = shown.locator("li.card", has_text="pears")
    until(lambda: pears.locator(".value").inner_text() == "40", "the value", page=shown)
    assert pears.locator(".change").inner_text() == "▲ 100.00 %"
    until(lambda: pears.evaluate(INK) > 20, "a line", page=shown)


def test_a_change_too_small_for_its_digits_is_told_as_such(shown: Page, numbers: Numbers):
    change = shown.locator("li.card", has_text="pears").locator(".change")
    for more, words in ((1e-4, "▲ < 0.01 %"), (-1e-4, "▼ < 0.01 %"), (0, "0.00 %")):
        numbers.say(more)
        until(lambda words=words: change.inner_text().strip() == words, words, page=shown)


def test_cards_are_filtered_and_ordered(shown: Page, numbers: Numbers):
    numbers.say(-1)
    assert order(shown) == NAMES
    shown.get_by_label("Filter by name").fill("p")
    until(lambda: order(shown) == NAMES[:3], "the filter", page=shown)
    shown.get_by_label("Order").select_option("most fallen")
    until(lambda: order(shown) == ["plums", "pears", "apples"], "the order", page=shown)
    shown.get_by_label("Filter by name").fill("")
    until(lambda: order(shown)[0] == "quinces", "all of them", page=shown)
    assert shown.locator(".count").inner_text() == "4 of 4"
    shown.get_by_label("Order").select_option(index=0)
    until(lambda: order(shown) == NAMES, "the first order", page=shown)


def test_keys_walk_from_card_to_card(shown: Page):
    shown.locator("li.card").first.focus()
    focused = """() => {
      let element = document.activeElement
      while (element.shadowRoot) element = element.shadowRoot.activeElement
      return element.title
    }"""
    walked = []
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        shown.keyboard.press(key)
        walked.append(shown.evaluate(focused))
    assert walked == ["pears", "plums", "pears"]


def test_a_number_that_nobody_tells_any_more_is_frozen_and_the_others_are_not(shown: Page, numbers: Numbers):
    def others() -> bool:
        numbers.say(2, *NAMES[1:])
        return "frozen" in shown.locator("li.card").first.inner_text()

    numbers.say(1)
    until(lambda: "frozen" not in shown.locator("ul").inner_text(), "all live", page=shown)
    until(others, "the first is frozen", page=shown)
    for name in NAMES[1:]:
        assert "frozen" not in shown.locator("li.card", has_text=name).inner_text()
    numbers.say(3)
    until(lambda: "frozen" not in shown.locator("li.card").first.inner_text(), "it lives again", page=shown)


def test_cards_fill_the_room_in_a_shape_in_which_a_course_can_be_read(shown: Page):
    """Four: two by two where it is wide, one below the other where it is narrow; one has all of it."""

    def shapes() -> list[tuple[int, float]]:
        boxes = [card.bounding_box() for card in shown.locator("li.card:visible").all()]
        lefts = {round(box["x"]) for box in boxes if box}
        return [(len(lefts), box["width"] / box["height"]) for box in boxes if box]

    for width, height, columns in ((1280, 720, 2), (2560, 500, 4), (390, 844, 1)):
        shown.set_viewport_size({"width": width, "height": height})
        until(lambda columns=columns: shapes()[0][0] == columns, f"{columns} columns", page=shown)
        assert len(shapes()) == len(NAMES)
        assert all(1 <= shape <= 4 for _, shape in shapes())
    shown.set_viewport_size({"width": 1280, "height": 720})
    shown.get_by_label("Filter by name").fill("quinces")
    until(lambda: len(shapes()) == 1, "one card", page=shown)
    assert shapes()[0][1] < 2.5  # as wide as the page
    shown.get_by_label("Filter by name").fill("")
    until(lambda: len(shapes()) == len(NAMES), "all cards", page=shown)
