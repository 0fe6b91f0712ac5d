"""The experiment behind the fault page: one market, two servers, a reader of each behind equally bad lines."""

import asyncio
import atexit
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Protocol, Self

from rtlab.book import BookView
from rtlab.client import connect
from rtlab.lab.faults.auditor import Auditor
from rtlab.lab.faults.plain import PlainReader, PlainServer
from rtlab.lab.faults.proxy import LossyProxy
from rtlab.lab.faults.stage import Child
from rtlab.lab.faults.verdict import difference
from rtlab.lab.loop import LabLoop
from rtlab.protocol import Applied, Limits, Subscription
from rtlab.views.home import Home

SYMBOL, DEPTH = "BTC-USD", 20
EVERY_S = 0.2
PASSED = 20_000  # points of the market that are remembered to tell how old another is

State = Mapping[str, object]


class Eye(Protocol):
    """A page that looks on."""

    def update(self, state: State) -> None:
        """Show the newest state."""


class Newest:
    """Hands states to an eye on the event loop that it was made on (without one, at once): only the newest waits."""

    def __init__(self, eye: Eye) -> None:
        self._eye = weakref.ref(eye)
        self._lock = Lock()
        self._waiting: State | None = None
        self._home = Home()

    def put(self, state: State) -> bool:
        """Take a state in, from any thread; False when nobody looks any more."""
        with self._lock:
            is_first, self._waiting = self._waiting is None, state
        if is_first:
            self._home.call(self._deliver)
        return self._eye() is not None and not self._home.is_over

    def _deliver(self) -> None:
        with self._lock:
            state, self._waiting = self._waiting, None
        eye = self._eye()
        if eye is not None and state is not None:
            eye.update(state)


class Passing:
    """When the market went on from each of its points: how old is one that stands at (epoch, seq)?"""

    def __init__(self) -> None:
        self.epoch = 0
        self._points: deque[tuple[int, float]] = deque(maxlen=PASSED)

    def reached(self, epoch: int, seq: int, now: float) -> None:
        """Note where the market stands."""
        if epoch != self.epoch:
            self.epoch = epoch
            self._points.clear()
        self._points.append((seq, now))

    def age_ms(self, epoch: int, seq: int, now: float) -> float | None:
        """Give how long ago the market went on from `seq`; 0 at its head, None for another history."""
        if epoch != self.epoch:
            return None
        beyond = 0.0
        for point, when in reversed(self._points):
            if point <= seq:
                break
            beyond = now - when
        return 1000 * beyond


