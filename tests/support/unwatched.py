"""Pages of a Chromium that nothing watches, for what is measured: only expressions are evaluated in them.

Playwright has a browser report each frame of a WebSocket to it, and takes it in: a third of what a message costs.
"""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
from support.browser import executable
from websockets.sync.client import ClientConnection, connect

from rtlab.cli.browser import FLAGS

SECONDS = 60.0


class Chromium:
    """The DevTools protocol of a browser, as far as it is needed: one call after the other."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._last = socket, 0

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Call and give the result; what the browser tells meanwhile is passed over."""
        self._last += 1
        told = {"id": self._last, "method": method, "params": parameters}
        self._socket.send(json.dumps(told | ({"sessionId": session} if session else {})))
        while (answer := json.loads(self._socket.recv(SECONDS))).get("id") != self._last:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def page(self, url: str) -> "UnwatchedPage":
        """Open a page of somebody of his own."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url=url, browserContextId=context, width=900, height=560)
        session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        return UnwatchedPage(self, session["sessionId"])


class UnwatchedPage:
    """A page by its session."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser, self._session = browser, session

    def evaluate(self, function: str, argument: Any = None) -> Any:
        """Call a function of JavaScript in the page, and give what it gives, or comes to."""
        expression = f"({function})({json.dumps(argument)})"
        asked = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = self._browser.call("Runtime.evaluate", self._session, **asked)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, function: str, argument: Any = None, seconds: float = 30.0) -> Any:
        """Wait until the function gives what is true, and give it."""
        deadline = time.monotonic() + seconds
        while not (value := self.evaluate(function, argument)):
            if time.monotonic() > deadline:
                pytest.fail(f"not within {seconds} s: {function}")
            time.sleep(0.02)
        return value


class _Started:
    """A Chromium in a process and a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._port = folder / "DevToolsActivePort"
        arguments = [*FLAGS, "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
        self._process = subprocess.Popen([executable(), *arguments], stderr=subprocess.DEVNULL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self._process.terminate()
        self._process.wait(20)

    def address(self) -> str:
        deadline = time.monotonic() + SECONDS
        while not (self._port.exists() and self._port.read_text().count("\n")):
            if time.monotonic() > deadline or self._process.poll() is not None:
                pytest.fail("Chromium does not say where it listens")
            time.sleep(0.02)
        port, path = self._port.read_text().split("\n")[:2]
        return f"ws://127.0.0.1:{port}{path}"


@contextmanager
def unwatched() -> Iterator[Chromium]:
    """Start a Chromium of its own, and end it."""
    with (
        tempfile.TemporaryDirectory(prefix="rtlab-chromium-", ignore_cleanup_errors=True) as folder,
        _Started(Path(folder)) as started,
        connect(started.address(), max_size=None) as socket,
    ):
        yield Chromium(socket)
