"""`rtlab bench bandwidth`: bytes a second that keep one reader's book, as increments and as full-state pushes.

"The same rate" is: whenever the cut at the reader's depth is not what it was, both send once; after each step of
the market (a venue's message, a simulated command), or conflated, ten times a second. Ours is all that a Subscriber
says, pings included; the first snapshot is left out on both sides. Nothing passes through a socket.

What bounds the gain: an increment of k changed levels is at best k levels long where a push is the 2 x depth levels
of the cut, and has some 40 bytes of its own (sequences, time, checksum). So levels changed in a send are told too.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rtlab.book.update import WHOLE
from rtlab.cli.bench.bandwidth.flows import RECORDED, Flow, recorded, simulated
from rtlab.cli.bench.bandwidth.meters import FullState, Increments
from rtlab.cli.bench.results import result
from rtlab.protocol import Encoding
from rtlab.protocol.limits import SECOND

DEPTHS: tuple[int | None, ...] = (10, 25, 100, None)
ENCODINGS: tuple[Encoding, ...] = ("msgpack", "json")
CONFLATED_NS = SECOND // 10
BOUND, BOUND_FROM_DEPTH = 10.0, 25
Row = dict[str, object]


class Case(NamedTuple):
    """One reader: its depth (None: everything), its encoding, and whether it is sent each change or ten a second."""

    depth: int | None
    encoding: Encoding
    conflated: bool

    def text(self, flow: str) -> str:
        """Give the case as a row names it."""
        rate = "10 a second" if self.conflated else "every change"
        return f"{flow}, {self.depth_text}, {rate}, {self.encoding}"

    @property
    def depth_text(self) -> str:
        """The depth in words."""
        return "full depth" if self.depth is None else f"depth {self.depth}"


class Counted(NamedTuple):
    """What one case of a flow came to: bytes by contender, our sends and changed levels, full pushes, seconds.

    `equal` says whether our reader's book was the market's at the end.
    """

    case: Case
    bytes: dict[str, int]
    sends: int
    changes: int
    pushes: int
    seconds: float
    equal: bool


def run(quick: bool) -> dict[str, object]:
    """Count on the recorded and the simulated flows; give results and goals as `rtlab bench --json` prints them."""
    return measure(*((20.0, 2.0) if quick else (345.0, 20.0)))


def measure(
    recorded_s: float,
    simulated_s: float,
    depths: Sequence[int | None] = DEPTHS,
    names: Sequence[str] = tuple(RECORDED),
) -> dict[str, object]:
    """Count `recorded_s` of each recording and `simulated_s` of the simulated market."""
    rows: list[Row] = []
    goals: list[Row] = []
    for name in names:
        flow = recorded(name, recorded_s)
        if isinstance(flow, str):
            rows.append(_row("bytes per reader and second", "rtlab", name, "bytes/s", None, reason=flow))
            goals += [_goal(name, Case(d, "msgpack", conflated=False), None) for d in depths if _is_bound(d)]
        else:
            _add(rows, goals, name, count(flow, depths))
    flow = simulated(simulated_s)
    _add(rows, goals, flow.name, count(flow, depths))
    return {"results": rows, "goals": goals}


def count(flow: Flow, depths: Sequence[int | None]) -> list[Counted]:
    """Let the flow run once, past one reader of each way for each depth, encoding and rate."""
    symbol = flow.instrument.symbol
    book = flow.market.book(symbol)
    begin = end = next(flow.steps).now
    meters = {
        case: (
            Increments(flow.market, symbol, case.depth, case.encoding, begin),
            FullState(book, flow.instrument, case.depth, case.encoding),
        )
        for case in (Case(d, e, conflated=c) for d in depths for e in ENCODINGS for c in (False, True))
    }
    due = begin + CONFLATED_NS
    for step in flow.steps:
        end = step.now
        for case, (ours, full) in meters.items():
            if not case.conflated or end >= due:
                ours.take(end)
                full.take(end)
        if end >= due:
            due += (1 + (end - due) // CONFLATED_NS) * CONFLATED_NS
    for ours, full in meters.values():
        ours.take(end)
        full.take(end)
    return [
        Counted(
            case,
            {**ours.bytes_sent(), **full.bytes_sent()},
            ours.sends,
            ours.changes,
            full.pushes,
            (end - begin) / SECOND,
            ours.digest(case.depth or WHOLE) == book.digest(case.depth or WHOLE),
        )
        for case, (ours, full) in meters.items()
    ]


def _add(rows: list[Row], goals: list[Row], flow: str, counted: Sequence[Counted]) -> None:
    for one in counted:
        case = one.case.text(flow)
        for contender, size in one.bytes.items():
            rows.append(_row("bytes per reader and second", contender, case, "bytes/s", size / one.seconds))
        rows.append(_row("sends a second", "rtlab", case, "1/s", one.sends / one.seconds))
        rows.append(_row("sends a second", "full state", case, "1/s", one.pushes / one.seconds))
        changes = one.changes / max(1, one.sends)
        rows.append(_row("levels changed in a send", "rtlab", case, "levels", changes))
        rows.append(_row("full state / increments", "rtlab", case, "x", ratio(one)))
        rows.append(_row("books equal at the end", "rtlab", case, "", float(one.equal)))
        if _is_bound(one.case.depth) and one.case.encoding == "msgpack" and not one.case.conflated:
            goals.append(_goal(flow, one.case, ratio(one)))


def ratio(counted: Counted) -> float:
    """Give how many times the bytes of our increments the whole state takes, in the same encoding and uncompressed."""
    return counted.bytes["full state"] / counted.bytes["rtlab"]


def _is_bound(depth: int | None) -> bool:
    return depth is None or depth >= BOUND_FROM_DEPTH


def _goal(flow: str, case: Case, value: float | None) -> Row:
    name = f"full state / increments, {flow}, {case.depth_text}"
    return {"show": 6, "name": name, "value": value, "bound": BOUND, "op": ">=", "unit": "x"}


def _row(name: str, contender: str, case: str, unit: str, value: float | None, reason: str = "") -> Row:
    return result(name, contender, case, unit, [] if value is None else [value], reason)
