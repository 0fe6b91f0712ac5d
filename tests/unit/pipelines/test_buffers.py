import numpy as np
import pytest
from support.frames import BTC

from rtlab.errors import LocalError
from rtlab.pipelines.buffers import QuoteBuffer, TradeBuffer


def rows(count: int, first: int = 1) -> list[tuple[int, int, int, int]]:
    return [(number, number * 10, 1, 0) for number in range(first, first + count)]


def taken(buffer: TradeBuffer, limit: int = 1000) -> list[int]:
    return buffer.take(limit, BTC, "trades")["seq"].tolist()


def test_trades_come_out_in_order_with_their_sequence():
    buffer = TradeBuffer()
    buffer.add(rows(2), 5, 0)
    buffer.add(rows(3, 3), 7, 0)
    assert buffer.rows == 5
    frame = buffer.take(1000, BTC, "trades")
    assert frame["seq"].tolist() == [5, 6, 7, 8, 9]
    assert frame["ts"].tolist() == [1, 2, 3, 4, 5]
    assert buffer.rows == 0


def test_a_frame_takes_at_most_its_limit_and_the_rest_waits():
    buffer = TradeBuffer()
    buffer.add(rows(5), 1, 0)
    buffer.add(rows(5), 6, 0)
    assert taken(buffer, 7) == [1, 2, 3, 4, 5, 6, 7]
    assert taken(buffer, 7) == [8, 9, 10]


def test_taking_from_nothing_gives_a_frame_without_rows():
    assert taken(TradeBuffer()) == []
    assert QuoteBuffer().take(5, BTC, "ticker").rows == 0


def test_beyond_the_limit_the_oldest_trades_are_dropped_and_counted():
    buffer = TradeBuffer()
    for first in (1, 4, 7):
        buffer.add(rows(3), first, 0)
    buffer.cut(4)
    assert buffer.dropped == 5
    assert taken(buffer) == [6, 7, 8, 9]
    buffer.cut(0)
    assert buffer.dropped == 5


def test_trades_that_came_before_are_left_out_and_counted():
    buffer = TradeBuffer()
    buffer.add(rows(5), 1, 0)
    buffer.add(rows(5), 3, 0)
    buffer.add(rows(2), 1, 0)
    assert buffer.repeated == 3 + 2
    assert taken(buffer) == [1, 2, 3, 4, 5, 6, 7]


def test_trades_that_never_came_are_counted():
    buffer = TradeBuffer()
    buffer.add(rows(1), 100, 0)
    buffer.add(rows(1), 111, 0)
    assert (buffer.missed, buffer.repeated) == (10, 0)
    assert taken(buffer) == [100, 111]


def test_a_known_sequence_stays_known_after_its_rows_were_taken():
    buffer = TradeBuffer()
    buffer.add(rows(5), 1, 0)
    taken(buffer)
    buffer.add(rows(6), 1, 0)
    assert taken(buffer) == [6]


def test_a_new_epoch_counts_from_anew():
    buffer = TradeBuffer()
    buffer.add(rows(5), 1, 1)
    buffer.add(rows(2), 1, 2)
    assert (buffer.repeated, buffer.missed) == (0, 0)
    assert taken(buffer) == [1, 2, 3, 4, 5, 1, 2]


def test_no_trades_change_nothing():
    buffer = TradeBuffer()
    buffer.add([], 9, 0)
    buffer.add(rows(1), 1, 0)
    assert (buffer.rows, buffer.missed) == (1, 0)


def test_an_array_of_rows_is_as_good_as_a_list():
    buffer = TradeBuffer()
    buffer.add(np.array(rows(3)), 1, 0)
    assert taken(buffer) == [1, 2, 3]


@pytest.mark.parametrize(
    "bad",
    [
        [(1, 2, 3)],
        [(1, 2, 3, 4, 5)],
        [1, 2, 3, 4],
        [(1, 2, 3, "x")],
        [(1, 2, 3, None)],
        [(1, 2), (3,)],
        [(2**70, 1, 1, 0)],
    ],
)
def test_rows_of_another_form_are_refused_and_what_was_good_is_kept(bad):
    buffer = TradeBuffer()
    buffer.add(rows(2), 1, 0)
    with pytest.raises(LocalError, match="expected 4 int64"):
        buffer.add(bad, 3, 0)
    buffer.add(rows(1), 3, 0)
    assert taken(buffer) == [1, 2, 3]
    assert buffer.missed == 0


def test_of_quotes_the_newest_are_kept():
    buffer = QuoteBuffer()
    for seq in range(10):
        buffer.add(seq, seq, 100, 1, 101, 1)
    buffer.cut(3)
    assert (buffer.rows, buffer.merged) == (3, 7)
    assert buffer.take(2, BTC, "ticker")["seq"].tolist() == [7, 8]
    assert buffer.take(2, BTC, "ticker")["seq"].tolist() == [9]


@pytest.mark.parametrize(("bid", "bid_qty"), [(None, 0), (None, 5), (100, 0), (0, 0)])
def test_an_empty_side_has_neither_price_nor_quantity(bid, bid_qty):
    buffer = QuoteBuffer()
    buffer.add(1, 1, bid, bid_qty, 101, 2)
    buffer.add(2, 2, 101, 2, bid, bid_qty)
    frame = buffer.take(5, BTC, "ticker")
    assert frame["bid_ticks"].tolist() == [0, 101]
    assert frame["bid_lots"].tolist() == [0, 2]
    assert frame["ask_ticks"].tolist() == [101, 0]
    assert frame["ask_lots"].tolist() == [2, 0]
