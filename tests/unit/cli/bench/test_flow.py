import gc

import numpy as np
import pytest

from rtlab.cli.bench import flow
from rtlab.cli.bench.load import Load


@pytest.fixture(autouse=True)
def _unfrozen():
    yield
    gc.unfreeze()


def times(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def test_a_command_counts_as_applied_with_the_first_message_that_holds_its_last_change():
    # commands 0, 1, 3 changed the book up to seqs 1, 3, 4; messages ended at seqs 2 and 4
    p50, p99 = flow.percentiles(
        times(0, 1, 3), times(1, 3, 4), times(1000, 2000, 2500, 3000), times(2, 4), times(5000, 10000)
    )
    assert p50 == 7.0  # 4, 8 and 7 us
    assert 7.0 < p99 <= 8.0


def test_what_was_never_seen_counts_as_seen_at_the_end():
    p50, _ = flow.percentiles(times(0, 1), times(1, 9), times(0, 0), times(1), times(6000))
    assert p50 == 6.0


@pytest.mark.parametrize(
    ("server", "client"),
    [(flow.serve_rtlab, flow.read_rtlab), (flow.serve_broadcast, flow.read_broadcast)],
    ids=["rtlab", "broadcast"],
)
def test_both_contenders_deliver_every_change_to_another_process(server, client):
    p50, p99 = flow.measure(server, client, Load(2_000, 0.5))
    assert 0 < p50 <= p99


def test_goals_are_taken_from_the_row_of_the_fastest_rate():
    results = [
        {"name": f"submit to applied, {name}", "contender": contender, "case": case, "median": median}
        for contender in ("rtlab", "websockets 1 broadcast")
        for case, name, median in (
            ("1,000 events/s", "p50", 1.0),
            ("50,000 events/s", "p50", 300.0),
            ("50,000 events/s", "p99", 2000.0 if contender == "rtlab" else 9000.0),
        )
    ]
    goals = flow.goals(results)
    assert [(goal["value"], goal["bound"], goal["op"]) for goal in goals] == [
        (300.0, 1000.0, "<="),
        (2000.0, 5000.0, "<="),
    ]
    assert {goal["show"] for goal in goals} == {7}
