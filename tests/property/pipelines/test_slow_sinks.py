"""A sink that takes 100 ms under 50,000 rows a second: memory stays, the newest comes, what was lost is counted."""

import asyncio
import os
import tracemalloc

import numpy as np
import pytest
from support.frames import BTC, random_trades

from rtlab.pipelines import FrameSource

ROWS_PER_S = 50_000
PART = 500


async def flooded(seconds: float, attach) -> tuple[FrameSource, list[int], int, int]:
    """Feed rows in real time; give the source, the last sequence of each frame that the sink got, and memory (MB)."""
    source, got = FrameSource(BTC, "trades", hz=100, limit=2000), []
    rows = random_trades(1, PART)

    async def slow(frame) -> None:
        got.append(int(frame["seq"][-1]))
        await asyncio.sleep(0.1)

    node = attach(source.stream)
    node.sink(slow)
    async with source:
        loop = asyncio.get_running_loop()
        began, sent, early = loop.time(), 0, 0
        tracemalloc.start()
        while loop.time() < began + seconds:
            due = int((loop.time() - began) * ROWS_PER_S) // PART * PART
            while sent < due:
                source.on_trades(rows, sent + 1)
                sent += PART
            if not early and loop.time() > began + seconds / 4:
                early = tracemalloc.get_traced_memory()[0]
            await asyncio.sleep(0.002)
        late = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        source.flush()
        for _ in range(100):
            if got and got[-1] == sent:
                break
            await asyncio.sleep(0.02)
        assert source.statistics().errors == 0
        assert source.statistics().rows == sent
        assert source.statistics().dropped == 0  # the source itself never waits for this branch
        return source, got, sent, (late - early) // 1_000_000


def seconds_of_flood() -> float:
    return 60.0 if "RTLAB_ROUNDS" in os.environ else 2.0


async def test_conflate_keeps_memory_flat_and_the_newest_comes():
    nodes = []
    source, got, sent, grown = await flooded(
        seconds_of_flood(), lambda stream: nodes.append(stream.conflate()) or nodes[0]
    )
    assert got[-1] == sent
    assert len(got) + nodes[0].merged == source.statistics().frames
    assert nodes[0].merged > 3 * len(got)
    assert grown < 5


@pytest.mark.parametrize("policy", ["oldest", "newest"])
async def test_a_buffer_keeps_memory_flat_and_counts_every_frame(policy):
    nodes = []
    source, got, sent, grown = await flooded(
        1.5, lambda stream: nodes.append(stream.buffer(3, policy)) or nodes[0]
    )
    assert len(got) + nodes[0].waiting + nodes[0].dropped == source.statistics().frames
    assert nodes[0].dropped > len(got)
    assert np.all(np.diff(got) > 0)
    assert grown < 5
