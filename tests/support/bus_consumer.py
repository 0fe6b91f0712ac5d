"""A consumer in a process of its own: applies counted events once to a SQLite file, until it is killed.

Its argument is a JSON object: url, lease_s, database, and whatever else its handler wants.
"""

import asyncio
import json
import logging
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.bus_events import counted_topic, note

from rtlab.bus import Retry, connect
from rtlab.bus.once import SqliteOnce
from rtlab.errors import FencedError, UnreachableError

for noisy in ("aiormq", "aio_pika", "asyncio"):
    logging.getLogger(noisy).setLevel(logging.CRITICAL)


async def main(told: dict) -> None:
    topic = counted_topic(**told.get("topic", {}))
    once = SqliteOnce(told["database"])
    retry = Retry(tries=told.get("tries", 5), first_s=0.02, most_s=0.2)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)

    def book(deliveries) -> None:
        try:
            if told.get("hold_s"):  # long enough to be frozen before it writes
                with Path(f"{told['database']}.holding").open("a") as holding:
                    holding.write("held\n")
                time.sleep(told["hold_s"])
            once.apply_all(deliveries, note)
        except FencedError:
            with Path(f"{told['database']}.fenced").open("a") as refused:
                refused.write(f"{len(deliveries)}\n")
            raise

    async def deadly(delivery) -> None:
        if delivery.body.n == told.get("kills_at"):
            os._exit(9)
        if delivery.body.n == told.get("blocks_at"):
            time.sleep(3 * told["lease_s"])  # noqa: ASYNC251  # what a bad handler does
        await asyncio.to_thread(once.apply, delivery, lambda cursor: note(cursor, delivery))

    while True:  # the server may be away when it starts
        bus = connect(told["url"], lease_s=told.get("lease_s", 1.0))
        if "kills_at" in told or "blocks_at" in told:
            bus.consume(topic, retry=retry)(deadly)
        else:
            bus.consume(topic, batch=50, retry=retry, concurrency=told.get("concurrency", 8))(book)
        try:
            async with bus:
                print(json.dumps({"pid": os.getpid()}), flush=True)
                await ended.wait()
                return
        except UnreachableError:
            await asyncio.sleep(0.1)


asyncio.run(main(json.loads(sys.argv[1])))
