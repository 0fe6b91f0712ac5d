"""Rounds of the fan-out: what all readers are due after the market moved, sent in slices that yield to the loop."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from rtlab.feed.connection import Connection
from rtlab.feed.fanout import ENTRIES, Sender, is_possible
from rtlab.feed.frames import Frames
from rtlab.protocol import Subscriber
from rtlab.protocol.cohort import Cohorts, Step

Ints = npt.NDArray[np.int64]

SLICE_NS = 2_000_000
"""After this long the loop gets its turn: sockets to accept, answers to read, pings."""

CHUNK = ENTRIES  # members whose sends go in one call of the kernel: they take less than a slice
SINGLES_NS = 8_000_000
"""After so long with single readers a round is over: who is left is served until the next one, and first in it."""

_FIRST_NS = 1_000_000  # for single readers at the head of a round, who may join a cohort there


class Rounds:
    """Carries readers in cohorts and serves the others one by one; `begin` whenever somebody may be due something.

    Theory of operation. A round begins by building what each cohort is due; at that moment nothing else happens, so
    that a single reader which is served right then stands where a cohort stands, and joins it. Then come the members,
    chunk by chunk, then the other single readers, and every `SLICE_NS` the loop. Only one round is under way: who
    wants another one meanwhile begins it when `done` was called, and gets all that came in between as one. However
    many single readers there are, of whom a thousand may have to be given up at once, members wait for them no
    longer than `SINGLES_NS` and a slice.
    """

    def __init__(
        self,
        frames: Frames,
        cohorts: Cohorts[Connection],
        loop: asyncio.AbstractEventLoop,
        done: Callable[[], None],
    ) -> None:
        self.cohorts = cohorts
        self.slices = self.rounds = 0
        self.bytes_sent = 0  # by the kernel
        self.busy_ns = 0  # of the last round
        self.ended = 0  # when (ns, monotonic) the last round was done
        self._frames, self._loop, self._done = frames, loop, done
        self._singles: dict[Connection, None] = {}
        self._steps: deque[tuple[Step, Ints]] = deque()
        self._waiting: OrderedDict[Connection, None] = OrderedDict()
        self._singles_ns, self._is_over = 0, True
        self._descriptors = np.zeros(0, np.int64)
        self._bytes = np.zeros(0, np.int64)  # of each member, in frames
        self._took = np.zeros(CHUNK, np.int64)
        self._next: asyncio.Handle | None = None
        self._direct, self._sender = is_possible(), Sender()

    @property
    def is_under_way(self) -> bool:
        """Whether a round is not yet done."""
        return not self._is_over

    @property
    def singles(self) -> Iterable[Connection]:
        """Give those that no cohort carries."""
        return tuple(self._singles)

    def enter(self, connection: Connection) -> None:
        """Serve a connection from now on."""
        self._singles[connection] = None

    def leave(self, connection: Connection) -> None:
        """Serve a connection no longer."""
        if isinstance(connection.session, Subscriber):
            connection.session.leave()
        self._singles.pop(connection, None)

    def stop(self) -> None:
        """Break off what is under way."""
        self._is_over = True
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def close(self) -> None:
        """Send no more. Idempotent."""
        self.stop()
        self._sender.close()

    def begin(self, now: int) -> None:
        """Begin a round, unless one is under way: then nothing happens."""
        if self.is_under_way:
            return
        self.stop()
        self._is_over = False
        self.rounds += 1
        self.busy_ns = self._singles_ns = 0
        steps = self.cohorts.begin(now)
        # most of those who are behind wait for their reader's answer: they cost a look
        self._waiting.update((one, None) for one in self._singles if one.rests_until < now)
        self._serve_singles(now, now + _FIRST_NS)
        for step in steps:
            size = CHUNK if step.payload is not None else max(1, len(step.slots))
            self._steps.extend((step, step.slots[i : i + size]) for i in range(0, len(step.slots), size))
        self._slice(now)

    def sent_to(self, connection: Connection) -> int:
        """Give the bytes that a member was sent since it joined."""
        return int(self._bytes[connection.place]) if connection.place >= 0 else 0

    def joined(self, owner: Connection, slot: int) -> None:
        """See Carrier."""
        if slot >= len(self._descriptors):
            more = max(64, slot + 1)
            self._descriptors = np.append(self._descriptors, np.full(more, -1))
            self._bytes = np.append(self._bytes, np.zeros(more, np.int64))
        owner.place = slot
        self._descriptors[slot] = owner.direct if self._direct else -1
        self._bytes[slot] = 0
        self._singles.pop(owner, None)

    def fell_out(self, owner: Connection, slot: int) -> None:
        """See Carrier."""
        self.bytes_sent -= int(self._bytes[slot])
        owner.bytes_sent += int(self._bytes[slot])
        self._descriptors[slot] = -1
        owner.place = -1
        self._singles[owner] = None
        if self._steps:
            self._waiting[owner] = None  # still in this round

    def _slice(self, began: int | None = None) -> None:
        self._next = None
        self.slices += 1
        began = time.monotonic_ns() if began is None else began
        now, until = time.monotonic_ns(), began + SLICE_NS
        while self._steps and now < until:
            step, slots = self._steps.popleft()
            self._serve(step, slots, now)
            now = time.monotonic_ns()
        members_ended = now
        if not self._steps:
            now = self._serve_singles(now, until)
            self._singles_ns += now - members_ended
        if not self._is_over:
            self.busy_ns += now - began
            if not self._steps and (not self._waiting or self._singles_ns >= SINGLES_NS):
                self._is_over = True
                self.cohorts.end(now)
                self.ended = now
                self._done()
        if self._steps or self._waiting:
            self._next = self._loop.call_soon(self._slice)

    def _serve(self, step: Step, slots: Ints, now: int) -> None:
        slots = self.cohorts.ready(step, slots, now)
        if step.payload is not None:
            self.cohorts.sent(step, slots)
            self._send(step, step.payload, slots, now)
        asked = self.cohorts.ask(step, slots, now)
        if asked is not None:
            ping, slots = asked
            for i in range(0, len(slots), CHUNK):
                self._send(step, ping, slots[i : i + CHUNK], now)

    def _send(self, step: Step, payload: bytes, slots: Ints, now: int) -> None:
        if not len(slots):
            return
        frame = self._frames.frame(payload, text=step.after.codec.encoding == "json")
        self._bytes[slots] += len(frame)
        self.bytes_sent += len(slots) * len(frame)
        self._frames.shared += len(slots) - 1
        took = self._took[: len(slots)]
        if self._sender.send_to_all(self._descriptors[slots], frame, took):
            for slot, sent in zip(slots.tolist(), took.tolist(), strict=True):
                if sent != len(frame):
                    self._finish(slot, frame, max(0, sent), now)

    def _finish(self, slot: int, frame: bytes, sent: int, now: int) -> None:
        # over TLS this is the way; else the socket is full, and its reader goes on alone behind what is held back
        connection = self.cohorts.owners[slot]
        assert connection is not None
        before = connection.held()
        connection.transport.write(frame[sent:])
        if connection.held() and isinstance(connection.session, Subscriber):
            connection.session.leave()
        connection.measure(before, now)

    def _serve_singles(self, now: int, until: int) -> int:
        while self._waiting and now < until:
            connection, _ = self._waiting.popitem(last=False)
            if connection in self._singles:
                connection.write_due(now)
                self._join(connection, now)
            now = time.monotonic_ns()
        self.cohorts.forget()
        return now

    def _join(self, connection: Connection, now: int) -> None:
        session = connection.session
        if len(self._singles) + self.cohorts.members < 2:
            return  # nobody is there to stand beside
        if not isinstance(session, Subscriber) or connection.bits:
            return  # whoever asked for compression is sent frames that are shared, but one by one
        if not connection.held():
            session.join(self.cohorts, connection, now)
