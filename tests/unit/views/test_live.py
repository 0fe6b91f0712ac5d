import gc
import weakref

import panel as pn
import pytest
from bokeh.plotting import figure
from panel.viewable import Viewable
from support.looker import PaintingLooker, looking_at

from rtlab.errors import ConfigError
from rtlab.views.live import Face, LivePanel, Waiting, alter, chart
from rtlab.views.theme import DARK, LIGHT, Colours


class NumberFace(Face):
    _esm = "export function render() { return document.createElement('div') }"


class Number(LivePanel):
    """The smallest panel: shows the newest number."""

    def __init__(self, *, theme: str = "light") -> None:
        super().__init__(theme=theme)
        self.number = 0
        self.worn: list[Colours] = []
        self.face = NumberFace(self, ".x{}", sizing_mode="stretch_width", min_height=40)

    @property
    def visual(self) -> Viewable:
        return self.face

    def update(self, number: int) -> None:
        self.number = number
        self._mark()

    def _draw(self) -> None:
        self.face._send_msg({"number": self.number})

    def _wear(self, colours: Colours) -> None:
        self.worn.append(colours)


def test_an_update_reaches_the_face() -> None:
    number = Number()
    with looking_at(number) as looker:
        number.update(7)
        assert looker.messages(number.face) == [{"number": 7}]


def test_a_face_that_appears_is_shown_the_newest() -> None:
    number = Number()
    number.update(3)
    number.update(4)
    with looking_at(number) as looker:
        looker.say(number.face, {"ready": True})
        assert looker.last(number.face) == {"number": 4}


def test_a_view_that_appears_is_shown_the_newest() -> None:
    number = Number()
    number.update(5)
    looker = PaintingLooker(number)
    assert looker.last(number.face) == {"number": 5}
    looker.leave()


@pytest.mark.parametrize("message", [None, 1, "ready", {"ready": False}, {"else": 1}])
def test_messages_without_sense_show_nothing(message: object) -> None:
    number = Number()
    with looking_at(number) as looker:
        looker.say(number.face, message)
        assert looker.messages(number.face) == []


def test_theme_is_checked_worn_and_told() -> None:
    number = Number(theme="dark")
    assert number.colours is DARK
    number.theme = "light"
    assert number.worn == [LIGHT]
    assert number.theme == "light"
    for wrong in ("", "Light", "auto"):
        with pytest.raises(ConfigError):
            number.theme = wrong
        with pytest.raises(ConfigError):
            Number(theme=wrong)


def test_a_panel_alone_brings_its_own_beat() -> None:
    number = Number()
    layout = number.__panel__()
    assert list(layout) == [number.face, number.beat]
    assert (layout.sizing_mode, layout.min_height) == (number.face.sizing_mode, number.face.min_height)


def test_panels_of_a_page_are_drawn_in_one_go() -> None:
    one, other = Number(), Number()
    other.join(one.beat)
    with looking_at(pn.Column(one.visual, other.visual, one.beat)) as looker:
        with one.beat.together():
            one.update(1)
            other.update(2)
        assert looker.messages(one.beat) == [{"sent": 1}]
        assert looker.messages(other.face) == [{"number": 2}]


def test_a_panel_of_a_page_is_as_high_as_the_page_says() -> None:
    number = Number()
    assert number.visual.min_height == 40
    number.join(Number().beat)
    assert number.visual.min_height is None


def test_both_themes_are_in_every_face_so_that_a_switch_fetches_nothing() -> None:
    sheets = "".join(Number().face.stylesheets)
    assert LIGHT.surface in sheets
    assert DARK.surface in sheets
    assert "tabular-nums" in sheets
    assert "url(" not in sheets
    assert "@import" not in sheets


def test_a_figure_that_waits_says_for_what_and_has_no_axes() -> None:
    plot = figure()
    waiting = Waiting(plot, "Waiting for Godot …")
    waiting.wear(DARK)
    assert waiting.text == "Waiting for Godot …"
    assert waiting._label.text_color == DARK.muted
    assert not any(part.visible for part in (*plot.axis, *plot.grid))
    waiting.over()
    waiting.over()
    assert waiting.text == ""
    assert all(part.visible for part in (*plot.axis, *plot.grid))
    waiting.again()
    waiting.again()
    assert waiting.text == "Waiting for Godot …"
    assert not any(part.visible for part in (*plot.axis, *plot.grid))


def test_models_are_altered_whether_or_not_somebody_looks() -> None:
    plot = figure()
    pane = chart(plot, min_height=50)
    alter(pane, lambda: plot.update(name="nobody"))
    assert plot.name == "nobody"
    with looking_at(pane):
        alter(pane, lambda: plot.update(name="somebody"))
        assert plot.name == "somebody"


def test_a_chart_fills_its_place() -> None:
    pane = chart(figure(), min_height=99)
    assert (pane.sizing_mode, pane.min_height, pane.margin) == ("stretch_both", 99, 0)


def test_what_a_document_shows_is_kept_alive_by_it() -> None:
    number = Number()
    there = weakref.ref(number)
    with looking_at(number):
        del number
        gc.collect()
        assert there() is not None
