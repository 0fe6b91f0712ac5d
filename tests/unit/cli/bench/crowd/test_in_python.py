import asyncio

import pytest
from support.crowd_feed import SYMBOL, changing_feed
from support.recorded import missing

from rtlab.cli.bench.crowd import Crowd, Wish
from rtlab.cli.bench.crowd.building import compiler
from rtlab.errors import LocalError


@pytest.fixture
def in_c():
    if compiler() is None:
        missing("no C compiler")


async def seen_by(crowd: Crowd, condition) -> dict:
    async with asyncio.timeout(30):
        while not condition(told := await asyncio.to_thread(crowd.report)):
            await asyncio.sleep(0.05)
        return told


async def test_readers_in_python_tell_the_same_names(in_c):
    async with changing_feed(every_s=0.05) as feed:
        with (
            Crowd(feed.gateway.port, Wish(2, [SYMBOL])) as fast,
            Crowd(feed.gateway.port, Wish(2, [SYMBOL]), python=True) as plain,
        ):
            await asyncio.to_thread(plain.ready)
            told = await seen_by(plain, lambda told: told["delivery_p50_us"] > 0)
            also = await asyncio.to_thread(fast.report)
            assert plain.why_python is not None
            assert fast.why_python is None
            with pytest.raises(LocalError, match="do not churn"):
                plain.churn()
    assert set(also) - set(told) == {"epoch", "seq", "at_seq", "unlike", "crc"}
    assert (told["gaps"], told["differ"], told["ready"]) == (0, 0, 2)
