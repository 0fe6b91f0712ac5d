"""An engine process of its own that writes a deterministic stream to Redis. Ends with its owner.

python engine_server.py '{"redis": URL, "epoch": 1, "seed": 1, "rate": 5000}' prints {"epoch": ...} when it writes.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.command_flow import INSTRUMENTS, Flow

from rtlab.book import Market
from rtlab.engine import Engine
from rtlab.store import Writer

TICK_S = 0.002


async def write(redis: str, epoch: int, seed: int, rate: float) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    engine, market, flow = Engine(INSTRUMENTS), Market(INSTRUMENTS, epoch), Flow(seed)
    async with Writer(market, redis) as writer:
        print(json.dumps({"epoch": market.epoch}), flush=True)
        started = time.monotonic()
        while not ended.is_set():
            due = int((time.monotonic() - started) * rate) - flow.given
            if due > 0:
                market.apply(engine.process(flow.take(due)))
            await asyncio.sleep(TICK_S)
        print(json.dumps(writer.statistics()._asdict()), flush=True)


if __name__ == "__main__":
    asyncio.run(write(**json.loads(sys.argv[1])))
