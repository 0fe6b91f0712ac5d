"""Doubles of the bus's server half: a shard in memory, and a transport of which each append can be told to fail."""

import asyncio
from collections.abc import Sequence

from rtlab.bus.event import pack
from rtlab.bus.transport import Taken
from rtlab.errors import FencedError, UnreachableError


class MemoryHeld:
    """A held shard whose entries are given; `away` makes every call fail, `is_lost` fences it.

    While it `lapsed` its lease has run out, and may be renewed.
    """

    def __init__(self, entries: Sequence[bytes] = (), *, shard: int = 0, suspect: bool = False) -> None:
        self.shard, self.token, self.suspect = shard, 7, suspect
        self.entries = list(entries)
        self.commits: list[tuple[str, int]] = []
        self.buried, self.notes = [], []
        self.mark = b""
        self.is_leaving = self.is_lost = self.lapsed = self.away = self.released = False

    @property
    def is_held(self) -> bool:
        return not (self.is_lost or self.lapsed)

    async def read(self):
        self._check()
        if not self.entries:
            await asyncio.sleep(0.005)
            return []
        taken = [Taken(str(i + 1), 1, one, self.suspect) for i, one in enumerate(self.entries)]
        self.entries = []
        return taken

    async def commit(self, position: str, events: int) -> None:
        self._check()
        self.commits.append((position, events))

    async def bury(self, letter) -> None:
        self._check()
        self.buried.append(letter)

    async def note(self, mark: bytes) -> None:
        self._check()
        self.notes.append(mark)

    async def marked(self) -> bytes:
        self._check()
        return self.mark

    async def release(self) -> None:
        self.released = True

    def _check(self) -> None:
        if self.is_lost:
            raise FencedError("another holds it")
        if self.away:
            raise UnreachableError("nobody answers")


class MemoryTransport:
    """Keeps appended entries by shard. `outcomes` are what the next appends do: raise, or give (default True)."""

    def __init__(self) -> None:
        self.entries: dict[int, list[tuple[bytes, int]]] = {}
        self.outcomes: list[object] = []
        self.letters: list[object] = []
        self.answers: list[tuple[str, bytes]] = []
        self.gate: asyncio.Event | None = None
        self.appends = 0

    async def append(self, topic, shard, entries) -> bool:
        self.appends += 1
        if self.gate is not None:
            await self.gate.wait()
        outcome = self.outcomes.pop(0) if self.outcomes else True
        if isinstance(outcome, Exception):
            raise outcome
        if outcome:
            self.entries.setdefault(shard, []).extend(entries)
        return bool(outcome)

    async def divert(self, topic, letter) -> None:
        self.letters.append(letter)

    async def answer(self, address: str, answer: bytes) -> None:
        self.answers.append((address, answer))


def entries_of(*events) -> list[bytes]:
    """One entry for each event."""
    return [pack([event])[0][0] for event in events]
