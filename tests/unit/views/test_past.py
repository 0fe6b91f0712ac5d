import threading
from concurrent.futures import Future

import numpy as np
import pytest
from support.waiting import until

from rtlab.errors import StoreError
from rtlab.views import past as module
from rtlab.views.past import Past

X = np.arange(1000.0)
Y = np.sin(X)


class Shelf:
    """What is kept, and which parts of it were asked for; holds each answer back while `gate` is closed."""

    def __init__(self, x=X, y=Y):
        self.x, self.y, self.asked = x, y, []
        self.gate = threading.Event()
        self.gate.set()
        self.problem = None

    def read(self, x0, x1):
        self.asked.append((x0, x1))
        assert self.gate.wait(10)
        if self.problem is not None:
            raise self.problem
        part = slice(*np.searchsorted(self.x, [x0, x1]))
        return self.x[part], self.y[part]


@pytest.fixture
def shelf():
    return Shelf()


def come(past, x0, x1, first=1000.0, *, looks=True, plot="a plot"):
    """Ask, and wait until the page has come."""
    told = Future()

    def then():
        told.set_result(True)
        return looks

    assert past.want(x0, x1, first, plot, then)
    return told.result(10)


def test_a_window_that_lies_in_memory_asks_for_nothing(shelf):
    past = Past(shelf.read)
    assert not past.want(1000.0, 1100.0, 1000.0, "a plot", lambda: True)
    assert shelf.asked == []
    assert past.begin(1000.0, 50.0) == 950.0


def test_a_page_reaches_two_spans_beyond_what_is_seen_and_ends_where_memory_begins(shelf):
    past = Past(shelf.read)
    come(past, 900.0, 1000.0)
    assert shelf.asked == [(700.0, 1000.0)]
    assert past.pyramid.x.tolist() == X[700:].tolist()
    assert past.pyramid.y.tolist() == Y[700:].tolist()
    assert past.begin(1000.0, 50.0) == 650.0
    assert not past.want(800.0, 900.0, 1000.0, "a plot", lambda: True)


def test_the_next_page_ends_where_the_last_began(shelf):
    past = Past(shelf.read)
    come(past, 900.0, 1000.0)
    come(past, 650.0, 750.0)
    assert shelf.asked[1] == (450.0, 700.0)
    assert past.pyramid.x.tolist() == X[450:].tolist()
    assert past.statistics()[:3] == (2, 550, 0)


def test_the_end_is_where_nothing_older_is_found_within_reach(shelf):
    past = Past(shelf.read, reach=5000.0)
    come(past, -100.0, 900.0)
    assert not past.statistics().ended
    come(past, -2200.0, -2150.0)
    assert past.statistics().ended
    known = past.begin(1000.0, 50.0)
    assert known <= -2200.0
    assert not past.want(known - 500.0, known, 1000.0, "a plot", lambda: True)


def test_a_time_in_which_nothing_happened_is_read_across():
    shelf = Shelf(np.array([0.0, 1.0, 2.0, 900.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    past = Past(shelf.read, reach=5000.0)
    come(past, 890.0, 900.0, 900.0)
    assert past.pyramid.x.tolist() == [0.0, 1.0, 2.0]
    assert [end for _, end in shelf.asked] == [900.0] * len(shelf.asked)
    assert [900.0 - start for start, _ in shelf.asked] == [30.0, 240.0, 1920.0]


async def test_of_one_plot_the_newest_window_is_told_and_the_others_are_late(shelf):
    past, told = Past(shelf.read), []

    def asks(name):
        return lambda: told.append(name) or True

    shelf.gate.clear()
    for number in range(3):
        assert past.want(900.0 - number, 1000.0, 1000.0, "one", asks(f"one {number}"))
    past.want(950.0, 1000.0, 1000.0, "other", asks("other"))
    shelf.gate.set()
    await until(lambda: len(told) == 2)
    assert sorted(told) == ["one 2", "other"]
    assert len(shelf.asked) == 1
    assert past.statistics().late == 2


def test_a_window_that_was_left_is_late(shelf):
    past = Past(shelf.read)
    come(past, 900.0, 1000.0, looks=False)
    past.close()  # ends the thread, which counts after it told
    past._thread.shutdown(wait=True)
    assert past.statistics().late == 1


def test_what_cannot_be_read_is_told_and_tried_again(shelf):
    past = Past(shelf.read)
    shelf.problem = StoreError("nothing is kept of it", expected="a recording")
    come(past, 900.0, 1000.0)
    assert "nothing is kept of it" in past.problem
    assert past.begin(1000.0, 50.0) == 950.0
    shelf.problem = None
    come(past, 900.0, 1000.0)
    assert past.problem == ""
    assert len(past.pyramid) == 300


def test_more_than_it_may_hold_ends_it(shelf, monkeypatch):
    monkeypatch.setattr(module, "MOST_POINTS", 250)
    past = Past(shelf.read)
    come(past, 900.0, 1000.0)
    assert past.statistics()[1] == 300
    assert past.statistics().ended
    assert past.begin(1000.0, 50.0) == 700.0
