"""The report of a session as a person opens it: one file from the disk, with no server behind it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from support.browser import Watch
from support.report import note, part, report

from rtlab.views.report import page as page_of

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / ".shots"

# how many pixels of each canvas are of neither of the two most frequent colours: what is drawn on it
DRAWN = """
() => {
  const canvases = []
  const walk = (node) => {
    for (const one of node.querySelectorAll("*")) {
      if (one.tagName === "CANVAS") canvases.push(one)
      if (one.shadowRoot) walk(one.shadowRoot)
    }
  }
  walk(document)
  return canvases.map((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
    const seen = new Map()
    for (let i = 0; i < data.length; i += 4) {
      const colour = `${data[i]},${data[i + 1]},${data[i + 2]},${data[i + 3]}`
      seen.set(colour, (seen.get(colour) ?? 0) + 1)
    }
    const [most] = [...seen.entries()].sort((a, b) => b[1] - a[1])
    return { most: most[0], drawn: data.length / 4 - most[1] }
  })
}
"""

BLOCKED = """
() => new Promise((told) => {
  document.addEventListener("securitypolicyviolation", (event) => told(event.violatedDirective))
  new Image().src = "http://127.0.0.1:9/pixel.png"
})
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    target = tmp_path_factory.mktemp("report") / "report.html"
    target.write_text(page_of(report(part(10_000), notes=(note(20, "here <b>it</b> fell"),))), "utf-8")
    return f"file://{target}"


@pytest.fixture(params=[(390, "light"), (1280, "dark")], ids=str)
def opened(request: pytest.FixtureRequest, browser: Browser, file: str) -> Iterator[tuple[Page, int, str]]:
    width, theme = request.param
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    watch = Watch(page)
    page.goto(file)
    page.wait_for_selector("body[data-shown]")
    yield page, width, theme
    page.close()
    watch.check()


def test_every_figure_is_drawn_in_the_readers_theme_and_nothing_is_clipped(
    opened: tuple[Page, int, str],
) -> None:
    page, width, theme = opened
    page.wait_for_function(f"() => ({DRAWN})().filter((one) => one.drawn > 1000).length >= 5")
    surface = {"light": "255,255,255,255", "dark": "19,25,32,255"}[theme]
    assert [one["most"] for one in page.evaluate(DRAWN) if one["drawn"] > 1000] == [surface] * 5
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert "here <b>it</b> fell" in page.inner_text("main")
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"report-{width}-{theme}.png", full_page=True)


def test_the_theme_follows_the_readers_and_the_policy_lets_nothing_out(browser: Browser, file: str) -> None:
    page = browser.new_page(color_scheme="light")
    page.goto(file)
    page.wait_for_selector("body[data-shown]")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"() => ({DRAWN})().filter((one) => one.most === '19,25,32,255').length >= 5")
    asked = page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'let out', (problem) => problem.name)")
    assert asked == "TypeError"
    blocked = page.evaluate(BLOCKED)
    assert blocked == "img-src"
    page.close()
