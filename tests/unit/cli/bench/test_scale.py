import gc

import pytest
from support.recorded import missing

from rtlab.cli.bench import scale
from rtlab.cli.bench.load import Load
from rtlab.embedded import find_binary


@pytest.fixture(autouse=True)
def _unfrozen():
    yield
    gc.unfreeze()


@pytest.mark.long
def test_every_change_reaches_the_clients_of_both_gateways():
    if find_binary() is None:
        missing("no Redis-protocol server")
    (p50, p99), changes = scale.measure(Load(2_000, 0.5))
    assert 0 < p50 <= p99
    assert changes > 0


def test_the_goal_is_the_rate_into_the_gateways():
    (goal,) = scale.goals([{"name": "changes", "median": 100_000.0}])
    assert (goal["show"], goal["value"], goal["bound"], goal["op"]) == (9, 100_000.0, 99_000.0, ">=")
