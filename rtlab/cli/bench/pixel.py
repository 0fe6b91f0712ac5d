"""From a trade in the engine to a pixel of the market page, in a headless Chromium: the browser half of `flow`.

The page of `rtlab demo` is opened as anybody opens it. A trade's x is the time at which its order was due at the
engine (the wall clock, ms). Whenever the price line has been painted with a newer last point, the page notes the
time right after that frame was rendered, less that x: what a person's eyes wait for.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median, quantiles

from rtlab.cli.bench.browser import chromium, opened
from rtlab.cli.bench.results import result

GOAL_MS = 60.0
SETTLE_MS = 3000
WATCH = """() => {
  const walk = (view) => {
    const { renderers } = view.model
    if (Array.isArray(renderers) && renderers.some((r) => r.name === "dense")) return view
    for (const child of view.children_views()) { const found = walk(child); if (found) return found }
  }
  const plot = Bokeh.index.roots.map(walk).find((view) => view)
  if (!plot || window.pixels) return Boolean(plot)
  const source = plot.model.renderers.find((r) => r.name === "dense").data_source
  const paint = plot._paint_primary
  let last = 0
  window.pixels = []
  plot._paint_primary = function (...args) {
    const painted = paint.apply(this, args), x = source.data.x[source.data.x.length - 1]
    if (x > last) {
      last = x
      const { port1, port2 } = new MessageChannel()  // its message comes right after this frame was rendered
      port1.onmessage = () => window.pixels.push(performance.timeOrigin + performance.now() - x)
      port2.postMessage(0)
    }
    return painted
  }
  return true
}"""


def measure(quick: bool) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Give the rows and the goal of the way to the pixel; rows with a reason where no browser can be had."""
    goal: dict[str, object] = {
        "show": 7,
        "name": "trade to pixel, p50",
        "bound": GOAL_MS,
        "op": "<=",
        "unit": "ms",
    }
    browser, reason = chromium()
    if reason:
        return [_row("trade to pixel, p50", [], reason)], [goal | {"value": None}]
    runs = [_watch(browser, 5.0 if quick else 15.0) for _ in range(1 if quick else 3)]
    p50 = [median(run) for run in runs]
    p99 = [quantiles(run, n=100)[98] for run in runs]
    rows = [_row("trade to pixel, p50", p50), _row("trade to pixel, p99", p99)]
    return rows, [goal | {"value": median(p50)}]


def _row(name: str, column: list[float], reason: str = "") -> dict[str, object]:
    return result(name, "rtlab", "market page, 2,000 commands/s", "ms", column, reason)


@contextmanager
def _demo() -> Iterator[str]:
    command = [sys.executable, "-m", "rtlab", "demo", "--dashboard-port", "0", "--for", "2m"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        try:
            yield re.findall(r"http://\S+", demo.stdout.readline())[0]
        finally:
            demo.terminate()


def _watch(browser: str, seconds: float) -> list[float]:
    """Open the page and give the ms from trade to pixel of every paint with a new last point."""
    with _demo() as url, opened(browser, url, 1280, 900) as page:
        page.wait_for_timeout(SETTLE_MS)
        page.wait_for_function(WATCH, timeout=30_000)
        page.wait_for_timeout(seconds * 1000)
        return [float(ms) for ms in page.evaluate("window.pixels")]
