"""Tasks that are to end are cancelled until they have."""

import asyncio
from typing import Any

AGAIN_S = 0.2


async def cancelled(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks that have nothing to put in order, and wait until they have ended; what they raise is passed over.

    Again and again, for a cancellation may be lost: `asyncio.wait_for` of Python 3.11, by which redis sends, gives
    its result instead where both come at once.
    """
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)
