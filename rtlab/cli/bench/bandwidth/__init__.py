"""`rtlab bench bandwidth`: bytes a second that keep one reader's book, as increments and as full-state pushes.

"The same rate" is: whenever the cut at the reader's depth is not what it was, both send once; after each step of
the market (a venue's message, a simulated command), or conflated, ten times a second. Ours is all that a Subscriber
says, pings included; the first snapshot is left out on both sides. Nothing passes through a socket.

What is compared: "full state" is the whole cut in the very encoding of the increments beside it (`packed`: all its
levels in the packed form), "full state, decimals as text" the push of a venue: JSON with prices and quantities as
text. Both are also told deflated, message by message (a frame that all readers can share) and with the window kept
(a compressor, and its 260 KB, for each reader). Three goals a depth: both in msgpack; increments of rtlab.v1.packed
against pushes in msgpack; the same against the pushes of a venue.

What bounds the gain: in one and the same encoding it is about the levels of the cut by the levels that changed. Of
the 50 levels of depth 25 a message changes 10.0 (BTC perpetual, each message of the venue) or 12.0 (ETH spot), of
the 200 of depth 100 23.1 or 19.7: that is 5.0 and 4.2, 8.7 and 10.1, less what a message has of its own. An ideal
code for increments, by the empirical entropy of places and quantities in 60 s of each, with the tables for nothing,
takes 15.0 and 19.2 bytes at depth 25, 36.2 and 33.9 at 100. With 8 for sequences, time and checksum pushes in
msgpack are then 17.7 and 20.1, 35.3 and 50.4 times as long; packed increments reach 8.0 and 7.1, 21 and 21.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rtlab.book.update import WHOLE
from rtlab.cli.bench.bandwidth.flows import RECORDED, Flow, recorded, simulated
from rtlab.cli.bench.bandwidth.meters import FullState, Increments
from rtlab.cli.bench.results import result
from rtlab.protocol import Encoding
from rtlab.protocol.limits import SECOND

DEPTHS: tuple[int | None, ...] = (10, 25, 100, None)
ENCODINGS: tuple[Encoding, ...] = ("msgpack", "json", "packed")
TEXT = "full state, decimals as text"
CONFLATED_NS = SECOND // 10
BOUND, BOUND_FROM_DEPTH = 10.0, 25
Row = dict[str, object]
_BOUND: Row = {"bound": BOUND, "op": ">=", "unit": "x"}


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
            goals += _goals(name, depths, {})
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
    of = {one.case: one.bytes for one in counted}
    goals += _goals(flow, list(dict.fromkeys(case.depth for case in of)), of)


def ratio(counted: Counted) -> float:
    """Give how many times the bytes of our increments the whole state takes, in the same encoding and uncompressed."""
    return counted.bytes["full state"] / counted.bytes["rtlab"]


def _is_bound(depth: int | None) -> bool:
    return depth is None or depth >= BOUND_FROM_DEPTH


def _goals(flow: str, depths: Sequence[int | None], of: Mapping[Case, Mapping[str, int]]) -> list[Row]:
    goals = []
    for depth in filter(_is_bound, depths):
        msgpack, json, packed = (of.get(Case(depth, one, conflated=False)) for one in ENCODINGS)
        where = f"{flow}, {Case(depth, 'packed', conflated=False).depth_text}"
        for name, full, ours in (
            ("full state / increments, both msgpack", msgpack and msgpack["full state"], msgpack),
            ("full state in msgpack / increments packed", msgpack and msgpack["full state"], packed),
            ("full state as a venue sends it / increments packed", json and json[TEXT], packed),
        ):
            value = full / ours["rtlab"] if full and ours else None
            goals.append({"show": 6, "name": f"{name}, {where}", "value": value} | _BOUND)
    return goals


def _row(name: str, contender: str, case: str, unit: str, value: float | None, reason: str = "") -> Row:
    return result(name, contender, case, unit, [] if value is None else [value], reason)
