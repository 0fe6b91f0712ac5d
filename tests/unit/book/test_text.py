from rtlab.book.text import book_text
from rtlab.model import Instrument

BTC = Instrument("BTC-USD", "0.5", "0.001")


def test_as_many_levels_are_written_as_are_wanted_and_a_short_side_leaves_room():
    text = book_text(BTC, (7, 3), [(200, 5)], [(203, 2), (204, 1000), (205, 1)], depth=2)
    lines = text.splitlines()
    assert lines[0] == "BTC-USD  book 7/3"
    assert [line.strip() for line in lines[1:]] == ["bid | ask", "0.005 100.0 | 101.5 0.002", "| 102.0 1.000"]
    assert len({line.index("|") for line in lines[1:]}) == 1
