import numpy as np
import pytest

from rtlab.cli.bench.shapes import ONE, SHAPES, flow, limits_and_cancels, standing
from rtlab.engine import CommandKind, Engine, EventKind, TimeInForce


@pytest.mark.parametrize("shape", SHAPES)
def test_a_flow_is_seeded_and_nothing_of_it_is_refused(shape):
    rows = flow(shape, 20_000, seed=3, depth=500)
    assert rows.tobytes() == flow(shape, 20_000, seed=3, depth=500).tobytes()
    assert rows.tobytes() != flow(shape, 20_000, seed=4, depth=500).tobytes()
    engine = Engine([ONE])
    events = engine.process(rows)
    assert not (events["kind"] == EventKind.REJECTED).any()
    assert (events["kind"] == EventKind.TRADE).sum() > 100
    assert engine.statistics().live_orders > 50
    shares = np.bincount(rows["kind"], minlength=4) / len(rows)
    assert shares[CommandKind.CANCEL] > 0.05
    assert shares[CommandKind.REPLACE] > 0.005


def test_a_swing_moves_the_price_as_far_as_it_says():
    trades = Engine([ONE]).process(flow("40 % swing", 50_000, depth=500))
    prices = trades["price"][trades["kind"] == EventKind.TRADE]
    assert prices.min() < 6_300
    assert prices.max() > 13_700


def test_a_crash_falls_and_recovers():
    trades = Engine([ONE]).process(flow("flash crash", 50_000, depth=500))
    prices = trades["price"][trades["kind"] == EventKind.TRADE]
    assert prices.min() < 7_100
    assert np.median(prices[-100:]) > 9_000


def test_what_every_engine_knows_is_limits_and_cancels():
    rows = limits_and_cancels(flow("normal", 20_000, depth=500))
    assert set(np.unique(rows["kind"])) == {CommandKind.NEW, CommandKind.CANCEL}
    assert (rows["tif"] == TimeInForce.GTC).all()
    assert not (Engine([ONE]).process(rows)["kind"] == EventKind.REJECTED).any()


def test_standing_orders_all_rest():
    engine = Engine([ONE])
    engine.process(standing(5_000))
    assert engine.statistics().live_orders == 5_000
