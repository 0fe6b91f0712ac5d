"""notebooks/00_quickstart in a real JupyterLab: everything runs, moves, zooms and follows the mouse."""

import re
import shutil
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page
from support.browser import Watch, evaluate, until
from support.jupyter import OWN_ERRORS, end_kernel, open_notebook, run_all, run_code, write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / ".shots"
SNAP_PX = 40  # the crosshair goes to the nearest point that is so near (marks.js)

SHOW = """(source) => { const content = jupyterapp.shell.currentWidget.content
  const index = content.widgets.findIndex((cell) => cell.model.sharedModel.getSource().includes(source))
  content.scrollToItem(index, "center"); content.activeCellIndex = index }"""
STATE = """
const plot = dense_plot()
if (!plot) return null
const source = plot.model.renderers.find((r) => r.name === "dense").data_source
const { x_range } = plot.model
return { x: [...source.data.x], start: x_range.start, end: x_range.end }
"""
CANDLES = """
const view = find_view((v) => Array.isArray(v.model.renderers)
  && v.model.renderers.some((r) => r.data_source?.data.close))
if (!view) return null
const { data } = view.model.renderers.find((r) => r.data_source?.data.close).data_source
return [...data.x].map((x, i) => [x, data.open[i], data.high[i], data.low[i], data.close[i]])
"""


@pytest.fixture(scope="module")
def served(jupyter: tuple[str, Path]) -> str:
    """The address of a JupyterLab with both notebooks."""
    url, folder = jupyter
    shutil.copy(ROOT / "notebooks" / "00_quickstart.ipynb", folder)
    write_notebook(
        folder / "first.ipynb", ["import rtlab\nlab = rtlab.demo()\nlab", "lab.close()\nprint(lab)"]
    )
    return url


@pytest.fixture(scope="module")
def notebook(browser: Browser, served: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    watch = Watch(page)
    open_notebook(page, served, "00_quickstart.ipynb")
    run_all(page, 120)
    yield page
    end_kernel(page)
    page.close()
    watch.check(allowed=OWN_ERRORS)


@pytest.mark.long
def test_three_lines_in_a_fresh_kernel_show_a_moving_market(browser: Browser, served: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    watch = Watch(page)
    open_notebook(page, served, "first.ipynb")
    began = time.monotonic()
    page.evaluate("() => jupyterapp.commands.execute('notebook:run-cell')")
    first = until(lambda: (now := evaluate(page, STATE)) and now["x"] and now, "a price line", 60, page=page)
    until(lambda: evaluate(page, STATE)["end"] > first["end"], "movement", page=page)
    print(f"fresh kernel to a moving picture: {time.monotonic() - began:.1f} s")

    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / "first-minute.png")
    run_code(page, "assert repr(lab).startswith('<rtlab.Lab ws://127.0.0.1:'); lab.close()")
    end_kernel(page)
    page.close()
    watch.check(allowed=OWN_ERRORS)


def test_the_bars_of_the_stream_move_and_each_stands_once(notebook: Page) -> None:
    notebook.evaluate(SHOW, "bars.plot()")
    first = until(lambda: evaluate(notebook, CANDLES), "candles", page=notebook)
    until(lambda: len(evaluate(notebook, CANDLES)) > len(first) + 2, "three more candles", page=notebook)
    candles = evaluate(notebook, CANDLES)
    starts = [candle[0] for candle in candles]
    assert starts == sorted(set(starts))
    assert all(
        low <= min(opened, close) <= max(opened, close) <= high for _, opened, high, low, close in candles
    )


def test_the_page_moves(notebook: Page) -> None:
    notebook.evaluate(SHOW, "lab.dashboard()")
    first = until(
        lambda: (now := evaluate(notebook, STATE)) and now["x"] and now, "a price line", page=notebook
    )
    until(lambda: evaluate(notebook, STATE)["end"] > first["end"] + 1000, "movement", page=notebook)


def point_at(notebook: Page, overlay: Locator, part: float) -> list[str]:
    """Move the mouse to this part of the chart's width until the crosshair is there; give where that is, in pixels.

    The notebook may be scrolling yet, and the chart leave from under the mouse.
    """
    cursor = notebook.locator(".rtlab-cursor").last
    heights = cycle((100, 101))  # who does not move is not heard

    def crosshair() -> list[str]:
        box = overlay.bounding_box()
        assert box is not None
        notebook.mouse.move(box["x"] + part * box["width"], box["y"] + next(heights))
        lines = re.findall(r'<line x1="([\d.]+)" x2="\1"', cursor.inner_html())
        return [x for x in lines if abs(float(x) - part * box["width"]) <= SNAP_PX]

    return until(crosshair, "the crosshair", page=notebook)


def test_the_overlay_follows_the_mouse(notebook: Page) -> None:
    notebook.evaluate(SHOW, "lab.dashboard()")
    overlay = notebook.locator(".rtlab-overlay").last
    overlay.scroll_into_view_if_needed()
    seen = set()
    for step in range(8):
        seen.update(point_at(notebook, overlay, 0.4 + 0.05 * step))
    assert len(seen) > 4


def test_the_wheel_zooms(notebook: Page) -> None:
    notebook.evaluate(SHOW, "lab.dashboard()")
    overlay = notebook.locator(".rtlab-overlay").last
    overlay.scroll_into_view_if_needed()
    before = evaluate(notebook, STATE)
    point_at(notebook, overlay, 0.8)
    for _ in range(4):
        notebook.mouse.wheel(0, -200)
    narrow = (before["end"] - before["start"]) / 2
    until(
        lambda: (now := evaluate(notebook, STATE)) and now["end"] - now["start"] < narrow,
        "the zoom",
        page=notebook,
    )


def test_nothing_failed_behind_the_scenes(notebook: Page) -> None:
    run_code(
        notebook,
        """reader, stream = lab.statistics()["reader"], lab.statistics()["stream trades BTC-USD"]
assert reader.checksum_failures == reader.gaps == 0, reader
assert stream.dropped == stream.errors == 0, stream
assert not stream.missed or reader.dropped, stream  # what a busy machine missed, the server has told""",
    )
