"""An engine and its market that go on where a journal ends: with the same epoch, sequences and chains.

    commands ──▶ wait ──▶ journal, one sync for all that waited ──▶ engine ──▶ market ──▶ whoever publishes its steps

What is published follows from what is on the disk already, so after a kill the journal has all that readers were
ever told. Beside the engine's, its snapshots hold the market's state, and where the simulated market began.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec
import numpy as np

from rtlab.book import Market, load_state, pack_state
from rtlab.engine import Engine
from rtlab.engine.journal import Journal, JournalStatistics
from rtlab.errors import ConfigError, JournalError
from rtlab.model import Instrument
from rtlab.sources import Commands
from rtlab.sources.simulated import Simulated

KEEP_COMMANDS, KEEP_BATCHES = 250_000, 5_000
"""A snapshot is due after so many: a recovery replays two such spans at most, in a few seconds."""
MOST_WAITING = 100_000
"""Commands that wait for the disk; then their source waits."""


class Origin(msgspec.Struct, frozen=True, array_like=True):
    """The simulated market of a journal: the ts (ns) of its first command, and what makes it the same."""

    start: int
    seed: int
    rate: int


class Beside(msgspec.Struct, frozen=True, array_like=True):
    """What a snapshot holds beside the engine: `ts` is that of the last command, `states` are packed."""

    epoch: int
    ts: int
    origin: Origin
    chains: dict[str, int]
    states: list[bytes]
    source: bytes = b""
    """The simulated market's own state, at this command or a little after it."""


class JournaledStatistics(NamedTuple):
    """Commands that wait for the disk now, and how often their source had to wait; and what the journal counts."""

    waiting: int
    held_up: int
    journal: JournalStatistics


