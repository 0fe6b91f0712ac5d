"""The plain twin's book, against sums done by hand."""

import pytest

from rtlab.engine.limits import MAX_QTY, SPAN
from rtlab.engine.plain_book import BOOK, STOP, TRAIL, Book, Order, descending
from rtlab.model import Flag, OrderType, Reason, Rules, Side


def order(order_id: int, side: int, price: int, qty: int, **more: int) -> Order:
    return Order(order_id, 0, 0, side, price, qty, **more)


def book_of(*orders: Order) -> Book:
    book = Book(Rules())
    for one in orders:
        book.put(one)
    return book


def test_what_shows_is_summed_and_counted() -> None:
    iceberg, hidden = order(1, 0, 9, 2, reserve=7, display=2), order(2, 0, 9, 5, flags=Flag.HIDDEN)
    book = book_of(iceberg, hidden, order(3, 0, 9, 4))
    assert book.level(Side.BID, 9) == (6, 2)
    assert book.total(Side.BID, 9) == 18


def test_an_order_shows_slices_until_nothing_is_left() -> None:
    one = order(1, 0, 9, 2, reserve=3, display=2)
    one.qty = 0
    one.renew()
    assert (one.qty, one.reserve, one.slice) == (2, 1, 2)
    one.qty = 0
    one.renew()
    assert (one.qty, one.reserve, one.open) == (1, 0, 1)


def test_a_cut_takes_the_reserve_first() -> None:
    one = order(1, 0, 9, 2, reserve=7, display=2)
    one.cut(5)
    assert (one.qty, one.reserve) == (2, 3)
    one.cut(1)
    assert (one.qty, one.reserve) == (1, 0)


def test_stops_of_buyers_come_lowest_first_and_their_bids_highest_first() -> None:
    assert descending(BOOK, Side.BID)
    assert not descending(STOP, Side.BID)
    assert not descending(BOOK, Side.ASK)
    assert descending(STOP, Side.ASK)


@pytest.mark.parametrize(("last", "stop"), [(100, 97), (104, 101), (90, 95)])
def test_a_trailing_stop_moves_one_way(last: int, stop: int) -> None:
    one = order(1, Side.ASK, 0, 5, stop_price=95, trail=3, order_type=OrderType.TRAILING_STOP, place=TRAIL)
    one.follow(last)
    assert one.stop_price == stop


def test_basis_points_are_of_the_last_price_and_at_least_a_tick() -> None:
    one = order(1, Side.ASK, 0, 5, trail=50, flags=Flag.BASIS_POINTS)
    assert one.distance(10_000) == 50
    assert one.distance(399) == 1
    assert one.distance(7) == 1


def test_no_room_beyond_span_and_largest_quantity() -> None:
    book = book_of(order(1, 0, 100, 5))
    assert book.no_room(order(2, 0, 100, 5), 5, None) is None
    assert book.no_room(order(2, 0, 100 + SPAN, 1), 1, None) == Reason.BAD_PRICE
    assert book.no_room(order(2, 0, 100, 1), MAX_QTY - 4, None) == Reason.BAD_QUANTITY
    assert book.no_room(order(2, 0, 100, 1), MAX_QTY - 5, None) is None
    assert book.no_room(order(1, 0, 100, 1), MAX_QTY, book.orders[1]) is None


def test_uncrossing_by_hand() -> None:
    book = book_of(order(1, 0, 103, 5), order(2, 0, 101, 5), order(3, 1, 100, 7), order(4, 1, 102, 9))
    assert book.uncrossing() == (101, 7, 3)
    assert book_of(order(1, 0, 99, 5), order(2, 1, 100, 5)).uncrossing() == (0, 0, 0)
