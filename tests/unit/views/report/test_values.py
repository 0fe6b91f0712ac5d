from rtlab.views.report import Note, Series


def test_a_note_is_of_all_instruments_unless_it_names_one():
    assert Note(1, "text") == (1, "text", "", "")


def test_a_series_is_its_two_columns():
    x, y = Series([1.0], [2.0])
    assert (x, y) == ([1.0], [2.0])
