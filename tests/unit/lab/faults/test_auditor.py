from support.live_market import LiveMarket
from support.waiting import until

from rtlab.client import connect
from rtlab.lab.faults.auditor import Auditor
from rtlab.lab.faults.proxy import LossyProxy


async def test_what_came_is_what_the_server_counts_and_what_the_reader_accounts_for():
    async with LiveMarket(seed=3) as live, connect(live.gateway.url, codec="json") as client:
        auditor = Auditor(client, "json")
        book = client.subscribe("book", "BTC-USD", depth=5)
        tape = client.subscribe("trades", "BTC-USD", depth=100)
        accounts = [auditor.follow(one) for one in (book, tape)]
        for _ in range(40):
            live.step(30)
            await live.caught_up(tape)
        await live.caught_up(book)
        assert auditor.unexplained == 0
        assert auditor.states["LIVE"] == 1
        assert auditor.evicted == 0
        for account in accounts:
            assert account.close().applied > 5
            assert account.adds_up
        assert auditor.sums == accounts[0].sums.plus(accounts[1].sums)

        def sent():
            (reader,) = live.gateway.readers()
            # the Welcome came before the auditor did
            return reader.subscriber.messages - auditor.messages in (0, 1)

        await until(sent)


async def test_a_new_connection_is_counted_anew_and_the_accounts_go_on():
    async with (
        LiveMarket(seed=4) as live,
        LossyProxy(live.gateway.port) as proxy,
        connect(proxy.url) as client,
    ):
        auditor = Auditor(client)
        book = client.subscribe("book", "BTC-USD")
        account = auditor.follow(book)
        live.step(500)
        await live.caught_up(book)
        live.step(100)
        await live.caught_up(book)
        proxy.cut()
        await until(lambda: client.statistics().lost == 1)
        live.step(10)
        await live.caught_up(book)
        assert account.close().heads > 0
        assert account.adds_up
        await until(lambda: live.gateway.statistics().readers == 1)
        await until(lambda: live.gateway.readers()[0].subscriber.messages == auditor.messages)
