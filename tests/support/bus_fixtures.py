"""What tests of the bus on both engines share: handlers that wait, and a transport of each kind."""

import asyncio
from contextlib import asynccontextmanager

from rtlab.bus.rabbit import Rabbit
from rtlab.bus.redis_streams import RedisStreams


async def until(condition, seconds: float = 45.0) -> None:
    """Wait until `condition()` holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def opened(transport):
    await transport.open()
    try:
        yield transport
    finally:
        await transport.close()


def transport_at(url: str, lease_s: float = 0.6):
    return Rabbit(url) if url.startswith("amqp") else RedisStreams(url, lease_s=lease_s)
