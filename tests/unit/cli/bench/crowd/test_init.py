"""A crowd sees what a Reader sees: every book equal to the market's, in C as in Python, and nothing lost."""

import asyncio
import os

import pytest
from support.crowd_feed import SYMBOL, changing_feed
from support.recorded import missing

from rtlab.cli.bench.crowd import Crowd, Wish
from rtlab.cli.bench.crowd.building import compiler
from rtlab.errors import UnreachableError


@pytest.fixture
def in_c():
    if compiler() is None:
        missing("no C compiler")


async def seen_by(crowd: Crowd, condition) -> dict:
    async with asyncio.timeout(30):
        while not condition(told := await asyncio.to_thread(crowd.report)):
            await asyncio.sleep(0.05)
        return told


async def test_every_reader_in_c_ends_with_the_book_of_the_market(in_c):
    async with changing_feed() as feed:
        with Crowd(feed.gateway.port, Wish(40, [SYMBOL], depth=7)) as crowd:
            assert await asyncio.to_thread(crowd.ready) > 0
            await seen_by(crowd, lambda told: told["increments"] > 40 * 20)
            feed.quiet.set()
            book = feed.market.book(SYMBOL)
            told = await seen_by(crowd, lambda told: told["at_seq"] == 40 and told["seq"] == book.seq)
    assert told["crc"] == book.checksum(7)
    assert (told["unlike"], told["gaps"], told["differ"], told["malformed"]) == (0, 0, 0, 0)
    assert told["checked"] == told["snapshots"] + told["increments"]
    assert told["pings"] > 0
    assert 0 < told["cpu_s"] < 60


async def test_times_are_those_since_the_report_before(in_c):
    async with changing_feed() as feed:
        with Crowd(feed.gateway.port, Wish(3, [SYMBOL])) as crowd:
            await asyncio.to_thread(crowd.ready)
            told = await seen_by(crowd, lambda told: told["delivery_p50_us"] > 0)
            assert told["delivery_p50_us"] <= told["delivery_p99_us"] <= told["delivery_max_us"]
            assert told["staleness_max_us"] < 60e6
            feed.quiet.set()
            await seen_by(crowd, lambda told: told["delivery_max_us"] == 0)


async def test_readers_that_were_cut_off_come_back_and_resume(in_c):
    async with changing_feed() as feed:
        with Crowd(feed.gateway.port, Wish(10, [SYMBOL], reconnect=True)) as crowd:
            await asyncio.to_thread(crowd.ready)
            feed.quiet.set()
            port = feed.gateway.port
            await feed.gateway.close()
            told = await seen_by(crowd, lambda told: told["open"] == 0)
            assert told["closes"] + told["resets"] == 10
            async with type(feed.gateway)(feed.market, port=port):
                told = await seen_by(crowd, lambda told: told["ready"] == 10)
            assert told["resumed"] == 10
            assert told["snapshots"] == 10  # the first ones


async def test_churning_readers_leave_stall_and_come_back_to_an_equal_book(in_c):
    async with changing_feed() as feed:
        with Crowd(feed.gateway.port, Wish(20, [SYMBOL], leave=40, stall=4)) as crowd:
            await asyncio.to_thread(crowd.ready)
            crowd.churn()
            told = await seen_by(crowd, lambda told: told["left"] > 30 and told["stalls"] > 1)
    assert told["connects"] > 40
    assert (told["gaps"], told["differ"], told["malformed"]) == (0, 0, 0)


def test_a_port_where_nobody_answers_is_told_within_the_deadline(in_c):
    with (
        Crowd(1, Wish(2, [SYMBOL])) as crowd,
        pytest.raises(UnreachableError, match=r"did not say 'ready' within 0\.2 s"),
    ):
        crowd.ready(0.2)


def test_the_readers_end_with_the_crowd(in_c):
    with Crowd(1, Wish(1)) as crowd:
        pid = crowd.pid
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
