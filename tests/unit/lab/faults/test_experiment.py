import asyncio
import gc
import time

import pytest

from rtlab.lab.faults.experiment import Experiment, Newest, Passing


class Looker:
    def __init__(self):
        self.states = []

    def update(self, state):
        self.states.append(state)


def waited(condition, seconds=30.0, told=lambda: None):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, told()
        time.sleep(0.02)


def standing(state):
    return state["ours"]["state"], state["plain"]["state"]


@pytest.fixture(scope="module")
def experiment():
    with Experiment(seed=5) as made:
        waited(lambda: made.state()["proof"]["checks"] > 2)
        yield made


def test_two_readers_of_one_market_and_a_book_that_is_the_engines(experiment):
    waited(lambda: standing(experiment.state()) == ("LIVE", "KEEPING UP"))
    state = experiment.state()
    assert state["proof"]["different"] == 0
    assert state["ours"]["lost"] == state["plain"]["lost"] == 0
    assert "silent loss 0" in state["proof"]["sums"]


def test_an_eye_is_shown_state_after_state_until_nobody_holds_it(experiment):
    eyes = [Looker()]
    experiment.look(eyes[0])
    waited(lambda: len(eyes[0].states) > 2)
    assert eyes[0].states[-1]["ours"]["state"]
    eyes.clear()
    gc.collect()
    waited(lambda: not experiment.loop.call(lambda: list(experiment._eyes)))


def test_a_frozen_reader_is_behind_on_both_sides_and_a_healed_one_is_not(experiment):
    experiment.wish("freeze", 1.0)
    waited(lambda: min(experiment.state()[who]["stale_ms"] or 0 for who in ("ours", "plain")) > 500)
    assert experiment.state()["frozen"]
    experiment.wish("heal", 1.0)
    both = ("ours", "plain")
    waited(lambda: max(experiment.state()[who]["stale_ms"] or 0 for who in both) < 300, told=experiment.state)
    assert not experiment.state()["frozen"]


def test_a_long_queue_drains_once_the_line_is_good_again(experiment):
    experiment.wish("freeze", 1.0)
    waited(lambda: experiment.state()["plain"]["held"] > 1_300_000, 60.0)
    experiment.wish("heal", 1.0)
    waited(lambda: experiment.state()["plain"]["state"] == "KEEPING UP", told=experiment.state)


def test_after_a_kill_both_come_back_and_only_the_plain_one_lost_something_silently(experiment):
    before = experiment.state()
    experiment.wish("kill", 1.0)
    waited(lambda: experiment.state()["proof"]["epoch"] > before["proof"]["epoch"])
    waited(lambda: experiment.state()["plain"]["resumed"] > 0)
    waited(lambda: experiment.state()["plain"]["state"] == "KEEPING UP")
    after = experiment.state()
    assert after["ours"]["resumed"] > 0
    assert after["ours"]["lost"] == after["proof"]["different"] == 0


def test_how_old_a_point_is_by_when_the_market_went_on_from_it():
    passing = Passing()
    for seq, now in ((10, 1.0), (20, 2.0), (30, 4.0)):
        passing.reached(1, seq, now)
    assert passing.age_ms(1, 30, 5.0) == 0
    assert passing.age_ms(1, 25, 5.0) == 1000
    assert passing.age_ms(1, 10, 5.0) == 3000
    passing.reached(2, 5, 6.0)
    assert passing.age_ms(2, 5, 9.0) == 0
    assert passing.age_ms(1, 10, 9.0) is None


async def test_while_a_loop_is_busy_only_the_newest_state_waits():
    eye = Looker()
    newest = Newest(eye)
    await asyncio.to_thread(lambda: [newest.put({"n": n}) for n in range(50)])
    await asyncio.sleep(0)
    assert eye.states[-1] == {"n": 49}
    assert len(eye.states) <= 50
