"""A recorded session: one folder that holds a market's rows, whole books and notes, and can be given to anybody.

It is the folder that `rtlab record` fills. From any moment on it gives what happened as moves: steps as the market
made them, in their order, and a whole book where one begins or a gap lies before it. Nothing of it depends on who
reads it, when, or how quickly.
"""

from collections.abc import Iterator, Sequence
from heapq import merge
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa

from rtlab.book import Step
from rtlab.errors import InstrumentError, SourceError, StoreError
from rtlab.lab.notes import Note, add_note, read_notes
from rtlab.model import Instrument, Level
from rtlab.store import Store
from rtlab.store.cold.columns import steps_of
from rtlab.store.moments import Moment, ns_of

SLACK_NS = 60_000_000_000  # by which times of one instrument's channels may run apart
PIECE = 100_000  # steps that are held as Python objects at once


class Whole(NamedTuple):
    """A book that no step led to, best first, and why it stands here: a replay begins, or rows before it are gone."""

    ts: int
    bids: list[Level]
    asks: list[Level]
    reason: str


Move = tuple[int, str, Step | Whole]
"""(ts in ns, symbol, what happened)"""
At = tuple[int, int]


class RecordedSession:
    """The session in `folder`; `with RecordedSession(folder) as session`.

    `start` and `end` are the times (ns) of its first and last row. SourceError when the folder holds no recording.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not (self.folder / "manifest").is_dir():
            raise SourceError(
                f"{self.folder} holds no recorded session", expected="a folder that `rtlab record` filled"
            )
        self.store = Store(self.folder)
        try:
            self.instruments: dict[str, Instrument] = self.store.instruments()
            spans = [span for symbol in self.instruments if (span := self._span(symbol)) is not None]
            if not spans:
                raise SourceError(f"the session in {self.folder} is empty", expected="at least one row")
        except BaseException:
            self.store.close()
            raise
        self.start, self.end = min(first for first, _ in spans), max(last for _, last in spans)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the store. Idempotent."""
        self.store.close()

    @property
    def notes(self) -> list[Note]:
        """What people remarked, by time."""
        return read_notes(self.folder)

    def note(self, text: str, at: Moment, *, symbol: str = "", by: str = "") -> Note:
        """Add a remark at a moment of the session; SourceError when that lies outside of it."""
        ts = ns_of(at)
        if not self.start <= ts <= self.end:
            span = f"{self.start} to {self.end} (ns)"
            raise SourceError("the session has no such moment", expected=span, got=ts)
        if symbol:
            self._known(symbol)
        note = Note(ts, text, symbol, by)
        add_note(self.folder, note)
        return note

    def moves(
        self,
        start: Moment | None = None,
        end: Moment | None = None,
        *,
        symbols: Sequence[str] | None = None,
    ) -> Iterator[Move]:
        """Give what happened from `start` on and before `end`, merged by time; by default all of it.

        From a `start` within the session each instrument begins with its whole book right after the last level
        change up to then, and goes on with the very next step: nothing twice, nothing left out.
        """
        names = list(self.instruments) if symbols is None else [self._known(one) for one in symbols]
        first, last = None if start is None else ns_of(start), None if end is None else ns_of(end)
        return merge(*(self._clocked(name, first, last) for name in names), key=lambda move: move[0])

    def _known(self, symbol: str) -> str:
        if symbol not in self.instruments:
            known = ", ".join(self.instruments)
            raise InstrumentError(
                "the session has no such instrument", expected=f"one of {known}", got=symbol
            )
        return symbol

    def _clocked(self, symbol: str, start: int | None, end: int | None) -> Iterator[Move]:
        # times of one instrument never run backwards here: its own order counts, not that of its clocks
        now = -(2**63)
        for move in self._ordered(symbol, start, end):
            now = max(now, move.ts)
            if end is not None and now >= end:
                return
            yield now, symbol, move

    def _ordered(self, symbol: str, start: int | None, end: int | None) -> Iterator[Step | Whole]:
        after, low = (-1, -1), None
        span = self._span(symbol)
        if start is not None and span is not None and start > span[0]:
            opening, after = self._opening(symbol, start)
            yield opening
            low = start - SLACK_NS
        book, trades = (
            _beyond(self.store.read(channel, symbol, low, None if end is None else end + SLACK_NS), after)
            for channel in ("book", "trades")
        )
        known = sorted(self.store.manifest(symbol).gaps, key=lambda gap: gap.after)
        gaps = [gap for gap in known if (gap.after.epoch, gap.after.position) >= after]
        for epoch, position, step in _steps(book, trades):
            while gaps and (gaps[0].after.epoch, gaps[0].after.position) < (epoch, position):
                gap = gaps.pop(0)
                yield self._after_gap(symbol, (gap.after.epoch, gap.after.book), step.ts, gap.reason)
            yield step

    def _opening(self, symbol: str, start: int) -> tuple[Whole, At]:
        book = self.store.book(symbol, at=start)
        place = (book.epoch, book.seq)
        for low in (start - SLACK_NS, None):
            rows = self.store.read("book", symbol, low, start + 1, columns=("epoch", "seq", "step"))
            epochs, seqs = (rows.column(name).to_numpy() for name in ("epoch", "seq"))
            found = np.flatnonzero((epochs == place[0]) & (seqs == place[1]))
            if len(found):
                step = int(rows.column("step")[int(found[-1])].as_py())
                return Whole(start, book.bids, book.asks, "begins here"), (book.epoch, step)
        raise StoreError(f"the row of {symbol} at {place} is not kept", expected="every row up to its books")

    def _after_gap(self, symbol: str, at: At, ts: int, reason: str) -> Whole:
        try:
            book = self.store.book(symbol, at=at)
        except StoreError as problem:
            return Whole(ts, [], [], f"{reason}; {problem.what}")
        return Whole(ts, book.bids, book.asks, reason)

    def _span(self, symbol: str) -> tuple[int, int] | None:
        rows, manifest = self.store.cold.open_rows(symbol)
        ts = rows.column("ts").to_numpy()
        times = [one.ts_min for one in manifest.files] + [one.ts_max for one in manifest.files]
        times += [int(ts.min()), int(ts.max())] if len(ts) else []
        return (min(times), max(times)) if times else None

    def __repr__(self) -> str:
        seconds = (self.end - self.start) / 1e9
        return f"<RecordedSession {self.folder}, {', '.join(self.instruments)}: {seconds:,.1f} s>"


