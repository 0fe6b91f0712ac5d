"""What is broken: a market and its gateway, in this loop or as a process of its own, that can die and come back."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence

from rtlab.book import Market
from rtlab.engine import Engine
from rtlab.feed import Gateway
from rtlab.feed.admission import Admission
from rtlab.feed.policy import Policy
from rtlab.lab.faults.truth import BATCH, Truth
from rtlab.lab.process import ServerProcess
from rtlab.model import Instrument
from rtlab.protocol import Limits, Subscription
from rtlab.sources.simulated import Simulated, demo_instruments

TICK_S = 0.02
MakeMarket = Callable[[Sequence[Instrument]], Market]


def truth_of(seed: int, rate: float) -> Truth:
    """Give the truth of the simulated market of `seed` and `rate`."""
    instruments = demo_instruments()
    simulated = Simulated(instruments, rate=rate, seed=seed)
    return Truth(instruments, lambda: simulated.batch(BATCH))


def small_market(instruments: Sequence[Instrument]) -> Market:
    """Give a market that forgets soon, so that a run of seconds meets what a day would meet."""
    return Market(instruments, 1, tape_rows=400, tombstones=300)


class Here:
    """Engine, market and gateway in this loop. The market outlives its gateway, so its epoch and history do."""

    process = False

    def __init__(
        self,
        seed: int,
        rate: float,
        limits: Limits,
        *,
        make_market: MakeMarket = small_market,
        policy: Policy | None = None,
    ) -> None:
        self.seed, self.rate, self.limits, self._policy = seed, rate, limits, policy or Policy()
        instruments = demo_instruments()
        self.market = make_market(instruments)
        self.deaths = 0
        self._engine = Engine(list(instruments))
        self._simulated = Simulated(instruments, rate=rate, seed=seed)
        self._published: dict[tuple[str, str, int], list[int]] = {}
        self._pump: asyncio.Task[None] | None = None
        self.gateway = self._made(0)
        self._is_up = False
        self._striking = asyncio.Lock()

    async def start(self) -> None:
        """Let the market flow, and serve it."""
        await self._open()
        self._pump = asyncio.create_task(self._flow())

    @property
    def port(self) -> int:
        """Where it serves, before and after it comes back."""
        return self.gateway.port

    def published(self, subscription: Subscription) -> Sequence[int]:
        """Give the heads that were published of what `subscription` is about, as they come."""
        asked = subscription.asked
        return self._published.setdefault((asked.name, asked.instrument, asked.interval), [])

    async def strike(self, what: str, for_s: float) -> None:
        """Close the gateway, and open another one on the same port after a moment."""
        async with self._striking:
            self.deaths += 1
            await self._shut()
            await asyncio.sleep(min(for_s, 0.2))
            await self._open()

    async def settle(self) -> None:
        """End the flow: what is published now stays. Raises what the flow raised."""
        pump, self._pump = self._pump, None
        if pump is not None:
            pump.cancel()
            (ended,) = await asyncio.gather(pump, return_exceptions=True)
            if isinstance(ended, Exception):
                raise ended

    async def close(self) -> None:
        """End everything."""
        await self.settle()
        await self._shut()

    def truth(self) -> Truth:
        """Give the truth of its market."""
        return truth_of(self.seed, self.rate)

    def _made(self, port: int) -> Gateway:
        return Gateway(self.market, port=port, limits=self.limits, admission=Admission(self._policy))

    async def _open(self) -> None:
        self.gateway = self._made(self.gateway.port)
        await self.gateway.__aenter__()
        self._is_up = True

    async def _shut(self) -> None:
        if self._is_up:
            self._is_up = False
            await self.gateway.close()

    async def _flow(self) -> None:
        begin = time.monotonic_ns()
        while True:
            commands = self._simulated.until(time.monotonic_ns() - begin)
            if len(commands):
                self.market.apply(self._engine.process(commands))
                for wish, heads in self._published.items():
                    head = self.market.source(*wish).seq
                    if not heads or heads[-1] != head:
                        heads.append(head)
                if self._is_up:
                    self.gateway.publish()
            await asyncio.sleep(TICK_S)


class Child:
    """`rtlab serve` as a process of its own: SIGKILL ends its history, SIGSTOP only its patience."""

    process = True

    def __init__(self, seed: int, rate: float, limits: Limits) -> None:
        self.seed, self.rate, self.limits = seed, rate, limits
        self.port = 0
        self.deaths = 0
        self._server = self._made()

    async def start(self) -> None:
        """Start the process; after a kill, on the same port again."""
        self._server = self._made()
        url = await self._server.start()
        self.port = int(url.rpartition(":")[2])

    def published(self, subscription: Subscription) -> Sequence[int] | None:
        """Give None: what another process published when is not known here."""
        return None

    async def strike(self, what: str, for_s: float) -> None:
        """Kill the process and start it again, or freeze it for `for_s`."""
        pid = self._server.pid
        assert pid is not None
        self.deaths += 1
        if what == "freeze":
            os.kill(pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(for_s)
            finally:
                os.kill(pid, signal.SIGCONT)
            return
        os.kill(pid, signal.SIGKILL)
        await self._server.close()
        await self.start()

    async def settle(self) -> None:
        """Do nothing: what flows in another process flows on."""

    async def close(self) -> None:
        """End the process."""
        await self._server.close()

    def truth(self) -> Truth:
        """Give the truth of any of its histories: each begins the same market anew."""
        return truth_of(self.seed, self.rate)

    def _made(self) -> ServerProcess:
        arguments = ["--port", str(self.port), "--rate", str(round(self.rate)), "--seed", str(self.seed)]
        return ServerProcess(
            arguments,
            environ={
                "RTLAB_HEARTBEAT_S": str(self.limits.heartbeat_s),
                "RTLAB_EVICT_AFTER_S": str(self.limits.evict_after_s),
            },
        )
