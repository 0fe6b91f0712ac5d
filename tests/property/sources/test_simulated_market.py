"""The simulated flow in the real engine: every command makes sense there, and the market looks like one."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest

from rtlab.engine import Engine, EventKind
from rtlab.engine.reference import ReferenceEngine
from rtlab.sources.simulated import Simulated, demo_instruments
from rtlab.sources.simulation.layout import Memory

INSTRUMENTS = demo_instruments()
COMMANDS, STEP = 300_000, 100


class Seen(NamedTuple):
    """One instrument over a run, a row per STEP commands; trades one by one."""

    mid: np.ndarray
    spread: np.ndarray
    levels: np.ndarray
    trades: np.ndarray


def books(engine: Engine | ReferenceEngine) -> Iterator[tuple[list[tuple[int, int]], list[tuple[int, int]]]]:
    return (engine.book(instrument.symbol) for instrument in INSTRUMENTS)


@pytest.fixture(scope="module", params=[1, 2])
def seen(request: pytest.FixtureRequest) -> list[Seen]:
    source, engine = Simulated(INSTRUMENTS, seed=request.param), Engine(INSTRUMENTS)
    engine.process(source.batch(source.opening))
    rows, trades = [], []
    for _ in range(COMMANDS // STEP):
        events = engine.process(source.batch(STEP))
        assert not (events["kind"] == EventKind.REJECTED).any()
        trades.append(events[events["kind"] == EventKind.TRADE])
        rows.append([(b[0][0] + a[0][0], a[0][0] - b[0][0], min(len(b), len(a))) for b, a in books(engine)])
    table, traded = np.array(rows), np.concatenate(trades)
    return [
        Seen(table[:, k, 0] / 2, table[:, k, 1], table[:, k, 2], traded[traded["instrument"] == k])
        for k in range(len(INSTRUMENTS))
    ]


def test_the_spread_is_mostly_one_to_three_ticks(seen: list[Seen]) -> None:
    for one in seen:
        assert one.spread.min() >= 1
        assert (one.spread <= 3).mean() > 0.93
        assert one.spread.max() < 40


def test_the_book_is_tens_of_levels_deep(seen: list[Seen]) -> None:
    for one in seen:
        assert one.levels.min() >= 5
        assert 20 < np.median(one.levels) < 100


def test_the_price_moves_but_does_not_run_away(seen: list[Seen]) -> None:
    for one in seen:
        assert np.ptp(one.mid) > 5
        assert np.ptp(one.mid) < 0.1 * one.mid[0]


def test_returns_have_fat_tails_and_their_sizes_cluster(seen: list[Seen]) -> None:
    returns = [np.diff(one.mid[::10]) for one in seen]
    kurtosis = [((r - r.mean()) ** 4).mean() / r.var() ** 2 for r in returns]
    assert np.median(kurtosis) > 3.5
    clustering = [np.corrcoef(np.abs(r[:-1]), np.abs(r[1:]))[0, 1] for r in returns]
    assert np.mean(clustering) > 0.05
    momentum = [np.corrcoef(r[:-1], r[1:])[0, 1] for r in returns]
    assert abs(np.mean(momentum)) < 0.25


def test_a_few_percent_of_commands_trade_and_their_signs_persist(seen: list[Seen]) -> None:
    aggressions = sum(len(np.unique(one.trades["command"])) for one in seen)
    assert 0.02 < aggressions / COMMANDS < 0.15
    for one in seen:
        _, first = np.unique(one.trades["command"], return_index=True)
        signs = one.trades["side"][first].astype(float)
        assert 0.3 < signs.mean() < 0.7
        assert np.corrcoef(signs[:-1], signs[1:])[0, 1] > 0.3


def test_the_market_that_wrote_the_commands_and_the_engine_hold_the_same() -> None:
    source, engine = Simulated(INSTRUMENTS, seed=9), Engine(INSTRUMENTS)
    memory: Memory = source._memory
    for _ in range(100):
        engine.process(source.batch(1_000))
        halves = np.asarray(memory.halves)
        for index, sides in enumerate(books(engine)):
            for side, levels in enumerate(sides):
                half = halves[2 * index + side]
                assert (half["best"], half["qty"]) == (levels[0][0], sum(qty for _, qty in levels))
        assert engine.statistics().live_orders == halves["live"].sum()


def test_the_plain_twin_rejects_nothing_either() -> None:
    source, engine = Simulated(INSTRUMENTS, seed=4), ReferenceEngine(INSTRUMENTS)
    events = engine.process(source.batch(8_000))
    assert not (events["kind"] == EventKind.REJECTED).any()
    assert (events["kind"] == EventKind.TRADE).sum() > 200
