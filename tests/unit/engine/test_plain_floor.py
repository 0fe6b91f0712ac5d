"""The plain twin's floor: what it counts before a taker comes."""

import pytest

from rtlab.engine.plain_book import Book, Order
from rtlab.engine.plain_floor import Floor
from rtlab.model import Rules, SelfTradePrevention, Side


def floor(prevention: SelfTradePrevention) -> tuple[Floor, Book]:
    book = Book(Rules())
    for order in (
        Order(1, 0, 0, Side.ASK, 100, 3, reserve=6, display=3),
        Order(2, 7, 0, Side.ASK, 100, 5),
        Order(3, 0, 0, Side.ASK, 100, 4, link_id=9),
        Order(9, 0, 0, Side.BID, 90, 1, link_id=3),
        Order(4, 0, 0, Side.ASK, 101, 2, link_id=77),  # who names nobody is no half of a pair
    ):
        book.put(order)
    return Floor([book], prevention), book


@pytest.mark.parametrize(
    ("prevention", "sure", "cost"),
    [
        (SelfTradePrevention.NONE, 16, 14 * 100 + 2 * 101),
        (SelfTradePrevention.CANCEL_OLDEST, 11, 9 * 100 + 2 * 101),
        # his own order stops him, and the iceberg's reserve stands behind it
        (SelfTradePrevention.CANCEL_NEWEST, 3, 300),
        (SelfTradePrevention.CANCEL_BOTH, 3, 300),
        (SelfTradePrevention.DECREMENT, 3, 300),
    ],
)
def test_what_a_taker_is_sure_to_get(prevention: SelfTradePrevention, sure: int, cost: int) -> None:
    twin, book = floor(prevention)
    taker = Order(8, 7, 0, Side.BID, 101, 99)
    assert twin._tradable(book, taker, [100, 101]) == (sure, cost)


def test_no_more_is_counted_than_is_wanted() -> None:
    twin, book = floor(SelfTradePrevention.NONE)
    assert twin._tradable(book, Order(8, 7, 0, Side.BID, 101, 4), [100, 101]) == (4, 400)
