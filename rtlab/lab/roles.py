"""The two halves of a feed that is scaled out: the engine, which writes to Redis, and gateways, which follow it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from rtlab.book import Market
from rtlab.config import NO_JOURNAL, Settings
from rtlab.embedded import EMBEDDED
from rtlab.engine import Engine
from rtlab.errors import ConfigError
from rtlab.feed import Gateway
from rtlab.lab.door import gateway_of
from rtlab.lab.journaled import JournaledMarket
from rtlab.lab.messages import without_relay
from rtlab.lab.pace import play
from rtlab.lab.redis_server import redis_of
from rtlab.lab.server import play_simulated, simulated_steps, until_ended
from rtlab.sources import Commands
from rtlab.sources.simulated import Simulated, demo_instruments
from rtlab.store import Follower, History, LogLimits, Writer

log = logging.getLogger("rtlab.lab")


def writer_of(
    settings: Settings, market: Market, url: str, chains: Mapping[str, int] | None = None
) -> Writer:
    """Give a writer of `market`, whose chains are `chains`, with the bounds that the settings ask for."""
    limits = LogLimits(buffer_bytes=settings.store_buffer_bytes, buffer_s=settings.store_buffer_s)
    history = History(settings.history_s, settings.history_bytes, limit_bytes=settings.hot_limit_bytes)
    return Writer(market, url, limits=limits, history=history, chains=chains)


async def serve_engine(settings: Settings, *, on_ready: Callable[[str], None], ended: asyncio.Event) -> None:
    """Write a simulated market to Redis until `ended`; `on_ready` is told its URL.

    With a journal it goes on where that ends, in the epoch that it had, if Redis holds nothing that the journal
    does not. Raises FencedError when another engine took over, JournalError when the disk takes no more.
    """
    without_relay(settings, "engine")
    instruments = demo_instruments()
    kept = {"tape_rows": settings.tape_rows, "tombstones": settings.tombstones}
    Simulated(instruments)  # compiles its kernels before the market opens, or its clock would be late
    async with redis_of(settings) as url:
        if settings.journal != NO_JOURNAL:
            folder = Path(settings.journal)
            async with JournaledMarket(
                folder, instruments, seed=settings.seed, rate=settings.rate, **kept
            ) as journaled:
                await _serve_journaled(journaled, settings, url, on_ready, ended)
            return
        engine, market = Engine(instruments), Market(instruments, time.time_ns() // 1_000_000, **kept)

        def match(commands: Commands) -> None:
            if len(commands):
                market.apply(engine.process(commands))

        async with writer_of(settings, market, url) as writer:
            on_ready(url)
            await _until_fenced(writer, play_simulated(instruments, settings, match, ended), ended)


async def _serve_journaled(
    journaled: JournaledMarket,
    settings: Settings,
    url: str,
    on_ready: Callable[[str], None],
    ended: asyncio.Event,
) -> None:
    async with written(journaled, settings, url) as writer:
        on_ready(url)
        playing = play_on(journaled, settings, ended)
        await _until_fenced(writer, playing, ended)


@asynccontextmanager
async def written(journaled: JournaledMarket, settings: Settings, url: str) -> AsyncIterator[Writer]:
    """Give a writer of a journal's market, which goes on in its epoch if it can prove that it may; then close both."""
    epoch = journaled.market.epoch
    writer = writer_of(settings, journaled.market, url, journaled.chains)
    journaled.go_on(writer.chains)
    async with writer:
        if journaled.market.epoch != epoch:
            log.warning("what Redis holds is not of this journal: epoch %d begins", journaled.market.epoch)
            journaled.keep()
        try:
            yield writer
        finally:
            await journaled.close()


async def play_on(journaled: JournaledMarket, settings: Settings, ended: asyncio.Event) -> None:
    """Play the simulated market of a journal on from its next command, which is due now, until `ended`."""
    instruments, origin = journaled.engine.instruments, journaled.origin
    simulated = Simulated(instruments, rate=origin.rate, seed=origin.seed, start=origin.start)
    await asyncio.to_thread(journaled.resume, simulated)
    start_ns, began = max(time.time_ns(), journaled.ts), time.monotonic()
    steps = simulated_steps(simulated, start_ns, later_ns=start_ns - simulated.due)
    await until_ended(play(steps, journaled.match, began=began), ended)


async def _until_fenced(writer: Writer, work: Coroutine[object, object, None], ended: asyncio.Event) -> None:
    fenced = asyncio.create_task(_end_with(writer, ended))
    try:
        await work
    finally:
        fenced.cancel()
    if fenced.done() and not fenced.cancelled():
        fenced.result()


async def serve_gateway(
    settings: Settings, *, on_ready: Callable[[Gateway], None], ended: asyncio.Event
) -> None:
    """Serve what an engine writes to the settings' Redis until `ended`, on a port that gateways may share.

    `on_ready` is called when every instrument is loaded. StoreError when the store cannot be followed any more.
    """
    without_relay(settings, "gateway")
    if settings.redis_url == EMBEDDED:
        raise ConfigError(
            "a gateway follows an engine's Redis", expected="--redis URL, as the engine says it"
        )
    follower = Follower(settings.redis_url, tape_rows=settings.tape_rows, tombstones=settings.tombstones)
    entering = asyncio.create_task(follower.__aenter__())
    try:
        waiting = asyncio.create_task(ended.wait())
        await asyncio.wait([entering, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not entering.done():
            return
        entering.result()
        gateway = gateway_of(
            settings,
            follower.market,
            reuse_port=True,
            more={"store": follower.statistics},
            silence=follower.engine_silent_s,
        )
        async with gateway:
            follower.on_news = gateway.publish
            gateway.publish()
            on_ready(gateway)
            await until_ended(follower.wait(), ended)
            follower.on_news = lambda: None
            await gateway.drain(settings.drain_s)
    finally:
        entering.cancel()
        await asyncio.wait([entering])
        await follower.close()


async def _end_with(writer: Writer, ended: asyncio.Event) -> None:
    try:
        await writer.wait()
    finally:
        ended.set()
