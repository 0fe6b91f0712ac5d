import math
from collections.abc import Callable

import numpy as np
import pytest

from rtlab.sources.simulation import tables
from rtlab.sources.simulation.layout import ONE, REGIMES


@pytest.mark.parametrize("make", [tables.normal, tables.away, tables.sizes, tables.runs, tables.jumps])
def test_every_distribution_has_as_many_quantiles_as_the_mask_reaches(
    make: Callable[[], tables.Table],
) -> None:
    assert make().shape == (4096,)
    assert make().dtype == np.int64


def test_the_normal_is_standard() -> None:
    normal = tables.normal() / 4096
    assert abs(normal.mean()) < 1e-3
    assert normal.std() == pytest.approx(1, abs=0.01)
    assert (normal == -normal[::-1]).all()


@pytest.mark.parametrize("rate", [1, 100, 2_000, 1_000_000, 10_000_000])
def test_waits_are_exponential_with_the_rate_as_their_mean(rate: float) -> None:
    waits = tables.wait(rate) / 256
    assert waits.mean() == pytest.approx(1e9 / rate, rel=0.01)
    assert waits.std() == pytest.approx(1e9 / rate, rel=0.03)
    assert waits.min() > 0


def test_paces_are_one_on_average_over_the_time_spent_in_each_regime() -> None:
    weights = np.array([math.comb(REGIMES, regime) for regime in range(REGIMES + 1)]) / 2**REGIMES
    assert (weights * tables.paces()).sum() == pytest.approx(ONE, rel=1e-4)
    assert (np.diff(tables.paces()) < 0).all()


def test_swings_grow_with_the_regimes_and_are_one_in_the_middle() -> None:
    swings = tables.swings()
    assert len(swings) == 2 * REGIMES + 1
    assert swings[REGIMES] == ONE
    assert (np.diff(swings) >= 0).all()
    assert swings.max() == 8 * ONE


def test_most_quotes_are_near_and_none_is_out_of_reach() -> None:
    away = tables.away()
    assert 0.25 < (away == 0).mean() < 0.5
    assert np.median(away) < 4
    assert (away.min(), away.max()) == (0, 120)


def test_sizes_have_a_heavy_tail_and_prefer_round_numbers() -> None:
    sizes = tables.sizes()
    assert sizes.min() == 1 or sizes.min() > 0
    assert 80 < np.median(sizes) < 120
    assert sizes.max() > 30 * np.median(sizes)
    assert (sizes % 10 == 0).mean() > 0.5


def test_most_orders_are_worked_in_few_pieces_some_in_many() -> None:
    runs = tables.runs()
    assert runs.min() == 1
    assert np.median(runs) <= 2
    assert runs.max() == 200


def test_jumps_go_both_ways_by_whole_spreads() -> None:
    jumps = tables.jumps() / ONE
    assert abs(jumps.mean()) < 0.05
    assert np.abs(jumps).min() >= 4
    assert np.abs(jumps).max() == 40
