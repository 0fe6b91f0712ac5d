import click
import pytest

from rtlab.cli.durations import Duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("20s", 20), ("1.5m", 90), ("250ms", 0.25), ("2h", 7200), ("7", 7)]
)
def test_a_duration_is_read_as_a_person_writes_it(text, seconds):
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "s", "20 s ago", "-1s", "0s", "1d", "inf"])
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(click.BadParameter, match="such as 20s or 2m, got"):
        Duration().convert(text, None, None)