class Experiment:
    """Owns the gateway's process, the plain server, the bad lines and both readers; `close` ends all of it.

    `wish` does what a person asked for on a page. `look` shows a page every state from then on. All of it lives on
    a loop of its own, so that a busy page keeps nothing from happening.
    """

    def __init__(self, *, seed: int = 1, rate: int = 2000) -> None:
        self.loop = LabLoop()
        self._stage = Child(seed, rate, Limits(heartbeat_s=0.25, evict_after_s=5.0))
        self._plain, self._passing = PlainServer(), Passing()
        self._eyes: list[Newest] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._killing = self._frozen = False
        self._checks = self._different = 0
        self._truth_epoch, self._truth = 0, self._stage.truth()
        self._closed = False
        self.loop.wait(self._open(), 60)
        atexit.register(self.close)

    def look(self, eye: Eye) -> None:
        """Show `eye` the experiment, as long as somebody holds it."""
        newest = Newest(eye)
        self.loop.call(lambda: self._eyes.append(newest))

    def wish(self, name: str, value: float) -> None:
        """Do what a slider or a button of the page says; see `rtlab.views.faults`."""
        self.loop.call(lambda: self._do(name, value))

    def state(self) -> State:
        """Give what the page shows now."""
        return self.loop.call(self._state)

    def close(self) -> None:
        """End both servers and both readers. Idempotent."""
        if not self._closed:
            self._closed = True
            atexit.unregister(self.close)
            self.loop.wait(self._leave(), 20)
            self.loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    async def _open(self) -> None:
        await self._stage.start()
        await self._plain.__aenter__()
        self._lines = [LossyProxy(self._stage.port, seed=1), LossyProxy(self._plain.port, seed=2)]
        for line in self._lines:
            await line.__aenter__()
        self._witness = connect(f"ws://127.0.0.1:{self._stage.port}", retry=True)
        self._seen = self._witness.subscribe("book", SYMBOL, depth=DEPTH)
        self._witness.on_applied(self._market_moved)
        self._client = connect(self._lines[0].url, retry=True)
        self._auditor = Auditor(self._client)
        self._book = self._client.subscribe("book", SYMBOL, depth=DEPTH)
        self._tape = self._client.subscribe("trades", SYMBOL, depth=100)
        for one in (self._book, self._tape):
            self._auditor.follow(one)
        for client in (self._witness, self._client):
            await client.__aenter__()
        self._reader = PlainReader(self._lines[1].url)
        self._tasks = [asyncio.create_task(self._reader.run()), asyncio.create_task(self._watch())]

    async def _leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in (self._client, self._witness):
            await client.close()
        for line in self._lines:
            await line.__aexit__(None, None, None)
        await self._plain.__aexit__(None, None, None)
        await self._stage.close()

    def _market_moved(self, applied: Applied) -> None:
        view = self._seen.view
        if applied.subscription is self._seen and isinstance(view, BookView):
            self._passing.reached(view.epoch, view.seq, time.monotonic())
            book = {"bids": view.bids(DEPTH), "asks": view.asks(DEPTH)}
            self._plain.publish({"epoch": view.epoch, "seq": view.seq, **book})

    def _do(self, name: str, value: float) -> None:
        if name == "kill":
            if not self._killing:
                self._killing = True
                self._tasks.append(asyncio.create_task(self._kill()))
            return
        for line in self._lines:
            match name:
                case "bytes_per_s":
                    line.line.bytes_per_s = value or None
                case "delay_s":
                    line.line.delay_s = value
                case "loss":
                    line.line.loss = value
                case "freeze":
                    line.line.stalled = self._frozen = bool(value)
                case "cut":
                    line.cut()
                case "heal":
                    line.line.heal()
                    self._frozen = False

    async def _kill(self) -> None:
        self._plain.die()
        try:
            await self._stage.strike("kill", 0.0)
        finally:
            self._killing = False

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            self._compare(self._book)
            state = self._state()
            self._eyes = [eye for eye in self._eyes if eye.put(state)]

    def _compare(self, book: Subscription) -> None:
        view = book.view
        if book.holds_nothing or not view.held:
            return
        if view.epoch != self._truth_epoch:
            self._truth_epoch, self._truth = view.epoch, self._stage.truth()
        self._checks += 1
        self._different += bool(difference(book, self._truth))

    def _state(self) -> State:
        now, found = time.monotonic(), self._client.statistics()
        sums, view = self._auditor.sums, self._book.view
        treated = self._client.treatment.upper() if found.state == "live" else found.state.upper()
        too_slow = found.state != "live" and found.last_reason.startswith("4008")
        ours = {
            "state": "EVICTED" if too_slow else treated,
            "stale_ms": self._passing.age_ms(view.epoch, view.seq, now),
            "held": self._lines[0].held,
            "merged": sums.merged + sums.replaced,
            "dropped": sums.dropped,
            "lost": sums.silent,
            "resumed": found.opened - 1,
        }
        told = f"{sums.heads:,} changes = {sums.applied:,} applied + {sums.merged:,} merged"
        told += f" + {sums.replaced:,} replaced by a snapshot + {sums.unsaid:,} below the depth"
        told += f" + {sums.dropped:,} dropped and told; silent loss {sums.silent:,}"
        return {
            "ours": ours,
            "plain": self._plain_state(now),
            "ladder": {**self._auditor.states, "EVICTED": self._auditor.evicted},
            "proof": {
                "checks": self._checks,
                "different": self._different,
                "epoch": view.epoch,
                "seq": view.seq,
                "sums": told,
            },
            "frozen": self._frozen,
            "killing": self._killing,
            "state": ours["state"],
        }

    def _plain_state(self, now: float) -> dict[str, object]:
        reader, held = self._reader, self._plain.held
        stale_ms = self._passing.age_ms(reader.epoch, reader.seq, now)
        state = "KEEPING UP" if stale_ms is not None and stale_ms < 1000 else "QUEUEING"
        return {
            "state": state if reader.is_connected else "RECONNECTING",
            "stale_ms": stale_ms,
            "held": held + self._lines[1].held,
            "merged": None,
            "dropped": None,
            "lost": reader.lost,
            "resumed": max(0, reader.connections - 1),
        }


def cached(make: Callable[[], Experiment] = Experiment) -> Experiment:
    """Give the one experiment of this Panel server, made at the first call."""
    import panel as pn

    experiment: Experiment = pn.state.as_cached("rtlab.lab.faults", make)
    return experiment
