import pytest
from support.session import STEP_NS, session

from rtlab.cli.remote import obey, where
from rtlab.config import Settings
from rtlab.errors import LocalError
from rtlab.lab.playing import Player
from rtlab.lab.session import RecordedSession
from rtlab.store.moments import text_of


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    folder = tmp_path_factory.mktemp("session")
    session(folder)
    with RecordedSession(folder) as opened:
        yield opened


@pytest.fixture
def player(one):
    return Player(one, Settings(port=0), speed=2.0)


def test_where_says_moment_and_speed(player):
    assert where(player) == f"{text_of(player.session.start)}, 2 x"
    assert obey(player, "where") == where(player)


@pytest.mark.parametrize(("words", "wanted"), [("speed 10", "10 x"), ("speed max", "as fast as possible")])
def test_speed_is_a_number_or_the_most_there_is(player, words, wanted):
    assert obey(player, words).endswith(wanted)


def test_hold_and_go(player):
    assert obey(player, "hold").endswith("held")
    assert obey(player, " go \n").endswith("2 x")


def test_seek_takes_a_moment_in_words_in_ns_or_as_far_from_here(player, one):
    moment = one.start + 40 * STEP_NS
    obey(player, f"seek {moment}")
    assert player.ts == moment
    obey(player, "seek +1s")
    assert player.ts == moment + 10**9
    obey(player, "seek -500ms")
    assert player.ts == moment + 5 * 10**8
    obey(player, f"seek {text_of(moment)}")
    assert player.ts // 10**6 == moment // 10**6


def test_as_far_as_there_is_nothing_more_is_the_end(player, one):
    obey(player, "seek +7d")
    assert player.ts == one.end
    obey(player, "seek -7d")
    assert player.ts == one.start


def test_a_note_is_written_at_this_moment(player, one):
    obey(player, f"seek {one.start + STEP_NS}")
    assert obey(player, "note what is this") == f"noted at {text_of(one.start + STEP_NS)}"
    assert [note.text for note in one.notes] == ["what is this"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("fly", "this steers no replay"),
        ("seek", "this steers no replay"),
        ("seek yesterday", "this is no moment"),
        ("seek +3 hours", "no span of time"),
        ("seek 17", "no such moment"),
        ("speed quick", "this is no speed"),
        ("speed 0", "above 0"),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(player, line, says):
    before = where(player)
    with pytest.raises(LocalError, match=says):
        obey(player, line)
    assert where(player) == before


def test_moments_are_written_as_they_are_read():
    assert text_of(1_700_000_000_123_456_789) == "2023-11-14T22:13:20.123"
