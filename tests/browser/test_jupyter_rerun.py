"""A cell of a real JupyterLab that is run again and again: what its older outputs held is freed within 15 s."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from support.browser import Watch, until
from support.jupyter import OWN_ERRORS, jupyter_lab, open_notebook, printed, run_all, run_code, write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(300)]

AGAIN = 10
CELLS = [
    """import gc, weakref
import numpy as np, panel as pn, streamz
import rtlab
from IPython.display import display
from panel.io.state import state
pn.extension(inline=True)
stream, made = streamz.Stream(), []

def alive():
    gc.collect()
    return sum(one() is not None for one in made), len(stream.downstreams), len(state._views)""",
    """# `display`, as the last line of a cell stays in IPython's Out
plot = rtlab.plot(stream)
made.append(weakref.ref(plot))
display(plot)
stream.emit((np.arange(100.0) + 100 * len(made), np.arange(100.0)))""",
]
RUN = """async (number) => {
  const notebook = jupyterapp.shell.currentWidget.content
  notebook.activeCellIndex = number
  await jupyterapp.commands.execute("notebook:run-cell")
}"""
WAIT = """import asyncio, time
_began = time.monotonic()
while alive()[0] > {alive} and time.monotonic() < _began + 40:
    stream.emit((np.arange(2.0) + 1e6 * time.monotonic(), np.zeros(2)))
    await asyncio.sleep(0.2)
_took = time.monotonic() - _began
stream.emit((np.arange(2.0) + 1e6 * time.monotonic(), np.zeros(2)))  # who is gone leaves a stream with its next
await asyncio.sleep(0.1)
_last = alive()
print("took", round(_took, 1), "alive", _last)
assert _last[0] <= {alive}, _last
assert _last[1] <= {alive}, _last
assert _last[2] <= {alive} + 1, _last
assert _took <= 15, _took"""


@pytest.fixture(scope="module")
def notebook(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder, home = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("home")
    write_notebook(folder / "again.ipynb", CELLS)
    with jupyter_lab(Path(folder), Path(home)) as url:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        watch = Watch(page)
        open_notebook(page, url, "again.ipynb")
        run_all(page)
        page.wait_for_selector(".rtlab-badge", timeout=30_000)
        yield page
        page.close()
        watch.check(allowed=OWN_ERRORS)


def test_a_cell_run_ten_times_holds_only_its_last_plot(notebook: Page):
    for run in range(AGAIN):
        notebook.evaluate(RUN, 1)
        notebook.wait_for_timeout(700)
        assert "Error" not in printed(notebook), run
    until(lambda: notebook.locator(".rtlab-badge").count() == 1, "one plot", page=notebook)
    run_code(notebook, f"assert len(made) == {AGAIN + 1}")
    run_code(notebook, WAIT.format(alive=1))


def test_a_cleared_output_holds_nothing(notebook: Page):
    notebook.evaluate("() => jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    run_code(notebook, "del plot")
    run_code(notebook, WAIT.format(alive=0))
