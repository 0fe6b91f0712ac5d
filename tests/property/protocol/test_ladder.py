"""The ladder, explored to closure: bounded, without a trap, and with each of its rules left out or misplaced."""

import os

import pytest
from property.protocol.ladder import explore, scaled

from rtlab.protocol.ladder import LADDER, Action, Event, Guard, State

ROUNDS = int(os.environ.get("RTLAB_ROUNDS", "0"))
SMALL = {"heartbeat_s": 2, "slack_s": 0, "ask_again_s": 2, "degraded_interval_s": 1, "evict_after_s": 2}
LONG = {**SMALL, "need": 3, "degraded_interval_s": 3}  # one may lag for long though it answers at once
SCALES = [SMALL]
if ROUNDS:
    SCALES += [
        LONG,
        {"window_ceiling": 1},
        {"need": 2, "evict_after_s": 3},
        {"relapse_s": 1, "evict_after_s": 3},
    ]
if ROUNDS >= 100:
    SCALES += [{"need": 2, "slack_s": 2, "heartbeat_s": 2}]


@pytest.mark.rounds
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("constants", SCALES)
def test_every_state_is_bounded_leads_a_good_reader_to_live_and_a_dead_one_out(constants):
    found = explore(scaled(**constants))
    assert found.wrong is None, (found.wrong, vars(found.world), vars(found.world.credit))
    assert found.states > 20_000
    print(
        f"{found.states:,} states, at most {found.in_flight} in flight; live within {found.to_live}, "
        f"current within {found.to_current}, evicted within {found.to_eviction}"
    )


def number(states, on, when):
    (found,) = (n for n, rule in enumerate(LADDER) if rule[:3] == (states, on, when))
    return found


def without(at):
    return LADDER[:at] + LADDER[at + 1 :]


def changed(at, **fields):
    return (*LADDER[:at], LADDER[at]._replace(**fields), *LADDER[at + 1 :])


ALL, BEHIND = (State.LIVE, State.LAGGING, State.DEGRADED), (State.LAGGING, State.DEGRADED)
LIVE, LAGGING, DEGRADED = (State.LIVE,), (State.LAGGING,), (State.DEGRADED,)
TICK, ANSWER = Event.TICK, Event.ANSWER
OVERDUE = number(ALL, TICK, Guard.OVERDUE)
FULL_PIPE = number(ALL, TICK, Guard.PAUSED)
HELD_BACK = number(LIVE, TICK, Guard.FULL)  # tests/unit/protocol/test_credit.py: it marks who fell behind
TRUSTED = number(BEHIND, ANSWER, Guard.TRUSTED)
SENDS = number(LIVE, TICK, Guard.ROOM)
REST = number(DEGRADED, TICK, Guard.RESTED)
LASTS = number(LAGGING, TICK, Guard.LONG)
TURN = number(LAGGING, TICK, Guard.ANSWERED)


@pytest.mark.parametrize("at", [n for n in range(len(LADDER)) if n != HELD_BACK], ids=str)
def test_each_rule_is_needed(at):
    constants = LONG if at == LASTS else SMALL
    assert explore(scaled(**constants), ladder=without(at)).wrong is not None, LADDER[at]


@pytest.mark.parametrize(
    ("ladder", "wrong"),
    [
        pytest.param((*without(OVERDUE), LADDER[OVERDUE]), "is kept", id="evict only when nothing is paused"),
        pytest.param(changed(OVERDUE, states=LIVE + LAGGING), "is kept", id="never evict the degraded"),
        pytest.param(changed(SENDS, when=Guard.ALWAYS), "more is out", id="no window"),
        pytest.param(changed(TURN, when=Guard.ALWAYS, do=Action.SEND), "more is out", id="no turns"),
        pytest.param(changed(REST, when=Guard.SILENT), "waits for its news", id="too long a rest"),
        pytest.param(changed(TRUSTED, states=LAGGING), "does not become live", id="a trap"),
        pytest.param((*without(FULL_PIPE), LADDER[FULL_PIPE]), "transport is full", id="look too late"),
        pytest.param(changed(TRUSTED, to=State.DEGRADED), "does not become live", id="never up"),
    ],
)
def test_a_wrong_rule_is_found(ladder, wrong):
    assert wrong in (explore(scaled(**SMALL), ladder=ladder).wrong or "nothing")
