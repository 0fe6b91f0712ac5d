"""One instrument on its way to Redis: what to write next, and what to make of what a stream turns out to hold."""

from collections import deque
from typing import NamedTuple

import msgspec

from rtlab.book import INTERVALS_NS, InstrumentState, Step, pack_state
from rtlab.errors import FencedError
from rtlab.store.entry import StoredState, pack_entry
from rtlab.store.keys import Point
from rtlab.store.log import LogLimits, StepLog
from rtlab.store.newest import Newest, pack_newest

_ENTRIES = 8  # in one round trip


class History(NamedTuple):
    """How much a stream holds beyond its state key, and how often that key and the newest values are written.

    Where a recorder reads, a stream holds all that it does not have yet, up to `limit_bytes`: beyond it the
    oldest are given up, and counted.
    """

    seconds: float = 60.0
    bytes: int = 64 << 20
    snapshot_s: float = 2.0
    newest_s: float = 0.02
    limit_bytes: int = 256 << 20


class Write(NamedTuple):
    """One entry that ends at `position`; with it the packed state there, and the oldest position to keep.

    `limit` is the oldest position to keep even for a recorder; `newest` are the values to be read by key.
    """

    position: int
    entry: bytes
    state: bytes | None = None
    oldest: int = 0
    limit: int = 0
    newest: Newest | None = None
    jumps: bool = False


class End(NamedTuple):
    """Where a stream ends, and the chain there; None when the last entry is not there any more."""

    point: Point
    chain: int | None


class Outgoing:
    """Logs an instrument's steps from now on. Every interval of bars is kept: any gateway may be asked for it."""

    def __init__(
        self, state: InstrumentState, limits: LogLimits, history: History, *, chain: int = 0
    ) -> None:
        for interval in INTERVALS_NS.values():
            state.bars_of(interval)
        self.state = state
        self.log = StepLog(state.position, chain, limits, trades=state.tape.seq)
        self.lost = self.snapshots = 0
        self._history = history
        self._entries: deque[tuple[int, int, int]] = deque()  # (position, bytes, ns) of the stream
        self._entries_bytes = 0
        self._held: deque[tuple[int, int]] = deque()  # (position, bytes) of all that a recorder may want
        self.held_bytes = self._limit = 0
        self._snapshot_at: int | None = None
        self._newest_at: int | None = None
        self._newest_position = -1

    @property
    def epoch(self) -> int:
        """Give the epoch of the instrument's state."""
        return self.state.book.epoch

    def append(self, step: Step, now: int) -> None:
        """Take the market's next step."""
        self.log.append(step, now)

    def due(self, now: int) -> list[Write]:
        """Give what is to be written now, in order; nothing when Redis has it all."""
        log = self.log
        if log.jumps_next:
            log.begin_jump()
            self._entries.clear()
            self._entries_bytes = 0
            entry = pack_entry(log.position, log.chain, log.chain, [], log.trades)
            return [self._with_state(log.position, entry, now)._replace(jumps=True)]
        writes: list[Write] = []
        after = log.written
        while len(writes) < _ENTRIES and (steps := log.next_entry(after)):
            first, last = steps[0], steps[-1]
            packed = [one.packed for one in steps]
            entry = pack_entry(first.before, first.chain_before, last.chain, packed, first.trades)
            after = last.after
            if after == self.state.position and self._is_snapshot_due(now):
                writes.append(self._with_state(after, entry, now))
            else:
                self._note(after, len(entry), now)
                newest = self.newest(now) if after == self.state.position else None
                writes.append(Write(after, entry, newest=newest))
        return writes

    def newest_due_ns(self, now: int) -> int | None:
        """Give in how long (ns) the values to be read by key are to be written; None when they are the newest."""
        if self._newest_position == self.state.position:
            return None
        at = self._newest_at
        return 0 if at is None else max(0, at + int(self._history.newest_s * 1e9) - now)

    def newest(self, now: int) -> Newest | None:
        """Give the values to be read by key when it is time to write them."""
        if self.newest_due_ns(now) != 0:
            return None
        self._newest_at, self._newest_position = now, self.state.position
        return pack_newest(self.state)

    def _is_snapshot_due(self, now: int) -> bool:
        at, history = self._snapshot_at, self._history
        return at is None or now - at >= history.snapshot_s * 1e9 or self._entries_bytes > history.bytes

    def _with_state(self, position: int, entry: bytes, now: int) -> Write:
        self._note(position, len(entry), now)
        self._snapshot_at = now
        self.snapshots += 1
        entries, history = self._entries, self._history
        while len(entries) > 1 and (
            self._entries_bytes > history.bytes or now - entries[0][2] > history.seconds * 1e9
        ):
            self._entries_bytes -= entries.popleft()[1]
        state = StoredState(self.epoch, position, self.log.chain, pack_state(self.state))
        self._newest_at, self._newest_position = now, position
        newest = pack_newest(self.state)
        return Write(position, entry, msgspec.msgpack.encode(state), entries[0][0], self._limit, newest)

    def _note(self, position: int, size: int, now: int) -> None:
        self._entries.append((position, size, now))
        self._entries_bytes += size
        self._held.append((position, size))
        self.held_bytes += size
        while self.held_bytes > self._history.limit_bytes and len(self._held) > 1:
            self.held_bytes -= self._held.popleft()[1]
            self._limit = self._held[0][0]

    def trimmed(self, oldest: Point) -> None:
        """Learn that the stream holds nothing from before `oldest` any more."""
        while oldest.epoch == self.epoch and self._held and self._held[0][0] < oldest.position:
            self.held_bytes -= self._held.popleft()[1]

    def continues(self, end: End | None) -> bool:
        """Tell whether what the stream holds is known to be the beginning of this state: same epoch, same steps."""
        if end is None or end.point.epoch != self.epoch:
            return False
        return self.log.chain_at(end.point.position) == end.chain

    def open(self, end: End | None, now: int) -> None:
        """Begin: go on where the stream ends if this state continues it, else with the state as it stands."""
        if self.continues(end):
            self.stands_at(end, now)
        else:
            self.log.jump()

    def stands_at(self, end: End | None, now: int) -> None:
        """Go on from where the stream turns out to end; FencedError when another engine has written there."""
        log = self.log
        if end is None or end.point.epoch < self.epoch:
            self._lose()
        elif end.point.epoch > self.epoch or end.point.position > log.position:
            raise self._fenced(end)
        elif log.jumps_next:
            return  # what was sent before may be there or not: the state comes after it
        elif end.point.position >= log.written:
            if end.chain is not None and not self.continues(end):
                raise self._fenced(end)
            log.wrote(end.point.position, now)
        elif self.continues(end) and log.rewind(end.point.position):
            self.lost += 1
            while self._held and self._held[-1][0] > end.point.position:
                self.held_bytes -= self._held.pop()[1]
        else:
            self._lose()

    def _fenced(self, end: End) -> FencedError:
        return FencedError(
            f"another engine writes {self.state.instrument.symbol} now",
            expected=f"what this one wrote, up to {self.epoch}-{self.log.written}",
            got=f"another history, up to {end.point.id}",
        )

    def _lose(self) -> None:
        self.lost += 1
        if not self.log.jumps_next:
            self.log.jump()
