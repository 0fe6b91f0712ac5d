"""The socket of one machine: opened, read, written, and opened again when it is gone.

No queue lies between the socket and who takes the messages: each is taken in the loop's turn that read it. The
library reads a few frames ahead (`_AHEAD`) and then leaves the socket alone, so that a slow taker slows the venue,
who may end the connection: that is a loss that is noticed, and never one message silently less.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from rtlab.model import MarketMessage
from rtlab.sources.venues.machine import Get, HangUp, Send, VenueMachine
from rtlab.sources.venues.pacing import Pace, Tries
from rtlab.sources.venues.rest import LIMITED, LIMITED_S, Rest, retry_after_s
from rtlab.telemetry import event

log = logging.getLogger("rtlab.sources")

TICK_S = 0.1
OPEN_TIMEOUT_S = 5.0
MOST_BYTES = 64 << 20  # a whole book of Coinbase has several MB
LIMITED_CODES = (1008, 1013)  # closed for too many messages; come later
_AHEAD = 64  # frames
_STEADY_S = 30.0  # a connection that lived so long was a good one

Take = Callable[[list[MarketMessage]], None]
Raw = Callable[[int, str, bytes], None]
"""Told what came as it came: when (ns), from which address, and its bytes."""


class Reach(NamedTuple):
    """How one venue is reached: HTTP and its base, and the distance between connections and between messages."""

    rest: Rest
    base: str
    connecting: Pace
    sending: Callable[[], Pace]


class ConnectionStatistics(NamedTuple):
    """Sockets opened, lost and hung up on, and why the last one ended."""

    opened: int
    lost: int
    hung_up: int
    last_reason: str


class VenueConnection:
    """Runs one machine over sockets to `url`, until it is cancelled; `take` is given what it gives."""

    def __init__(self, url: str, machine: VenueMachine, reach: Reach, take: Take) -> None:
        self.url, self.machine = url, machine
        self.opened = self.lost = self.hung_up = 0
        self.last_reason = ""
        self._reach, self._take = reach, take
        self.on_raw: Raw | None = None
        self._tries = Tries()
        self._sending = reach.sending()
        self._out: asyncio.Queue[str] = asyncio.Queue(maxsize=1000)
        self._socket: ClientConnection | None = None

    async def run(self) -> None:
        """Connect, read, and connect again, until it is cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self._tick(), name="rtlab venue clock")
            while True:
                pause = await self._once()
                await asyncio.sleep(self._tries.delay_s(pause))

    def statistics(self) -> ConnectionStatistics:
        """Count since the beginning."""
        return ConnectionStatistics(self.opened, self.lost, self.hung_up, self.last_reason)

    async def _once(self) -> float:
        """Live through one connection; give the seconds that the venue asks us to stay away."""
        await self._reach.connecting.turn()
        began = time.monotonic()
        try:
            async with connect(
                self.url,
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=1,
                max_size=MOST_BYTES,
                max_queue=_AHEAD,
                ping_interval=None,  # the machine has the venue show that it is alive
                logger=log,
            ) as socket:
                pause = await self._live(socket)
        except InvalidStatus as problem:
            status = problem.response.status_code
            self._lose(f"the venue refused the connection with {status}")
            told = retry_after_s(dict(problem.response.headers.raw_items()))
            return told or (LIMITED_S if status in LIMITED else 0.0)
        except (OSError, TimeoutError, WebSocketException) as problem:
            self._lose(f"the venue does not answer: {problem}")
            return 0.0
        if time.monotonic() - began > _STEADY_S:
            self._tries.reset()
        return pause

    async def _live(self, socket: ClientConnection) -> float:
        self.opened += 1
        self._out = asyncio.Queue(maxsize=1000)
        self._socket = socket
        writing = asyncio.create_task(self._write(socket), name="rtlab venue writer")
        self.machine.opened(time.monotonic_ns(), time.time_ns())
        self._do_requests()
        try:
            async for payload in socket:
                if self.on_raw is not None:
                    as_it_came = payload.encode() if isinstance(payload, str) else payload
                    self.on_raw(time.time_ns(), self.url, as_it_came)
                self._give(self.machine.receive(payload, time.monotonic_ns()))
            closed = socket.close_code, socket.close_reason
        except ConnectionClosed as problem:
            closed = (problem.rcvd.code, problem.rcvd.reason) if problem.rcvd else (1006, "without a word")
        finally:
            self._socket = None
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        self._lose(f"the venue closed the connection: {closed[0]} {closed[1] or ''}".strip())
        return LIMITED_S / 6 if closed[0] in LIMITED_CODES else 0.0

    def _lose(self, reason: str) -> None:
        self.lost += 1
        self.last_reason = reason
        event(log, logging.INFO, "a venue's connection ended", url=self.url, reason=reason)
        self.machine.lost(reason, time.monotonic_ns())

    def _give(self, messages: list[MarketMessage]) -> None:
        if messages:
            self._take(messages)
        self._do_requests()

    def _do_requests(self) -> None:
        for request in self.machine.take_requests():
            match request:
                case Send(text):
                    if self._out.full():  # the socket takes nothing, and the silence will end it
                        self.machine.requests_dropped += 1
                    else:
                        self._out.put_nowait(text)
                case Get():
                    self._tasks.create_task(self._ask(request), name="rtlab venue snapshot")
                case HangUp(reason):
                    self._hang_up(reason)

    def _hang_up(self, reason: str) -> None:
        self.hung_up += 1
        event(log, logging.WARNING, "hung up on a venue", url=self.url, reason=reason)
        if self._socket is not None:
            self._socket.transport.abort()  # a close frame would wait for an answer that may never come

    async def _ask(self, get: Get) -> None:
        url = self._reach.base + get.path
        answer = await self._reach.rest.get(url)
        if self.on_raw is not None and answer.body:
            self.on_raw(time.time_ns(), url, answer.body)
        now = time.monotonic_ns()
        if answer.status == 200:
            self._give(self.machine.answered(get, answer.body, now))
        else:
            self.machine.refused(get, answer.reason, now, answer.retry_after_s)

    async def _write(self, socket: ClientConnection) -> None:
        while True:
            text = await self._out.get()
            await self._sending.turn()
            try:
                await socket.send(text)
            except ConnectionClosed:
                return  # the reader tells

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._give(self.machine.tick(time.monotonic_ns()))
