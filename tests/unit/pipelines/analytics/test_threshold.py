import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.frames import SMALL, WIDE, random_trades, trade_rows

from rtlab.errors import ConfigError
from rtlab.pipelines.analytics import ThresholdBarsFold


def numbers(amounts: list[int], size: int) -> list[int]:
    """The number of each trade's bar, trade by trade."""
    found, number, total = [], 0, 0
    for amount in amounts:
        found.append(number)
        total += amount
        if total >= size:
            number, total = number + 1, 0
    return found


def amounts_of(by: str, rows: np.ndarray) -> list[int]:
    ticks, lots = rows[:, 1].tolist(), rows[:, 2].tolist()
    return {
        "count": [1] * len(rows),
        "volume": lots,
        "notional": [t * q for t, q in zip(ticks, lots, strict=True)],
    }[by]


@pytest.mark.parametrize(("by", "size"), [("count", 17), ("volume", 40_000), ("notional", 3 * 10**10)])
def test_bars_of_a_day_equal_groups_of_pandas(by, size):
    rows = random_trades(3, 8000)
    table = pd.DataFrame(rows, columns=["ts", "ticks", "lots", "side"])
    groups = table.groupby(np.array(numbers(amounts_of(by, rows), size)))
    found = ThresholdBarsFold(by, size).fold(*rows[:, :3].T)
    assert found.number.tolist() == list(groups.groups)
    assert len(found.number) > 50
    assert found.bars.start.tolist() == groups.ts.first().tolist()
    assert found.end.tolist() == groups.ts.last().tolist()
    ohlc = groups.ticks.ohlc()
    assert [found.bars.open.tolist(), found.bars.high.tolist()] == [ohlc.open.tolist(), ohlc.high.tolist()]
    assert [found.bars.low.tolist(), found.bars.close.tolist()] == [ohlc.low.tolist(), ohlc.close.tolist()]
    assert found.bars.lots.tolist() == groups.lots.sum().tolist()
    assert found.bars.trades.tolist() == groups.size().tolist()


@given(
    st.sampled_from(["count", "volume", "notional"]),
    st.sampled_from([SMALL, WIDE]).flatmap(trade_rows),
    st.integers(1, 2**65),
)
def test_sums_wider_than_64_bits_are_exact(by, rows, size):
    found = ThresholdBarsFold(by, size).fold(*rows[:, :3].T)
    of = numbers(amounts_of(by, rows), size)
    assert found.number.tolist() == sorted(set(of))
    expected = [
        sum(q for q, bar in zip(rows[:, 2].tolist(), of, strict=True) if bar == n) for n in sorted(set(of))
    ]
    assert found.bars.lots.tolist() == expected


def test_another_measure_and_a_size_of_nothing_are_refused():
    with pytest.raises(ConfigError, match="measure"):
        ThresholdBarsFold("weight", 1)
    for size in (0, "5", 2.5):
        with pytest.raises(ConfigError, match="size is out of range: expected a whole number"):
            ThresholdBarsFold("count", size)
