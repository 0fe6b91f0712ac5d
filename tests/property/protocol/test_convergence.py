"""Subscriber and Reader over a bad connection: what a view says is true at its sequence, and all come to the end."""

import os

import pytest
from property.protocol.connection import Course

from rtlab.protocol import Ping, Reader, Subscription

ROUNDS = int(os.environ.get("RTLAB_ROUNDS", "0"))
SEEDS = range(ROUNDS // 4 or 3)
STEPS = 400

CALM = ()
BREAKS = ("cut", "stall", "cut")
LOSSES = ("lose", "lose_up", "repeat", "reorder", "cut", "stall")
NOISE = ("garble", "garble_up", "truncate", "cut")
FLIPS = ("flip", "flip", "flip_up")


def converge(course, steps=STEPS):
    for _ in range(steps):
        course.step()
    course.settle()
    for subscription in course.subscriptions:
        assert subscription.is_live, (subscription.asked, subscription.state, subscription.error)
        assert course.is_newest(subscription), (subscription.asked, subscription.view.seq)
    return course


@pytest.mark.rounds
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("encoding", ["packed", "json"])
@pytest.mark.parametrize("faults", [CALM, BREAKS, LOSSES, NOISE], ids=["calm", "breaks", "losses", "noise"])
def test_every_live_view_is_true_at_its_sequence_and_all_converge(encoding, faults):
    checked = 0
    for seed in SEEDS:
        checked += converge(Course(seed, encoding=encoding, faults=faults)).checked
    assert checked > 1000


@pytest.mark.rounds
@pytest.mark.timeout(1800)
def test_books_converge_though_single_bits_flip():
    wishes = (("book", {"depth": 3}), ("book", {"depth": 10}), ("book", {}))
    failures = 0
    for seed in SEEDS:
        course = Course(seed, faults=FLIPS, wishes=wishes)
        course.check_live = lambda: None  # between a flip and the checksum that shows it
        failures += converge(course).reader.statistics().checksum_failures
    assert failures > 0


def test_a_calm_connection_loses_nothing():
    course = converge(Course(99))
    statistics = course.reader.statistics()
    assert (statistics.gaps, statistics.resyncs, statistics.checksum_failures) == (0, 0, 0)
    assert course.ended == dict.fromkeys(course.ended, 0)


def test_a_reader_that_comes_back_soon_is_given_every_trade_once():
    course = Course(7, faults=("cut",))
    converge(course)
    assert course.ended["cut"] > 5
    for subscription in course.subscriptions:
        if subscription.channel == "trades":
            view, given = subscription.view, course.rows_given[id(subscription)]
            first = min(given)
            assert view.dropped.seq + len(given) == view.totals.seq - first + 1
    assert course.reader.statistics().resumed > 0


class DeafToGaps(Reader):
    def _lost(self, subscription, now):
        subscription.resync_due = None


class DeafToHeads(Reader):
    def _answer(self, ping, now):
        super()._answer(Ping(ping.nonce, ping.server_time, {}), now)


class TakesAnything(Reader):
    def subscribe(self, *args, **options):
        subscription = super().subscribe(*args, **options)
        subscription.__class__ = AppliesAnything
        return subscription


class AppliesAnything(Subscription):
    def _take_increment(self, message, update):
        self.view.apply(update)
        self.confirm("resumed")
        return "increment"


@pytest.mark.parametrize("reader", [DeafToHeads, TakesAnything])
def test_a_reader_that_leaves_out_a_rule_does_not_converge(reader):
    faults = (*LOSSES, "lose", "lose", "cut")

    def fails(seed):
        try:
            converge(Course(seed, faults=faults, reader=reader))
        except (AssertionError, KeyError):
            return True
        return False

    assert any(fails(seed) for seed in range(8))


@pytest.mark.parametrize("seed", range(8))
def test_the_same_courses_with_the_reader_as_it_is_converge(seed):
    converge(Course(seed, faults=(*LOSSES, "lose", "lose", "cut")))


def test_a_reader_that_never_resyncs_is_given_up_and_comes_back():
    evicted = 0
    for seed in range(8):
        course = converge(Course(seed, faults=("lose", "repeat", "reorder"), reader=DeafToGaps))
        evicted += course.ended["evicted"]
    assert evicted > 0
