from support.waiting import until

from rtlab.client import connect
from rtlab.lab.faults.auditor import Auditor
from rtlab.lab.faults.run import LIMITS
from rtlab.lab.faults.stage import Here
from rtlab.lab.faults.verdict import problems_of, problems_of_server


async def test_it_finds_a_wrong_book_a_wrong_tape_and_a_server_that_counts_otherwise():
    stage = Here(8, 2000, LIMITS)
    await stage.start()
    try:
        async with connect(f"ws://127.0.0.1:{stage.port}", retry=True) as client:
            auditor = Auditor(client, published=stage.published)
            wishes = [("book", 20), ("trades", 100), ("ticker", None)]
            book, tape, ticker = (client.subscribe(name, "BTC-USD", depth=depth) for name, depth in wishes)
            for one in (book, tape, ticker):
                auditor.follow(one)
            await until(lambda: auditor.sums.applied > 50)
            await stage.settle()
            await until(lambda: not problems_of_server([auditor], stage))
            assert problems_of({1: auditor}, stage.truth()) == []

            auditor.messages += 1
            (wrong,) = problems_of_server([auditor], stage)
            assert "messages sent" in wrong
            auditor.messages -= 1
            bid = book.view.bids(1)[0]
            book.view.apply(_removal(book.view, bid[0]))
            tape.view.totals = tape.view.totals._replace(sold=0)
            said = "\n".join(problems_of({1: auditor}, stage.truth()))
            assert "the book is not the engine's at depth 20" in said
            assert "trades and lots" in said
    finally:
        await stage.close()


def _removal(view, price):
    from rtlab.book import Update

    return Update("increment", view.epoch, view.seq, view.seq, view.held, 0, [(0, price, 0)])
