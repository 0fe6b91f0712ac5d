"""Ten million points in a cell of a real JupyterLab: how soon the wheel is answered, minutes of pushes, and the end.

Minutes are RTLAB_MINUTES, five by default.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from support.browser import evaluate, until
from support.jupyter import jupyter_lab, open_notebook, plotted, run_all, run_code, write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(900)]

MINUTES = float(os.environ.get("RTLAB_MINUTES", "5"))
TURNS = 40
CELLS = [
    """import asyncio, gc, weakref
import numpy as np, panel as pn
from rtlab.views import LayeredPlot, Line, Pyramid

pn.extension(inline=True)
N = 10_000_000
pyramid = Pyramid(np.arange(float(N)), np.cumsum(np.random.default_rng(1).standard_normal(N)))
plot = LayeredPlot(pyramid, title="Ten million", x="number", span=20_000)
plot.overlay.lines = [Line(y=float(pyramid.y[-1]), name="stop", label="Stop")]
gone = weakref.ref(plot)
pushed = 0""",
    """from IPython.display import display
display(plot)""",
    """async def feed():
    global pushed
    due = asyncio.get_running_loop().time()
    while True:
        due = max(due + 0.05, asyncio.get_running_loop().time())
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        x = pyramid.x[-1] + np.arange(1.0, 51.0)
        plot.append(x, pyramid.y[-1] + np.cumsum(np.random.standard_normal(50)))
        pushed += 1""",
]
# the ms from each turn of the wheel to the new points in the line
NOTE_ANSWERS = """
const plot = dense_plot()
const source = plot.model.renderers.find((r) => r.name === "dense").data_source
window.answers = []
let turned = null
window.addEventListener("wheel", () => { turned ??= performance.now() }, true)
source.properties.data.change.connect(() => {
  if (turned !== null) window.answers.push(performance.now() - turned)
  turned = null
})
"""
BADGE = "return dense_plot()?.canvas_view.events_el.querySelector('.rtlab-badge')?.innerText"
BLOCK = """() => { jupyterapp.shell.currentWidget.sessionContext.session.kernel
  .requestExecute({ code: "import time; time.sleep(3)" }) }"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, home = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("home")
    write_notebook(folder / "long.ipynb", CELLS)
    with jupyter_lab(Path(folder), Path(home)) as url:
        yield url


@pytest.fixture(scope="module")
def notebook(browser: Browser, lab: str) -> Iterator[Page]:
    with plotted(browser, lab, "long.ipynb", 60) as page:
        yield page


def middle(page: Page) -> tuple[float, float]:
    box = page.locator(".rtlab-overlay").bounding_box()
    assert box is not None
    return box["x"] + 300, box["y"] + 120


def test_the_wheel_is_answered_soon(notebook: Page, capsys):
    until(lambda: "points" in (evaluate(notebook, BADGE) or ""), "points", 60, page=notebook)
    evaluate(notebook, NOTE_ANSWERS)
    notebook.mouse.move(*middle(notebook))
    for turn in range(TURNS):
        notebook.mouse.wheel(0, 150 if turn < TURNS / 2 else -100)
        until(lambda turn=turn: notebook.evaluate("window.answers.length") > turn, "an answer", page=notebook)
    p50, p95 = np.percentile(notebook.evaluate("window.answers"), [50, 95])
    with capsys.disabled():
        print(f"\nwheel to new points at 10^7 points in a cell: p50 {p50:.1f} ms, p95 {p95:.1f} ms")
    notebook.mouse.dblclick(*middle(notebook))


def test_minutes_of_pushes_beside_zooming_and_a_blocking_cell_bring_no_error(notebook: Page, capsys):
    run_code(notebook, "task = asyncio.create_task(feed())")
    until(lambda: "live" in (evaluate(notebook, BADGE) or ""), "live", 60, page=notebook)
    began, turns = time.monotonic(), 0
    while time.monotonic() < began + 60 * MINUTES:
        notebook.mouse.move(*middle(notebook))
        notebook.mouse.wheel(0, -120 if turns % 8 < 4 else 120)
        notebook.wait_for_timeout(250)
        turns += 1
        if turns % 8 == 0:
            notebook.mouse.dblclick(*middle(notebook))
        if turns % 80 == 0:
            notebook.evaluate(BLOCK)
    seconds = time.monotonic() - began
    notebook.mouse.dblclick(*middle(notebook))
    until(lambda: "live" in (evaluate(notebook, BADGE) or ""), "live again", page=notebook)
    run_code(notebook, f"assert pushed > {10 * seconds}, pushed  # three of twenty seconds are blocked")
    run_code(notebook, "assert plot.statistics().refused == 0, plot.statistics()")
    run_code(notebook, f"assert plot.statistics().answered > {turns / 2}, plot.statistics()")
    with capsys.disabled():
        print(f"\n{seconds:.0f} s of pushes, {turns} turns of the wheel, {turns // 80} blocking cells")


def test_a_closed_page_leaves_nothing_and_a_restarted_kernel_begins_anew(
    browser: Browser, notebook: Page, lab: str, capsys
):
    run_code(notebook, "assert plot.overlay.seen; task.cancel()")
    notebook.close()
    began = time.monotonic()
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    open_notebook(page, lab, "long.ipynb")
    run_code(page, FREED)
    with capsys.disabled():
        print(f"\na closed page: forgotten and freed within {time.monotonic() - began:.1f} s")
    kernel = "jupyterapp.shell.currentWidget.sessionContext"
    page.evaluate(f"() => {kernel}.restartKernel()")
    page.wait_for_function(f"() => {kernel}.session?.kernel?.status === 'idle'", timeout=60_000)
    run_all(page)
    page.wait_for_selector(".rtlab-badge", timeout=60_000)
    until(lambda: "points" in (evaluate(page, BADGE) or ""), "drawn by the new kernel", 60, page=page)
    page.close()


FREED = """import time as _time
_deadline = _time.monotonic() + 30
while plot.overlay.seen and _time.monotonic() < _deadline:
    await asyncio.sleep(0.1)
assert not plot.overlay.seen
del plot, task
from IPython import get_ipython
get_ipython().displayhook.flush()
while gone() is not None and _time.monotonic() < _deadline + 5:
    gc.collect()
    await asyncio.sleep(0.2)
assert gone() is None, gc.get_referrers(gone())"""
