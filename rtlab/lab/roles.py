"""The two halves of a feed that is scaled out: the engine, which writes to Redis, and gateways, which follow it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rtlab.book import Market
from rtlab.config import Settings
from rtlab.embedded import EMBEDDED, EmbeddedServer
from rtlab.engine import Engine
from rtlab.errors import ConfigError
from rtlab.feed import Gateway
from rtlab.lab.door import gateway_of
from rtlab.lab.server import play_simulated, until_ended
from rtlab.sources import Commands
from rtlab.sources.simulated import Simulated, demo_instruments
from rtlab.store import Follower, History, LogLimits, Writer


@asynccontextmanager
async def redis_of(settings: Settings) -> AsyncIterator[str]:
    """Give the URL of the settings' Redis: one of our own, as long as we are here, where none is named."""
    if settings.redis_url != EMBEDDED:
        yield settings.redis_url
        return
    server = EmbeddedServer()
    await asyncio.to_thread(server.start)
    try:
        yield server.url
    finally:
        await asyncio.to_thread(server.close)


def writer_of(settings: Settings, market: Market, url: str) -> Writer:
    """Give a writer of `market` with the bounds that the settings ask for."""
    limits = LogLimits(buffer_bytes=settings.store_buffer_bytes, buffer_s=settings.store_buffer_s)
    history = History(settings.history_s, settings.history_bytes)
    return Writer(market, url, limits=limits, history=history)


async def serve_engine(settings: Settings, *, on_ready: Callable[[str], None], ended: asyncio.Event) -> None:
    """Write a simulated market to Redis until `ended`; `on_ready` is told its URL.

    Raises FencedError when another engine took over.
    """
    instruments = demo_instruments()
    engine = Engine(instruments)
    kept = {"tape_rows": settings.tape_rows, "tombstones": settings.tombstones}
    market = Market(instruments, time.time_ns() // 1_000_000, **kept)
    Simulated(instruments)  # compiles its kernels before the market opens, or its clock would be late

    def match(commands: Commands) -> None:
        if len(commands):
            market.apply(engine.process(commands))

    async with redis_of(settings) as url, writer_of(settings, market, url) as writer:
        on_ready(url)
        fenced = asyncio.create_task(_end_with(writer, ended))
        try:
            await play_simulated(instruments, settings, match, ended)
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
        gateway = gateway_of(settings, follower.market, reuse_port=True, more={"store": follower.statistics})
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
