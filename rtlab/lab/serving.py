"""The Panel server of a demo: one lab, and a dashboard for each browser that comes."""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import panel as pn
from bokeh.server.server import Server
from panel.template import Template

from rtlab.config import Settings, load
from rtlab.errors import AddressError
from rtlab.lab.dashboard import Dashboard, Kind
from rtlab.lab.lab import Lab, connect_with, demo_with
from rtlab.views.pyramid import Pyramid

PAGE = "market"


async def serve_dashboard(
    settings: Settings, *, on_ready: Callable[[str, str], None], ended: asyncio.Event
) -> None:
    """Serve the market page of the settings' feed until `ended`; AddressError on a busy port."""
    lab = await asyncio.to_thread(lab_of, settings)
    try:
        pages = {PAGE: lambda: page_of(lab), "depth": lambda: page_of(lab, "depth")}
        server = start_server(pages, settings.host, settings.dashboard_port)
        try:
            on_ready(f"http://{settings.host}:{server.port}/{PAGE}", lab.url)
            await ended.wait()
        finally:
            server.stop()
    finally:
        await asyncio.to_thread(lab.close)


def lab_of(settings: Settings) -> Lab:
    """Give a lab of the settings' feed for pages to share, when it is there; call it where no loop runs."""
    Pyramid()  # compiles its kernels here, where nobody waits for a page yet
    return demo_with(settings) if settings.url == "demo" else connect_with(settings, settings.url)


def shared_lab() -> Lab:
    """Give the one lab of this Panel server, of the feed that the settings name; made at the first call."""

    def make() -> Lab:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lab_of, load(environ=os.environ)).result()

    lab: Lab = pn.state.as_cached("rtlab.lab", make)
    return lab


def start_server(pages: Mapping[str, Callable[[], object]], host: str, port: int) -> Server:
    """Start Panel's server of these pages on the running loop; port 0 takes any, AddressError on a busy one."""
    try:
        # Panel leaves its socket open when it cannot bind it: so this is found out beforehand
        with socket.create_server((host, port)) as probe:
            port = probe.getsockname()[1]
    except OSError as problem:
        raise AddressError(
            f"the dashboard cannot bind {host}:{port}: {problem.strerror or problem}",
            expected="a free port: --dashboard-port, or 0 for any",
        ) from None
    server: Server = pn.serve(  # type: ignore[no-untyped-call]
        dict(pages),
        address=host,
        port=port,
        show=False,
        start=False,
        verbose=False,
        title="rtlab",
        websocket_origin=[f"{name}:{port}" for name in (host, "localhost")],
    )
    server.start()
    return server


def page_of(lab: Lab, kind: Kind = "market") -> Template:
    """Give a browser's own page of `lab`, and let go of it when its tab closes."""
    dashboard = Dashboard(lab, kind=kind)
    if pn.state.curdoc is not None and pn.state.curdoc.session_context is not None:
        pn.state.on_session_destroyed(lambda context: dashboard.close())
    return dashboard.served()
