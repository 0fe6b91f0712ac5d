import asyncio
import contextlib
import time

import pytest
import uvloop
from support.certificates import make_certificate
from support.markets import HandMarket
from support.waiting import until

from rtlab.client import connect
from rtlab.feed import Gateway
from rtlab.feed.frames import Frames
from rtlab.feed.gateway import _RECENT_NS
from rtlab.feed.rounds import CHUNK, Rounds
from rtlab.feed.tls import server_context
from rtlab.protocol import Limits, PayloadCache
from rtlab.protocol.cohort import Cohorts
from rtlab.protocol.pulse import Pulse

READERS = 6
MANY = 200


@contextlib.asynccontextmanager
async def followed(readers=READERS, *, ca_file=None, **options):
    market = HandMarket()
    market.set_levels((0, 100, 5), (1, 102, 4))
    async with Gateway(market, **options) as gateway, contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(connect(gateway.url, ca_file=ca_file)) for _ in range(readers)
        ]
        books = [client.subscribe("book", "BTC-USD", depth=5) for client in clients]
        for client, book in zip(clients, books, strict=True):
            await client.ready(book)
        await until(lambda: gateway.statistics().carried == readers)
        yield market, gateway, books


async def test_live_readers_are_soon_one_cohort_and_are_sent_in_one_go():
    async with followed() as (market, gateway, books):
        assert gateway.statistics().cohorts == 1
        built = gateway.statistics().frames_built
        market.set_levels((0, 100, 7))
        gateway.publish()
        await until(lambda: all(book.view.bids()[0] == (100, 7) for book in books))
        assert gateway.statistics().frames_built <= built + 2  # the increment, and a ping
        assert gateway.statistics().fell_out == 0


async def test_what_a_member_was_sent_is_in_its_statistics_and_in_the_sum():
    async with followed() as (market, gateway, _):
        before = gateway.statistics().bytes_sent
        market.set_levels((0, 100, 7))
        gateway.publish()  # at once, or a moment after the round before
        await until(lambda: gateway.statistics().bytes_sent > before)
        assert gateway.statistics().bytes_sent == sum(reader.bytes_sent for reader in gateway.readers())
        assert {reader.state for reader in gateway.readers()} == {"LIVE"}


async def test_a_member_whose_socket_is_full_goes_on_alone_and_the_others_do_not_notice():
    async with followed() as (market, gateway, books):
        victim = next(iter(gateway.connections))
        victim.transport.write(b"\x82\x00" * (4 << 20))  # empty messages, more than the kernel takes
        for number in range(50):
            market.set_levels((0, 100, 10 + number), *((0, 90 - i, 1 + number) for i in range(5)))
            gateway.publish()
            await asyncio.sleep(0)
        assert sum(book.view.held for book in books) > 0
        await until(lambda: sum(book.view.bids()[0] == (100, 59) for book in books) >= READERS - 1)


async def test_publishes_during_a_round_are_one_afterwards():
    async with followed() as (market, gateway, books):
        for number in range(200):
            market.set_levels((0, 100, 10 + number))
            gateway.publish()
        assert gateway.statistics().publishes < 200
        await until(lambda: all(book.view.bids()[0] == (100, 209) for book in books))
        assert gateway.statistics().postponed >= 1


async def test_a_member_that_leaves_gives_its_place_back():
    async with followed() as (market, gateway, _):
        next(iter(gateway.connections)).transport.abort()
        await until(lambda: gateway.statistics().carried == READERS - 1)
        market.set_levels((0, 100, 7))
        gateway.publish()
        assert gateway.statistics().carried >= READERS - 1


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_over_tls_members_are_written_through_their_transports(new_loop, tmp_path):
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(over_tls(tmp_path))


async def over_tls(folder):
    certificate, key = make_certificate(folder)
    async with followed(tls=server_context(certificate, key), ca_file=certificate) as (
        market,
        gateway,
        books,
    ):
        for qty in range(7, 12):
            market.set_levels((0, 100, qty))
            gateway.publish()
            await until(lambda: all(book.view.bids()[0] == (100, qty) for book in books))  # noqa: B023
        assert gateway.statistics().carried == READERS
        assert gateway.statistics().fell_out == 0


