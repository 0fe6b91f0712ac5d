"""A consumer in a process of its own that keeps positions, until it is killed: URL of the bus, place, lease."""

import asyncio
import sys

from rtlab.bus import connect
from rtlab.bus.positions import Positions
from rtlab.errors import UnreachableError


async def main(url: str, place: str, lease_s: float) -> None:
    while True:  # the server may be away when it starts
        bus = connect(url, lease_s=lease_s)
        try:
            Positions(place).attach(bus)
            async with bus:
                print("at work", flush=True)
                await bus.wait()
        except UnreachableError:
            await asyncio.sleep(0.1)


asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
