"""An engine with a journal: a command is on the disk before it is done."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from rtlab.engine import convert
from rtlab.engine.engine import Engine
from rtlab.engine.journal.framing import RowArray
from rtlab.engine.journal.reading import read_journal
from rtlab.engine.journal.writing import SEGMENT_BYTES, Journal
from rtlab.errors import JournalError
from rtlab.model.commands import Command
from rtlab.model.events import Event
from rtlab.model.rows import COMMAND
from rtlab.signals import undisturbed

BESIDE = 200
"""From so many commands on the engine does them while the disk syncs them, in a thread; below that costs more."""


class JournaledEngine:
    """Does what `Engine` does, and survives a kill; `with JournaledEngine(folder, new) as engine`.

    `new` makes the engine with which a new journal begins; an existing journal knows its own: `engine` is then as
    it was after the last command that was acknowledged, byte for byte in all that it will ever say. A snapshot is
    kept every `snapshot_every` commands. JournalError as `Journal` has it: `engine` is then still what the journal
    leads to, but does nothing more; open the folder again.
    """

    def __init__(
        self,
        folder: Path,
        new: Callable[[], Engine],
        *,
        snapshot_every: int = 1_000_000,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.journal = Journal(folder, lambda: (new().snapshot(), b""), segment_bytes=segment_bytes)
        try:
            reading = self.journal.reading
            self.engine = recovered(reading.snapshot.engine, reading.batches())
        except BaseException:
            self.journal.close()
            raise
        self._snapshot_every, self._snapshot_at = snapshot_every, reading.snapshot.commands
        self._positions = {one.symbol: at for at, one in enumerate(self.engine.instruments)}
        self._row = np.zeros(1, COMMAND)
        self._thread = ThreadPoolExecutor(1, "rtlab engine")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def process(self, rows: RowArray) -> RowArray:
        """Execute COMMAND rows and give their EVENT rows once the commands are on the disk, with one sync.

        A snapshot that is due is kept before; when the disk does not take it, none of `rows` is done. An interrupt
        (Ctrl-C) waits until they are done.
        """
        with undisturbed():
            return self._process(rows)

    def _process(self, rows: RowArray) -> RowArray:
        self._keep_if_due()
        if len(rows) < BESIDE:
            self.journal.append(rows)
            return self.engine.process(rows)
        doing: list[Future[RowArray]] = []
        try:
            self.journal.append(rows, lambda: doing.append(self._thread.submit(self.engine.process, rows)))
        except JournalError:
            if doing:  # the engine is ahead of the disk
                wait(doing)
                reading = read_journal(self.journal.folder)
                self.engine = recovered(reading.snapshot.engine, reading.batches())
            raise
        return doing[0].result()

    def submit(self, command: Command) -> list[Event]:
        """Write one command to the disk, then execute it; its errors are those of `Engine.submit`."""
        convert.pack(self._row.view(np.uint8).data, command, self._positions)
        with undisturbed():
            self._keep_if_due()
            self.journal.append(self._row)
            return self.engine.submit(command)

    def keep(self) -> None:
        """Keep a snapshot now: recovery begins there, and what is older than the one before is removed."""
        position = self.journal.position
        self.journal.keep(position, self.engine.snapshot())
        self._snapshot_at = position.commands

    def _keep_if_due(self) -> None:
        if self.journal.position.commands - self._snapshot_at >= self._snapshot_every:
            self.keep()

    def close(self) -> None:
        """Let go of the journal. Idempotent."""
        self._thread.shutdown()
        self.journal.close()


def recovered(snapshot: bytes, batches: Iterable[RowArray]) -> Engine:
    """Give the engine of a snapshot after it has done these batches."""
    engine = Engine.restore(snapshot)
    for rows in batches:
        engine.process(rows)
    return engine
