"""The Panel server of a demo: one lab, and a dashboard for each browser that comes."""

import asyncio
from collections.abc import Callable

import panel as pn
from panel.template import Template

from rtlab.config import Settings
from rtlab.errors import AddressError
from rtlab.lab.dashboard import Dashboard
from rtlab.lab.lab import Lab, connect_with, demo_with

PAGE = "market"


async def serve_dashboard(
    settings: Settings, *, url: str | None, on_ready: Callable[[str, str], None], ended: asyncio.Event
) -> None:
    """Serve the market page of a demo, or of the feed at `url`, until `ended`; AddressError on a busy port."""
    async with connect_with(settings, url) if url else demo_with(settings) as lab:
        server = start_server(lab, settings)
        try:
            on_ready(f"http://{settings.host}:{server.port}/{PAGE}", lab.url)
            await ended.wait()
        finally:
            server.stop()


def start_server(lab: Lab, settings: Settings) -> "pn.io.server.Server":
    """Start Panel's server on the running loop; the lab is shared by all its sessions."""
    pn.extension(inline=True)
    host = settings.host
    try:
        server = pn.serve(
            {PAGE: lambda: page_of(lab)},
            address=host,
            port=settings.dashboard_port,
            show=False,
            start=False,
            title="rtlab",
            websocket_origin=[f"{name}:{settings.dashboard_port}" for name in (host, "localhost")]
            if settings.dashboard_port
            else "*",
        )
    except OSError as problem:
        raise AddressError(
            f"the dashboard cannot bind {host}:{settings.dashboard_port}: {problem.strerror or problem}",
            expected="a free port: --dashboard-port, or 0 for any",
        ) from None
    server.start()
    return server


def page_of(lab: Lab) -> Template:
    """Give a browser's own page of `lab`, and let go of it when its tab closes."""
    dashboard = Dashboard(lab)
    if pn.state.curdoc is not None and pn.state.curdoc.session_context is not None:
        pn.state.on_session_destroyed(lambda context: dashboard.close())
    return dashboard.served()
