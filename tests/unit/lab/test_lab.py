import asyncio
import os
import socket
import threading
import time

import pytest

import rtlab
from rtlab.errors import ClosedError, ConfigError, InstrumentError, UnreachableError
from rtlab.lab.lab import Lab
from rtlab.lab.process import ServerProcess


@pytest.fixture(scope="module")
def url():
    """One server process for the tests of this module; it ends with its owner's pipe."""
    loop = asyncio.new_event_loop()
    server = ServerProcess(["--port", "0", "--rate", "3000"])
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(server.start(), loop).result()
    finally:  # also of a start that took too long: the thread would keep the session from ending
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_script_gets_a_lab_that_is_there_and_closes(url):
    with rtlab.connect(url) as lab:
        assert lab.symbols == ["BTC-USD", "ETH-USD", "SOL-USD"]
        assert "live" in repr(lab)
        bid, ask = lab.book("BTC-USD").best
        assert bid < ask
        assert "bid | ask" in repr(lab.book("ETH-USD"))
    assert repr(lab) == "<rtlab.Lab, closed>"
    assert "rtlab-lab" not in [thread.name for thread in threading.enumerate()]


async def test_in_a_running_loop_it_returns_before_the_server_has_answered():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        lab = rtlab.connect(f"ws://127.0.0.1:{silent.getsockname()[1]}")
        told = repr(lab)
        await lab.aclose()
        assert "starting" in told or "connecting" in told  # however far it has come meanwhile
        assert "no instruments yet" in told


async def test_in_a_running_loop_await_waits(url):
    lab = rtlab.connect(url)
    assert await lab is lab
    book = await lab.book("SOL-USD")
    assert len(book.frame(3)) == 6
    await lab.aclose()


async def test_async_with_waits_and_closes(url):
    async with rtlab.connect(url) as lab:
        assert lab.instrument("ETH-USD").symbol == "ETH-USD"
    with pytest.raises(ClosedError, match="this lab is closed"):
        lab.book("ETH-USD")


async def test_a_stream_brings_bars_of_the_live_market(url):
    async with rtlab.connect(url) as lab:
        frames = []
        arrived = asyncio.Event()
        here = asyncio.get_running_loop()
        bars = lab.stream("trades", "BTC-USD").bars("1s")
        bars.sink(lambda frame: (frames.append(frame), here.call_soon_threadsafe(arrived.set)))
        await asyncio.wait_for(arrived.wait(), 60)
        assert frames[0]["low"][0] <= frames[0]["close"][0] <= frames[0]["high"][0]
        statistics = lab.statistics()
        assert statistics["stream trades BTC-USD"].missed == 0
        assert statistics["reader"].checksum_failures == 0


async def test_before_it_is_connected_it_says_how_to_wait(url):
    lab = rtlab.connect(url)
    with pytest.raises(InstrumentError, match="expected `await lab`"):
        lab.book("BTC-USD")
    await lab.aclose()


async def test_an_unknown_instrument_is_told_the_known_ones(url):
    async with rtlab.connect(url) as lab:
        with pytest.raises(InstrumentError, match="one of BTC-USD, ETH-USD, SOL-USD, got DOGE-USD"):
            lab.book("DOGE-USD")


def test_a_server_that_is_not_there_is_one_clear_error():
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:9"):
        rtlab.connect("ws://127.0.0.1:9")
    assert "rtlab-lab" not in [thread.name for thread in threading.enumerate()]


async def test_a_server_that_is_not_there_is_told_by_await():
    lab = rtlab.connect("ws://127.0.0.1:9")
    with pytest.raises(UnreachableError):
        await lab


def test_an_unknown_setting_is_refused_before_anything_starts():
    with pytest.raises(ConfigError, match="rate"):
        rtlab.demo(raet=5)


async def test_close_inside_a_loop_closes_too(url):
    lab = await rtlab.connect(url)
    lab.close()
    lab.close()
    assert repr(lab) == "<rtlab.Lab, closed>"
    assert "rtlab-lab" not in [thread.name for thread in threading.enumerate()]


async def test_closing_one_that_is_still_starting_leaves_nothing_behind():
    lab = rtlab.demo()
    await lab.aclose()
    assert "rtlab-lab" not in [thread.name for thread in threading.enumerate()]
    with pytest.raises(asyncio.CancelledError):
        await lab


async def test_a_busy_cell_does_not_keep_the_lab_from_reading_its_feed(url):
    async with rtlab.connect(url) as lab:
        book = await lab.book("BTC-USD")
        before = book.now(1).seq
        time.sleep(0.5)  # noqa: ASYNC251  a cell that computes
        assert book.now(1).seq > before + 20
        assert lab.statistics()["reader"].merged == 0


def test_a_demo_is_a_market_of_its_own_that_ends_with_it():
    with rtlab.demo(seed=5) as lab:
        assert isinstance(lab, Lab)
        assert lab.book("BTC-USD").now(5).bids
        pid = lab._server.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_two_demos_side_by_side_do_not_meet():
    async with rtlab.demo(seed=1) as one, rtlab.demo(seed=2) as two:
        assert one.url != two.url
