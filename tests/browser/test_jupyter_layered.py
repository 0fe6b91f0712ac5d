"""A layered plot in a cell of a real JupyterLab: it moves, the wheel zooms, the overlay follows the mouse."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from support.browser import evaluate, until
from support.jupyter import end_kernel, plotted, run_code, write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CELLS = [
    """import panel as pn
from rtlab.views import overlay

overlay.BEAT_S = 0.5
pn.extension(inline=True)""",
    """import asyncio
import numpy as np
from rtlab.views import LayeredPlot, Pyramid

N = 1_000_000
pyramid = Pyramid(np.arange(float(N)), np.cumsum(np.random.default_rng(1).standard_normal(N)))
plot = LayeredPlot(pyramid, title="A million points", x="number", span=5000)
plot""",
    """async def feed():
    while True:
        await asyncio.sleep(0.02)
        x = plot.pyramid.x[-1] + np.arange(1.0, 11.0)
        plot.append(x, plot.pyramid.y[-1] + np.cumsum(np.random.standard_normal(10)))

task = asyncio.create_task(feed())""",
]
STATE = """
const plot = dense_plot()
if (!plot) return null
const source = plot.model.renderers.find((r) => r.name === "dense").data_source
const { x_range, y_range } = plot.model
return { x: [...source.data.x], y: [...source.data.y], start: x_range.start, end: x_range.end,
         width: Math.round(plot.frame.bbox.width),
         badge: plot.canvas_view.events_el.querySelector(".rtlab-badge")?.innerText }
"""


@pytest.fixture(scope="module")
def folder(jupyter: tuple[str, Path]) -> Path:
    return jupyter[1]


@pytest.fixture(scope="module")
def notebook(browser: Browser, jupyter: tuple[str, Path]) -> Iterator[Page]:
    url, folder = jupyter
    write_notebook(folder / "plot.ipynb", CELLS)
    with plotted(browser, url, "plot.ipynb", 30) as page:
        yield page
        end_kernel(page)


def state(page: Page) -> dict:
    return evaluate(page, STATE)


def test_the_chart_moves_as_a_task_appends(notebook: Page):
    first = until(lambda: (now := state(notebook)) and len(now["x"]) > 1000 and now, "points", page=notebook)
    until(lambda: state(notebook)["end"] > first["end"] + 500, "movement", page=notebook)
    now = state(notebook)
    assert now["end"] - now["start"] == pytest.approx(5000)
    assert now["start"] < now["x"][-1] < now["end"]
    assert "live" in now["badge"]


def test_the_overlay_follows_the_mouse(notebook: Page):
    box = notebook.locator(".rtlab-overlay").bounding_box()
    assert box is not None
    seen = set()
    for step in range(10):
        notebook.mouse.move(box["x"] + 100 + 40 * step, box["y"] + 150)
        notebook.wait_for_selector(".rtlab-cursor line", state="attached")
        seen.add(notebook.locator(".rtlab-cursor").inner_html())
    assert len(seen) > 5


def test_the_wheel_zooms_and_pauses_and_a_double_click_goes_on(notebook: Page):
    box = notebook.locator(".rtlab-overlay").bounding_box()
    assert box is not None
    before = state(notebook)
    notebook.mouse.move(box["x"] + 300, box["y"] + 150)
    for _ in range(5):
        notebook.mouse.wheel(0, -200)
    until(lambda: "paused" in state(notebook)["badge"], "paused", page=notebook)
    narrow = (before["end"] - before["start"]) / 4
    until(lambda: state(notebook)["end"] - state(notebook)["start"] < narrow, "the zoom", page=notebook)

    def drawn() -> bool:
        now = state(notebook)
        inside = [x for x in now["x"] if now["start"] <= x < now["end"]]
        return len(inside) > now["width"] / 2 and len(now["x"]) <= len(inside) + 2

    until(drawn, "the columns of the window", page=notebook)
    notebook.mouse.dblclick(box["x"] + 300, box["y"] + 150)
    until(lambda: "live" in state(notebook)["badge"], "live", page=notebook)


def test_zooming_works_while_a_cell_blocks(notebook: Page):
    box = notebook.locator(".rtlab-overlay").bounding_box()
    assert box is not None
    run_code(notebook, "before = plot.statistics().answered")
    notebook.evaluate(
        """() => { const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel
             window.busy = true
             kernel.requestExecute({ code: "import time; time.sleep(4)" }).done.then(() => window.busy = false) }"""
    )
    until(lambda: notebook.evaluate("window.busy"), "busy", page=notebook)
    at = state(notebook)
    notebook.mouse.move(box["x"] + 300, box["y"] + 150)
    notebook.mouse.wheel(0, -200)
    until(lambda: state(notebook)["x"] != at["x"], "an answer", page=notebook)
    assert notebook.evaluate("window.busy")
    until(lambda: not notebook.evaluate("window.busy"), "the cell ends", page=notebook)
    notebook.mouse.dblclick(box["x"] + 300, box["y"] + 150)


def test_the_saved_notebook_is_small_and_holds_a_picture_that_the_live_chart_hides(
    notebook: Page, folder: Path
):
    assert notebook.locator(".jp-RenderedSVG").count() == 1
    assert not notebook.locator(".jp-RenderedSVG").is_visible()
    notebook.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    file = folder / "plot.ipynb"
    until(lambda: "image/svg+xml" in file.read_text(), "saved", page=notebook)
    told = {}
    for cell in json.loads(file.read_text())["cells"]:
        for output in cell["outputs"]:
            for kind, data in output.get("data", {}).items():
                told[kind] = told.get(kind, 0) + len(json.dumps(data))
    print("SIZES", file.stat().st_size, told)
    assert file.stat().st_size < 1_000_000, told
    assert "<polyline" in file.read_text()


def test_shown_again_the_newer_output_moves(notebook: Page):
    run_code(notebook, "assert plot.overlay.seen; n = len(plot.overlay._models)")
    notebook.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
    until(lambda: state(notebook) and "live" in state(notebook)["badge"], "live again", 60, page=notebook)
    first = state(notebook)
    until(lambda: state(notebook)["end"] > first["end"] + 200, "movement", page=notebook)


def test_who_looks_is_asked_again_and_again_and_a_cleared_output_is_forgotten(notebook: Page):
    run_code(
        notebook,
        """import time as _time
_asked = []
_send = plot.overlay.send
plot.overlay.send = lambda message: (_asked.append(message["type"]), _send(message))
_deadline = _time.monotonic() + 20
while _asked.count("ping") < 8 and _time.monotonic() < _deadline:
    await asyncio.sleep(0.05)
assert _asked.count("ping") >= 8
assert plot.overlay.seen""",
    )
    notebook.evaluate("() => jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    until(lambda: notebook.locator(".rtlab-overlay").count() == 0, "cleared", page=notebook)
    run_code(
        notebook,
        """_deadline = _time.monotonic() + 20
while plot.overlay.seen and _time.monotonic() < _deadline:
    await asyncio.sleep(0.05)
assert not plot.overlay.seen
task.cancel()""",
    )
