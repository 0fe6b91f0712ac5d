"""What pipelines show: the drawing of a graph, and a Bokeh source that a stream keeps up to date in a served page."""

import threading
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page
from support.browser import evaluate, until
from support.frames import BTC, random_trades, trades

import rtlab.views.streams  # noqa: F401  gives streams their `to_source`
from rtlab.pipelines import FrameSource
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import FrameStream, root

pytestmark = pytest.mark.browser
SHOTS = Path(".shots")
LENGTH = "return find_view((v) => v.model.name === 'lines').model.renderers[0].data_source.data.ts.length"
LAST = "const d = find_view((v) => v.model.name === 'lines').model.renderers[0].data_source.data; return d.ticks.at(-1)"


def graph() -> FrameStream:
    stream = root("trades BTC-USD", "trades", OwnersLoop())
    bars = stream.bars("1s")
    stream.held = [
        bars.ema(3),
        bars.bollinger(10),
        stream.vwap("1m").conflate(),
        stream.map(lambda frame: 1 / 0),
    ]
    rows = random_trades(4, 3000, jitter=10**9)
    for first in range(0, 3000, 100):
        stream._emit(trades(rows[first : first + 100], first + 1))
    return stream


def test_a_graph_is_drawn_whole_and_nothing_lies_on_another(page: Page):
    page.set_content(f"<body style='margin:0'>{graph().visualize().svg}</body>")
    boxes = page.evaluate(
        "[...document.querySelectorAll('rect')].map((r) => r.getBoundingClientRect().toJSON())"
    )
    assert len(boxes) == 7
    width = page.evaluate("document.querySelector('svg').getBoundingClientRect().width")
    for number, one in enumerate(boxes):
        assert one["right"] <= width
        for other in boxes[number + 1 :]:
            apart = one["right"] < other["left"] or other["right"] < one["left"]
            assert apart or one["bottom"] < other["top"] or other["bottom"] < one["top"]
    texts = page.evaluate(
        """[...document.querySelectorAll('rect')].map((r) => {
        const texts = []
        for (let t = r.nextElementSibling; t && t.tagName === 'text'; t = t.nextElementSibling) texts.push(t)
        const box = r.getBoundingClientRect()
        return texts.every((t) => t.getBoundingClientRect().right <= box.right)
    })"""
    )
    assert all(texts)
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / "graph.png")


def test_what_was_lost_is_red(page: Page):
    page.set_content(graph().visualize().svg)
    red = page.evaluate("document.querySelectorAll('text[fill=\"#b91c1c\"]').length")
    assert red == 4  # two lines each of bars, which left rows out, and of the map that fails
    said = page.evaluate("document.querySelector('svg').textContent")
    assert "30 errors" in said
    assert "left out" in said


@pytest.fixture
def flowing():
    """A source that a thread feeds without a loop."""
    with FrameSource(BTC, "trades") as source:
        rows, sent, end = random_trades(2, 100_000), [0], threading.Event()

        def run() -> None:
            while not end.wait(0.02):
                first = sent[0]
                source.on_trades(rows[first : first + 20], first + 1)
                source.flush()
                sent[0] = first + 20

        thread = threading.Thread(target=run)
        thread.start()
        yield source, rows, sent
        end.set()
        thread.join(10)


def test_a_source_of_a_stream_goes_on_in_a_served_page(page: Page, serve, flowing):
    from bokeh.plotting import figure

    source, rows, sent = flowing

    def app():
        plot = figure(width=600, height=300, name="lines", x_axis_type="datetime")
        plot.line("ts", "ticks", source=source.stream.to_source(rollover=500))
        return plot

    page.goto(serve(app))
    until(
        lambda: evaluate(page, "return !!find_view((v) => v.model.name === 'lines')"), "the plot", page=page
    )
    until(lambda: evaluate(page, LENGTH) == 500, "500 rows, and not more", page=page)
    known = sent[0]
    last = until(lambda: evaluate(page, LAST), "a row", page=page)
    assert last in set(rows[: sent[0] + 20, 1].tolist())
    until(
        lambda: evaluate(page, LAST) in set(rows[known : sent[0] + 20, 1].tolist()), "newer rows", page=page
    )
    assert evaluate(page, LENGTH) == 500
    assert np.isfinite(evaluate(page, LAST))
    page.screenshot(path=SHOTS / "source.png")
