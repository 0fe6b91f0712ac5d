import gc
import weakref
from contextlib import contextmanager

import panel as pn
from support.fake_page import FakePage

from rtlab.views.awaited import Awaited


class Words(Awaited):
    """Shows each word that comes; counts how often it was started and stopped."""

    def __init__(self) -> None:
        super().__init__("a word", height=100)
        self.started = self.stopped = 0
        self.words: list[str] = []

    def _show(self, came: str) -> None:
        self.words.append(came)
        self._hang(pn.pane.Str(came))

    def _start(self) -> None:
        self.started += 1

    def _stop(self) -> None:
        self.stopped += 1


@contextmanager
def shown(words: Words):
    page = FakePage(words)
    yield page
    page.close()


def test_it_says_what_it_waits_for_until_something_comes():
    words = Words()
    assert words._place[0].object == "Waiting for a word …"
    words.take("first")
    assert [part.object for part in words._place] == ["first"]


def test_what_comes_before_anybody_looks_is_shown():
    words = Words()
    words.take("a")
    words.take("b")
    assert (words.words, words.stopped) == (["a", "b"], 0)


def test_once_it_was_looked_at_and_nobody_looks_it_stops():
    words = Words()
    with shown(words):
        words.take("a")
        assert words._place._models
    words.take("b")
    assert (words.words, words.stopped) == (["a"], 1)


def test_shown_again_it_starts_again():
    words = Words()
    with shown(words):
        words.take("a")
    words.take("lost")
    with shown(words):
        words.take("b")
    assert words.words == ["a", "b"]
    assert words.started == 2


def test_who_is_shown_is_held_by_the_page():
    words = Words()
    page, held = FakePage(words), weakref.ref(words)
    del words
    gc.collect()
    words = held()
    assert words is not None
    words.take("a")
    assert words.words == ["a"]
    page.close()
