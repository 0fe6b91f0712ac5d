"""The Redis of the settings, for as long as it is needed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rtlab.config import Settings
from rtlab.embedded import EMBEDDED, EmbeddedServer


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
