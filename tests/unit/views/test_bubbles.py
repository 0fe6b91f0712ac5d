import numpy as np

from rtlab.views.bubbles import MOST_SHOWN, Trades, gathered


def columns(*rows):
    return {name: [row[i] for row in rows] for i, name in enumerate(("ts", "ticks", "lots", "side"))}


def test_trades_since_a_number_are_given_oldest_first():
    trades = Trades()
    trades.append(columns((10, 5, 1, 0), (20, 6, 2, 1)))
    trades.append(columns((30, 7, 3, 0)))
    assert trades.total == 3
    assert trades.since(1).tolist() == [[20, 6, 2, 1], [30, 7, 3, 0]]
    assert trades.since(3).tolist() == []


def test_the_oldest_of_too_many_are_forgotten():
    trades = Trades(capacity=8)
    for start in range(0, 30, 5):
        trades.append(columns(*[(ts, 1, 1, 0) for ts in range(start, start + 5)]))
    trades.append(columns(*[(ts, 1, 1, 0) for ts in range(30, 50)]))
    assert trades.since(0)[:, 0].tolist() == list(range(42, 50))
    assert trades.since(47)[:, 0].tolist() == [47, 48, 49]


def test_trades_of_one_cell_and_side_are_one_bubble():
    rows = np.array([(10, 5, 1, 0), (19, 5, 2, 0), (19, 5, 4, 1), (20, 5, 8, 0), (21, 9, 16, 0)])
    assert gathered(rows, 10, 1) == [[1, 5, 3, 0], [1, 5, 4, 1], [2, 5, 8, 0], [2, 9, 16, 0]]
    assert gathered(rows, 10, 10) == [[1, 0, 3, 0], [1, 0, 4, 1], [2, 0, 24, 0]]


def test_of_too_many_bubbles_the_largest_are_kept_in_order():
    n = 3 * MOST_SHOWN
    lots = np.random.default_rng(1).permutation(n) + 1
    rows = np.stack([np.arange(n) * 10, np.full(n, 5), lots, np.zeros(n, int)], axis=1)
    kept = gathered(rows, 10, 1)
    assert sorted(one[2] for one in kept) == list(range(n - MOST_SHOWN + 1, n + 1))
    assert [one[0] for one in kept] == sorted(one[0] for one in kept)
