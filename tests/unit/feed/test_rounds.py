import asyncio
import contextlib

from support.certificates import make_certificate
from support.markets import HandMarket
from support.waiting import until

from rtlab.client import connect
from rtlab.feed import Gateway
from rtlab.feed.rounds import CHUNK
from rtlab.feed.tls import server_context

READERS = 6


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
        gateway.publish()
        statistics = gateway.statistics()
        assert statistics.bytes_sent > before
        assert statistics.bytes_sent == sum(reader.bytes_sent for reader in gateway.readers())
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


async def test_over_tls_members_are_written_through_their_transports(tmp_path):
    certificate, key = make_certificate(tmp_path)
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