async def test_a_member_over_tls_whose_socket_is_full_goes_on_alone(tmp_path):
    certificate, key = make_certificate(tmp_path)
    async with followed(tls=server_context(certificate, key), ca_file=certificate) as (market, gateway, _):
        stuck = next(iter(gateway.connections))
        stuck.transport.write(bytes(64 << 20))  # more than the socket takes
        market.set_levels((0, 100, 7))
        gateway.publish()
        await until(lambda: gateway.statistics().fell_out == 1)
        assert stuck.held() > 0
        stuck.transport.abort()


async def test_one_reader_alone_is_served_all_the_same():
    async with followed(0) as (market, gateway, _), connect(gateway.url) as client:
        book = client.subscribe("book", "BTC-USD")
        await client.ready(book)
        market.set_levels((0, 100, 8))
        gateway.publish()
        await until(lambda: book.view.bids()[0] == (100, 8))
        assert gateway.statistics().carried == 0


def test_a_chunk_is_a_part_of_a_slice():
    assert 100 <= CHUNK <= 1000


class Toilsome:
    """A connection of no session that takes a while to serve."""

    session = None
    bits = 0
    rests_until = 0

    def __init__(self, served, takes_s=0.001):
        self.served, self.takes_s = served, takes_s

    def write_due(self, now):
        self.served.append(self)
        end = time.monotonic() + self.takes_s
        while time.monotonic() < end:
            pass


async def test_many_single_readers_do_not_hold_a_round_and_are_all_served_in_turn():
    loop, ended, served = asyncio.get_running_loop(), [], []
    rounds = Rounds(
        Frames(), Cohorts(PayloadCache(), Pulse(Limits()), None), loop, lambda: ended.append(len(served))
    )
    for _ in range(MANY):
        rounds.enter(Toilsome(served))
    rounds.begin(time.monotonic_ns())
    assert rounds.is_under_way
    await until(lambda: ended)
    assert not rounds.is_under_way
    assert 0 < ended[0] < MANY
    first = len(served)  # some more since then
    assert first < MANY
    rounds.begin(time.monotonic_ns())  # goes on where the one before was, then from the beginning
    await until(lambda: len(ended) == 2)
    assert ended[1] > first
    await until(lambda: len(served) >= MANY)  # also between rounds
    assert len(set(served[:MANY])) == MANY
    await until(lambda: len(served) == MANY + first)  # those of the first round once more
    assert served[MANY:] == served[:first]
    await asyncio.sleep(0.02)
    assert (len(served), len(ended)) == (MANY + first, 2)


async def test_who_is_stopped_serves_nobody_any_more():
    rounds = Rounds(
        Frames(), Cohorts(PayloadCache(), Pulse(Limits()), None), asyncio.get_running_loop(), lambda: None
    )
    served = []
    for _ in range(60):
        rounds.enter(Toilsome(served))
    rounds.begin(time.monotonic_ns())
    rounds.stop()
    count = len(served)
    await asyncio.sleep(0.05)
    assert len(served) == count < 60
    assert not rounds.is_under_way


async def test_where_the_market_makes_rounds_time_makes_none_of_its_own():
    async with followed() as (_, gateway, _):
        gateway._tick.cancel()

        async def begun_by_a_tick(since_ns):
            while True:
                await until(lambda: not gateway._rounds.is_under_way)
                gateway._rounds.busy_ns = 0  # free at once
                before, now = gateway._rounds.rounds, time.monotonic_ns()
                gateway._began = now - since_ns
                gateway._on_tick()
                gateway._tick.cancel()
                if time.monotonic_ns() - now < _RECENT_NS:  # else the machine was elsewhere meanwhile
                    return gateway._rounds.rounds - before

        assert await begun_by_a_tick(0) == 0
        assert await begun_by_a_tick(_RECENT_NS) == 1
