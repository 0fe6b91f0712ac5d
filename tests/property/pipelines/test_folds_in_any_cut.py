"""Wherever the rows are cut into batches, and wherever a fold is saved and restored, every integer is the same."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.frames import SMALL, WIDE, cut, cuts, quote_rows, random_quotes, random_trades, trade_rows

from rtlab.pipelines.analytics import Bar, BarsFold, ImbalanceFold, QuoteFold, VwapFold

intervals = st.integers(1, 100)
greatest = st.sampled_from([SMALL, WIDE])


def in_time(rows: np.ndarray, interval: int) -> np.ndarray:
    """The rows that are not late, by pandas."""
    start = pd.Series(rows[:, 0] // interval * interval)
    return rows[(start >= start.cummax()).to_numpy()] if len(rows) else rows


def saved_and_restored(fold):
    return type(fold).restore(fold.state())


def fold_bars(
    rows: np.ndarray, points: list[int], interval: int, *, restart: bool
) -> tuple[dict[int, Bar], int]:
    """Fold in batches; check each answer by itself; give the last version of each bar and the late rows."""
    fold, table, final = BarsFold(interval), {}, set()
    for part in cut(rows, points):
        columns = fold.fold(*part[:, :3].T)
        starts = columns.start.tolist()
        assert starts == sorted(set(starts))
        assert not final & set(starts)
        assert columns.final.tolist() == [True] * (len(starts) - 1) + [False] * bool(starts)
        for row in zip(*(column.tolist() for column in columns), strict=True):
            table[row[0]] = Bar(*row[:-1])
            final |= {row[0]} if row[-1] else set()
        fold = saved_and_restored(fold) if restart else fold
    return table, fold.left_out


def bars_by_pandas(rows: np.ndarray, interval: int) -> dict[int, Bar]:
    table = pd.DataFrame(in_time(rows, interval).astype(object), columns=["ts", "ticks", "lots", "side"])
    table["notional"] = table.ticks * table.lots
    bars = {}
    for start, group in table.groupby(table.ts // interval * interval):
        prices = group.ticks
        bars[start] = Bar(
            start,
            prices.iloc[0],
            prices.max(),
            prices.min(),
            prices.iloc[-1],
            group.lots.sum(),
            group.notional.sum(),
            len(group),
        )
    return bars


@settings(deadline=None)
@given(greatest.flatmap(trade_rows), cuts, intervals, st.booleans())
def test_bars_equal_those_of_pandas(rows, points, interval, restart):
    table, late = fold_bars(rows, points, interval, restart=restart)
    assert table == bars_by_pandas(rows, interval)
    assert late == len(rows) - len(in_time(rows, interval))


def sums_by_pandas(rows: np.ndarray, values: list[int], interval: int) -> list[int]:
    """Running sums per window in Python integers, for rows that are in time."""
    table = pd.DataFrame(
        {"start": rows[:, 0] // interval * interval if interval else 0, "v": pd.Series(values, dtype=object)}
    )
    return [total for _, group in table.groupby("start", sort=False) for total in group.v.cumsum()]


@settings(deadline=None)
@given(greatest.flatmap(trade_rows), cuts, st.just(0) | intervals, st.booleans())
def test_vwap_equals_that_of_pandas(rows, points, interval, restart):
    fold, notional, lots, averages, picked = VwapFold(interval), [], [], [], []
    for part in cut(rows, points):
        columns = fold.fold(*part[:, :3].T)
        notional += columns.notional.tolist()
        lots += columns.lots.tolist()
        averages += columns.vwap.tolist()
        picked += part[columns.kept].tolist()
        fold = saved_and_restored(fold) if restart else fold
    weighing = rows[rows[:, 2] > 0]
    expected = in_time(weighing, interval) if interval else weighing
    assert picked == expected.tolist()
    products = [ticks * quantity for _, ticks, quantity, _ in expected.tolist()]
    assert notional == sums_by_pandas(expected, products, interval)
    assert lots == sums_by_pandas(expected, expected[:, 2].tolist(), interval)
    assert averages == [float(n) / float(v) for n, v in zip(notional, lots, strict=True)]
    assert fold.left_out == len(rows) - len(expected)


def changes_by_pandas(rows: np.ndarray) -> list[int]:
    """The formula of the paper with shifted columns; an empty side has the worst price."""
    q = pd.DataFrame(rows.astype(object), columns=["ts", "seq", "bid", "bid_qty", "ask", "ask_qty"])
    bid, ask = q.bid.where(q.bid_qty > 0, -np.inf), q.ask.where(q.ask_qty > 0, np.inf)
    old = pd.DataFrame({"b": bid, "bq": q.bid_qty, "a": ask, "aq": q.ask_qty}).shift()
    change = (
        q.bid_qty * (bid >= old.b).astype(object)
        - old.bq.fillna(0) * (bid <= old.b).astype(object)
        - q.ask_qty * (ask <= old.a).astype(object)
        + old.aq.fillna(0) * (ask >= old.a).astype(object)
    )
    return [0, *map(int, change.tolist()[1:])][: len(rows)]


@settings(deadline=None)
@given(greatest.flatmap(quote_rows), cuts, st.just(0) | intervals, st.booleans())
def test_order_flow_imbalance_equals_that_of_pandas(rows, points, interval, restart):
    fold, changes, sums = ImbalanceFold(interval), [], []
    for part in cut(rows, points):
        columns = fold.fold(*part[:, [0, 2, 3, 4, 5]].T)
        changes += columns.change.tolist()
        sums += columns.imbalance.tolist()
        fold = saved_and_restored(fold) if restart else fold
    every = np.column_stack([rows[:, 0], np.arange(len(rows))])
    kept = in_time(every, interval) if interval else every
    expected = [changes_by_pandas(rows)[number] for number in kept[:, 1].tolist()]
    assert changes == expected
    assert sums == sums_by_pandas(kept, expected, interval)
    assert fold.left_out == len(rows) - len(kept)


@settings(deadline=None)
@given(quote_rows(2**30), cuts, st.booleans())
def test_spread_mid_and_microprice_equal_those_of_pandas(rows, points, restart):
    fold, found = QuoteFold(), []
    for part in cut(rows, points):
        columns = fold.fold(*part[:, 2:].T)
        assert all(np.isfinite(column).all() for column in columns)
        found += list(
            zip(columns.spread.tolist(), columns.mid.tolist(), columns.microprice.tolist(), strict=True)
        )
        fold = saved_and_restored(fold) if restart else fold
    table = pd.DataFrame(rows[:, 2:], columns=["bid", "bid_qty", "ask", "ask_qty"])
    table = table[(table.bid_qty > 0) & (table.ask_qty > 0)]
    weighted = (table.bid * (table.ask_qty / (table.bid_qty + table.ask_qty))) + (
        table.ask * (table.bid_qty / (table.bid_qty + table.ask_qty))
    )
    assert [row[0] for row in found] == (table.ask - table.bid).tolist()
    assert [row[1] for row in found] == ((table.ask + table.bid) / 2).tolist()
    assert [row[2] for row in found] == pytest.approx(weighted.tolist(), rel=1e-12, abs=1e-6)
    assert fold.left_out == len(rows) - len(table)


@pytest.mark.parametrize("seed", range(5))
def test_a_long_random_day_in_random_cuts(seed):
    rng = np.random.default_rng(seed)
    rows = random_trades(seed, 20_000, jitter=400_000_000)
    interval = int(rng.choice([100_000_000, 1_000_000_000, 7_000_000_000]))
    points = rng.integers(0, len(rows), 300).tolist()
    table, late = fold_bars(rows, points, interval, restart=False)
    assert table == bars_by_pandas(rows, interval)
    assert late == len(rows) - len(in_time(rows, interval)) > 0


@pytest.mark.parametrize("seed", range(5))
def test_imbalance_of_a_long_random_day_in_random_cuts(seed):
    rng = np.random.default_rng(seed)
    rows = random_quotes(seed, 20_000)
    points = rng.integers(0, len(rows), 300).tolist()
    fold, sums = ImbalanceFold(), []
    for part in cut(rows, points):
        sums += fold.fold(*part[:, [0, 2, 3, 4, 5]].T).imbalance.tolist()
    assert sums == np.cumsum(changes_by_pandas(rows)).tolist()
