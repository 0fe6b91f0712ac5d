import numpy as np

from rtlab.views.events import MOST_NAMED, MOST_TICKS, Events


def labels(*words):
    return np.array(words, dtype=object)


def test_only_changes_are_events():
    events = Events()
    events.add(np.arange(5.0), {"state": labels("open", "open", "halt", "halt", "open")})
    found = [(event.x, event.label) for event in events.within(0, 10)]
    assert found == [(0.0, "open"), (2.0, "halt"), (4.0, "open")]


def test_a_change_over_two_batches_is_found_and_what_stays_is_none():
    events = Events()
    events.add(np.array([1.0]), {"state": labels("open")})
    events.add(np.array([2.0, 3.0]), {"state": labels("open", "halt")})
    assert events.x.tolist() == [1.0, 3.0]


def test_a_missing_label_is_no_event():
    events = Events()
    events.add(np.arange(3.0), {"state": labels(None, "halt", None)})
    assert [event.label for event in events.within(0, 3)] == ["halt"]


def test_events_of_several_columns_stand_in_order():
    events = Events()
    events.add(np.arange(3.0), {"a": labels("x", "x", "y"), "b": labels("p", "q", "q")})
    assert events.x.tolist() == [0.0, 0.0, 1.0, 2.0]
    assert len(events) == 4


def test_many_events_are_ticks_without_names_and_never_too_many():
    n = 100_000
    events = Events()
    events.add(np.arange(float(n)), {"state": labels(*(["a", "b"] * (n // 2)))})
    shown = events.within(0, n)
    assert MOST_NAMED < len(shown) <= MOST_TICKS
    assert {event.label for event in shown} == {""}
    assert len(events.within(0, MOST_NAMED)) == MOST_NAMED
    assert {event.label for event in events.within(0, MOST_NAMED)} == {"a", "b"}
