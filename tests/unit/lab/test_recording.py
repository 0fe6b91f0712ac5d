import asyncio

import pytest
from support.command_flow import INSTRUMENTS, Flow
from support.recorded import recorded
from support.recording import room
from support.waiting import until

from rtlab.book import Market
from rtlab.config import Settings
from rtlab.engine import Engine
from rtlab.errors import StoreError, UnreachableError
from rtlab.feed import Gateway
from rtlab.lab.recording import record_feed, record_source, target_in, target_of
from rtlab.sources import Binance
from rtlab.store.api import Store


@pytest.fixture
def here():
    with room() as one:
        yield one


async def test_a_feed_is_recorded_and_a_reader_has_its_books_and_all_its_trades(here):
    engine, market, flow = Engine(INSTRUMENTS), Market(INSTRUMENTS, 7), Flow(1)
    market.apply(engine.process(flow.take(300)))
    settings, ended, recorders = Settings(redis_url=here.url), asyncio.Event(), []
    async with Gateway(market) as gateway:
        target = target_of(here.folder)
        recording = asyncio.create_task(
            record_feed(settings, gateway.url, target, on_ready=recorders.append, ended=ended)
        )
        await until(lambda: recorders)
        for _ in range(40):
            market.apply(engine.process(flow.take(20)))
            gateway.publish()
            await asyncio.sleep(0.002)
        trades = market.state("BTC-USD").tape.seq
        with here.store() as store:

            def count():
                try:
                    return store.read("trades", "BTC-USD").num_rows
                except Exception:  # noqa: BLE001  not there yet
                    return 0

            async with asyncio.timeout(20):
                while await asyncio.to_thread(count) < trades:
                    await asyncio.sleep(0.01)
        ended.set()
        await recording
    with here.store() as store:
        rows = store.read("book", "BTC-USD")
        at = (rows.column("epoch")[-1].as_py(), rows.column("seq")[-1].as_py())
        book = store.book("BTC-USD", at=at)
        assert (book.bids, book.asks) == (market.book("BTC-USD").bids(), market.book("BTC-USD").asks())
        assert store.read("trades", "BTC-USD").num_rows == trades


@pytest.mark.recorded
async def test_a_venues_recording_is_recorded_whole_and_its_books_are_those_of_the_venue(here):
    source = Binance(recorded("binance/spot_ethusdt_20240808.gz"))
    ended, target = asyncio.Event(), target_of(here.folder)
    told = Settings(redis_url=here.url)
    done = await record_source(told, source, target, speed=None, on_ready=lambda one: None, ended=ended)
    assert done.statistics().gaps == 0
    with Store(here.folder) as store:
        assert store.read("trades", "ETHUSDT").num_rows == source.statistics().trades


def test_a_record_that_fails_leaves_no_empty_folder_and_one_with_something_in_it_stays(tmp_path):
    with pytest.raises(UnreachableError), target_in(tmp_path / "deep" / "s"):
        raise UnreachableError("nobody is there")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "kept").write_bytes(b"")
    with pytest.raises(UnreachableError), target_in(tmp_path / "deep" / "s"):
        raise UnreachableError("nobody is there")
    assert [one.name for one in (tmp_path / "deep").iterdir()] == ["kept"]
    (tmp_path / "mine").mkdir()
    with pytest.raises(UnreachableError), target_in(tmp_path / "mine"):
        raise UnreachableError("nobody is there")
    assert (tmp_path / "mine").exists()


def test_a_folder_that_cannot_be_is_an_error_of_the_store(tmp_path):
    (tmp_path / "one.csv").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be made: Not a directory"):
        target_of(tmp_path / "one.csv" / "x")
    with pytest.raises(StoreError, match="is a file"), target_in(tmp_path / "one.csv"):
        pass
