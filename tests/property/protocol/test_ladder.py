"""The ladder, explored to closure: bounded, without a trap, and with each of its rules left out."""

import os

import pytest
from property.protocol.ladder import UNIT, explore, scaled

from rtlab.protocol.ladder import LADDER

ROUNDS = int(os.environ.get("RTLAB_ROUNDS", "0"))
SMALL = {"relapse_s": 0, "need": 1, "evict_after_s": 4 * UNIT, "slack_s": UNIT, "heartbeat_s": UNIT}
SCALES = [{**SMALL, "window_ceiling": 1}]
if ROUNDS:
    SCALES += [
        {**SMALL, "need": 2, "window_ceiling": 1},
        {**SMALL, "need": 2, "slack_s": 2 * UNIT, "heartbeat_s": 2 * UNIT, "window_ceiling": 2},
        {**SMALL, "relapse_s": UNIT, "window_ceiling": 1},
    ]
if ROUNDS >= 100:  # over a million states
    SCALES += [{**SMALL, "need": 2, "slack_s": 2 * UNIT, "evict_after_s": 6 * UNIT, "window_ceiling": 4}]


@pytest.mark.rounds
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("constants", SCALES)
def test_every_state_is_bounded_leads_a_good_reader_to_live_and_a_dead_one_out(constants):
    found = explore(scaled(**constants))
    assert found.wrong is None, (found.wrong, vars(found.world))
    assert found.states > 10_000
    print(f"{found.states:,} states, at most {found.in_flight} in flight, live within {found.time_to_live}")


def without(*numbers):
    return tuple(rule for number, rule in enumerate(LADDER) if number not in numbers)


@pytest.mark.parametrize(
    ("number", "wrong"),
    [
        (0, "is kept"),
        (6, "does not become live"),
        (7, "is kept"),
        (10, "does not become live"),
        (11, "does not become live"),
        (12, "does not become live"),
        (14, "does not become live"),
    ],
)
def test_leaving_out_a_rule_of_the_ladder_is_found(number, wrong):
    found = explore(scaled(**SCALES[0]), ladder=without(number))
    assert wrong in (found.wrong or "nothing")
