"""The shell of the relay: sessions of devices on one side, Redis on the other.

Theory of operation. Envelopes wait in one bounded queue; one pipeline is under way at a time, and what came meanwhile
goes with the next; behind it go the cursors up to which devices have everything, of each its last one. An answer is
given when Redis has answered: what was acknowledged outlives a kill of the relay.
Redis writes to its append-only file before it answers: a killed one keeps what the kernel has, but not what it held
back while a sync was under way (`appendfsync everysec`), and a machine that stops may lose the last second. A relay
that is `synced` asks Redis (WAITAOF) whether all is on its disk, and answers then: nothing of that is lost, and an
answer takes up to a second, or what a sync takes where Redis syncs always. Then it is pushed to those of its devices
that are connected here and have had everything before; others read it from their mailbox.
One relay serves a Redis: mail is pushed by the process that stored it.
"""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from functools import partial
from itertools import islice
from types import TracebackType
from typing import NamedTuple, Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from rtlab.errors import StoreError
from rtlab.feed.admission import Admission, Visit
from rtlab.feed.sessions import Service
from rtlab.messaging.encryption.envelope import Kind
from rtlab.messaging.identity import Statement
from rtlab.messaging.relay.desk import Desk, Refusal
from rtlab.messaging.relay.limits import RelayLimits
from rtlab.messaging.relay.mailboxes import Mailboxes, Outcome, Parcel
from rtlab.messaging.relay.messages import (
    Acknowledge,
    Done,
    Fleeting,
    Hello,
    Mail,
    Ready,
    Request,
    Send,
    encode,
)
from rtlab.messaging.relay.session import REPLACED, RelaySession
from rtlab.messaging.relay.statistics import NAMES, RelayStatistics

PATH, SUBPROTOCOL = "/messages", "rtlab.messages.v1"
BATCH = 512
FORGOTTEN = 64
"""Mailboxes that are shortened in one turn of storing: envelopes that wait meanwhile do not wait for more."""
STORE_AWAY = "the relay's store does not answer"
_AGAIN_S = 0.05
log = logging.getLogger("rtlab.messaging")


class _Waiting(NamedTuple):
    session: RelaySession
    n: int
    parcel: Parcel


