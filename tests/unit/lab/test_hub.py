import asyncio

import numpy as np
import pytest

from rtlab.book import BookView, Market
from rtlab.client import connect
from rtlab.feed import Gateway
from rtlab.lab.hub import Hub, Wish
from rtlab.model import EVENT, EventKind, Instrument, Side

BTC = Instrument("BTC-USD", "0.5", "0.001")


def _level(price, qty):
    row = np.zeros(1, EVENT)
    row["kind"], row["side"], row["price"], row["qty"] = EventKind.LEVEL, Side.BID, price, qty
    return row


@pytest.fixture
async def served():
    market = Market([BTC], epoch=1)
    market.apply(_level(100, 5))
    async with Gateway(market) as gateway, connect(gateway.url) as client:
        yield market, gateway, client


async def _until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_what_is_wished_before_the_connection_is_subscribed_when_it_comes(served):
    _, _, client = served
    hub = Hub()
    followed = hub.follow(Wish("book", "BTC-USD"))
    assert followed.subscription is None
    hub.attach(client)
    await client.ready(followed.subscription)
    assert followed.subscription.view.bids() == [(100, 5)]


async def test_the_same_wish_is_one_subscription_and_every_handler_sees_it(served):
    market, gateway, client = served
    hub, first, second = Hub(), [], []
    hub.attach(client)
    one = hub.follow(Wish("book", "BTC-USD"), first.append)
    two = hub.follow(Wish("book", "BTC-USD"), second.append)
    assert one is two
    await client.ready(one.subscription)
    market.apply(_level(101, 7))
    gateway.publish()
    await _until(lambda: one.subscription.view.bids(1) == [(101, 7)])
    assert first == second
    assert {applied.subscription for applied in first} == {one.subscription}


async def test_another_depth_is_another_subscription(served):
    hub = Hub()
    hub.attach(served[2])
    assert hub.follow(Wish("book", "BTC-USD", 10)) is not hub.follow(Wish("book", "BTC-USD", 20))
    assert len(hub.wishes) == 2


async def test_the_last_one_to_leave_ends_the_subscription(served):
    _, gateway, client = served
    hub, seen = Hub(), []
    hub.attach(client)
    followed = hub.follow(Wish("book", "BTC-USD"), seen.append)
    hub.follow(Wish("book", "BTC-USD"))
    hub.leave(followed, seen.append)
    assert hub.wishes == [Wish("book", "BTC-USD")]
    hub.leave(followed)
    assert hub.wishes == []
    assert hub.follow(Wish("book", "BTC-USD")) is not followed


async def test_leaving_before_the_connection_asks_the_server_nothing(served):
    hub = Hub()
    hub.leave(hub.follow(Wish("book", "BTC-USD")))
    hub.attach(served[2])
    assert hub.wishes == []


async def test_a_view_of_the_wished_channel_is_given(served):
    hub = Hub()
    hub.attach(served[2])
    assert isinstance(hub.follow(Wish("book", "BTC-USD")).subscription.view, BookView)
