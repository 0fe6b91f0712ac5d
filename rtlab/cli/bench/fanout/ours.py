"""Our gateway as a contender: credit, pings, checksums, snapshots for who comes, all as in service."""

import itertools
import time

from rtlab.book import Market
from rtlab.cli.bench.children import Owner
from rtlab.cli.bench.fanout.serving import obey, settle_on
from rtlab.cli.bench.fanout.ticks import INSTRUMENTS, TOGETHER, make_ticks, of_all_instruments
from rtlab.feed import Gateway


async def serve_rtlab(owner: Owner, count: int, core: int | None) -> None:
    """Market and gateway, the tick being folded and published."""
    settle_on(core)
    ticks = make_ticks(count)
    market = Market(INSTRUMENTS, epoch=1)
    market.apply(of_all_instruments(ticks.opening))
    wide = [of_all_instruments(rows) for rows in ticks.rows[: len(ticks.rows) // TOGETHER]]
    numbers = itertools.count()
    async with Gateway(market) as gateway:

        async def tick(together: bool) -> float:
            number = next(numbers)
            rows = wide[number % len(wide)] if together else ticks.rows[number % count]
            rows["ts"] = time.monotonic_ns()
            began = time.thread_time()
            market.apply(rows)
            market_s = time.thread_time() - began
            gateway.publish()
            return market_s

        await obey(owner, gateway.port, tick)
