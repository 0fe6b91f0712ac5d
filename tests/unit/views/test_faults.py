import pytest
from support.browser import until
from support.looker import PaintingLooker

from rtlab.views.faults import BUTTONS, SLIDERS, FaultPage


@pytest.fixture
def wishes():
    return []


@pytest.fixture
def page(wishes):
    return FaultPage(lambda name, value: wishes.append((name, value)))


def test_it_draws_the_newest_state_and_shows_it_to_who_comes_later(page):
    page.update({"state": "LIVE", "n": 1})
    looker = PaintingLooker(page)
    try:
        assert looker.last(page.visual) == {"state": "LIVE", "n": 1}
        page.update({"state": "LAGGING", "n": 2})
        until(
            lambda: looker.paint() or looker.last(page.visual) == {"state": "LAGGING", "n": 2}, "the newest"
        )
    finally:
        looker.leave()
    assert repr(page) == "FaultPage(LAGGING)"


@pytest.mark.parametrize("name", [*SLIDERS, *BUTTONS])
def test_every_slider_and_button_is_a_wish(page, wishes, name):
    page.visual._handle_msg({"wish": name, "value": 0.25})
    assert wishes == [(name, 0.25)]


@pytest.mark.parametrize(
    "message", [{"wish": "erase", "value": 1}, {"wish": "kill", "value": "now"}, {"wish": "cut"}]
)
def test_what_is_no_wish_is_left_alone(page, wishes, message):
    page.visual._handle_msg(message)
    assert wishes == []


def test_it_wears_what_the_reader_prefers_unless_it_was_told(page):
    page.visual._handle_msg({"ready": True, "theme": "dark"})
    assert page.theme == page.visual.theme == "dark"
    fixed = FaultPage(lambda name, value: None, theme="light")
    fixed.visual._handle_msg({"ready": True, "theme": "dark"})
    assert fixed.theme == "light"


def test_a_served_page_has_the_window_for_itself(page):
    assert page.served() is not None
    assert page.visual.alone
