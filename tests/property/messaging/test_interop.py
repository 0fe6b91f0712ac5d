"""The browser's code and mls-rs in one group: what should be read is, what should not be is not."""

import os

import pytest
from support.mls_devices import Browser
from support.mls_schedule import Schedule


def play(seed: int, messages: int) -> Schedule:
    with Browser() as browser:
        schedule = Schedule(browser, seed)
        schedule.play(messages)
    assert schedule.differences == [], f"seed {seed}"
    return schedule


def test_random_schedules_differ_in_nothing():
    schedule = play(seed=2026, messages=250)
    print(dict(schedule.counts))
    for what in ("read", "lost", "commits", "restarts", "removed", "replayed", "forged", "sent before"):
        assert schedule.counts[what] > 0, what


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_ten_thousand_messages_differ_in_nothing():
    messages = min(10_000, 50 * int(os.environ["RTLAB_ROUNDS"]))
    sent = 0
    for seed in range(10):
        sent += play(seed, messages // 10).counts["sent"]
    assert sent >= messages
