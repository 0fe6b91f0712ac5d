from rtlab.model import Instrument
from rtlab.store import StoredBook

BTC = Instrument("BTC-USD", "0.5", "0.001")


def test_a_book_of_the_past_prints_its_best_levels_and_not_all_of_them():
    bids, asks = ([(price, 5) for price in range(first, first + 999)] for first in (1, 2000))
    book = StoredBook(BTC, 7, 3, bids[::-1], asks)
    lines = str(book).splitlines()
    assert lines[0] == "BTC-USD  book 7/3"
    assert lines[2].strip() == "0.005 499.5 | 1000.0 0.005"
    assert len(lines) == 7
