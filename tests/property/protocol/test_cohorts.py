"""A cohort is only a faster way to the same bytes: random crowds, served with and without, end equal to the source."""

import os

import pytest
from property.protocol.crowd import Crowd

from rtlab.errors import ProtocolError
from rtlab.protocol.cohort import Cohorts

ROUNDS = int(os.environ.get("RTLAB_ROUNDS", "0"))
SEEDS = range(ROUNDS or 12)
STEPS = 500


def play(seed, steps=STEPS, **options):
    crowd = Crowd(seed, **options)
    for _ in range(steps):
        crowd.step()
    crowd.settle()
    for guest in crowd.guests:
        assert guest.is_equal(), guest.number
    return crowd


@pytest.mark.rounds
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("carried", [True, False])
def test_every_reader_ends_equal_to_the_source_and_nothing_is_skipped_or_comes_twice(carried):
    checked = carried_at_once = fallen = 0
    for seed in SEEDS:
        crowd = play(seed, carried=carried)
        checked += crowd.checked
        if carried:
            carried_at_once = max(carried_at_once, crowd.most)
            fallen += crowd.cohorts.fallen
    assert checked > 100 * len(SEEDS)
    assert (carried_at_once >= 4) == carried
    assert (fallen > 10 * len(SEEDS)) == carried


def test_what_is_counted_of_a_reader_that_was_carried_adds_up():
    known = 0
    for seed in range(4):
        for guest in play(seed).guests:
            if not guest.has_ended:  # what waited when a subscription ended is in no count
                counts = guest.subscriber.statistics()
                assert counts.heads == guest.tables + counts.merged + counts.unsaid
                known += counts.heads
    assert known > 500


class LeavesAhead(Cohorts):
    """Who falls out in the middle of a step takes the point that the step was to bring it to."""

    def begin(self, now):
        self.steps = super().begin(now)
        return self.steps

    def leave(self, slot):
        for step in getattr(self, "steps", ()):
            if self._of[slot] == step.before.number:
                self._of[slot] = step.after.number
                break
        super().leave(slot)


class LeavesBehind(Cohorts):
    """Who falls out after it was sent a step takes the point where the step began."""

    def begin(self, now):
        self.steps = super().begin(now)
        return self.steps

    def leave(self, slot):
        for step in getattr(self, "steps", ()):
            if self._of[slot] == step.after.number and step.before.number in self._cohorts:
                self._of[slot] = step.before.number
                break
        super().leave(slot)


class SendsOnPings(Cohorts):
    """A ping that tells more than the last message did leaves its reader where it was."""

    def ask(self, step, slots, now):
        asked = super().ask(step, slots, now)
        if asked is not None:
            self._of[asked[1]] = step.after.number
        return asked


class JoinsAnywhere(Cohorts):
    """Who joins is not asked where it stands."""

    def join(self, member, owner, now):
        if member.credit.steady and self._at and member.cursors:
            for cohort in self._at.values():
                if cohort.codec is member.codec and list(cohort.cursors) == list(member.cursors):
                    self._enter(cohort, member, owner)
                    return
        super().join(member, owner, now)


@pytest.mark.parametrize("wrong", [LeavesAhead, LeavesBehind, SendsOnPings, JoinsAnywhere])
def test_a_cohort_that_is_wrong_about_where_a_reader_stands_is_found_out(wrong):
    def fails(seed):
        try:
            play(seed, cohorts=wrong)
        except (AssertionError, KeyError, ProtocolError):
            return True
        return False

    assert any(fails(seed) for seed in range(12))
