"""An engine process of its own that writes a deterministic stream to Redis. Ends with its owner.

python engine_server.py '{"redis": URL, "epoch": 1, "seed": 1, "rate": 5000}' prints {"epoch": ...} when it writes.
With "journal": FOLDER instead of an epoch it goes on in the stream where its journal ends.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.command_flow import INSTRUMENTS, Flow

from rtlab.book import Market
from rtlab.config import Settings
from rtlab.engine import Engine
from rtlab.lab.journaled import JournaledMarket
from rtlab.lab.roles import written
from rtlab.store import Writer

TICK_S = 0.002


async def write(redis: str, epoch: int, seed: int, rate: float) -> None:
    engine, market, flow = Engine(INSTRUMENTS), Market(INSTRUMENTS, epoch), Flow(seed)

    async def match(rows: np.ndarray) -> None:
        market.apply(engine.process(rows))

    async with Writer(market, redis) as writer:
        print(json.dumps({"epoch": market.epoch}), flush=True)
        await play(flow, rate, match)
        print(json.dumps(writer.statistics()._asdict()), flush=True)


async def write_journaled(redis: str, journal: str, seed: int, rate: int) -> None:
    async with JournaledMarket(
        Path(journal), INSTRUMENTS, seed=seed, rate=rate, keep_batches=300
    ) as journaled:
        flow = Flow(seed)
        flow.given = journaled.commands
        async with written(journaled, Settings(), redis):
            print(json.dumps({"epoch": journaled.market.epoch}), flush=True)
            await play(flow, rate, journaled.match)


async def play(flow: Flow, rate: float, match: Callable[[np.ndarray], Awaitable[None]]) -> None:
    """Match what is due of the stream until the owner is gone."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
    started, before = time.monotonic(), flow.given
    while not ended.is_set():
        due = before + int((time.monotonic() - started) * rate) - flow.given
        if due > 0:
            await match(flow.take(due))
        await asyncio.sleep(TICK_S)


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    asyncio.run(write_journaled(**settings) if "journal" in settings else write(**settings))
