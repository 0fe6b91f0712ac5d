"""The Panel server of a demo: one lab, and a dashboard for each browser that comes."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import panel as pn
from bokeh.server.server import Server
from panel.template import Template
from tornado.web import RedirectHandler

from rtlab.config import Settings, load
from rtlab.lab.dashboard import Dashboard, Kind
from rtlab.lab.grids import Grid
from rtlab.lab.lab import Lab, connect_with, demo_with, live_with
from rtlab.lab.machine import Monitor
from rtlab.lab.messages import NONE, pane_options
from rtlab.lab.preflight import check, free_port
from rtlab.lab.scrape import Count, Scrape
from rtlab.signals import interruptible
from rtlab.sources.venues.directory import is_live, wanted
from rtlab.tabs import let_go, origins_of
from rtlab.views.pyramid import Pyramid
from rtlab.views.shell import whole_page

PAGE = "market"


async def serve_dashboard(
    settings: Settings, *, on_ready: Callable[[str, str, Sequence[str]], None], ended: asyncio.Event
) -> None:
    """Serve the pages of the settings' feed until `ended`; raises what `check` does.

    `on_ready` is told the addresses of the market page and of the feed, and the names of the other pages.
    """
    check(settings)
    lab = await asyncio.to_thread(interruptible()(lab_of), settings)
    try:
        pages: dict[str, Callable[[], object]] = {
            PAGE: lambda: page_of(lab),
            "depth": lambda: page_of(lab, "depth"),
            "watch": lambda: watch_page_of(lab),
            "monitor": monitor_page,
        }
        if settings.messages != NONE:
            pages["messages"] = messages_page_of(pane_options(settings, lab.url))
        server = start_server(pages, settings.host, settings.dashboard_port, lab.statistics)
        try:
            on_ready(f"http://{settings.host}:{server.port}/{PAGE}", lab.url, [*pages][1:])
            await ended.wait()
        finally:
            server.stop()
    finally:
        await asyncio.to_thread(lab.close)


def lab_of(settings: Settings) -> Lab:
    """Give a lab of the settings' feed for pages to share, when it is there; call it where no loop runs."""
    if is_live(settings.url):
        wanted(settings.url)  # a wrong name, or a missing ccxt, is told before anything is compiled
    Pyramid()  # compiles its kernels here, where nobody waits for a page yet
    if settings.url == "demo":
        return demo_with(settings)
    return (
        live_with(settings, settings.url) if is_live(settings.url) else connect_with(settings, settings.url)
    )


def shared_lab() -> Lab:
    """Give the one lab of this Panel server, of the feed that the settings name; made at the first call."""

    def make() -> Lab:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lab_of, load(environ=os.environ)).result()

    lab: Lab = pn.state.as_cached("rtlab.lab", make)
    return lab


def start_server(
    pages: Mapping[str, Callable[[], object]], host: str, port: int, count: Count | None = None
) -> Server:
    """Start Panel's server of these pages on the running loop; port 0 takes any, AddressError on a busy one.

    The root leads to the first page. What `count` gives is at /metrics.
    """
    patterns: list[tuple[str, type, dict[str, object]]] = [
        ("/", RedirectHandler, {"url": f"/{next(iter(pages))}", "permanent": False})
    ]
    if count is not None:
        patterns.append(("/metrics", Scrape, {"count": count}))
    port = free_port(host, port)  # Panel leaves its socket open when it cannot bind it
    with _interrupted_as_before():
        server: Server = pn.serve(  # type: ignore[no-untyped-call]
            dict(pages),
            address=host,
            port=port,
            show=False,
            start=False,
            verbose=False,
            title="rtlab",
            websocket_origin=origins_of(host, port),
            use_index=False,  # Panel's asks other hosts for its looks
            extra_patterns=patterns,
        )
    server.start()
    return server


@contextmanager
def _interrupted_as_before() -> Iterator[None]:
    # Panel has Ctrl-C stop the loop under whoever runs it: how all ends is for the one who began it to say
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


def page_of(lab: Lab, kind: Kind = "market") -> Template:
    """Give a browser's own page of `lab`, and let go of it when its tab closes."""
    return let_go(Dashboard(lab, kind=kind)).served()


def watch_page_of(lab: Lab) -> Template:
    """Give a browser's own page of all instruments of `lab`, and let go of it when its tab closes."""
    return let_go(lab.watch()).served()


def monitor_page() -> Template:
    """Give a browser's own page of this machine's numbers, which are read once for all pages of this server."""
    monitor: Monitor = pn.state.as_cached("rtlab.monitor", Monitor)
    grid = Grid("This machine", monitor.metrics, monitor.lookers, has_feed=False)
    return let_go(grid).served()


def messages_page_of(options: dict[str, object]) -> Callable[[], object]:
    """Give a page of wallets' messages: each browser is a device of its own."""
    from rtlab.messaging.widget import MessagesPane  # late: its packages are an extra

    def page() -> Template:
        whole = {"height": "100vh"}
        pane = MessagesPane(options=options, height=None, sizing_mode="stretch_width", styles=whole)
        return whole_page(pane)

    return page
