"""Wait for a condition, never for a time."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], deadline_s: float = 20.0) -> None:
    """Return when `condition()` holds; TimeoutError when it does not within `deadline_s`."""
    async with asyncio.timeout(deadline_s):
        while not condition():
            await asyncio.sleep(0.001)
