import numpy as np
import pandas as pd
import pytest
from support.frames import SECOND, random_trades

from rtlab.errors import SourceError
from rtlab.pipelines.analytics.bars import Bar, BarColumns, BarsFold, bars
from rtlab.pipelines.analytics.vwap import VwapFold

FIELDS = Bar._fields


def folded(fold: BarsFold, *rows: tuple[int, int, int]) -> list[tuple[Bar, bool]]:
    block = np.array(rows, np.int64).reshape(-1, 3)
    return listed(fold.fold(*block.T))


def listed(columns: BarColumns) -> list[tuple[Bar, bool]]:
    return [(Bar(*row[:-1]), row[-1]) for row in zip(*(column.tolist() for column in columns), strict=True)]


def test_trades_of_one_window_make_one_open_bar():
    assert folded(BarsFold(10), (1, 100, 2), (4, 103, 1), (5, 99, 4), (9, 101, 3)) == [
        (Bar(0, 100, 103, 99, 101, 10, 200 + 103 + 396 + 303, 4), False)
    ]


def test_a_later_window_makes_the_bar_final():
    fold = BarsFold(10)
    folded(fold, (1, 100, 2))
    assert folded(fold, (12, 105, 1)) == [
        (Bar(0, 100, 100, 100, 100, 2, 200, 1), True),
        (Bar(10, 105, 105, 105, 105, 1, 105, 1), False),
    ]


def test_a_bar_is_given_each_time_it_changes():
    fold = BarsFold(10)
    folded(fold, (1, 100, 2))
    assert folded(fold, (2, 90, 1)) == [(Bar(0, 100, 100, 90, 90, 3, 290, 2), False)]
    assert folded(fold, (3, 95, 1)) == [(Bar(0, 100, 100, 90, 95, 4, 385, 3), False)]


def test_several_windows_in_a_batch_give_all_their_bars_and_only_the_last_is_open():
    found = folded(BarsFold(10), (1, 1, 1), (11, 2, 1), (12, 3, 1), (35, 4, 1))
    assert [bar.start for bar, _ in found] == [0, 10, 30]
    assert [final for _, final in found] == [True, True, False]


def test_a_window_without_trades_has_no_bar():
    assert [bar.start for bar, _ in folded(BarsFold(10), (1, 1, 1), (95, 1, 1))] == [0, 90]


def test_a_trade_before_the_open_bar_changes_nothing_and_is_counted():
    fold = BarsFold(10)
    folded(fold, (25, 100, 1))
    assert folded(fold, (19, 500, 9), (24, 101, 1)) == [(Bar(20, 100, 101, 100, 101, 2, 201, 2), False)]
    assert fold.left_out == 1


def test_within_the_open_bar_arrival_decides_what_is_open_and_close():
    assert folded(BarsFold(10), (8, 100, 1), (2, 101, 1))[0][0][:5] == (0, 100, 101, 100, 101)


def test_nothing_and_nothing_but_late_trades_give_no_bar():
    fold = BarsFold(10)
    assert folded(fold) == []
    folded(fold, (25, 100, 1))
    assert folded(fold, (5, 100, 1)) == []
    assert folded(fold) == []
    assert fold.left_out == 1


def test_columns_of_no_bar_have_their_types():
    columns = BarsFold(10).fold(*(np.empty(0, np.int64),) * 3)
    assert [column.dtype.kind for column in columns] == ["i"] * 8 + ["b"]


def test_a_trade_at_the_boundary_belongs_to_the_later_window():
    assert [bar.start for bar, _ in folded(BarsFold(10), (9, 1, 1), (10, 1, 1))] == [0, 10]


def test_sums_wider_than_64_bits_are_exact():
    fold = BarsFold(10)
    big = 2**62
    for _ in range(3):
        found = folded(fold, (1, big, big), (2, big, 1))
    assert found[0][0].notional == 3 * (big * big + big)
    assert found[0][0].lots == 3 * (big + 1)


def test_bars_of_a_random_day_equal_those_of_pandas():
    rows = random_trades(5, 20_000)
    found = pd.DataFrame(bars(*rows[:, :3].T, SECOND)._asdict())
    table = pd.DataFrame(rows, columns=["ts", "ticks", "lots", "side"])
    table["notional"] = table.ticks * table.lots
    by = table.groupby(table.ts // SECOND * SECOND)
    expected = (
        by.ticks.agg(["first", "max", "min", "last"])
        .join(by[["lots", "notional"]].sum())
        .join(by.size().rename("n"))
    )
    assert len(found) > 100
    assert found[list(FIELDS[1:])].to_numpy().tolist() == expected.to_numpy().tolist()
    assert found.start.tolist() == expected.index.tolist()
    assert found.final.tolist() == [True] * (len(found) - 1) + [False]


def test_a_restored_fold_goes_on_as_if_nothing_had_been():
    rows = random_trades(6, 3000, jitter=3 * SECOND)[:, :3]
    fold = BarsFold(SECOND)
    fold.fold(*rows[:1000].T)
    again = BarsFold.restore(fold.state())
    assert listed(again.fold(*rows[1000:].T)) == listed(fold.fold(*rows[1000:].T))
    assert again.state() == fold.state()
    assert again.left_out == fold.left_out > 0
    assert again.interval_ns == SECOND


def test_a_fold_that_has_seen_nothing_is_restored_as_such():
    again = BarsFold.restore(BarsFold(10).state())
    assert folded(again, (1, 2, 3)) == [(Bar(0, 2, 2, 2, 2, 3, 6, 1), False)]


def test_sums_wider_than_64_bits_survive_a_restart():
    fold = BarsFold(10)
    folded(fold, (1, 2**62, 2**62))
    again = BarsFold.restore(fold.state())
    assert folded(again, (1, 1, 1))[0][0].notional == 2**124 + 1


def test_the_state_of_another_fold_is_refused():
    with pytest.raises(SourceError, match="bars 1"):
        BarsFold.restore(VwapFold(10).state())
