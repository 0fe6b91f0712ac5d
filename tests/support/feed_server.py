"""A server process of its own: engine, market and gateway fed by a deterministic stream. Ends with its owner.

python feed_server.py '{"port": 0, "epoch": 1, "seed": 1, "rate": 5000}' prints {"port": ...} when it serves,
and ends when its standard input closes, which it also does when the owner is killed.
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
from rtlab.feed import Gateway

TICK_S = 0.002


async def serve(port: int, epoch: int, seed: int, rate: float) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    engine, market, flow = Engine(INSTRUMENTS), Market(INSTRUMENTS, epoch), Flow(seed)
    async with Gateway(market, port=port) as gateway:
        print(json.dumps({"port": gateway.port}), flush=True)
        started = time.monotonic()
        while not ended.is_set():
            due = int((time.monotonic() - started) * rate) - flow.given
            if due > 0:
                market.apply(engine.process(flow.take(due)))
                gateway.publish()
            await asyncio.sleep(TICK_S)


if __name__ == "__main__":
    asyncio.run(serve(**json.loads(sys.argv[1])))
