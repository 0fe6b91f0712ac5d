"""Each panel alone in a cell of a real JupyterLab, the whole page in another, and a stream's picture: all move."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from support.browser import Watch, evaluate, until
from support.jupyter import OWN_ERRORS, end_kernel, errors, open_notebook, run_all, run_code, write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

SUPPORT = Path(__file__).parents[1]

CELLS = [
    f"""import asyncio, sys
import panel as pn
from rtlab.views import beat
beat.ASK_S = 2.0
sys.path.append({str(SUPPORT)!r})
from support.random_market import BTC, RandomMarket
from rtlab.views import Candles, DepthChart, FeedHealth, Ladder, MarketPage, MarketState, Prices, TradeTape
from rtlab.pipelines import FrameSource
pn.extension(inline=True)
market = RandomMarket()
prices = Prices(BTC)
prices.append(market.trades(2000))""",
    "ladder = Ladder(BTC, 6)\nladder",
    "depth = DepthChart(BTC)\ndepth",
    "candles = Candles(BTC, 10**9)\ncandles",
    "tape = TradeTape(BTC, 20)\ntape",
    "health = FeedHealth()\nhealth",
    'source = FrameSource(BTC, "trades")\nplot = source.stream.bars("1s").plot(height=200)\nplot',
    "page = MarketPage([BTC], on_instrument=lambda one: prices)\npage",
    """async def feed():
    seq = 1
    while True:
        await asyncio.sleep(1 / 5)
        columns = market.trades(3)
        rows = list(zip(columns["ts"], columns["ticks"], columns["lots"], columns["side"]))
        source.on_trades(rows, seq)
        source.flush()
        seq += 3
        prices.append(columns)
        bids, asks = market.levels()
        told = {"state": "live", "staleness_ms": 1, "messages": seq}
        bars = market.newest_bars(100)
        ladder.update(bids, asks, market.last)
        depth.update(bids, asks)
        candles.update(bars)
        tape.append(columns)
        health.update(told)
        page.update(MarketState(bids, asks, market.last, bars, columns, told))

task = asyncio.create_task(feed())""",
]
CLEAR = """(number) => {
  jupyterapp.shell.currentWidget.content.widgets[number].model.outputs.clear()
}"""
FIGURES = """
const found = []
const walk = (view) => {
  if (view.model.name === a) found.push(view.model.renderers[0].data_source.data)
  for (const child of view.children_views()) walk(child)
}
for (const root of Bokeh.index.roots) walk(root)
return found.map((data) => Object.values(data).map((column) => [...column]))
"""


@pytest.fixture(scope="module")
def lab(jupyter: tuple[str, Path]) -> str:
    url, folder = jupyter
    write_notebook(folder / "panels.ipynb", CELLS)
    return url


@pytest.fixture(scope="module")
def notebook(browser: Browser, lab: str) -> Iterator[Page]:
    # so high that JupyterLab draws every cell
    page = browser.new_page(viewport={"width": 1400, "height": 6000})
    watch = Watch(page)
    open_notebook(page, lab, "panels.ipynb")
    run_all(page)
    page.locator(".rt.market").wait_for()
    yield page
    assert errors(page) == []
    end_kernel(page)
    page.close()
    watch.check(allowed=OWN_ERRORS)


def cell(page: Page, number: int, selector: str) -> list[str]:
    return page.locator(".jp-CodeCell").nth(number).locator(selector).all_inner_texts()


@pytest.mark.parametrize(
    ("number", "selector"),
    [
        (1, ".ladder .bid .price"),
        (1, ".ladder .ask .size"),
        (4, ".tape .line"),
        (5, ".health .value"),
        (7, ".market .last"),
        (7, ".ladder .bid .size"),
        (7, ".tape .line"),
    ],
)
def test_text_in_its_cell_moves(notebook: Page, number: int, selector: str) -> None:
    before = until(lambda: cell(notebook, number, selector), "something", page=notebook)
    until(lambda: cell(notebook, number, selector) != before, "movement", 30, page=notebook)


@pytest.mark.parametrize(("name", "places"), [("depth", 2), ("candles", 3)])
def test_charts_in_their_cells_move(notebook: Page, name: str, places: int) -> None:
    before = until(
        lambda: (found := evaluate(notebook, FIGURES, name)) and len(found) == places and found,
        f"{places} of them",
        30,
        page=notebook,
    )
    for place in range(places):
        until(
            lambda: evaluate(notebook, FIGURES, name)[place] != before[place],  # noqa: B023
            f"movement of {name} {place}",
            30,
            page=notebook,
        )


def test_a_panel_has_a_height_of_its_own_in_a_cell(notebook: Page) -> None:
    heights = notebook.locator(".jp-CodeCell").evaluate_all(
        """(cells) => cells.map((cell) =>
             [...cell.querySelectorAll(".jp-OutputArea-output")].at(-1)?.getBoundingClientRect().height)"""
    )
    for number, least in ((1, 250), (2, 200), (3, 240), (4, 180), (5, 30), (6, 200), (7, 600)):
        assert heights[number] >= least, number


def test_ranges_that_the_browser_sets_are_not_told_to_the_kernel(notebook: Page) -> None:
    run_code(notebook, "assert (depth._figure.x_range.start, depth._figure.x_range.end) == (0, 1)")


def test_the_theme_changes_from_a_cell_and_from_the_page(notebook: Page) -> None:
    run_code(notebook, "ladder.theme = depth.theme = candles.theme = tape.theme = health.theme = 'dark'")
    for number, name in ((1, "ladder"), (4, "tape"), (5, "health")):
        notebook.locator(".jp-CodeCell").nth(number).locator(f".rt.{name}.dark").wait_for()
    notebook.locator(".market .switch").click()
    notebook.locator(".rt.market.dark").wait_for()
    notebook.locator(".rt.market.dark .rt.tape.dark").wait_for()
    until(lambda: kernel(notebook, "page.theme") == "dark", "the kernel knows", page=notebook)


def kernel(page: Page, expression: str) -> str:
    """Evaluate in the kernel and give the text of it."""
    script = """async (code) => {
      const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel
      const reply = await kernel.requestExecute({ code: "", user_expressions: { it: code } }).done
      return reply.content.user_expressions.it.data["text/plain"]
    }"""
    return str(page.evaluate(script, f"str({expression})")).strip("'")


def test_a_cleared_stream_plot_leaves_its_stream(notebook: Page) -> None:
    assert kernel(notebook, "plot.fed") == "True"
    notebook.evaluate(CLEAR, 6)
    until(lambda: kernel(notebook, "plot.fed") == "False", "it leaves", 60, page=notebook)
    run_code(notebook, "task.cancel()")
