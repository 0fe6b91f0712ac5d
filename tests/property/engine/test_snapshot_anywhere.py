"""An engine restored from a snapshot goes on as if nothing had happened."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.ledger import audit
from support.random_rows import instruments, random_rows

from rtlab.engine import Engine, SelfTradePrevention
from rtlab.engine.reference import ReferenceEngine


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
