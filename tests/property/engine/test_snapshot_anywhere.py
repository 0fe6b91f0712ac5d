"""An engine restored from a snapshot goes on as if nothing had happened."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.every_kind import RULES, every_kind, traded
from support.ledger import audit
from support.play import play
from support.random_rows import instruments, random_rows

from rtlab.engine import Engine, EventKind, SelfTradePrevention
from rtlab.engine.reference import ReferenceEngine
from rtlab.model import Rules


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1 << 32),
    prevention=st.sampled_from(SelfTradePrevention),
    scatter=st.sampled_from([0.0, 0.05, 0.3]),
    points=st.lists(st.integers(0, 600), min_size=1, max_size=4),
)
def test_restored_at_any_points_the_events_are_those_of_the_uninterrupted_run(
    seed: int, prevention: SelfTradePrevention, scatter: float, points: list[int]
) -> None:
    rows = random_rows(np.random.default_rng(seed), 600, scatter=scatter, malformed=0.02)
    uninterrupted = Engine(instruments(3), self_trade_prevention=prevention)
    expected = uninterrupted.process(rows)
    engine = Engine(instruments(3), self_trade_prevention=prevention, capacity=1)
    events = []
    for part in np.split(rows, sorted(points)):
        events.append(engine.process(part))
        engine = Engine.restore(engine.snapshot())
    assert np.concatenate(events).tobytes() == expected.tobytes()
    for instrument in instruments(3):
        assert engine.book(instrument.symbol) == uninterrupted.book(instrument.symbol)
    assert engine.statistics()[:4] == uninterrupted.statistics()[:4]


@pytest.mark.parametrize("seed", range(3))
def test_restored_after_every_command_it_still_equals_the_twin(seed: int) -> None:
    rows = random_rows(np.random.default_rng(seed), 250, scatter=0.05)
    engine, twin = Engine(instruments(3), capacity=1), ReferenceEngine(instruments(3))
    events = []
    for at in range(len(rows)):
        engine = Engine.restore(engine.snapshot())
        events.append(engine.process(rows[at : at + 1]))
    together = np.concatenate(events)
    assert together.tobytes() == twin.process(rows).tobytes()
    audit(together, 3)


@pytest.mark.parametrize("seed", range(10))
def test_orders_of_every_kind_and_accounts_go_on_after_a_snapshot(seed: int) -> None:
    rng = np.random.default_rng([seed, 31])
    rows = every_kind(rng, 1500, ids=int(rng.integers(20, 120)))
    prevention = SelfTradePrevention(seed % len(SelfTradePrevention))
    uninterrupted = Engine(traded(), self_trade_prevention=prevention, rules=RULES)
    expected = uninterrupted.process(rows)
    engine = Engine(traded(), self_trade_prevention=prevention, rules=RULES, capacity=1)
    events = []
    for part in np.split(rows, np.sort(rng.integers(0, 1500, 12))):
        events.append(engine.process(part))
        engine = Engine.restore(engine.snapshot())
    assert np.concatenate(events).tobytes() == expected.tobytes()
    assert engine.fees == uninterrupted.fees
    for owner in {0, *rows["owner"][expected["command"][expected["kind"] == EventKind.ACCOUNT]].tolist()}:
        assert engine.account(owner) == uninterrupted.account(owner)
    for instrument in traded():
        assert engine.book(instrument.symbol) == uninterrupted.book(instrument.symbol)
        for owner in range(5):
            assert engine.book(instrument.symbol, owner=owner) == uninterrupted.book(
                instrument.symbol, owner=owner
            )


def test_a_snapshot_in_the_middle_of_an_auction_keeps_it() -> None:
    rules = {"I0": Rules(reference_price=100, volatility_ticks=3, volatility_ns=50)}
    engines = [Engine(traded(1), rules=rules) for _ in range(2)]
    for engine in engines:
        play(engine, "sell 1 9@110 show=2 at=10", "buy 2 4@110 at=20", "buy 3 2@108 gtd until=60")
    engines[1] = Engine.restore(engines[1].snapshot())
    for text in ("buy 4 1@111 at=30", "wait 0 at=59", "wait 0 at=60", "wait 0 at=70", "sell 5 9@100 at=80"):
        first, second = (play(engine, text) for engine in engines)
        assert first == second
    assert engines[0].snapshot() == Engine.restore(engines[0].snapshot()).snapshot()
