"""Wait for what a crowd of readers in a process of its own reports."""

import asyncio
import time
from collections.abc import Callable

from rtlab.cli.bench.crowd import Crowd

Told = dict[str, int]


async def until_told(
    crowd: Crowd, condition: Callable[[Told], bool], deadline_s: float
) -> tuple[Told, float]:
    """Give the first report of the crowd of which `condition` is true, and the seconds that it took."""
    begin = time.monotonic()
    while True:
        told = await asyncio.to_thread(crowd.report)
        took = time.monotonic() - begin
        if condition(told):
            return told, took
        assert took < deadline_s, told
        await asyncio.sleep(0.1)
