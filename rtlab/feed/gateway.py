"""The asyncio WebSocket server around Subscriber: shared state in, the same bytes out to every reader at a point."""

import asyncio
import logging
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import TracebackType
from typing import NamedTuple, Self

from rtlab.errors import ClosedError
from rtlab.feed import budget
from rtlab.feed.admission import Admission, Visit
from rtlab.feed.connection import Connection
from rtlab.feed.draining import send_away
from rtlab.feed.fanout import warm_up
from rtlab.feed.frames import Frames
from rtlab.feed.http import Route
from rtlab.feed.listening import BACKLOG, listening_socket
from rtlab.feed.logs import LOG, tell
from rtlab.feed.pages import pages
from rtlab.feed.rounds import Rounds
from rtlab.feed.sessions import Service
from rtlab.feed.statistics import ConnectionStatistics, GatewayStatistics
from rtlab.feed.tls import Secured
from rtlab.protocol import SUBPROTOCOLS, Code, Codec, Limits, PayloadCache, Sources, State, Subscriber, looks
from rtlab.protocol.cohort import Cohorts, Tally, total
from rtlab.protocol.ladder import Moves
from rtlab.protocol.pulse import Pulse

FROZEN_S = 1.5  # without a sign of life of who makes the market, until readers are told
_STALLED_NS = 500_000_000  # between two ticks: this process stood still itself
CREDIT_TICK_S = 0.02  # pings, credit and evictions are looked at this often
_RECENT_NS = round(CREDIT_TICK_S * 1e9 / 2)
RESTARTING = (int(Code.RESTARTING), "the server is restarting; retry in 0.2 s")


