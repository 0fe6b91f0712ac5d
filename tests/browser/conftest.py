"""Fixtures for tests in a browser: `browser`, `page` (watched), `serve` (a Panel app at a free port),
`jupyter` (a JupyterLab for all).
"""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from support.browser import Watch, chromium, until
from support.jupyter import jupyter_lab


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # a module long: while Playwright's sync interface is open no asyncio loop can run in this thread
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of 1280 x 720 which must end without console errors and requests to other hosts."""
    opened = browser.new_page(viewport={"width": 1280, "height": 720})
    watch = Watch(opened)
    yield opened
    opened.close()
    watch.check()


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """One JupyterLab for the notebooks of several modules, which end their kernels: its address and its folder."""
    folder, home = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("home")
    with jupyter_lab(folder, home) as url:
        yield url, folder


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[[Callable[[], object]], str]]:
    """Serve a Panel app from a thread of this process: `serve(app)` gives its address."""
    import panel as pn

    threads = []

    def start(app: Callable[[], object]) -> str:
        port = free_port()
        threads.append(
            pn.serve(
                app,
                port=port,
                address="127.0.0.1",
                websocket_origin=[f"127.0.0.1:{port}"],
                show=False,
                threaded=True,
                verbose=False,
                unused_session_lifetime_milliseconds=5000,  # less, and it ends before its socket comes
                check_unused_sessions_milliseconds=500,
            )
        )
        until(lambda: listens(port), "the server")
        return f"http://127.0.0.1:{port}/"

    yield start
    for thread in threads:
        thread.stop()
        thread.join(10)
