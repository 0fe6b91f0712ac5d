"""What lies over a chart, as a reader's file and the browser have it."""

import msgspec
import pytest

from rtlab.views import Event, Line, Marker, Note, Range
from rtlab.views import marks as module

EVERY = [
    Line(y=1.5, label="order", colour="bid", dashed=False, name="7"),
    Note(name="n", x=1.0, y=2.0, text="here"),
    Marker(x=1.0, y=2.0, shape="down", label="fill"),
    Event(x=3.0, label="halt"),
    Range(x0=1.0, x1=2.0, label="auction"),
]


@pytest.mark.parametrize("mark", EVERY, ids=lambda mark: type(mark).__name__)
def test_a_mark_comes_back_from_json_as_it_was_and_is_a_value(mark):
    again = msgspec.json.decode(msgspec.json.encode(mark), type=type(mark))
    assert again == mark
    assert hash(again) == hash(mark)
    with pytest.raises(AttributeError):
        mark.label = "other"


def test_the_package_gives_these_and_no_copies_of_them():
    assert all(getattr(module, type(mark).__name__) is type(mark) for mark in EVERY)


def test_a_line_that_has_no_name_and_marks_without_words_are_plain():
    assert (Line(y=0.0).name, Line(y=0.0).dashed, Marker(x=0.0, y=0.0).shape) == ("", True, "circle")
    assert (Event(x=0.0).label, Range(x0=0.0, x1=1.0).colour) == ("", "accent")


def test_a_shape_that_is_none_is_refused_in_a_file():
    with pytest.raises(msgspec.ValidationError, match="Invalid enum value 'star'"):
        msgspec.json.decode(b'{"x":0,"y":0,"shape":"star"}', type=Marker)
