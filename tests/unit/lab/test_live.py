from decimal import Decimal

import pytest

from rtlab.book import L2Book
from rtlab.errors import ConfigError
from rtlab.lab.hub import Followed, Wish
from rtlab.lab.live import LiveBook
from rtlab.lab.loop import LabLoop
from rtlab.model import Instrument, Side
from rtlab.protocol import Channel, Subscription

BTC = Instrument("BTC-USD", "0.5", "0.001")
WHOLE = 1 << 40


@pytest.fixture
def loop():
    loop = LabLoop()
    yield loop
    loop.close()


@pytest.fixture
def followed():
    followed = Followed(Wish("book", "BTC-USD"))
    followed.subscription = Subscription(1, Channel("book", "BTC-USD"))
    return followed


async def _at_once():
    return None


def _book(followed, loop):
    return LiveBook(BTC, followed, loop, _at_once)


def _fill(followed, levels):
    book = L2Book(epoch=7)
    for side, price, qty in levels:
        book.set_level(side, price, qty, 1)
    followed.subscription.view.load(book.snapshot(WHOLE))


def test_before_the_first_snapshot_it_says_what_it_waits_for(loop, followed):
    book = _book(followed, loop)
    assert repr(book) == "BTC-USD: waiting for the first snapshot"
    assert book.now() is None
    assert book.best == (None, None)
    assert book.frame().empty


def test_before_there_is_a_connection_it_waits_too(loop):
    assert _book(Followed(Wish("book", "BTC-USD")), loop).now() is None


def test_it_gives_exact_prices_of_this_moment(loop, followed):
    book = _book(followed, loop)
    _fill(followed, [(Side.BID, 200, 5), (Side.BID, 199, 1), (Side.ASK, 203, 2)])
    assert book.best == (Decimal("100.0"), Decimal("101.5"))
    now = book.now(1)
    assert (now.epoch, now.seq, now.bids, now.asks) == (7, 3, [(200, 5)], [(203, 2)])
    _fill(followed, [(Side.ASK, 204, 2)])
    assert book.best == (None, Decimal("102.0"))


def test_its_frame_is_in_units_best_first(loop, followed):
    _fill(followed, [(Side.BID, 199, 1), (Side.BID, 200, 5), (Side.ASK, 203, 2)])
    frame = _book(followed, loop).frame(5)
    assert frame.to_dict("list") == {
        "side": ["bid", "bid", "ask"],
        "price": [100.0, 99.5, 101.5],
        "qty": [0.005, 0.001, 0.002],
    }


def test_it_prints_both_sides_with_aligned_columns(loop, followed):
    _fill(followed, [(Side.BID, 200, 5), (Side.ASK, 203, 2), (Side.ASK, 204, 1000)])
    lines = repr(_book(followed, loop)).splitlines()
    assert lines[0] == "BTC-USD  book 7/3"
    assert lines[2].strip() == "0.005 100.0 | 101.5 0.002"
    assert lines[3].strip() == "| 102.0 1.000"
    assert len({line.index("|") for line in lines[1:]}) == 1


@pytest.mark.parametrize("depth", [0, -1, "a", 2.5])
def test_a_depth_that_is_no_whole_number_above_zero_is_refused(loop, followed, depth):
    with pytest.raises(ConfigError, match=f"expected a whole number, at least 1, got {depth}"):
        _book(followed, loop).frame(depth)


async def test_awaiting_it_waits_for_the_first_snapshot(loop, followed):
    async def first():
        _fill(followed, [(Side.BID, 200, 5)])

    book = await LiveBook(BTC, followed, loop, first)
    assert book.best == (Decimal("100.0"), None)


def test_a_cell_shows_the_best_levels_as_a_table_whose_rows_mirror_each_other(followed, loop):
    book = _book(followed, loop)
    assert book._repr_html_() == "<p>BTC-USD: waiting for the first snapshot</p>"
    _fill(followed, [(Side.BID, 200, 5), (Side.BID, 199, 7), (Side.ASK, 202, 9)])
    text = book._repr_html_()
    assert "<tr><td>0.005</td><td>100.0</td><td>101.0</td><td>0.009</td></tr>" in text
    assert "<tr><td>0.007</td><td>99.5</td><td></td><td></td></tr>" in text
    assert "<caption>BTC-USD, book 7/3</caption>" in text
