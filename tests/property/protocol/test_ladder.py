"""The ladder, explored to closure: bounded, without a trap, and with each of its rules left out."""

import os

import pytest
from property.protocol.ladder import UNIT, explore, scaled

from rtlab.protocol.credit import Credit, State

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


class NeverAsksAgain(Credit):
    def tick(self, now):
        self._partial = False
        super().tick(now)


class SilentWhenIdle(Credit):
    def _ask(self, now):
        if self.unanswered:
            super()._ask(now)


class KeepsThePaused(Credit):
    def tick(self, now):
        if self.paused and self.target is None:
            self._progress = now
        super().tick(now)


class WithoutWindow(Credit):
    def _tick_live(self, now):
        unanswered, self.unanswered = self.unanswered, 0
        super()._tick_live(now)
        self.unanswered += unanswered


class NeverComesBack(Credit):
    def _settle(self, now):
        self._good = -1
        super()._settle(now)


class SendsBeforeTheAnswer(Credit):
    # lagging, but the next batch does not wait
    def tick(self, now):
        if self.state is State.LAGGING and not self.paused:
            self.unanswered += self.link.send_news(now)
        super().tick(now)


@pytest.mark.parametrize(
    ("credit", "wrong"),
    [
        (NeverAsksAgain, "does not become live"),
        (SilentWhenIdle, "does not become live"),
        (NeverComesBack, "does not become live"),
        (KeepsThePaused, "is kept"),
        (WithoutWindow, "more is out"),
        (SendsBeforeTheAnswer, "more is out"),
    ],
)
def test_leaving_out_a_rule_of_the_ladder_is_found(credit, wrong):
    found = explore(scaled(**SCALES[0]), credit=credit)
    assert wrong in (found.wrong or "nothing")
