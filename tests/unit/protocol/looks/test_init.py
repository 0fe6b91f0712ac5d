import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.protocol import looks

HERE = 3
numbers = st.integers(0, 9)
readers = st.lists(st.tuples(st.sampled_from([HERE, 4, -1]), numbers, numbers, numbers, numbers), max_size=12)


def columns(rows):
    table = np.array(rows, np.int64).reshape(-1, 5)
    return [column.copy() for column in table.T]


def found(count, *outs):
    return tuple(out[:one].tolist() for one, out in zip(count, outs, strict=True))


def outs(slots):
    return np.full(len(slots), -7), np.full(len(slots), -7)


@given(readers, st.integers(-1, 9), numbers)
def test_who_may_be_sent_to_is_who_a_plain_look_at_each_says(rows, least, now):
    of, owed, window, answer_by, _ = columns(rows)
    slots = np.arange(len(rows))
    may, may_not = outs(slots)
    count = looks.sendable(slots, of, HERE, owed, window, answer_by, least, now, may, may_not)
    here = [n for n, row in enumerate(rows) if row[0] == HERE]
    can = [n for n in here if rows[n][3] >= now and (least < 0 or rows[n][2] - rows[n][1] > least)]
    assert found(count, may, may_not) == (can, [n for n in here if n not in can])


@given(readers, numbers)
def test_who_is_to_be_asked_is_who_a_plain_look_at_each_says(rows, now):
    owed, window, ask_from, ask_at, _ = columns(rows)
    slots = np.arange(len(rows))[::-1].copy()
    pressed, others = outs(slots)
    count = looks.due(slots, owed, window, ask_from, ask_at, now, pressed, others)
    asked = [n for n in slots.tolist() if rows[n][0] >= rows[n][2] or rows[n][3] <= now]
    must = [n for n in asked if 4 * rows[n][0] >= 3 * rows[n][1]]
    assert found(count, pressed, others) == (must, [n for n in asked if n not in must])


@pytest.mark.parametrize("slots", [[], [1], [0, 2]])
def test_only_those_who_are_sent_to_move(slots):
    of, owed = np.array([HERE, HERE, 8]), np.array([5, 6, 7])
    looks.send(np.array(slots, np.int64), of, 9, owed, 100)
    assert of.tolist() == [9 if n in slots else one for n, one in enumerate([HERE, HERE, 8])]
    assert owed.tolist() == [one + 100 * (n in slots) for n, one in enumerate([5, 6, 7])]


def test_a_warm_up_compiles_nothing_twice(capfd):
    looks.warm_up()
    capfd.readouterr()
    looks.warm_up()
    assert capfd.readouterr().err == ""
