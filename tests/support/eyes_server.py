"""A Panel server in a process of its own: `python eyes_server.py chart|market`; a JSON line for each line it is told.

chart: one pyramid that gets 1,000 points ten times a second, x being the time at which they are appended, and a
LayeredPlot of its newest SPANS[i % 10] ms for the i-th who comes. market: the market page of a whole demo.
"""

import asyncio
import gc
import json
import resource
import sys
import threading
import time
import weakref

import numpy as np
import panel as pn

from rtlab.config import Settings
from rtlab.lab import eyes
from rtlab.lab.serving import lab_of, page_of
from rtlab.views import LayeredPlot, Pyramid

HZ = 10
BATCH = 1000
SPANS = [2000.0 * (i + 1) for i in range(10)]
eyes.LINGER_S = 1.0


class Charts:
    def __init__(self) -> None:
        self.pyramid, self.made, self.shown = Pyramid(), 0, weakref.WeakSet()
        self.random = np.random.default_rng(5)
        self.pyramid.append([time.time() * 1000], [0.0])

    def page(self) -> LayeredPlot:
        plot = LayeredPlot(self.pyramid, span=SPANS[self.made % len(SPANS)])
        self.made += 1
        self.shown.add(plot)
        return plot

    def feed(self) -> None:
        now, newest = time.time() * 1000, float(self.pyramid.x[-1])
        x = newest + (now - newest) * (1 + np.arange(BATCH)) / BATCH
        self.pyramid.append(x, self.random.standard_normal(BATCH).cumsum())
        for plot in list(self.shown):
            plot.refresh()

    def told(self) -> dict:
        live = [plot.statistics() for plot in list(self.shown)]
        merged = sum(one.merged for one in live)
        return {"alive": len(live), "merged": merged, "subscriptions": 0, "points": len(self.pyramid)}


class Market:
    def __init__(self) -> None:
        self.lab, self.shown = lab_of(Settings(url="demo")), weakref.WeakSet()

    def page(self) -> object:
        template = page_of(self.lab)
        self.shown.add(template)
        return template

    def feed(self) -> None:
        pass

    def told(self) -> dict:
        subscriptions = self.lab.loop.call(lambda: len(self.lab.hub.wishes))
        return {"alive": len(self.shown), "subscriptions": subscriptions, "points": 0}


def asked(lines: asyncio.Queue, loop: asyncio.AbstractEventLoop) -> None:
    for line in sys.stdin:
        loop.call_soon_threadsafe(lines.put_nowait, line.strip())
    loop.call_soon_threadsafe(lines.put_nowait, "end")


async def main(kind: str) -> None:
    served = await asyncio.to_thread(Market if kind == "market" else Charts)
    lifetimes = {"unused_session_lifetime_milliseconds": 1000, "check_unused_sessions_milliseconds": 200}
    server = pn.serve(
        {"page": served.page}, port=0, address="127.0.0.1", show=False, start=False, verbose=False,
        websocket_origin=["*"], **lifetimes,
    )  # fmt: skip
    server.start()
    print(f"http://127.0.0.1:{server.port}/page", flush=True)
    lines: asyncio.Queue = asyncio.Queue()
    threading.Thread(target=asked, args=(lines, asyncio.get_running_loop()), daemon=True).start()
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        try:
            async with asyncio.timeout_at(due):
                line = await lines.get()
        except TimeoutError:
            served.feed()
            due = max(due + 1 / HZ, loop.time())
            continue
        if line == "end":
            break
        own = {"cpu_s": time.process_time(), "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}
        gc.collect()  # takes a second of its own
        own |= {"sessions": len(server.get_sessions()), "now": time.time(), "kb": resident_kb()}
        own["objects"] = len(gc.get_objects())
        print(json.dumps(await asyncio.to_thread(served.told) | own), flush=True)
    server.stop()
    if kind == "market":
        await asyncio.to_thread(served.lab.close)


def resident_kb() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() // 1024


asyncio.run(main(sys.argv[1]))
