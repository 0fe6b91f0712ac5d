"""A real JupyterLab for tests: started on a free port in a folder of its own, without token, and ended."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from playwright.sync_api import Browser, Page
from support.browser import Watch, until

# what JupyterLab 4.6 itself says on the console, whatever the notebook does
OWN_ERRORS = r"(?!)"

_SETTINGS = [
    "--no-browser",
    "--allow-root",
    "--ServerApp.port_retries=0",
    "--IdentityProvider.token=",
    "--ServerApp.password=",
    "--LabApp.expose_app_in_browser=True",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.news_url=None",
    "--LabApp.extension_manager=readonly",
]

# all code cells have run; the notebook's own model, because cells out of sight are not in the page
_COUNTS = """() => {
  const cells = jupyterapp.shell.currentWidget?.content?.widgets ?? []
  return cells.filter((c) => c.model.type === "code").map((c) => c.model.executionCount ?? null)
}"""
_OUTPUTS = """() => jupyterapp.shell.currentWidget.content.widgets
  .filter((c) => c.model.type === "code").map((c) => c.model.outputs.toJSON())"""


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    """Write a notebook of code cells without outputs."""
    code = [
        {
            "cell_type": "code",
            "id": f"c{i}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for i, source in enumerate(cells)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": code, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url + "api", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


@contextmanager
def jupyter_lab(folder: Path, home: Path) -> Iterator[str]:
    """Serve `folder`; all that Jupyter keeps goes under `home`. Gives the address."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    places = {
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "IPYTHONDIR": home / "ipython",
    }
    quiet = home / "settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", *_SETTINGS),
                f"--ServerApp.port={port}",
                f"--ServerApp.root_dir={folder}",
            ],
            env={**os.environ, **{name: str(place) for name, place in places.items()}},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        url = f"http://127.0.0.1:{port}/"
        try:
            until(lambda: process.poll() is not None or _answers(url), "JupyterLab", 60)
            assert process.poll() is None, (home / "log").read_text()[-2000:]
            yield url
        finally:
            process.send_signal(signal.SIGTERM)  # it ends its kernels
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


def open_notebook(page: Page, url: str, name: str) -> None:
    """Open a notebook of the served folder and wait for its kernel."""
    page.goto(f"{url}lab/tree/{name}?reset")
    idle = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
    page.wait_for_function(idle, timeout=60_000)


def end_kernel(page: Page) -> None:
    """End the kernel of the open notebook: the server, and what else it serves, goes on without it."""
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")


@contextmanager
def plotted(browser: Browser, url: str, name: str, seconds: float) -> Iterator[Page]:
    """A notebook that has run, and whose plot is there within `seconds`; it must end without console errors."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    watch = Watch(page)
    open_notebook(page, url, name)
    run_all(page)
    page.wait_for_selector(".rtlab-badge", timeout=1000 * seconds)
    yield page
    if not page.is_closed():
        page.close()
    watch.check(allowed=OWN_ERRORS)


def run_all(page: Page, seconds: float = 90.0) -> None:
    """Run all cells and wait until each has run; fails with the traceback of the first that could not."""
    page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
    until(lambda: all(page.evaluate(_COUNTS)) or errors(page), "all cells", seconds, page=page)
    failed = errors(page)
    assert not failed, "\n".join(failed)


def errors(page: Page) -> list[str]:
    """The tracebacks in the outputs of the open notebook."""
    outputs = [output for cell in page.evaluate(_OUTPUTS) for output in cell]
    return ["\n".join(o["traceback"]) for o in outputs if o["output_type"] == "error"]


def printed(page: Page) -> str:
    """All that the cells of the open notebook have printed."""
    outputs = [output for cell in page.evaluate(_OUTPUTS) for output in cell]
    texts = [o["text"] for o in outputs if o["output_type"] == "stream"]
    return "".join("".join(text) for text in texts)


def run_code(page: Page, code: str) -> None:
    """Run code in the open notebook's kernel, as a cell would, without a cell."""
    script = """async (code) => {
      const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel
      const reply = await kernel.requestExecute({ code }).done
      return reply.content
    }"""
    reply = page.evaluate(script, code)
    assert reply["status"] == "ok", reply
