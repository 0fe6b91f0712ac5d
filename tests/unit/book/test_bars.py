import random

import pandas as pd
import pytest

from rtlab.book import INTERVALS_NS, WHOLE, Bar, Bars, BarsView, Tape

SECOND = INTERVALS_NS["1s"]


def random_trades(count, seed):
    rnd, ts, rows = random.Random(seed), 10 * SECOND, []
    for _ in range(count):
        ts += rnd.choice((0, 1, SECOND // 10, 3 * SECOND // 2))
        rows.append((ts, rnd.randrange(90, 110), rnd.randrange(1, 9), rnd.randrange(2)))
    return rows


def by_pandas(rows, interval):
    frame = pd.DataFrame(rows, columns=["ts", "price", "qty", "side"])
    grouped = frame.groupby(frame.ts - frame.ts % interval)
    bars = grouped.price.ohlc().assign(volume=grouped.qty.sum(), trades=grouped.size())
    return [Bar(*(int(n) for n in row)) for row in bars.itertuples()][::-1]


@pytest.mark.parametrize("interval", [SECOND, INTERVALS_NS["5s"]])
def test_bars_equal_pandas_however_the_trades_are_cut_into_batches(interval):
    rows, rnd = random_trades(500, 2), random.Random(1)
    bars, start = Bars(interval), 0
    while start < len(rows):
        size = rnd.choice((1, 2, 30))
        bars.fold(rows[start : start + size])
        start += size
    assert bars.rows(WHOLE) == by_pandas(rows, interval)
    assert bars.seq == 500


def test_no_trades_are_no_bars():
    bars = Bars(SECOND)
    bars.fold([])
    assert (bars.seq, bars.rows(WHOLE)) == (0, [])
    assert bars.since(0, 0, 5, 0).body == ([],)


def test_a_late_trade_counts_in_the_open_bar_and_leaves_the_final_ones():
    bars = Bars(SECOND)
    bars.fold([(SECOND, 10, 1, 0), (2 * SECOND, 20, 1, 0)])
    bars.fold([(SECOND + 5, 7, 3, 0)])
    assert bars.rows(WHOLE) == [Bar(2 * SECOND, 20, 20, 7, 7, 4, 2), Bar(SECOND, 10, 10, 10, 10, 1, 1)]
    assert bars.late == 1


def test_only_the_newest_bars_are_kept_and_never_more_are_told():
    bars = Bars(SECOND, keep=3)
    bars.fold([(n * SECOND, n, 1, 0) for n in range(1, 9)])
    assert [bar.start // SECOND for bar in bars.rows(WHOLE)] == [8, 7, 6]
    assert bars.since(0, 0, WHOLE, 0).depth == 3
    assert bars.since(1, 8, WHOLE, 3) is None


def test_an_increment_brings_the_bars_that_changed():
    bars = Bars(SECOND)
    bars.fold([(SECOND, 10, 1, 0), (2 * SECOND, 20, 1, 0)])
    bars.fold([(2 * SECOND, 25, 2, 1), (3 * SECOND, 30, 1, 0)])
    update = bars.since(1, 2, 10, 10)
    assert (update.first_seq, update.last_seq) == (3, 4)
    assert [start // SECOND for _, start, _ in update.body] == [3, 2]


def test_views_follow_by_increments_and_cut_to_their_depth():
    rows, bars, view = random_trades(400, 3), Bars(SECOND, keep=20), BarsView()
    rnd = random.Random(2)
    view.load(bars.since(0, 0, 5, 0))
    for start in range(0, 400, 8):
        bars.fold(rows[start : start + 8])
        if rnd.random() < 0.5:
            update = bars.since(view.epoch, view.seq, 5, view.held)
            (view.load if update.kind == "snapshot" else view.apply)(update)
            assert view.rows() == bars.rows(5)
            assert view.final() == bars.rows(5)[1:]
            assert view.rows(2) == bars.rows(2)
            assert view.digest(5) == bars.digest(5)


def test_bars_of_a_tape_leave_out_a_first_bar_that_it_holds_in_part():
    tape, rows = Tape(keep=100), random_trades(500, 7)
    tape.extend(rows)
    bars = Bars.of(tape, SECOND)
    whole = by_pandas(rows, SECOND)
    assert bars.rows(WHOLE) == whole[: len(bars.rows(WHOLE))]
    assert len(bars.rows(WHOLE)) == len(by_pandas(rows[-100:], SECOND)) - 1
    assert (bars.seq, bars.epoch) == (500, 1)


def test_bars_of_a_whole_tape_are_all_bars():
    tape, rows = Tape(), random_trades(100, 7)
    tape.extend(rows)
    assert Bars.of(tape, SECOND).rows(WHOLE) == by_pandas(rows, SECOND)
    assert Bars.of(Tape(), SECOND).rows(WHOLE) == []
