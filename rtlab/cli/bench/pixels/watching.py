"""One contender in a Chromium of its own, a mouse that moves over it, and what the page noted meanwhile."""

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rtlab.cli.bench.browser import opened
from rtlab.cli.bench.children import Child
from rtlab.cli.bench.environments import Unfit
from rtlab.cli.bench.pixels.serving import Case, serve, uplot

if TYPE_CHECKING:
    from playwright.sync_api import Page

SETTLE_MS = 1500
MOVE_MS = 25
_WATCH = Path(__file__).with_name("watch.js").read_text("utf-8")


class Seen(NamedTuple):
    """What a page noted: frames, hover answers, paints of the line, and how old its newest point was then."""

    frames_per_s: float
    frame_p95_ms: float
    hover_p95_ms: float
    paints_per_s: float
    behind_p95_ms: float


def watch(browser: str, case: Case, seconds: float) -> Seen:
    """Watch a case for so long; Unfit where its peer cannot be had, or painted or answered nothing."""
    folder = str(uplot()) if case.contender == "uPlot" else ""
    with Child(serve, case, folder) as server, opened(browser, server.receive(), 1280, 720) as page:
        page.wait_for_function(_WATCH, arg=case.contender, timeout=60_000)
        place = page.evaluate("seen.place")
        _move(page, place, SETTLE_MS / 1000)
        page.evaluate("seen.frames.length = seen.hovers.length = seen.behind.length = 0")
        _move(page, place, seconds)
        return summed_up(page.evaluate("seen"))


def summed_up(noted: Mapping[str, Sequence[float]]) -> Seen:
    """Give the numbers of what a page noted; Unfit where it noted too little for any."""
    frames, hovers, behind = (noted[name] for name in ("frames", "hovers", "behind"))
    if len(frames) < 3 or not hovers or not behind:
        raise Unfit(f"{len(frames)} frames, {len(behind)} paints, {len(hovers)} hover answers")
    seconds = (frames[-1] - frames[0]) / 1000
    return Seen(
        (len(frames) - 1) / seconds,
        _p95(np.diff(frames).tolist()),
        _p95(hovers),
        len(behind) / seconds,
        _p95(behind),
    )


def _p95(values: Sequence[float]) -> float:
    return float(np.percentile(values, 95))


def _move(page: "Page", place: Mapping[str, float], seconds: float) -> None:
    """Move the mouse in circles over the chart."""
    began, turn = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        turn += 1
        x = place["x"] + place["width"] * (0.5 + 0.4 * math.sin(turn / 25))
        y = place["y"] + place["height"] * (0.5 + 0.3 * math.cos(turn / 25))
        page.mouse.move(x, y)
        page.wait_for_timeout(MOVE_MS)
