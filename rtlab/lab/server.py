"""The server half of a lab: a market that is made or replayed, its state, and the gateway that serves it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from itertools import count
from typing import Self

from rtlab.book import Market
from rtlab.config import NO_JOURNAL, Settings
from rtlab.engine import Engine
from rtlab.errors import ConfigError
from rtlab.feed import Gateway
from rtlab.lab.door import gateway_of
from rtlab.lab.messages import check_messages, offer, relay_of
from rtlab.lab.pace import play
from rtlab.model import DepthSnapshot, DepthUpdate, Instrument, MarketMessage, VenueTrade
from rtlab.sources import Commands
from rtlab.sources.simulated import Simulated, demo_instruments

STEP_NS = 2_000_000  # a simulated market moves 500 times a second, or at each command where they are fewer


class MarketServer:
    """A market and its gateway in this process; `async with MarketServer(instruments, settings) as server`.

    `epoch` must be above that of every earlier run that readers may remember; the default is the wall clock in
    ms. Feed it by `match` (commands, through the engine) or `take` (what a venue published).
    """

    def __init__(
        self, instruments: Sequence[Instrument], settings: Settings, *, epoch: int | None = None
    ) -> None:
        self.epoch = epoch if epoch is not None else time.time_ns() // 1_000_000
        kept = {"tape_rows": settings.tape_rows, "tombstones": settings.tombstones}
        self.market = Market(instruments, self.epoch, **kept)
        self.engine = Engine(instruments)
        self.gateway: Gateway = gateway_of(settings, self.market)

    async def __aenter__(self) -> Self:
        await self.gateway.__aenter__()
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.gateway.close()

    def match(self, commands: Commands) -> None:
        """Let the engine match COMMAND rows, fold its events and publish."""
        if len(commands):
            self.market.apply(self.engine.process(commands))
            self.gateway.publish()

    def take(self, messages: Sequence[MarketMessage]) -> None:
        """Fold what a venue published, and publish it."""
        for message in messages:
            if isinstance(message, DepthUpdate | DepthSnapshot):
                self.market.apply_depth(message.instrument, message)
            elif isinstance(message, VenueTrade):
                self.market.apply_trade(message)
        self.gateway.publish()


def simulated_steps(
    simulated: Simulated, start_ns: int, step_ns: int = STEP_NS, *, later_ns: int = 0
) -> Iterator[tuple[int, Commands]]:
    """Cut an endless simulated market into (end of step in ns, COMMAND rows up to then), `later_ns` than it says."""
    for ts in count(start_ns, step_ns):
        commands = simulated.until(ts - later_ns)
        commands["ts"] += later_ns
        yield ts, commands


async def serve_simulated(
    settings: Settings, *, on_ready: Callable[[MarketServer], None], ended: asyncio.Event
) -> None:
    """Serve the simulated market of `settings` until `ended`; `on_ready` is called when readers may come.

    Beside it is the relay of wallets' messages, where the settings name one.
    ConfigError when the settings want a journal: it is kept by an engine that writes to Redis.
    """
    if settings.journal != NO_JOURNAL:
        raise ConfigError(
            "a journal is kept by an engine of its own",
            expected="rtlab serve --role engine",
            got=settings.journal,
        )
    check_messages(settings)
    instruments = demo_instruments()
    server = MarketServer(instruments, settings)
    Simulated(instruments)  # both compile their kernels before the market opens, or its clock would be late
    async with relay_of(settings) as relay, server:
        if relay is not None:
            offer(relay, server.gateway)
        on_ready(server)
        await play_simulated(instruments, settings, server.match, ended)
        await server.gateway.drain(settings.drain_s)


async def play_simulated(
    instruments: Sequence[Instrument],
    settings: Settings,
    match: Callable[[Commands], Awaitable[None] | None],
    ended: asyncio.Event,
) -> None:
    """Give `match` the commands of the simulated market of `settings`, each when the wall clock shows its ts."""
    start_ns, began = time.time_ns(), time.monotonic()
    simulated = Simulated(instruments, rate=settings.rate, seed=settings.seed, start=start_ns)
    await until_ended(play(simulated_steps(simulated, start_ns), match, began=began), ended)


async def until_ended(work: Coroutine[object, object, object], ended: asyncio.Event) -> None:
    """Run `work` until it is done or `ended` is set; raises what the work raises."""
    playing, waiting = asyncio.create_task(work), asyncio.create_task(ended.wait())
    try:
        await asyncio.wait([playing, waiting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        playing.cancel()
        waiting.cancel()
    for result in await asyncio.gather(playing, waiting, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