class Gateway:
    """Serve `market` to readers over WebSocket; `async with Gateway(market) as gateway`.

    `publish()` sends to every reader what is due after the market changed. `port` 0 takes any free port.
    `admission` says who is let in, `tls` makes it `wss`, `services` are further sessions by path, on the same
    port, `more` further groups of statistics for its pages, and `reuse_port` shares the port with other processes.
    `compression` lets readers have compressed frames who ask for them, at the cost of some CPU for each payload.
    `memory_budget` bounds the bytes that are held for all readers together: then the worst laggards are given up.
    `silence` tells for how long (s) nothing was heard of who makes the market, if that is another process.
    AddressError when the port is in use, or `host` is not this machine and admission does not guard it.
    """

    def __init__(
        self,
        market: Sources,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        admission: Admission | None = None,
        tls: ssl.SSLContext | None = None,
        services: Mapping[str, Service] | None = None,
        more: Mapping[str, Callable[[], NamedTuple]] | None = None,
        reuse_port: bool = False,
        memory_budget: int = budget.BYTES,
        compression: bool = False,
        silence: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.market = market
        self._silence = silence
        self._listened = self._patient_until = 0
        self.limits = limits or Limits()
        self.admission = admission or Admission()
        self.frames = Frames()
        self.host, self.port = host, port
        self.routes: dict[str, Route] = pages(self)
        feed = Service({name: kind == "json" for name, kind in SUBPROTOCOLS.items()}, self._open)
        self.services: dict[str, Service] = {"/": feed, **(services or {})}
        self.more: dict[str, Callable[[], NamedTuple]] = dict(more or {})
        self._tls, self._reuse_port = tls, reuse_port
        self._cache = PayloadCache()
        self._codecs = {name: Codec(encoding) for name, encoding in SUBPROTOCOLS.items()}
        self._connections: set[Connection] = set()
        self.compression = compression
        self._budget = budget.Budget(memory_budget)
        self._gone = asyncio.Event()
        self._accepted = self._refused = self._evicted = self._foreign = self._skipped = 0
        self._publishes = self._postponed = self._bytes_sent = 0
        self._began = 0  # the last round, ns
        self._wanted = False  # a publish waits for its turn
        self._moves, self._pulse = Moves(), Pulse(self.limits)
        self._gone_tally = Tally()
        self._pending: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None
        self._serving = False

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        exposed = self.admission.guarded
        listener = listening_socket(self.host, self.port, exposed=exposed, reuse_port=self._reuse_port)
        self.port = listener.getsockname()[1]
        self._started = time.monotonic()
        warm_up()
        looks.warm_up()
        self._rounds = Rounds(self.frames, Cohorts(self._cache, self._pulse, self), self._loop, self._on_done)
        self._serving = True
        self._tick = self._loop.call_later(CREDIT_TICK_S, self._on_tick)
        self._server = await self._loop.create_server(self._accept, sock=listener, backlog=BACKLOG)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def url(self) -> str:
        """Where readers connect to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'ws' if self._tls is None else 'wss'}://{host}:{self.port}"

    @property
    def connections(self) -> Iterable[Connection]:
        """Every socket that is there, also those whose handshake is not done."""
        return tuple(self._connections)

    def publish(self) -> None:
        """Send every reader what is due, at once; call it after the market changed.

        A publish that comes sooner after the one before than that one took is postponed by the rest, so that
        many readers never take more than half of the loop from whoever makes the market: what is postponed is
        merged, not lost. ClosedError outside of `async with`.
        """
        if not self._serving:
            raise ClosedError("this gateway is not serving: publish inside of `async with`")
        now = time.monotonic_ns()
        if self._wanted:
            return
        if now >= self._free_at() and not self._rounds.is_under_way:
            self._publish(now)
            return
        self._postponed += 1
        self._wanted = True
        if not self._rounds.is_under_way:
            self._publish_later(now)

    def stop_listening(self) -> None:
        """Let nobody else in; who is there stays. Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    async def drain(self, seconds: float) -> None:
        """Let nobody else in, send the readers away one by one within `seconds`, and close. Idempotent.

        Until the end strangers are answered 503 with a hint, or taken by the others on a shared port.
        """
        if not self._serving:
            return
        if self._reuse_port:
            self.stop_listening()
        await send_away(self, seconds)
        await self.close()

    def revoke(self, name: str) -> int:
        """Revoke a token by its id, or all tokens of a subject; give how many readers are about to be closed."""
        return self.admission.revoke(name)

    async def close(self) -> None:
        """Stop listening and send every reader away with 1012 and a retry hint. Idempotent."""
        self.stop_listening()
        if not self._serving:
            return
        self._serving = False
        self._tick.cancel()
        if self._pending is not None:
            self._pending.cancel()
        self._rounds.close()
        for connection in self.connections:
            connection.shut(*RESTARTING)
        if self._connections:
            self._gone.clear()
            await self._gone.wait()

    def statistics(self) -> GatewayStatistics:
        """Count readers, how they ended, and what was shared; cheap enough for every scrape."""
        # members are many and all live: what is to be known of them is known together
        rounds, into = self._rounds, self._moves.into
        alone = [reader for _, reader in self._alone()]
        states = Counter(reader.state for reader in alone)
        states[State.LIVE] += rounds.cohorts.members
        tally = total(self._gone_tally, rounds.cohorts.carried(), *(reader.tally for reader in alone))
        return GatewayStatistics(
            readers=len(alone) + rounds.cohorts.members,
            live=states[State.LIVE],
            lagging=states[State.LAGGING],
            degraded=states[State.DEGRADED],
            accepted=self._accepted,
            refused=self._refused,
            evicted=self._evicted,
            given_up=self._budget.given_up,
            foreign=self._foreign,
            lagged=into[State.LAGGING],
            degradations=into[State.DEGRADED],
            recovered=into[State.LIVE],
            publishes=self._publishes,
            postponed=self._postponed,
            publish_us=rounds.busy_ns / 1e3,
            slices=rounds.slices,
            cohorts=rounds.cohorts.count,
            carried=rounds.cohorts.members,
            fell_out=rounds.cohorts.fallen,
            frames_built=self.frames.built,
            frames_shared=self.frames.shared,
            frames_compressed=self.frames.compressed,
            bytes_saved=self.frames.saved,
            merged=tally.merged,
            dropped=tally.dropped,
            bytes_sent=self._bytes_sent + rounds.bytes_sent + sum(c.bytes_sent for c in self._connections),
            buffered=sum(c.held() for c in self._connections),
            heartbeat_ms=self._pulse.heartbeat / 1e6,
            pings_stretched=self._pulse.stretched,
            pongs_skipped=self._skipped,
        )

    @property
    def ending(self) -> bool:
        """Tell whether its readers are being sent away, or have been."""
        return not self._serving or self.admission.draining_until is not None

    @property
    def unready(self) -> str | None:
        """Say why no reader should come now; None when all is well."""
        if self.ending:
            return "it is ending"
        if self._pulse.silent_ms > 0:
            return f"nothing is heard of the engine for {self._pulse.silent_ms / 1e3:.1f} s"
        return None if self._publishes else "nothing was published yet"

    @property
    def uptime_s(self) -> float:
        """Give how long it has been serving."""
        return time.monotonic() - self._started

    def groups(self) -> dict[str, NamedTuple]:
        """Give all that is counted here, by group."""
        ours: dict[str, NamedTuple] = {"feed": self.statistics(), "admission": self.admission.statistics()}
        return ours | {name: group() for name, group in self.more.items()}

    def readers(self) -> list[ConnectionStatistics]:
        """Give the statistics of every reader that is being served."""
        return [
            ConnectionStatistics(
                address=connection.address(),
                subprotocol=connection.subprotocol,
                state=str(reader.state),
                buffered=connection.held(),
                peak_buffered=connection.peak_buffered,
                bytes_sent=connection.bytes_sent + self._rounds.sent_to(connection),
                subscriber=reader.statistics(),
            )
            for connection, reader in self._readers()
        ]

    def arrived(self, connection: Connection) -> None:
        """See Hub."""
        self._connections.add(connection)
        if not self._serving:  # its handshake outlived us
            connection.transport.abort()

    def opened(self, connection: Connection) -> None:
        """See Hub."""
        self._accepted += 1
        self._rounds.enter(connection)
        tell(logging.INFO, "opened", connection, subprotocol=connection.subprotocol)

    def refused(self, connection: Connection) -> None:
        """See Hub."""
        self._refused += 1

    def silenced(self, connection: Connection) -> None:
        """See Hub."""
        self._rounds.leave(connection)
        if isinstance(connection.session, Subscriber):
            self._gone_tally = total(self._gone_tally, connection.session.tally)

    def joined(self, owner: Connection, slot: int) -> None:
        """See Carrier."""
        self._rounds.joined(owner, slot)

    def fell_out(self, owner: Connection, slot: int) -> None:
        """See Carrier."""
        self._rounds.fell_out(owner, slot)

    def left(self, connection: Connection) -> None:
        """See Hub."""
        self._connections.discard(connection)
        tell(logging.INFO, "left", connection, bytes_sent=connection.bytes_sent)
        self._bytes_sent += connection.bytes_sent
        if not self._connections:
            self._gone.set()

    def evicted(self, connection: Connection) -> None:
        """See Hub."""
        self._evicted += 1

    def foreign(self, connection: Connection) -> None:
        """See Hub."""
        self._foreign += 1

    def skipped(self, connection: Connection) -> None:
        """See Hub."""
        self._skipped += 1

    def grew(self, size: int, now: int) -> None:
        """See Hub."""
        if self._budget.grew(size):
            self._budget.look(self._alone(), now)

    def _accept(self) -> asyncio.Protocol:
        connection = Connection(self)
        if self._tls is None:
            return connection
        return Secured(self._tls, self.admission.policy.handshake_s, connection)

    def _open(self, subprotocol: str, visit: Visit, now: int) -> Subscriber:
        return Subscriber(
            self.market,
            codec=self._codecs[subprotocol],
            cache=self._cache,
            limits=self.limits,
            now=now,
            grant=visit.grant,
            all_moves=self._moves,
            pulse=self._pulse,
            authority=None if self.admission.tokens is None else partial(self.admission.authenticate, visit),
        )

    def _readers(self) -> list[tuple[Connection, Subscriber]]:
        return [(c, c.session) for c in self._connections if isinstance(c.session, Subscriber)]

    def _on_tick(self) -> None:
        self._tick = self._loop.call_later(CREDIT_TICK_S, self._on_tick)
        now = time.monotonic_ns()
        for ending in self.admission.due(now):
            ending.visit.end(ending.code, ending.reason)
        self._pulse.stretch(self._rounds.cohorts.members)
        self._listen(now)
        if self._budget.is_due(now):
            self._budget.look(self._alone(), now)
        # what time alone makes due is seen by any round: where the market is busy none is needed for it
        if now >= self._free_at() and now - self._began >= _RECENT_NS:
            self._began = now
            self._rounds.begin(now)

    def _alone(self) -> list[tuple[Connection, Subscriber]]:
        # who is carried by a cohort has an empty send buffer and no answer that waits
        return [(c, c.session) for c in self._rounds.singles if isinstance(c.session, Subscriber)]

    def _listen(self, now: int) -> None:
        # all readers are told when who makes the market falls silent, and when he is back
        if now - self._listened > _STALLED_NS:
            self._patient_until = now + round(FROZEN_S * 1e9)
        self._listened = now
        silence_s = self._silence()
        was = self._pulse.silent_ms > 0
        frozen = silence_s >= FROZEN_S and (was or now >= self._patient_until)
        self._pulse.silent_ms = silence_s * 1e3 if frozen else 0.0
        if frozen is was:
            return
        if frozen:
            LOG.warning(
                "nothing is heard of the engine for %.1f s: readers are told that all is frozen", silence_s
            )
        else:
            LOG.info("the engine is heard of again")
        for _, reader in self._readers():
            reader.tell(now)

    def _free_at(self) -> int:
        # a round takes at most every other moment of the loop; what others did in between its slices is theirs
        return max(self._rounds.ended, self._began + 2 * self._rounds.busy_ns)

    def _on_done(self) -> None:
        if self._wanted:
            self._publish_later(self._rounds.ended)

    def _publish_later(self, now: int) -> None:
        if self._pending is not None:
            self._pending.cancel()
        self._pending = self._loop.call_later(max(0, self._free_at() - now) / 1e9, self._publish_late)

    def _publish_late(self) -> None:
        if not self._rounds.is_under_way:  # else it comes when that round is done
            self._publish(time.monotonic_ns())

    def _publish(self, now: int) -> None:
        self._publishes += 1
        self._wanted = False
        self._began = now
        self._rounds.begin(now)
