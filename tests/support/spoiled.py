"""A relay to a server's socket that changes what the server says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def spoiled(server: Path, relay: Path, change: Callable[[bytes], bytes]) -> AsyncIterator[str]:
    """Give the URL of a relay at `relay`; each piece that the server sends comes as `change` gives it."""

    async def pump(
        source: asyncio.StreamReader, sink: asyncio.StreamWriter, change=lambda piece: piece
    ) -> None:
        while piece := await source.read(1 << 20):
            sink.write(change(piece))
        sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here, there = await asyncio.open_unix_connection(server)
        await asyncio.gather(pump(reader, there), pump(here, writer, change))

    async with await asyncio.start_unix_server(serve, relay):
        yield f"unix://{relay}"
