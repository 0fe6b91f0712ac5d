import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from support.venues.all_venues import NAMES, loopback, pair
from support.venues.server import VenueServer
from support.venues.virtual import Follower
from support.waiting import until

from rtlab.sources.venues.connection import Reach, VenueConnection
from rtlab.sources.venues.directory import moved
from rtlab.sources.venues.machine import HangUp, Send
from rtlab.sources.venues.pacing import Pace
from rtlab.sources.venues.rest import Rest


@asynccontextmanager
async def connected(name="binance", take=None):
    venue = loopback(name)
    async with VenueServer(venue) as server:
        lane = pair(name).lanes[0]
        reach = Reach(Rest(), server.url, Pace(0.0), lambda: Pace(0.0))
        follower = Follower()
        connection = VenueConnection(moved(lane.url, server.url), lane.machine, reach, take or follower.take)
        running = asyncio.create_task(connection.run())
        try:
            yield connection, server, follower, running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def states(connection):
    return {sight.state for sight in connection.machine.sights()}


@pytest.mark.parametrize("name", ["binance", "kraken"])
async def test_a_book_comes_over_a_socket_and_comes_again_after_each_way_to_end(name):
    async with connected(name) as (connection, server, follower, _):
        await until(lambda: states(connection) == {"live"})
        for count, (code, reason) in enumerate([(1006, ""), (1001, "bye"), (1012, "restart")], 1):
            server.venue.sessions[0].close = (code, reason)
            await until(lambda count=count: connection.opened == count + 1)
            await until(lambda: states(connection) == {"live"})
        assert (connection.lost, connection.last_reason) == (
            3,
            "the venue closed the connection: 1012 restart",
        )
        for one in NAMES[name]:
            book = server.venue.books[one]
            await until(lambda one=one, book=book: book.was(*follower.levels(one), server.venue.depth))


async def test_a_refused_connection_is_tried_again_when_the_venue_allows():
    async with connected() as (connection, server, _, _):
        await until(lambda: connection.opened == 1)
        server.venue.limit, server.venue.retry_after_s = 1, 1
        began = time.monotonic()
        server.venue.sessions[0].close = (1006, "")
        await until(lambda: connection.opened == 2)
        assert time.monotonic() - began >= 1.0
        assert connection.last_reason == "the venue refused the connection with 429"


async def test_nobody_there_is_tried_again():
    lane = pair("kraken").lanes[0]
    reach = Reach(Rest(), "", Pace(0.0), lambda: Pace(0.0))
    connection = VenueConnection("ws://127.0.0.1:1/v2", lane.machine, reach, lambda messages: None)
    running = asyncio.create_task(connection.run())
    await until(lambda: connection.lost >= 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert "does not answer" in connection.last_reason


async def test_a_venue_that_is_hung_up_on_is_connected_to_again():
    async with connected() as (connection, _, _, _):
        await until(lambda: connection.opened == 1)
        connection.machine._request(HangUp("enough"))
        await until(lambda: connection.opened == 2)
        assert (connection.hung_up, connection.statistics().lost) == (1, 1)


async def test_messages_are_sent_at_the_pace_of_the_venue():
    async with connected("kraken") as (connection, _, _, _):
        await until(lambda: connection.opened == 1)
        connection._sending = Pace(0.05)
        pings = len(
            [None for _ in range(5) if connection.machine._request(Send('{"method":"ping"}')) is None]
        )
        before = connection.machine.received
        began = time.monotonic()
        await until(lambda: connection.machine.received >= before + pings and connection._out.empty())
        assert time.monotonic() - began >= 0.15


async def test_messages_that_the_socket_does_not_take_are_counted_as_dropped():
    async with connected() as (connection, _, _, _):
        await until(lambda: states(connection) == {"live"})
        connection._sending = Pace(60.0)
        await asyncio.sleep(0)
        for _ in range(4):  # a machine holds so many requests at once, and the socket's queue 1,000 texts
            for number in range(400):
                connection.machine._request(Send(f'{{"method":"LIST_SUBSCRIPTIONS","id":{number}}}'))
            connection._do_requests()
        assert connection.machine.statistics().requests_dropped >= 500


async def test_who_takes_and_fails_ends_the_run_with_his_error():
    def fail(messages):
        raise RuntimeError("no room")

    async with connected(take=fail) as (_, _, _, running):
        with pytest.raises(ExceptionGroup) as caught:
            await asyncio.wait_for(asyncio.shield(running), 20)
    assert caught.group_contains(RuntimeError, match="no room")


async def test_a_limited_snapshot_is_asked_for_when_the_venue_allows():
    venue = loopback("binance")
    async with VenueServer(venue) as server:
        lane, rest = pair("binance").lanes[0], Rest()
        reach = Reach(rest, server.url, Pace(0.0), lambda: Pace(0.0))
        connection = VenueConnection(moved(lane.url, server.url), lane.machine, reach, lambda messages: None)
        running = asyncio.create_task(connection.run())
        await until(lambda: connection.opened == 1)
        venue.limit, venue.retry_after_s = 1, 1
        await until(lambda: states(connection) == {"live"})
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert rest.limited == 1
    assert connection.machine.statistics().refused >= 1
