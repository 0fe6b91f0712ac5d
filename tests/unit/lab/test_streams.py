import asyncio

import pytest

from rtlab.book import Market
from rtlab.client import connect
from rtlab.errors import ConfigError
from rtlab.feed import Gateway
from rtlab.lab.hub import Hub
from rtlab.lab.streams import Streams
from rtlab.model import DepthSnapshot, Instrument, Side, VenueTrade

BTC = Instrument("BTC-USD", "0.5", "0.001")
HEAD = {"instrument": "BTC-USD", "ts_event": 1_000, "ts_recv": 2_000}


@pytest.fixture
async def served():
    market = Market([BTC], epoch=1)
    async with Gateway(market) as gateway, connect(gateway.url) as client:
        hub = Hub()
        hub.attach(client)
        streams = Streams(hub, hz=200)
        yield market, gateway, hub, streams
        streams.close()


async def _until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_trades_arrive_as_frames_and_none_is_lost(served):
    market, gateway, _, streams = served
    frames = []
    streams.of("trades", BTC).sink(frames.append)
    for i in range(40):
        market.apply_trade(VenueTrade(**HEAD, trade_id=i, aggressor_side=Side(i % 2), price=100 + i, qty=3))
        gateway.publish()
        await asyncio.sleep(0)
    await _until(lambda: sum(frame.rows for frame in frames) == 40)
    assert [seq for frame in frames for seq in frame["seq"]] == list(range(1, 41))
    assert frames[0]["price"][0] == 50.0
    assert frames[0]["qty"][0] == 0.003
    assert streams.statistics()["stream trades BTC-USD"].missed == 0


async def test_quotes_arrive_as_frames(served):
    market, gateway, _, streams = served
    frames = []
    streams.of("ticker", BTC).spread().sink(frames.append)
    market.apply_depth("BTC-USD", DepthSnapshot(**HEAD, last_id=1, bids=[(100, 5)], asks=[(103, 1)]))
    gateway.publish()
    await _until(lambda: frames)
    assert frames[-1]["spread"][-1] == 1.5


async def test_everyone_shares_one_stream_and_one_subscription(served):
    _, _, hub, streams = served
    assert streams.of("trades", BTC) is streams.of("trades", BTC)
    assert len(hub.wishes) == 1


async def test_closing_ends_the_subscriptions(served):
    _, _, hub, streams = served
    streams.of("trades", BTC)
    streams.of("ticker", BTC)
    streams.close()
    assert hub.wishes == []
    assert streams.statistics() == {}


async def test_a_channel_without_frames_is_refused_and_nothing_is_subscribed(served):
    _, _, hub, streams = served
    with pytest.raises(ConfigError, match="trades, ticker"):
        streams.of("bars", BTC)
    assert hub.wishes == []
