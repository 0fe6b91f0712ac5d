"""Replay LOBSTER through an engine and compare: what it predicts, and why it is wrong where it is.

A row is *predicted* when its message touches a visible level and the side it touches still has that level after
it: best price and size are then the engine's to say. When the message takes the last of a level, the next one is
revealed: that row is counted apart, as are the messages that touch nothing. The other side is not counted.
"""

from typing import NamedTuple, Protocol

from rtlab.book.l2 import L2Book
from rtlab.model import EventKind, Level, Side
from rtlab.sources.flow import Commands
from rtlab.sources.lobster import Lobster, Step, command_rows
from rtlab.sources.lobster_files import LobsterRow, MessageType
from rtlab.sources.lobster_queues import SEEDS, CommandRow

Fills = list[tuple[int, int]]
"""(maker's order id, quantity), in the order of the trades."""


class Matcher(Protocol):
    """The engine, or its twin."""

    def process(self, rows: Commands) -> Commands:
        """Give the EVENT rows of these COMMAND rows."""
        ...


class Miss(NamedTuple):
    """A row on which the engine was wrong. `why` is empty where the rows before it do not explain it."""

    row: int
    what: str
    told: object
    predicted: object
    why: str


class LobsterReport(NamedTuple):
    """What a replay showed. Best levels: `right` of `predicted` rows; makers: `makers_right` of `makers`."""

    name: str
    rows: int
    predicted: int
    right: int
    revealed: int
    untouched: int
    executions: int
    makers: int
    makers_right: int
    misses: tuple[Miss, ...]

    @property
    def unexplained(self) -> int:
        """The number of misses without a reason."""
        return sum(not miss.why for miss in self.misses)

    def lines(self) -> list[str]:
        """Tell it in words, a line each: the counts, then every miss."""
        counts = [
            f"{self.name}: {self.rows:,} rows: {self.predicted:,} predicted, {self.revealed:,} revealed a level, "
            f"{self.untouched:,} touched no visible one",
            f"best price and size of the touched side: {self.right:,} of {self.predicted:,}",
            f"maker and quantity of executions of orders added live: {self.makers_right:,} of {self.makers:,}",
            f"misses: {len(self.misses)}, not explained: {self.unexplained}",
        ]
        return counts + [
            f"row {row}: {what}: the file says {told}, the engine {predicted}: {why or 'not explained'}"
            for row, what, told, predicted, why in self.misses
        ]


class _Execution(NamedTuple):
    row: LobsterRow
    fills: Fills


class LobsterCheck:
    """Drives one engine, which holds nothing yet, through the steps of one replay."""

    def __init__(self, lobster: Lobster, engine: Matcher) -> None:
        self.engine, self.name = engine, lobster.message_path.name
        self.book = L2Book()  # of the engine's events alone
        self._shown: list[Level | None] = [None, None]  # by Side, as the file last told
        self._rows = self._predicted = self._right = self._revealed = self._untouched = 0
        self._executions = self._makers = self._makers_right = 0
        self._misses: list[Miss] = []
        self._sweep: list[_Execution] = []  # wrong ones, of one time, side and price
        self._lost: dict[int, list[int]] = {}  # by order: the rows whose trades the engine gave to others

    def step(self, step: Step) -> list[Commands]:
        """Let the engine do one step and compare; give the EVENT rows of its message, then of its seeds."""
        row, events = step.row, list[Commands]()
        self._rows += 1
        if step.message:
            events.append(self._process(step.message))
            if row.type == MessageType.EXECUTED:
                self._compare_makers(step, events[0])
            self._compare_best(step)
        else:
            self._untouched += 1
        if step.seeds:
            events.append(self._process(step.seeds))
        self._shown = list(row.best)
        return events

    def report(self) -> LobsterReport:
        """Give what was found so far."""
        self._explain_sweep()
        return LobsterReport(
            self.name,
            self._rows,
            self._predicted,
            self._right,
            self._revealed,
            self._untouched,
            self._executions,
            self._makers,
            self._makers_right,
            tuple(sorted(self._misses)),
        )

    def _process(self, commands: list[CommandRow]) -> Commands:
        events = self.engine.process(command_rows(commands))
        self.book.apply_levels(events[events["kind"] == EventKind.LEVEL])
        return events

    def _compare_best(self, step: Step) -> None:
        row, side = step.row, step.row.side
        shown, told = self._shown[side], row.best[side]
        levels = self.book.bids(1) if side is Side.BID else self.book.asks(1)
        predicted = levels[0] if levels else None
        if _is_worse(predicted, shown, side) and _is_worse(told, shown, side):
            self._revealed += 1
            return
        self._predicted += 1
        if predicted == told:
            self._right += 1
            return
        self._explain_sweep()
        why, lost = "", self._lost.get(row.order_id)
        if lost:
            trades = ", ".join(map(str, lost))
            why = f"the engine had given order {row.order_id}'s trades of rows {trades} to those ahead of it"
        self._misses.append(
            Miss(row.number, f"{side.name.lower()} after {row.type.name.lower()}", told, predicted, why)
        )

    def _compare_makers(self, step: Step, events: Commands) -> None:
        self._executions += 1
        row = step.row
        trades = events[events["kind"] == EventKind.TRADE]
        fills: Fills = list(zip(trades["maker_id"].tolist(), trades["qty"].tolist(), strict=True))
        if self._sweep and _place(self._sweep[0].row) != _place(row):
            self._explain_sweep()
        if step.left is None:
            return
        self._makers += 1
        if fills == [(row.order_id, row.size)]:
            self._makers_right += 1
        else:
            self._sweep.append(_Execution(row, fills))

    def _explain_sweep(self) -> None:
        told, predicted = dict[int, int](), dict[int, int]()
        for row, fills in self._sweep:
            told[row.order_id] = told.get(row.order_id, 0) + row.size
            for maker, qty in fills:
                predicted[maker] = predicted.get(maker, 0) + qty
        for row, fills in self._sweep:
            if told == predicted:
                why = "one sweep, whose trades the file lists in another order than its orders arrived in"
            else:
                others = [maker for maker, _ in fills if maker != row.order_id]
                ahead = ", ".join(
                    f"order {maker}" if maker < SEEDS else "what was revealed there" for maker in others
                )
                why = f"the file fills order {row.order_id} before {ahead}, which rested there before it came"
                self._lost.setdefault(row.order_id, []).append(row.number)
            self._misses.append(Miss(row.number, "maker", [(row.order_id, row.size)], fills, why))
        self._sweep = []


def verify(lobster: Lobster, engine: Matcher) -> LobsterReport:
    """Replay the whole pair of files through an engine that knows its instrument, and compare row by row."""
    check = LobsterCheck(lobster, engine)
    for step in lobster:
        check.step(step)
    return check.report()


def _is_worse(level: Level | None, than: Level | None, side: Side) -> bool:
    if level is None or than is None:
        return level is None
    return level[0] < than[0] if side is Side.BID else level[0] > than[0]


def _place(row: LobsterRow) -> tuple[int, Side, int]:
    return row.ts, row.side, row.price
