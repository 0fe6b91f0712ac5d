"""Steps of an instrument to rows of its channels, and back."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from rtlab.book import Step
from rtlab.store.cold.schema import COLUMNS, SCHEMA, TAIL_SCHEMA, table_of

BOOK, TRADES = 0, 1
"""The `channel` of a row in the tail."""


class Stand(NamedTuple):
    """Where an instrument stands: `position` = `book` level changes + `trades` trades into `epoch`, at `ts`."""

    epoch: int = 0
    position: int = 0
    book: int = 0
    trades: int = 0
    ts: int = 0


class StepRows:
    """Collects steps from `stand` on; `stand` moves with them."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self._begin(stand)

    def _begin(self, stand: Stand) -> None:
        self._first = stand
        self._changes: list[Step] = []

    def __len__(self) -> int:
        """How many rows are collected."""
        return self.stand.position - self._first.position

    def add(self, step: Step) -> None:
        """Take the next step."""
        epoch, position, book, trades, ts = self.stand
        made = len(step.trades)
        self._changes.append(step)
        self.stand = Stand(
            epoch, position + step.changes, book + len(step.sides), trades + made, max(ts, step.ts)
        )

    def take(self) -> pa.RecordBatch:
        """Give what was collected as rows of the tail, level changes before trades, and begin anew."""
        first, steps = self._first, self._changes
        self._begin(self.stand)
        levels = np.array([len(step.sides) for step in steps], np.int64)
        trades = np.array([len(step.trades) for step in steps], np.int64)
        ends = first.position + np.cumsum(levels + trades)
        ts = np.array([step.ts for step in steps], np.int64)
        changed, made = int(levels.sum()), int(trades.sum())
        rows = np.array([n for step in steps for row in step.trades for n in row], np.int64).reshape(made, 4)
        columns = (
            np.repeat(np.array([BOOK, TRADES], np.int8), [changed, made]),
            np.full(changed + made, first.epoch, np.int64),
            np.concatenate([first.book + 1 + np.arange(changed), first.trades + 1 + np.arange(made)]),
            np.concatenate([np.repeat(ends, levels), np.repeat(ends, trades)]),
            np.concatenate([np.repeat(ts, levels), rows[:, 0]]),
            np.concatenate([_flat(steps, "sides", changed), rows[:, 3]]).astype(np.int8),
            np.concatenate([_flat(steps, "prices", changed), rows[:, 1]]),
            np.concatenate([_flat(steps, "qtys", changed), rows[:, 2]]),
        )
        return pa.RecordBatch.from_arrays([pa.array(one) for one in columns], schema=TAIL_SCHEMA)


def _flat(steps: Sequence[Step], name: str, count: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.fromiter(chain.from_iterable(getattr(step, name) for step in steps), np.int64, count)


def of_channel(rows: pa.Table, channel: str, start: int = -(2**63), end: int = 2**63 - 1) -> pa.Table:
    """Give a channel's rows of the tail's with `start` <= ts < `end`, in the order of their sequence."""
    wanted = rows.column("channel").to_numpy() == (BOOK if channel == "book" else TRADES)
    ts = rows.column("ts").to_numpy()
    chosen = np.flatnonzero(wanted & (ts >= start) & (ts < end))
    return rows.select(list(COLUMNS)).take(pa.array(chosen))


def stand_after(stand: Stand, rows: pa.Table) -> Stand:
    """Give where an instrument stands after these rows of its tail."""
    if not rows.num_rows:
        return stand
    made = int(np.count_nonzero(rows.column("channel").to_numpy() == TRADES))
    changed = rows.num_rows - made
    ts = max(stand.ts, int(rows.column("ts").to_numpy().max()))
    return Stand(stand.epoch, stand.position + rows.num_rows, stand.book + changed, stand.trades + made, ts)


def steps_of(book: pa.Table, trades: pa.Table) -> Iterator[tuple[int, Step]]:
    """Give (position at its end, step) of these rows, in order: the steps as they were folded when they came."""
    levels, made = _by_step(book), _by_step(trades)
    nothing: list[list[int]] = [[], [], [], []]
    for end in sorted(levels.keys() | made.keys()):
        ts, sides, prices, qtys = levels.get(end, nothing)
        times, aggressors, at, sizes = made.get(end, nothing)
        rows = list(zip(times, at, sizes, aggressors, strict=True))
        yield end, Step(ts[-1] if ts else times[-1], sides, prices, qtys, rows)


def _by_step(rows: pa.Table) -> dict[int, list[list[int]]]:
    if not rows.num_rows:
        return {}
    ends = rows.column("step").to_numpy()
    starts = np.flatnonzero(np.append(True, ends[1:] != ends[:-1]))
    columns = [rows.column(name).to_pylist() for name in ("ts", "side", "price", "qty")]
    bounds = [*starts.tolist(), len(ends)]
    return {
        end: [column[first:last] for column in columns]
        for end, first, last in zip(ends[starts].tolist(), bounds[:-1], bounds[1:], strict=True)
    }


def no_rows() -> pa.Table:
    """Give a table without rows."""
    return table_of([[] for _ in SCHEMA.names])
