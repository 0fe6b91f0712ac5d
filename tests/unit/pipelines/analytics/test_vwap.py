import numpy as np
import pandas as pd
import pytest
from support.frames import SECOND, random_trades

from rtlab.errors import SourceError
from rtlab.pipelines.analytics.bars import BarsFold
from rtlab.pipelines.analytics.vwap import VwapColumns, VwapFold, vwap


def folded(fold: VwapFold, *rows: tuple[int, int, int]) -> VwapColumns:
    return fold.fold(*np.array(rows, np.int64).reshape(-1, 3).T)


def test_the_average_weighs_prices_by_quantity():
    rows = folded(VwapFold(), (1, 100, 1), (2, 200, 3), (3, 100, 4))
    assert rows.vwap.tolist() == [100.0, 175.0, 137.5]
    assert rows.notional.tolist() == [100, 700, 1100]
    assert rows.lots.tolist() == [1, 4, 8]


def test_the_running_average_goes_on_from_batch_to_batch():
    fold = VwapFold()
    folded(fold, (1, 100, 1))
    assert folded(fold, (2, 200, 3)).vwap.tolist() == [175.0]


def test_in_windows_each_begins_anew():
    fold = VwapFold(10)
    rows = folded(fold, (1, 100, 1), (2, 200, 1), (11, 50, 9))
    assert rows.start.tolist() == [0, 0, 10]
    assert rows.vwap.tolist() == [100.0, 150.0, 50.0]
    assert folded(fold, (12, 150, 1)).vwap.tolist() == [60.0]


def test_a_late_trade_makes_no_row_and_is_counted():
    fold = VwapFold(10)
    folded(fold, (25, 100, 1))
    rows = folded(fold, (5, 900, 1), (26, 200, 1))
    assert np.arange(2)[rows.kept].tolist() == [1]
    assert rows.vwap.tolist() == [150.0]
    assert fold.left_out == 1


def test_the_running_average_knows_no_late_trade():
    fold = VwapFold()
    assert folded(fold, (25, 100, 1), (5, 200, 1)).vwap.tolist() == [100.0, 150.0]
    assert fold.left_out == 0


def test_a_trade_of_no_quantity_makes_no_row_and_no_division_by_zero():
    fold = VwapFold()
    rows = folded(fold, (1, 100, 0), (2, 200, 2), (3, 999, 0))
    assert rows.vwap.tolist() == [200.0]
    assert np.arange(3)[rows.kept].tolist() == [1]
    assert fold.left_out == 2


def test_nothing_and_nothing_that_weighs_give_no_row():
    fold = VwapFold(10)
    assert folded(fold).vwap.tolist() == []
    assert folded(fold, (1, 100, 0)).vwap.tolist() == []
    assert folded(fold, (25, 100, 1)).vwap.tolist() == [100.0]
    assert folded(fold, (1, 100, 1)).vwap.tolist() == []


def test_kept_picks_the_rows_where_late_and_weightless_ones_are_mixed():
    fold = VwapFold(10)
    rows = folded(fold, (25, 1, 1), (26, 1, 0), (5, 1, 1), (27, 1, 1), (6, 1, 0), (38, 1, 1))
    assert np.arange(6)[rows.kept].tolist() == [0, 3, 5]
    assert rows.start.tolist() == [20, 20, 30]
    assert fold.left_out == 3


def test_averages_of_a_random_day_equal_those_of_pandas():
    rows = random_trades(7, 20_000)
    table = pd.DataFrame(rows, columns=["ts", "ticks", "lots", "side"])
    table["notional"] = table.ticks * table.lots
    found = vwap(*rows[:, :3].T)
    assert found.notional.tolist() == table.notional.cumsum().tolist()
    assert found.vwap.tolist() == (table.notional.cumsum() / table.lots.cumsum()).tolist()
    by = table.groupby(table.ts // SECOND)
    found = vwap(*rows[:, :3].T, SECOND)
    assert found.notional.tolist() == by.notional.cumsum().tolist()
    assert found.vwap.tolist() == (by.notional.cumsum() / by.lots.cumsum()).tolist()


def test_sums_wider_than_64_bits_are_exact_and_survive_a_restart():
    fold = VwapFold()
    for _ in range(5):
        folded(fold, (1, 2**60, 2**60))
    again = VwapFold.restore(fold.state())
    rows = folded(again, (1, 3, 7))
    assert rows.notional.tolist() == [5 * 2**120 + 21]
    assert rows.lots.tolist() == [5 * 2**60 + 7]
    assert np.isfinite(rows.vwap).all()


@pytest.mark.parametrize("interval_ns", [0, SECOND])
def test_a_restored_fold_goes_on_as_if_nothing_had_been(interval_ns):
    rows = random_trades(8, 2000, jitter=3 * SECOND)[:, :3]
    fold = VwapFold(interval_ns)
    fold.fold(*rows[:700].T)
    again = VwapFold.restore(fold.state())
    assert again.interval_ns == interval_ns
    for one, other in zip(again.fold(*rows[700:].T)[1:], fold.fold(*rows[700:].T)[1:], strict=True):
        assert one.tolist() == other.tolist()
    assert again.state() == fold.state()


def test_the_state_of_another_fold_is_refused():
    with pytest.raises(SourceError, match="vwap 1"):
        VwapFold.restore(BarsFold(10).state())
