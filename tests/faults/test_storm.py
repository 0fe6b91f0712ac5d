"""A gateway dies under thousands of readers and comes back on its port: all are back and equal, most by resume."""

import asyncio
import os
import time

import pytest
from support.crowds import until_told

from rtlab.book import Market
from rtlab.cli.bench.crowd import Crowd, Wish
from rtlab.cli.running import settle_heap
from rtlab.feed.policy import Policy
from rtlab.lab.faults.stage import Here
from rtlab.protocol import Limits

READERS = 5000 if int(os.environ.get("RTLAB_ROUNDS", "0")) >= 200 else 500
BACK_S = 15.0
RATE = 100
TURN = 0.5  # of what bringing all back costs the loop, at most so much at a time: accepts go on in between
DEPTH = 100  # of a small book that changed much, a snapshot is cheaper than what became of it
PACED = Policy(accept_per_s=1000.0, accept_burst=250)  # who comes sooner is told when to come again

pytestmark = [pytest.mark.rounds, pytest.mark.timeout(180)]


class Stalls:
    """How long one turn of this loop kept everybody waiting, at most: by the clock, and in time of the processor."""

    def __init__(self) -> None:
        self.longest_s = self.longest_cpu_s = self.cpu_s = 0.0

    async def watch(self) -> None:
        """Look on until it is cancelled."""
        while True:
            began, cpu = time.monotonic(), time.thread_time()
            await asyncio.sleep(0.01)
            took = time.thread_time() - cpu
            self.cpu_s += took
            self.longest_cpu_s = max(self.longest_cpu_s, took)
            self.longest_s = max(self.longest_s, time.monotonic() - began)


@pytest.mark.parametrize("goodbye", [True, False], ids=["restart", "death"])
async def test_all_are_back_and_equal_soon_after_the_gateway_is(goodbye):
    stage = Here(77, RATE, Limits(), make_market=lambda instruments: Market(instruments, 1), policy=PACED)
    await stage.start()
    try:
        with Crowd(stage.port, Wish(READERS, ["BTC-USD"], DEPTH, reconnect=True)) as crowd:
            readers = crowd.wish.readers
            await asyncio.to_thread(crowd.ready)
            before = await asyncio.to_thread(crowd.report)
            settle_heap()  # as `rtlab serve` does
            stalls = Stalls()
            watching = asyncio.create_task(stalls.watch())
            if not goodbye:
                for connection in tuple(stage.gateway.connections):
                    connection.transport.abort()
            await stage.strike("restart" if goodbye else "die", 0.2)
            told, took = await until_told(crowd, lambda told: told["ready"] == readers, BACK_S)
            watching.cancel()
            resumed = told["resumed"] - before["resumed"]
            print(f"{readers} readers back in {took:.1f} s, {resumed} by resume, {vars(stalls)}")
            assert told["gaps"] == told["differ"] == 0
            assert resumed >= 0.95 * readers
            assert stalls.longest_cpu_s < TURN * stalls.cpu_s
            await stage.settle()
            true = stage.market.book("BTC-USD").checksum(DEPTH)
            told, _ = await until_told(
                crowd, lambda told: (told["at_seq"], told["crc"]) == (readers, true), BACK_S
            )
            assert told["unlike"] == 0
    finally:
        await stage.close()
