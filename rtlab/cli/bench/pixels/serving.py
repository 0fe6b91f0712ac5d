"""The process that serves one contender's page and feeds it: ours, a plain Bokeh figure, or uPlot."""

import asyncio
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tornado.web import Application, RequestHandler, StaticFileHandler
from tornado.websocket import WebSocketHandler

from rtlab.cli.bench.children import Owner
from rtlab.cli.bench.environments import modules_with
from rtlab.cli.bench.pixels.walk import HZ, Walk
from rtlab.lab.serving import start_server
from rtlab.views import Event, LayeredPlot, Line, Marker, Pyramid

CONTENDERS = ("rtlab", "bokeh", "uPlot")
UPLOT = "1.6.32"
OVERLAYS = 200
HEIGHT = 600
_HERE = Path(__file__).parent


class Case(NamedTuple):
    """One contender with so many points."""

    contender: str
    points: int

    @property
    def version(self) -> str:
        """The contender's name, and of a peer its version."""
        if self.contender == "uPlot":
            return f"uPlot {UPLOT}"
        return "rtlab" if self.contender == "rtlab" else f"bokeh {version('bokeh')}"


def uplot() -> Path:
    """Give the folder of uPlot's files; Unfit where it cannot be installed."""
    return modules_with("uplot", (f"uplot@{UPLOT}",)) / "uplot" / "dist"


async def serve(owner: Owner, case: Case, folder: str) -> None:
    """Serve the page of a case, tell the owner its address, and feed it until the owner has gone."""
    walk = Walk(case.points)
    if case.contender == "uPlot":
        await _serve_uplot(owner, walk, folder)
        return
    page = _ours if case.contender == "rtlab" else _bokeh
    feeds: list[Callable[[], None]] = []
    shown = page(walk, feeds)
    server = start_server({"pixels": shown}, "127.0.0.1", 0)
    owner.send(f"http://127.0.0.1:{server.port}/pixels")
    try:
        while True:
            await asyncio.sleep(1 / HZ)
            for feed in feeds:
                feed()
    finally:
        server.stop()


def _ours(walk: Walk, feeds: list[Callable[[], None]]) -> Callable[[], object]:
    x, y = walk.past
    pyramid = Pyramid(x, y)

    def page() -> LayeredPlot:
        plot = LayeredPlot(pyramid, height=HEIGHT)
        at = np.linspace(0, len(x) - 1, OVERLAYS // 4, dtype=int)
        plot.overlay.lines = [Line(y=float(y[i]), label=f"order {i}", name=f"{i}") for i in at]
        plot.overlay.events = [Event(x=float(x[i]), label="event") for i in at]
        both = np.concatenate([at, at[1:] - 1, at[:1] + 1])
        plot.overlay.markers = [Marker(x=float(x[i]), y=float(y[i]), shape="up") for i in both]
        feeds.append(lambda: plot.append(*walk.due()))
        return plot

    return page


def _bokeh(walk: Walk, feeds: list[Callable[[], None]]) -> Callable[[], object]:
    x, y = walk.past
    models: Any = import_module("bokeh.models")  # a peer, as any other
    panel: Any = import_module("panel")

    def page() -> object:
        source = models.ColumnDataSource({"x": x, "y": y})
        plot = import_module("bokeh.plotting").figure(
            x_axis_type="datetime", height=HEIGHT, sizing_mode="stretch_width", tools=""
        )
        line = plot.line("x", "y", source=source, name="dense")
        plot.x_range, plot.y_range = (models.DataRange1d(renderers=[line]) for _ in range(2))
        at = np.linspace(0, len(x) - 1, OVERLAYS // 2, dtype=int)
        plot.scatter(x[at], y[at], size=8, marker="triangle")
        for i in at:
            plot.add_layout(models.Span(location=float(y[i]), dimension="width", line_dash="dashed"))
        plot.add_tools(models.HoverTool(renderers=[line], mode="vline", tooltips=[("x", "@x"), ("y", "@y")]))

        def feed() -> None:
            new = dict(zip("xy", walk.due(), strict=True))
            document = plot.document
            if document is not None and document.session_context is not None:
                document.add_next_tick_callback(lambda: source.stream(new, rollover=len(x)))

        feeds.append(feed)
        return panel.pane.Bokeh(plot, sizing_mode="stretch_width")

    return page


async def _serve_uplot(owner: Owner, walk: Walk, folder: str) -> None:
    x, y = walk.past
    page = (_HERE / "uplot.html").read_text("utf-8")
    begun = {"points": len(x), "overlays": OVERLAYS, "height": HEIGHT}

    class Page(RequestHandler):
        def get(self) -> None:
            self.write(page.replace("{{begun}}", str(begun)))

    class Points(WebSocketHandler):
        def open(self, *arguments: str, **named: str) -> None:
            self.set_nodelay(True)
            sockets.append(self)
            self.write_message(np.concatenate([x, y]).tobytes(), binary=True)

        def on_close(self) -> None:
            sockets.remove(self)

    sockets: list[Points] = []
    files = (r"/dist/(.*)", StaticFileHandler, {"path": folder})
    server = Application([("/", Page), ("/points", Points), files]).listen(0, "127.0.0.1")
    port = next(iter(server._sockets.values())).getsockname()[1]
    owner.send(f"http://127.0.0.1:{port}/")
    try:
        while True:
            await asyncio.sleep(1 / HZ)
            for socket in sockets:
                socket.write_message(np.concatenate(walk.due()).tobytes(), binary=True)
    finally:
        server.stop()
