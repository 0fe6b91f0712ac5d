"""The table of numbers: what stands beside a peer, and every goal, from the reports of benches, as Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Report = Mapping[str, Any]
Row = Mapping[str, Any]

OURS = "rtlab"
MOST_PEERS = 4
MOST_LINES = 10  # of a bench


def table(reports: Sequence[Report]) -> str:
    """Give two tables under the machine of the first report: what was measured beside a peer, MOST_LINES of each bench
    at most, and every goal.
    """
    lines = [
        _machine(reports),
        "",
        "| bench | what | rtlab | peers, and how many times ours is better |",
        "|---|---|---|---|",
    ]
    for report in reports:
        lines += _short(report["bench"], [*_beside(report)])
    lines += ["", "| bench | goal | measured | bound | |", "|---|---|---|---|---|"]
    for report in reports:
        lines += [_goal(str(report["bench"]), goal) for goal in report["goals"]]
        if "reason" in report:
            lines.append(f"| {report['bench']} | all | - | | not measured: {_plain(report['reason'])} |")
    return "\n".join(lines) + "\n"


def holds(goal: Row) -> bool:
    """Tell whether a goal's value keeps its bound; one without a value does not."""
    if goal["value"] is None:
        return False
    value, bound = float(goal["value"]), float(goal["bound"])
    return value <= bound if goal["op"] == "<=" else value >= bound


def number(value: object) -> str:
    """Give four digits of a number, or all before the point of a large one; a dash for none."""
    if value is None:
        return "-"
    given = float(str(value))
    return f"{given:,.4g}" if abs(given) < 1e4 else f"{given:,.0f}"


def times_better(ours: Row, theirs: Row) -> float | None:
    """Give how many times better ours is: of what is done in a second more is better, of all else less.

    None where one of them has no number or is nothing, and for a bare count a second, which may be good or bad.
    """
    mine, other, unit = ours["median"], theirs["median"], str(ours["unit"])
    if not mine or not other or unit == "1/s":
        return None
    more_is_better = unit.endswith("/s") and unit != "bytes/s"
    return float(mine / other) if more_is_better else float(other / mine)


def _machine(reports: Sequence[Report]) -> str:
    for report in reports:
        if "machine" in report:
            return "On " + ", ".join(f"{name} {value}" for name, value in report["machine"].items()) + "."
    return "On no machine."


def _short(bench: object, lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"| {bench} | {len(lines) - MOST_LINES} more by `rtlab bench {bench}` | | |"


def _beside(report: Report) -> Iterator[str]:
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in report["results"]:
        groups.setdefault((str(row["name"]), str(row["case"])), []).append(row)
    for (name, case), rows in groups.items():
        ours = [row for row in rows if str(row["contender"]).startswith(OURS) and row["median"] is not None]
        peers = [row for row in rows if not str(row["contender"]).startswith(OURS)]
        if ours and any(times_better(ours[0], row) is not None for row in peers):
            mine = f"{number(ours[0]['median'])} {ours[0]['unit']}".strip()
            told = "; ".join(_peer(ours[0], row) for row in peers[:MOST_PEERS])
            yield f"| {report['bench']} | {_plain(name)}, {_plain(case)} | {mine} | {told} |"


def _peer(ours: Row, theirs: Row) -> str:
    name = _plain(theirs["contender"])
    if theirs["median"] is None:
        return f"{name}: - ({_plain(theirs.get('reason', 'no number'))})"
    times = times_better(ours, theirs)
    return f"{name}: {number(theirs['median'])}" + ("" if times is None else f" (x {times:.2g})")


def _goal(bench: str, goal: Row) -> str:
    unit = f" {goal['unit']}".rstrip()
    bound = f"{goal['op']} {number(goal['bound'])}{unit}"
    verdict = "holds" if holds(goal) else "missed"
    return f"| {bench} | {_plain(goal['name'])} | {number(goal['value'])} | {bound} | {verdict} |"


def _plain(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "/")