def _beyond(rows: pa.Table, after: At) -> pa.Table:
    if after == (-1, -1):
        return rows
    epoch, step = rows.column("epoch").to_numpy(), rows.column("step").to_numpy()
    return rows.filter(pa.array((epoch > after[0]) | ((epoch == after[0]) & (step > after[1]))))


def _steps(book: pa.Table, trades: pa.Table) -> Iterator[tuple[int, int, Step]]:
    """Give (epoch, position at its end, step), in order, a piece of them at a time."""
    tables = (book, trades)
    columns = [tuple(one.column(name).to_numpy() for name in ("epoch", "step")) for one in tables]
    for epoch in np.unique(np.concatenate([epochs for epochs, _ in columns])).tolist():
        ends = [steps[epochs == epoch] for epochs, steps in columns]
        firsts = [int(np.searchsorted(epochs, epoch)) for epochs, _ in columns]
        whole = np.unique(np.concatenate(ends))
        for begin in range(0, len(whole), PIECE):
            bounds = whole[begin], whole[min(begin + PIECE, len(whole)) - 1]
            parts = []
            for table, first, steps in zip(tables, firsts, ends, strict=True):
                low = int(np.searchsorted(steps, bounds[0], "left"))
                high = int(np.searchsorted(steps, bounds[1], "right"))
                parts.append(table.slice(first + low, high - low))
            for position, step in steps_of(*parts):
                yield epoch, position, step