class JournaledMarket:
    """An engine, its market and their journal; `async with JournaledMarket(folder, instruments, ...) as journaled`.

    At first it is as the oldest snapshot of the journal says: so whoever follows its steps stands somewhere after
    that. Set `market.on_step`, then let it `go_on`: that replays the rest. A snapshot is kept every `keep_batches`
    batches or KEEP_COMMANDS commands; further arguments are those of `Market`. JournalError as `Journal` has it;
    ConfigError when the journal is of other instruments or of another simulated market.
    """

    def __init__(
        self,
        folder: Path,
        instruments: Sequence[Instrument],
        *,
        seed: int,
        rate: int,
        keep_batches: int = KEEP_BATCHES,
        **kept: int,
    ) -> None:
        self.journal = Journal(folder, lambda: _new(instruments, seed, rate), oldest=True)
        try:
            snapshot = self.journal.reading.snapshot
            beside = _beside(snapshot.beside, folder)
            self.engine = Engine.restore(snapshot.engine)
            _must_be_the_same(folder, self.engine, instruments, beside.origin, seed=seed, rate=rate)
            self.market = Market(instruments, beside.epoch, **kept)
            for symbol, state in zip(self.market.symbols, beside.states, strict=bool(beside.states)):
                load_state(self.market.state(symbol), state)
            newest = _beside(self.journal.reading.newest.beside, folder)
            if newest.epoch > beside.epoch:
                self.market.begin(newest.epoch)
        except BaseException:
            self.journal.close()
            raise
        self.origin, self.ts, self.chains = beside.origin, beside.ts, beside.chains
        self.source: Callable[[], bytes] = bytes
        self._sources = [one.source for one in (newest, beside) if one.source]
        self._chains: Callable[[], Mapping[str, int]] = lambda: self.chains
        self._waiting: list[Commands] = []
        self._committing: asyncio.Task[None] | None = None
        self._held_up = 0
        self._kept_commands, self._batches, self._keep_batches = snapshot.commands, 0, keep_batches

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def commands(self) -> int:
        """How many commands the engine has done in all its lives."""
        return self.journal.position.commands

    def resume(self, simulated: Simulated) -> None:
        """Bring the journal's simulated market to its next command; from here on its state is kept as well."""
        began = simulated.state()
        for state in [*self._sources, began]:
            simulated.resume(state)
            if simulated.given <= self.commands:
                break
        simulated.skip(self.commands - simulated.given)
        self.source = simulated.state

    def go_on(self, chains: Callable[[], Mapping[str, int]]) -> None:
        """Replay what came after the snapshot; `chains` gives those of the market whenever a snapshot is kept."""
        self._chains = chains
        for rows in self.journal.reading.batches():
            self._apply(rows)

    async def match(self, commands: Commands) -> None:
        """Let the engine match COMMAND rows as soon as they are on the disk, with all that came meanwhile.

        It returns before that, but for MOST_WAITING. JournalError when the disk did not take earlier ones.
        """
        if self._committing is not None and self._committing.done():
            self._committing.result()
        if len(commands) == 0:
            return
        self._waiting.append(commands)
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit(), name="rtlab journal")
        if self._count_waiting() >= MOST_WAITING:
            self._held_up += 1
            await asyncio.shield(self._committing)

    def keep(self, source: bytes = b"") -> None:
        """Keep a snapshot of engine and market as they are, and the state of their source."""
        position, beside = self.journal.position, self._pack(source)
        self._kept_commands, self._batches = position.commands, 0  # what fails is not tried again at the end
        self.journal.keep(position, self.engine.snapshot(), beside)

    def statistics(self) -> JournaledStatistics:
        """Count what waits for the disk, and what is on it."""
        return JournaledStatistics(self._count_waiting(), self._held_up, self.journal.statistics())

    async def close(self) -> None:
        """Do what waits, keep a snapshot of where it ends, and let go of the journal. Idempotent.

        JournalError when the disk does not take it.
        """
        try:
            if self._committing is not None:
                await self._committing
            # an engine that did not go on stands elsewhere
            if self.engine.statistics().commands == self.commands > self._kept_commands:
                await asyncio.to_thread(self.keep, self.source())
        finally:
            self.journal.close()

    async def _commit(self) -> None:
        while self._waiting:
            rows = np.concatenate(self._waiting) if len(self._waiting) > 1 else self._waiting[0]
            self._waiting.clear()
            await asyncio.to_thread(self.journal.append, rows)
            self._apply(rows)
            if self.commands - self._kept_commands >= KEEP_COMMANDS or self._batches >= self._keep_batches:
                await asyncio.to_thread(self.keep, self.source())

    def _count_waiting(self) -> int:
        return sum(map(len, self._waiting))

    def _apply(self, rows: Commands) -> None:
        self.market.apply(self.engine.process(rows))
        self.ts = int(rows["ts"][-1])
        self._batches += 1

    def _pack(self, source: bytes) -> bytes:
        states = [pack_state(self.market.state(symbol)) for symbol in self.market.symbols]
        beside = Beside(self.market.epoch, self.ts, self.origin, dict(self._chains()), states, source)
        return msgspec.msgpack.encode(beside)


def _new(instruments: Sequence[Instrument], seed: int, rate: int) -> tuple[bytes, bytes]:
    now = time.time_ns()
    beside = Beside(now // 1_000_000, now, Origin(now, seed, rate), {}, [])
    return Engine(instruments).snapshot(), msgspec.msgpack.encode(beside)


_DECODER = msgspec.msgpack.Decoder(Beside)


def _beside(data: bytes, folder: Path) -> Beside:
    try:
        return _DECODER.decode(data)
    except msgspec.DecodeError as problem:
        raise JournalError(f"the journal is not one of a served market: {problem}", file=folder) from None


def _must_be_the_same(
    folder: Path, engine: Engine, instruments: Sequence[Instrument], origin: Origin, *, seed: int, rate: int
) -> None:
    if tuple(engine.instruments) != tuple(instruments):
        expected = ", ".join(one.symbol for one in instruments)
        raise ConfigError(
            f"the journal in {folder} is of other instruments or grids", expected=expected, got=engine
        )
    if (origin.seed, origin.rate) != (seed, rate):
        raise ConfigError(
            f"the journal in {folder} goes on with the market that it began with",
            expected=f"seed {origin.seed} and rate {origin.rate}",
            got=f"{seed} and {rate}",
        )
