"""Rows and goals of the fan-out from what was measured. Ratios are of one round, the median over rounds is told."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from rtlab.cli.bench.fanout.contenders import BROADCAST, OURS, PICOWS, RAW
from rtlab.cli.bench.fanout.serving import Spent
from rtlab.cli.bench.fanout.ticks import TOGETHER
from rtlab.cli.bench.results import result

BOUNDS = {BROADCAST: 0.7, PICOWS: 1.0}
RAW_BOUND, RAW_BOUND_OF_MANY, MANY = 1.25, 1.5, 2_000
TOGETHER_BOUND = 0.15
MEMORY_BOUND_KIB = 16.0
Row = dict[str, object]


class Case(NamedTuple):
    """So many readers at so many ticks a second; `together`: each tick brings increments of ten instruments.

    Of these ticks bare sends, ten of them each, get a tenth.
    """

    readers: int
    rate: float
    together: bool

    def __str__(self) -> str:
        if not self.together:
            return f"{self.readers:,} readers, {self.rate:g} ticks/s, one increment each"
        rates = f"{self.rate:g} ticks/s (bare: {self.rate / TOGETHER:g})"
        return f"{self.readers:,} readers, {rates}, {TOGETHER} increments each"


class Measured(NamedTuple):
    """One window of one contender. `sends` as the readers counted them: increments of ours, frames of the others.

    `load_busy` is the share of its core that the readers took, `memory` the bytes a reader, `wrong` what the
    readers lost or found to differ.
    """

    name: str
    case: Case
    turn: int
    spent: Spent
    sends: int
    load_busy: float
    memory: float
    wrong: int
    lagging: int
    why_python: str | None

    @property
    def cpu_us(self) -> float:
        """CPU of the fan-out per send; of ten increments per reader and tick."""
        sends = self.spent.ticks * self.case.readers if self._raw_together else self.sends
        return 1e6 * self.spent.fanout_s / max(1, sends if self._raw_together else sends / self._parts)

    @property
    def own_sends(self) -> float:
        """Percent of the ticks that reached a reader as a send of their own; the rest was merged into later ones."""
        return 100 * self.sends / max(1, self.spent.ticks * self.case.readers * self._parts)

    @property
    def _parts(self) -> int:
        return TOGETHER if self.case.together else 1

    @property
    def _raw_together(self) -> bool:
        return self.case.together and self.name == RAW


def report(
    cases: Sequence[Case],
    measured: Sequence[Measured],
    labels: Mapping[str, str],
    absent: Mapping[str, str],
    too_many: Mapping[Case, str],
) -> dict[str, object]:
    """Make results and goals; who is absent and what is too many have their rows with the reason."""
    rows: list[Row] = []
    for case in cases:
        if case in too_many:
            rows.append(result("CPU per send", OURS, str(case), "us", [], too_many[case]))
            continue
        for name, label in labels.items():
            rows += _rows_of([one for one in measured if (one.case, one.name) == (case, name)], label)
        rows += [
            result("CPU per send", name, str(case), "us", [], reason)
            for name, reason in absent.items()
            if not case.together or name == RAW
        ]
    rows += _memory(cases, measured, labels)
    return {"results": rows, "goals": list(_goals(cases, measured))}


def _rows_of(windows: Sequence[Measured], label: str) -> Iterator[Row]:
    if not windows:
        return
    case, name = windows[0].case, windows[0].name
    python = f"readers in Python: {windows[0].why_python}" if windows[0].why_python else ""
    what = "CPU per reader and tick" if case.together else "CPU per send"
    yield result(what, label, str(case), "us", [one.cpu_us for one in windows], python)
    yield result("ticks sent on their own", label, str(case), "%", [one.own_sends for one in windows])
    yield result("readers' core, busy", label, str(case), "%", [100 * one.load_busy for one in windows])
    if name == OURS:
        market = [1e6 * one.spent.market_s / max(1, one.spent.ticks) for one in windows]
        yield result("CPU per tick beside it: folding the market", label, str(case), "us", market)
        yield result("lost or unlike", label, str(case), "messages", [one.wrong for one in windows])
        yield result("times a reader lagged", label, str(case), "times", [one.lagging for one in windows])


def _memory(cases: Sequence[Case], measured: Sequence[Measured], labels: Mapping[str, str]) -> Iterator[Row]:
    for name, label in labels.items():
        column = _memory_of(cases, measured, name)
        if column:
            case = f"{_most(cases, measured):,} readers, resident"
            yield result("memory per reader", label, case, "KiB", column)


def _most(cases: Sequence[Case], measured: Sequence[Measured]) -> int:
    return max((one.case.readers for one in measured if not one.case.together), default=0)


def _memory_of(cases: Sequence[Case], measured: Sequence[Measured], name: str) -> list[float]:
    # of the first round: later ones find memory that earlier ones left
    most = _most(cases, measured)
    return [
        one.memory / 1024
        for one in measured
        if (one.name, one.case.readers, one.case.together) == (name, most, False) and one.turn == 0
    ]


def _goals(cases: Sequence[Case], measured: Sequence[Measured]) -> Iterator[Row]:
    for case in cases:
        bounds = {RAW: RAW_BOUND if case.readers <= MANY else RAW_BOUND_OF_MANY, **BOUNDS}
        if case.together:
            bounds = {RAW: TOGETHER_BOUND}
        for peer, bound in bounds.items():
            value = _ratio(measured, case, peer)
            what = f"CPU per send / {peer}" if not case.together else f"ten increments coalesced / ten {peer}"
            yield _goal(f"{what}, {case.readers:,} readers", value, bound, "")
    memory = _memory_of(cases, measured, OURS)
    yield _goal("memory per reader", memory[0] if memory else None, MEMORY_BOUND_KIB, "KiB")


def _ratio(measured: Sequence[Measured], case: Case, peer: str) -> float | None:
    of = {(one.name, one.turn): one.cpu_us for one in measured if one.case == case}
    ratios = [cpu / of[peer, turn] for (name, turn), cpu in of.items() if name == OURS and (peer, turn) in of]
    return median(ratios) if ratios else None


def _goal(name: str, value: float | None, bound: float, unit: str) -> Row:
    return {"show": 1, "name": name, "value": value, "bound": bound, "op": "<=", "unit": unit}