class Relay:
    """A relay on Redis at `url`; `async with Relay(url, "relay.example") as relay`, then `relay.service()`.

    `directory` is the name that wallets' statements are for: the host, and port, that pages reach it by.
    """

    def __init__(
        self,
        url: str,
        directory: str,
        *,
        limits: RelayLimits | None = None,
        synced: bool = False,
        prefix: str = "rtlab:msg",
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.directory, self.limits, self.wall = directory, limits or RelayLimits(), wall
        # one each: all requests that may be under way, and the mail that is being kept
        self._redis = Redis.from_url(url, protocol=2, max_connections=self.limits.tasks + 8)
        self._boxes = Mailboxes(self._redis, prefix, self.limits, synced=synced)
        self._desk = Desk(self._redis, prefix, directory, self.limits, wall)
        self._online: dict[str, RelaySession] = {}
        self._visits: dict[RelaySession, Visit] = {}
        self._waiting: deque[_Waiting] = deque()
        self._read: dict[RelaySession, Acknowledge] = {}  # that are not forgotten yet, one of a session
        self._tasks: set[asyncio.Task[None]] = set()
        self._counts: Counter[str] = Counter()
        self._wanted = asyncio.Event()

    async def __aenter__(self) -> Self:
        """StoreError when Redis does not answer, or cannot do what is asked of it."""
        try:
            await self._boxes.load()
        except StoreError:
            await self._redis.aclose()
            raise
        except (RedisError, OSError) as problem:
            await self._redis.aclose()
            raise StoreError(f"the relay's Redis does not answer: {problem}") from None
        await self._desk.load()
        self._storing = asyncio.create_task(self._store_on())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [self._storing, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._redis.aclose()

    def service(self, admission: Admission | None = None) -> Service:
        """Give the path for a gateway; with its `admission` where that asks for tokens."""
        guarded = admission is not None and admission.tokens is not None

        def open_session(subprotocol: str, visit: Visit, now: int) -> RelaySession:
            authenticate = partial(admission.authenticate, visit) if guarded and admission else None
            session = RelaySession(self, now, authenticate)
            session.wake = visit.wake
            self._visits[session] = visit
            return session

        return Service({SUBPROTOCOL: True}, open_session)

    def statistics(self) -> RelayStatistics:
        """Count connections and what was done."""
        self._sweep()
        return RelayStatistics(len(self._online), len(self._waiting), *(self._counts[name] for name in NAMES))

    # what sessions ask for

    def enter(self, session: RelaySession, hello: Hello, statement: Statement) -> None:
        """See Post."""
        self._begin(session, hello.n, self._enter(session, hello, statement))

    def store(self, session: RelaySession, send: Send, ident: bytes, kind: Kind) -> None:
        """See Post."""
        if kind is Kind.FLEETING:
            self._pass_on(send)
            session.tell(Done(send.n))
            return
        if len(self._waiting) >= self.limits.inbox:
            session.refuse(send.n, "busy", retry_after=1.0)
            return
        self._waiting.append(_Waiting(session, send.n, Parcel(session.device, session.account, ident, send)))
        self._wanted.set()

    def ask(self, session: RelaySession, request: Request) -> None:
        """See Post."""
        if not isinstance(request, Acknowledge):
            self._begin(session, request.n, self._answer(session, request))
            return
        before = self._read.get(session)
        if before is not None:
            session.tell(Done(before.n))
            request = Acknowledge(n=request.n, upto=max(before.upto, request.upto))
        self._read[session] = request
        self._wanted.set()

    def refused(self) -> None:
        """See Post."""
        self._counts["refused"] += 1

    # other requests

    def _begin(self, session: RelaySession, n: int, work: Coroutine[object, object, None]) -> None:
        if len(self._tasks) >= self.limits.tasks:
            work.close()
            session.is_entering = False
            session.refuse(n, "busy", retry_after=1.0)
            return
        task = asyncio.create_task(self._guarded(session, n, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, session: RelaySession, n: int, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except (RedisError, OSError) as problem:
            self._failed(problem)
            session.refuse(n, "busy", STORE_AWAY, 1.0)
        session.wake()

    async def _answer(self, session: RelaySession, request: Request) -> None:
        answer = await self._desk.answer(session.device, session.account, request)
        if isinstance(answer, Refusal):
            session.refuse(request.n, answer.code, answer.why)
            return
        session.tell(answer.done)
        if answer.counted:
            self._counts[answer.counted] += 1
        gone = self._online.pop(answer.revoked, None)
        session.wake()
        if gone is not None:
            self._end(gone, "the device was revoked")

    async def _enter(self, session: RelaySession, hello: Hello, statement: Statement) -> None:
        entered = await self._desk.register(hello.binding, statement)
        session.is_entering = False
        if isinstance(entered, str):
            session.refuse(hello.n, entered)
            return
        device = statement.device.hex()
        before = self._online.get(device)
        if before is not None and before is not session:
            self._end(before, "the device has come back by another connection")
        session.device, session.account, session.cursor = device, statement.account, hello.after
        self._online[device] = session
        limits = {"envelope_bytes": float(self.limits.envelope_bytes), "per_s": self.limits.per_s}
        session.tell(Ready(hello.n, statement.account, entered.cursor, entered.packages, limits))
        await self._catch_up(session)

    async def _catch_up(self, session: RelaySession) -> None:
        """Send what waits in the mailbox; from then on mail is pushed as it comes."""
        session.is_behind = True
        while self._online.get(session.device) is session and self._visits[session].here:
            while not session.has_room:
                await asyncio.sleep(_AGAIN_S)
                if not self._visits[session].here:
                    return
            page = await self._boxes.read(session.device, session.cursor)
            for mail in page:
                if mail.cursor > session.cursor:
                    session.push(encode(mail))
                    session.cursor = mail.cursor
                    self._counts["delivered"] += 1
            session.wake()
            if not page:
                session.is_behind = False
                return

    def _end(self, session: RelaySession, why: str) -> None:
        self._visits[session].end(REPLACED, why)
        self._visits.pop(session, None)

    def _sweep(self) -> None:
        for session in [one for one, visit in self._visits.items() if not visit.here]:
            self._forget(session)

    def _forget(self, session: RelaySession) -> None:
        self._visits.pop(session, None)
        if self._online.get(session.device) is session:
            del self._online[session.device]

    def _failed(self, problem: Exception) -> None:
        self._counts["store_failures"] += 1
        log.warning("%s: %s", STORE_AWAY, problem)

    # envelopes

    def _pass_on(self, send: Send) -> None:
        for device in send.to:
            session = self._reachable(device)
            if session is None or not session.has_room:
                self._counts["fleeting_dropped"] += 1
                continue
            session.tell(Fleeting(send.envelope))
            session.wake()
            self._counts["fleeting"] += 1

    def _reachable(self, device: str) -> RelaySession | None:
        session = self._online.get(device)
        if session is not None and not self._visits[session].here:
            self._forget(session)
            return None
        return session

    async def _store_on(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting or self._read:
                if not self._waiting or await self._store_waiting():
                    await self._forget_read()
            self._sweep()

    async def _store_waiting(self) -> bool:
        batch = [self._waiting[i] for i in range(min(BATCH, len(self._waiting)))]
        try:
            outcomes = await self._boxes.store([one.parcel for one in batch])
        except (RedisError, OSError) as problem:
            # nothing was acknowledged: they stay, and are known again by their identifiers
            self._failed(problem)
            await asyncio.sleep(_AGAIN_S)
            return False
        woken: set[RelaySession] = set()
        for waiting, outcome in zip(batch, outcomes, strict=True):
            self._waiting.popleft()
            self._settle(waiting, outcome, woken)
        for session in woken:
            session.wake()
        return True

    async def _forget_read(self) -> None:
        sessions = list(islice(self._read, FORGOTTEN))
        if not sessions:
            return
        requests = [self._read.pop(session) for session in sessions]
        read = [(one.device, request.upto) for one, request in zip(sessions, requests, strict=True)]
        try:
            counts = await self._boxes.forget(read)
        except (RedisError, OSError) as problem:
            self._failed(problem)
            for session, request in zip(sessions, requests, strict=True):
                session.refuse(request.n, "busy", STORE_AWAY, 1.0)
        else:
            self._counts["acknowledged"] += sum(counts)
            for session, request in zip(sessions, requests, strict=True):
                session.tell(Done(request.n))
        for session in sessions:
            session.wake()

    def _settle(self, waiting: _Waiting, outcome: Outcome, woken: set[RelaySession]) -> None:
        woken.add(waiting.session)
        if outcome.refused is not None:
            self._counts["stale_commits"] += outcome.refused == "stale"
            waiting.session.refuse(waiting.n, outcome.refused)
        else:
            self._counts["commits"] += waiting.parcel.send.group is not None
            waiting.session.tell(Done(waiting.n, epoch=outcome.epoch))
        self._counts["duplicates"] += outcome.duplicates
        if outcome.duplicates:  # perhaps stored by a request whose answer was lost, so that nobody was told
            for device in waiting.parcel.send.to:
                self._fall_behind(self._reachable(device))
        for device, cursor, stranger in outcome.placed:
            self._counts["stored"] += 1
            session = self._reachable(device)
            if session is None or session.is_behind:
                continue
            if not session.has_room or cursor != session.cursor + 1:
                self._fall_behind(session)
                continue
            session.push(encode(Mail(cursor, waiting.parcel.send.envelope, stranger)))
            session.cursor = cursor
            self._counts["delivered"] += 1
            woken.add(session)

    def _fall_behind(self, session: RelaySession | None) -> None:
        """Let a session read from its mailbox; where too much is under way, the next mail asks for that again."""
        if session is not None and not session.is_behind and len(self._tasks) < self.limits.tasks:
            session.is_behind = True
            self._begin(session, 0, self._catch_up(session))
