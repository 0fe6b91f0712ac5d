"""A recorder or a compactor as a process of its own, to be killed. Ends with its owner.

python store_part.py record FOLDER URL, or tend FOLDER; prints {"ready": true} when it is at work.
"""

import asyncio
import json
import sys
import threading
from pathlib import Path

from rtlab.errors import StoreError
from rtlab.store.cold.place import LocalPlace
from rtlab.store.cold.upkeep import compact
from rtlab.store.recording import Recorder, RecorderLimits


def say_ready() -> None:
    print(json.dumps({"ready": True}), flush=True)


async def record(folder: Path, url: str) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
    limits = RecorderLimits(flush_s=0.01, roll_rows=400)
    async with Recorder(url, LocalPlace(folder), folder, limits=limits) as recorder:
        say_ready()
        waiting = asyncio.create_task(ended.wait())
        await asyncio.wait([waiting, asyncio.create_task(recorder.wait())], return_when="FIRST_COMPLETED")


def tend(folder: Path) -> None:
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    say_ready()
    while not ended.wait(0.005):
        try:
            compact(LocalPlace(folder), folder, "BTC-USD", target_bytes=20_000)
        except StoreError as problem:
            if "nothing of BTC-USD is kept" not in str(problem):
                raise


if __name__ == "__main__":
    if sys.argv[1] == "record":
        asyncio.run(record(Path(sys.argv[2]), sys.argv[3]))
    else:
        tend(Path(sys.argv[2]))
