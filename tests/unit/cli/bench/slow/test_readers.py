import asyncio
import time

import numpy as np

from rtlab.book import Market
from rtlab.cli.bench.load import INSTRUMENT
from rtlab.cli.bench.slow.readers import Trickle
from rtlab.feed import Gateway
from rtlab.model import EVENT, EventKind


async def test_a_trickle_takes_a_few_bytes_at_a_time_and_still_comes_to_hold_the_book():
    market = Market([INSTRUMENT], epoch=1)
    rows = np.zeros(40, EVENT)
    rows["kind"], rows["ts"] = EventKind.LEVEL, time.monotonic_ns()
    rows["side"], rows["price"], rows["qty"] = np.arange(40) % 2, 1000 + np.arange(40), 7
    market.apply(rows)
    async with Gateway(market) as gateway:
        reader = await asyncio.to_thread(Trickle, gateway.port)
        with reader:
            async with asyncio.timeout(20):
                while (age := reader.read(100)) is None:
                    await asyncio.sleep(0.001)
            assert age > 0
            assert reader.reader.subscriptions[0].view.bids()[0] == (1038, 7)
            assert reader.port == int(gateway.readers()[0].address.rpartition(":")[2])
