"""`rtlab bench pixels`: frames and hover answers of a streaming chart in a headless Chromium, beside its peers.

50,000 new points a second, 200 overlay elements and a moving mouse over ten million points in memory; and over
10**4, 10**5 and 10**6 points ours, a plain Bokeh figure whose source is streamed to, and uPlot. All get the same
points at the same moments from a process of their own, on the same cores, in the same browser.
"""

from statistics import median

from rtlab.cli.bench.browser import chromium
from rtlab.cli.bench.environments import Unfit
from rtlab.cli.bench.pixels.serving import CONTENDERS, Case
from rtlab.cli.bench.pixels.watching import Seen, watch
from rtlab.cli.bench.results import result
from rtlab.cli.browser import FLAGS

Rows = list[dict[str, object]]

MOST = 10_000_000
SIZES = (10_000, 100_000, 1_000_000)
GOALS = {
    "frames": (">=", 58.0, "frames/s"),
    "frame p95": ("<=", 17.0, "ms"),
    "hover answer p95": ("<=", 30.0, "ms"),
}


def run(quick: bool) -> dict[str, object]:
    """Measure all contenders; give results, the browser's flags and the goals as `rtlab bench --json` prints them."""
    cases = [Case("rtlab", MOST), *(Case(name, points) for points in SIZES for name in CONTENDERS)]
    rows, goals = measure(cases, seconds=3.0 if quick else 8.0, runs=1 if quick else 3)
    return {"results": rows, "goals": goals, "browser": " ".join(FLAGS)}


def measure(cases: list[Case], *, seconds: float, runs: int) -> tuple[Rows, Rows]:
    """Give the rows of all cases and the goals, which are of the first; a reason where something cannot be had."""
    browser, reason = chromium()
    rows: Rows = []
    values: dict[str, float] = {}
    for case in cases:
        seen: list[Seen] = []
        try:
            if reason:
                raise Unfit(reason)
            seen = [watch(browser, case, seconds) for _ in range(runs)]
        except Unfit as unfit:
            rows.append(_row("frames", case, "frames/s", [], str(unfit)))
        else:
            rows += _rows(case, seen)
        if case is cases[0] and seen:
            values = {name: median(getattr(one, field) for one in seen) for name, field in _FIELDS.items()}
    goals: Rows = [
        {"show": 2, "name": name, "value": values.get(name), "bound": bound, "op": op, "unit": unit}
        for name, (op, bound, unit) in GOALS.items()
    ]
    return rows, goals


_FIELDS = {"frames": "frames_per_s", "frame p95": "frame_p95_ms", "hover answer p95": "hover_p95_ms"}


def _rows(case: Case, seen: list[Seen]) -> Rows:
    rows = [
        _row(name, case, GOALS[name][2], [getattr(one, field) for one in seen])
        for name, field in _FIELDS.items()
    ]
    rows.append(_row("paints of the line", case, "paints/s", [one.paints_per_s for one in seen]))
    return [*rows, _row("behind, p95", case, "ms", [one.behind_p95_ms for one in seen])]


def _row(name: str, case: Case, unit: str, values: list[float], reason: str = "") -> dict[str, object]:
    return result(name, case.version, f"{case.points:,} points", unit, values, reason)
