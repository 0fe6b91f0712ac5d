import pytest

from rtlab.errors import ConfigError, SourceError
from rtlab.lab import notes
from rtlab.lab.notes import FILE, LONGEST, Note, add_note, read_notes


def test_no_file_is_no_notes(tmp_path):
    assert read_notes(tmp_path) == []


def test_notes_are_lines_that_are_only_added(tmp_path):
    add_note(tmp_path, Note(20, "second"))
    first = (tmp_path / FILE).read_bytes()
    add_note(tmp_path, Note(10, "fürst\nof two lines", "BTC-USD", "ann"))
    whole = (tmp_path / FILE).read_bytes()
    assert whole.startswith(first)
    assert first == b'{"ts":20,"text":"second"}\n'
    assert read_notes(tmp_path) == [Note(10, "fürst\nof two lines", "BTC-USD", "ann"), Note(20, "second")]


@pytest.mark.parametrize("text", ["", "  \n", "x" * (LONGEST + 1)])
def test_a_note_without_a_text_or_with_too_much_of_it_is_refused(tmp_path, text):
    with pytest.raises(ConfigError, match="this is no note"):
        add_note(tmp_path, Note(1, text))
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize("line", [b"{", b'{"ts":"x","text":"a"}', b'{"text":"a"}', b"[]"])
def test_a_line_that_is_no_note_is_named(tmp_path, line):
    add_note(tmp_path, Note(1, "good"))
    with (tmp_path / FILE).open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(SourceError, match="line 2 is no note"):
        read_notes(tmp_path)


def test_a_file_beyond_all_reason_is_not_read(tmp_path, monkeypatch):
    add_note(tmp_path, Note(1, "good"))
    monkeypatch.setattr(notes, "MOST_BYTES", 5)
    with pytest.raises(SourceError, match="too long"):
        read_notes(tmp_path)
