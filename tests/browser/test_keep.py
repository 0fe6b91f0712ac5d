"""What is seen of a chart, kept as a picture and as numbers and read as a table, in a real browser."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page
from support.browser import Watch, evaluate, until

from rtlab.views import LayeredPlot, Line, Pyramid

pytestmark = pytest.mark.browser
Serve = Callable[[Callable[[], object]], str]
N = 5000
MENU = "Keep or read what is seen"


@pytest.fixture(scope="module")
def address(serve: Serve) -> str:
    def app() -> LayeredPlot:
        x = 1.7e12 + np.arange(float(N))
        lines = {"price, last": np.sin(x / 100), "vwap": np.where(np.arange(N) == 4000, np.nan, 0.25)}
        plot = LayeredPlot(Pyramid(x, lines), title="A & B", height=360)
        plot.overlay.lines = [Line(y=0.5, name="stop", label="Stop")]
        return plot

    return serve(app)


@pytest.fixture(scope="module")
def shown(browser: Browser, address: str) -> Iterator[Page]:
    """One page; each test leaves it as it was."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    watch = Watch(page)
    page.goto(address)
    page.wait_for_selector(".rtlab-badge")
    drawn = "return dense_plot().model.renderers[0].data_source.data.x.length"
    until(lambda: evaluate(page, drawn) > 100, "the line", page=page)
    yield page
    page.close()
    watch.check()


def kept(page: Page, name: str) -> Path:
    page.get_by_label(MENU).click()
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    assert download.value.suggested_filename == f"a-b.{name[-4:-1].lower()}"
    return download.value.path()


def test_the_csv_holds_what_is_drawn_of_the_window(shown: Page):
    rows = list(csv.reader(io.StringIO(kept(shown, "Numbers (CSV)").read_text())))
    assert rows[0] == ["time", "series", "value"]
    price = [(time, float(value)) for time, name, value in rows[1:] if name == "price, last"]
    assert 900 < len(price) < 5 * 1300
    assert price == sorted(price, key=lambda row: row[0])
    assert "2023-11-14T22:13:20.000Z" <= price[0][0] < "2023-11-14T22:13:20.020Z"
    assert max(value for _, value in price) == pytest.approx(1.0, abs=1e-4)
    assert {value for _, name, value in rows[1:] if name == "vwap"} == {"0.25", ""}


def test_a_hidden_line_is_not_in_the_file(shown: Page):
    shown.get_by_role("button", name="vwap").click()
    lengths = "return dense_plot().model.renderers.map((r) => r.data_source.data.x.length)"
    until(lambda: evaluate(shown, lengths)[1] == 0, "one line", page=shown)
    rows = list(csv.reader(io.StringIO(kept(shown, "Numbers (CSV)").read_text())))
    assert {name for _, name, _ in rows[1:]} == {"price, last"}
    shown.get_by_role("button", name="vwap").click()
    until(lambda: evaluate(shown, lengths)[1] > 0, "both lines", page=shown)


def test_the_picture_has_the_figure_and_what_lies_above_it(shown: Page):
    picture = Image.open(kept(shown, "Picture (PNG)")).convert("RGB")
    width, height = evaluate(shown, "const { width, height } = dense_plot().bbox; return [width, height]")
    assert picture.size == (width, height)
    pixels = np.asarray(picture)
    of_line = evaluate(shown, "return dense_plot().model.renderers[0].glyph.line_color.value")
    assert (pixels == [int(of_line[i : i + 2], 16) for i in (1, 3, 5)]).all(axis=2).sum() > 300
    # the tag of the order line, on the axis: a box of its colour that no figure has
    y = evaluate(shown, "return dense_plot().frame.y_scale.compute(0.5)")
    box = pixels[int(y) - 4 : int(y) + 4, width - 60 : width - 4].reshape(-1, 3)
    assert (box.astype(int).sum(axis=1) < 600).any()


def test_the_table_is_read_by_keyboard_alone(shown: Page):
    shown.get_by_label(MENU).focus()
    shown.keyboard.press("Enter")
    for _ in range(2):
        shown.keyboard.press("Tab")
    shown.keyboard.press("Enter")
    table = shown.get_by_role("region", name="as a table")
    assert table.evaluate("(one) => one === one.getRootNode().activeElement")
    caption = table.locator("caption").inner_text()
    assert "price, last: first " in caption
    assert "lowest -0.99" in caption
    assert "vwap: first 0.25, lowest 0.25, highest 0.25, last 0.25" in caption
    assert "The last 500 of " in caption
    assert table.locator("tr").count() == 501
    shots = Path(__file__).resolve().parents[2] / ".shots"
    shots.mkdir(exist_ok=True)
    shown.screenshot(path=shots / "table.png")
    # one row is like the other, and axe takes its time for each
    table.locator("tr:nth-child(n + 20)").evaluate_all("(rows) => rows.forEach((row) => row.remove())")
    assert 10 < table.locator("tr").count() < 30
    found = Axe().run(shown).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    shown.keyboard.press("Escape")
    assert table.count() == 0
    assert shown.get_by_label(MENU).evaluate("(one) => one === one.getRootNode().activeElement")
