"""The engine's log of one instrument: steps that Redis does not have yet, and the last that it has.

    append ──▶ waiting ──written──▶ kept ──older than keep_s, or beyond the bytes──▶ forgotten
                  ▲                   │
                  └──────rewind───────┘   Redis came back without its last entries: they are written again

The log is bounded: beyond `buffer_bytes`, or when the oldest step has waited for `buffer_s`, what waits is given
up, and the next write says where the market stands (its whole state, with exact totals of all trades) instead of
how it came there. So a slow Redis never holds the engine back and never takes its memory, books stay exact, and
what readers then miss of the trades is told as dropped, as to any reader that was too slow.
"""

from collections import deque
from itertools import chain as joined
from typing import NamedTuple
from zlib import crc32

import msgspec

from rtlab.book import Step

_OVERHEAD = 200  # bytes of objects around a packed step


class LogLimits(NamedTuple):
    """Bounds of one log, and how much goes into an entry."""

    buffer_bytes: int = 32 << 20
    buffer_s: float = 10.0
    keep_s: float = 5.0  # more than what a Redis that syncs every second may lose
    entry_steps: int = 64
    entry_bytes: int = 256 << 10


class LoggedStep(NamedTuple):
    """A packed step: it leads from position `before` to `after`, and the chain from `chain_before` to `chain`.

    `trades` of the position `before` are trades.
    """

    before: int
    after: int
    chain_before: int
    chain: int
    packed: bytes
    at: int
    trades: int


class StepLog:
    """Steps of one instrument since `position`, where the chain is `chain`; times in ns.

    `trades` of the position are trades.
    """

    def __init__(
        self, position: int, chain: int = 0, limits: LogLimits | None = None, *, trades: int = 0
    ) -> None:
        self.limits = limits or LogLimits()
        self.position, self.chain, self.trades = position, chain, trades
        self.written = position
        self.jumps_next = False  # the next write is the state itself
        self.bytes = 0
        self.jumps = self.given_up = self.rewritten = 0
        self._base = (position, chain)
        self._waiting: deque[LoggedStep] = deque()
        self._kept: deque[LoggedStep] = deque()
        self._waiting_bytes = 0

    @property
    def waiting(self) -> int:
        """How many steps Redis does not have yet; a state that is to be written counts as one."""
        return len(self._waiting) + self.jumps_next

    def waits_ns(self, now: int) -> int:
        """Give how long the oldest step has waited."""
        return now - self._waiting[0].at if self._waiting else 0

    def append(self, step: Step, now: int) -> None:
        """Take the market's next step."""
        packed = msgspec.msgpack.encode(step)
        before, self.position = self.position, self.position + step.changes
        chain_before, self.chain = self.chain, crc32(packed, self.chain)
        trades, self.trades = self.trades, self.trades + len(step.trades)
        if self.jumps_next:
            self.given_up += 1  # the state that will be written has it
            return
        self._waiting.append(LoggedStep(before, self.position, chain_before, self.chain, packed, now, trades))
        self._waiting_bytes += len(packed) + _OVERHEAD
        self.bytes += len(packed) + _OVERHEAD
        limits = self.limits
        if self._waiting_bytes > limits.buffer_bytes or self.waits_ns(now) > limits.buffer_s * 1e9:
            self.jump()
        self._forget(now)

    def jump(self) -> None:
        """Give up what waits: the next write is the state."""
        self.given_up += len(self._waiting)
        self.jumps_next = True
        self._waiting.clear()
        self._kept.clear()
        self.bytes = self._waiting_bytes = 0

    def next_entry(self, after: int) -> list[LoggedStep]:
        """Give the steps of the next entry of a stream that will end at `after` by then."""
        steps: list[LoggedStep] = []
        size = 0
        for one in self._waiting:
            if one.after <= after:
                continue
            size += len(one.packed)
            if steps and (len(steps) == self.limits.entry_steps or size > self.limits.entry_bytes):
                break
            steps.append(one)
        return steps

    def wrote(self, position: int, now: int) -> None:
        """Redis has everything up to `position`."""
        waiting = self._waiting
        while waiting and waiting[0].after <= position:
            one = waiting.popleft()
            self._waiting_bytes -= len(one.packed) + _OVERHEAD
            self._kept.append(one)
        self.written = max(self.written, position)
        self._forget(now)

    def begin_jump(self) -> None:
        """The state as it stands now is about to be written; what comes from here on waits as usual."""
        self.jumps += 1
        self.jumps_next = False
        self.written = self.position
        self._base = (self.position, self.chain)

    def rewind(self, position: int) -> bool:
        """Redis has only what came up to `position`: write the rest again; False when it was forgotten."""
        kept = self._kept
        if not any(one.before == position for one in kept):
            return False
        while kept and kept[-1].after > position:
            one = kept.pop()
            self._waiting.appendleft(one)
            self._waiting_bytes += len(one.packed) + _OVERHEAD
            self.rewritten += 1
        self.written = position
        return True

    def chain_at(self, position: int) -> int | None:
        """Give the chain at a position that is still remembered, else None."""
        if position == self._base[0]:
            return self._base[1]
        if position == self.position:
            return self.chain
        found = (one.chain for one in joined(self._kept, self._waiting) if one.after == position)
        return next(found, None)

    def _forget(self, now: int) -> None:
        kept, limits = self._kept, self.limits
        while kept and (now - kept[0].at > limits.keep_s * 1e9 or self.bytes > limits.buffer_bytes):
            one = kept.popleft()
            self.bytes -= len(one.packed) + _OVERHEAD
            self._base = (one.after, one.chain)
