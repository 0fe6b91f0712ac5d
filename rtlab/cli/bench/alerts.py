"""The part of `rtlab bench bus` that tells how soon an alert reaches page and webhook, from a market at full speed.

The time begins when the rule speaks, in the lab that watches the feed, and ends where the page's list and the
webhook's server have it: both are on this machine, the webhook in a thread of this process.
"""

import json
import queue
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np

import rtlab

RATE = 50_000
"""Events a second that the market makes."""
BOUND_MS = 250.0
PATIENCE_S = 30.0

Came = queue.SimpleQueue[tuple[str, float]]


def measure(count: int) -> Iterator[tuple[str, list[float]]]:
    """Give (page or webhook, the `count` times in ms) of alerts that are told one after the other."""
    page, hook = Came(), Came()
    with rtlab.demo(rate=RATE) as lab, _Hook(hook) as url:
        lab.alerts.on_alert(lambda ts, alert: page.put((alert.rule, (time.time_ns() - ts) / 1e6)))
        times: dict[str, list[float]] = {"page": [], "webhook": []}
        for number in range(count):
            watch = lab.alert(lab.symbols[number % len(lab.symbols)], above=0, webhook=url)
            for name, came in (("page", page), ("webhook", hook)):
                rule, ms = came.get(timeout=PATIENCE_S)
                assert rule == watch.id
                times[name].append(ms)
            watch.end()
    yield from times.items()


def rows(count: int) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    """Give (result, goal) for page and webhook, as `rtlab bench --json` prints them."""
    for name, times in measure(count):
        p50, p99 = (float(np.percentile(times, share)) for share in (50, 99))
        said = f"alert to {name}"
        case = f"{RATE:,} events/s in, {count} alerts"
        yield (
            {"name": f"{said}, p99", "contender": "rtlab", "case": case, "unit": "ms", "runs": 1}
            | {"median": p99, "min": min(times), "max": max(times), "p50": p50},
            {"show": 7, "name": f"{said}, p99", "value": p99, "bound": BOUND_MS, "op": "<=", "unit": "ms"},
        )


class _Hook:
    """A webhook that notes when which alert came."""

    def __init__(self, came: Came) -> None:
        class Taker(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                came.put((body["rule"], (time.time_ns() - body["ts_event"]) / 1e6))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}/"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
