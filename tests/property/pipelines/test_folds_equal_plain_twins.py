"""Folds over any rows, late and out of order as they come, equal a row-by-row twin made from the definitions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import plain_nodes as plain
from support.frames import quote_rows, trade_rows

from rtlab.pipelines.analytics import (
    AsofFold,
    BasketFold,
    BollingerFold,
    CorrelationFold,
    EmaFold,
    RsiFold,
    TickRuleFold,
    TwapFold,
    VolatilityFold,
)
from rtlab.pipelines.nodes.order import OrderFold

rows = trade_rows()
priced = rows.map(lambda block: block + np.array([0, 1, 0, 0]))  # prices above 0
quoted = quote_rows()
intervals = st.just(0) | st.integers(1, 100)
periods = st.integers(2, 8)
few = settings(max_examples=30)


def floats(block: np.ndarray) -> np.ndarray:
    return block[:, 1].astype(np.float64)


def listed(block: np.ndarray) -> list[tuple[int, ...]]:
    return [tuple(row) for row in block.tolist()]


@few
@given(rows, intervals)
def test_twap(block, interval):
    found = TwapFold(interval).fold(block[:, 0], block[:, 1])
    got = zip(found.start.tolist(), found.area.tolist(), found.elapsed.tolist(), strict=True)
    assert list(got) == plain.twap(listed(block), interval)


@few
@given(priced, intervals)
def test_realized_volatility(block, interval):
    found = VolatilityFold(interval).fold(block[:, 0], floats(block))
    assert found.volatility == pytest.approx(plain.volatility(listed(block), interval), rel=1e-9, abs=1e-12)


@few
@given(rows)
def test_the_tick_rule(block):
    assert TickRuleFold().fold(block[:, 1]).tolist() == plain.tick_signs(block[:, 1].tolist())


@few
@given(rows, periods)
def test_ema_and_rsi(block, period):
    values = floats(block).tolist()
    assert EmaFold(period).fold(floats(block)).value == pytest.approx(
        plain.ema(values, period), rel=1e-10, abs=1e-9
    )
    assert RsiFold(period).fold(floats(block)).value == pytest.approx(
        plain.rsi(values, period), rel=1e-8, abs=1e-7
    )


@few
@given(rows, periods)
def test_bollinger_bands(block, period):
    found = BollingerFold(period).fold(floats(block))
    expected = plain.bands(floats(block).tolist(), period)
    assert found.mean == pytest.approx([mean for mean, _ in expected], rel=1e-12)
    assert found.deviation == pytest.approx([deviation for _, deviation in expected], rel=1e-9, abs=1e-9)


@few
@given(rows, st.integers(0, 100))
def test_rows_in_order(block, lateness):
    fold = OrderFold(lateness)
    parts = [fold.fold({"ts": block[:, 0], "ticks": block[:, 1]}), fold.finish()]
    got = [pair for part in parts for pair in zip(part["ts"].tolist(), part["ticks"].tolist(), strict=True)]
    expected, late = plain.ordered([listed(block)], lateness)
    assert got == [row[:2] for _, row in expected]
    assert fold.left_out == late


@few
@given(quoted, rows)
def test_the_join(quotes, trades):
    fold, seq = AsofFold(), np.arange(len(trades))
    parts = [
        fold.fold_trades(trades[:, 0], seq, *trades[:, 1:].T),
        fold.fold_quotes(quotes[:, 0], *quotes[:, 2:].T),
        fold.finish(),
    ]
    names = ("ts", "ticks", "since", "bid", "ask_lots")
    got = [
        row for part in parts for row in zip(*(getattr(part, name).tolist() for name in names), strict=True)
    ]
    nothing = (0,) * 6
    pairs = [(trade, quote or nothing) for trade, quote in plain.asof(listed(quotes), listed(trades))]
    assert got == [(trade[0], trade[1], quote[0], quote[2], quote[5]) for trade, quote in pairs]


@few
@given(st.lists(rows, min_size=2, max_size=3))
def test_the_basket(legs):
    weights = [1.0, -2.0, 0.5][: len(legs)]
    fold = BasketFold(weights)
    parts = [*(fold.fold(n, block[:, 0], floats(block)) for n, block in enumerate(legs)), fold.finish()]
    got = [pair for part in parts for pair in zip(part.ts.tolist(), part.value.tolist(), strict=True)]
    assert got == plain.basket([listed(block) for block in legs], weights)


@few
@given(priced, priced, st.integers(1, 60), st.integers(2, 5))
def test_the_correlation(left, right, interval, period):
    fold = CorrelationFold(2, interval, period)
    parts = [fold.fold(0, left[:, 0], floats(left)), fold.fold(1, right[:, 0], floats(right)), fold.finish()]
    got = [
        pair
        for part in parts
        for pair in zip(part.start.tolist(), part.correlation[:, 0].tolist(), strict=True)
    ]
    expected = plain.correlation([listed(left), listed(right)], interval, period)
    assert [start for start, _ in got] == [start for start, _ in expected]
    for (_, mine), (_, theirs) in zip(got, expected, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-6, abs=1e-6) or (math.isnan(mine) and math.isnan(theirs))
