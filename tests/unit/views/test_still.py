import xml.etree.ElementTree as ET

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from rtlab.views import LayeredPlot, Pyramid
from rtlab.views.still import FRAME, SELDOM_S, STILL_PX, Still, picture, told
from rtlab.views.theme import DARK, LIGHT
from rtlab.views.viewport import window

SVG = "{http://www.w3.org/2000/svg}"


def drawn(x, y, x0: float, x1: float, **more) -> ET.Element:
    cut = window(Pyramid(x, y), x0, x1, STILL_PX)
    return ET.fromstring(picture(cut, more.pop("colours", LIGHT), title="A & B", time_axis=False, **more))


def places(line: ET.Element) -> np.ndarray:
    return np.array([[float(value) for value in pair.split(",")] for pair in line.get("points").split()])


def test_a_line_is_drawn_within_the_frame_where_its_values_are():
    svg = drawn(np.arange(1000.0), np.sin(np.arange(1000.0) / 50), 0.0, 1000.0)
    (line,) = svg.findall(f"{SVG}polyline")
    left, top, right, bottom = FRAME
    x, y = places(line).T
    assert (np.diff(x) >= 0).all()
    assert left <= x[0] < x[-1] <= right
    assert top < y.min() < y.max() < bottom
    # a sine: as far above the middle as below
    assert (y.min() + y.max()) / 2 == pytest.approx((top + bottom) / 2, abs=1)
    assert "A & B" in [text.text for text in svg.findall(f"{SVG}text")]


def test_ten_million_points_are_a_small_picture():
    x = np.arange(10_000_000.0)
    cut = window(Pyramid(x, np.sin(x) * x), 0.0, x[-1], STILL_PX)
    assert len(picture(cut, LIGHT, title="", time_axis=False)) < 60_000


def test_a_gap_parts_the_line_and_a_lone_point_is_a_dot():
    svg = drawn(np.arange(6.0), np.array([1.0, 2.0, np.nan, 3.0, np.nan, 4.0]), 0.0, 6.0)
    assert [len(places(line)) for line in svg.findall(f"{SVG}polyline")] == [2]
    assert len(svg.findall(f"{SVG}circle")) == 2


def test_each_line_has_its_colour_and_the_theme_is_worn():
    x = np.arange(10.0)
    svg = drawn(x, {"a": x, "b": -x}, 0.0, 10.0, colours=DARK)
    assert len({line.get("stroke") for line in svg.findall(f"{SVG}polyline")}) == 2
    assert svg.find(f"{SVG}rect").get("fill") == DARK.surface


def test_a_scatter_is_dots_and_no_line():
    svg = drawn(np.arange(5.0), np.arange(5.0), 0.0, 10.0, dots=True)
    assert svg.findall(f"{SVG}polyline") == []
    assert [
        path.get("d").count("h0") for path in svg.findall(f"{SVG}path") if path.get("stroke-linecap")
    ] == [5]


def test_without_a_point_there_are_axes_alone():
    svg = drawn([], [], 0.0, 10.0)
    assert svg.findall(f"{SVG}polyline") == []
    assert len(svg.findall(f"{SVG}text")) > 4


def test_times_are_told_as_times_of_day():
    assert told(1.7e12, time_axis=True) == "22:13:20"
    assert told(1_234_567.0, time_axis=False) == "1.23457e+06"


class Drawn:
    """What is drawn: a number that grows."""

    def __init__(self) -> None:
        self.made, self.number = 0, 0

    def __call__(self) -> tuple[str, str]:
        self.made += 1
        return f"<svg>{self.number}</svg>", f"{self.number} points"


@pytest.fixture(scope="module", autouse=True)
def shell():
    """What a notebook's kernel has, and a test does not."""
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_a_picture_is_published_and_renewed_ever_more_seldom():
    draw = Drawn()
    still = Still(draw)
    with capture_output() as cell:
        still.publish(0.0)
        renewed = []
        for second in range(1, 5000):
            draw.number += 1
            before = draw.made
            still.renew(float(second))
            if draw.made > before:
                renewed.append(second)
    assert cell.outputs[0].data == {"image/svg+xml": "<svg>0</svg>", "text/plain": "0 points"}
    apart = np.diff([0, *renewed])
    assert apart[:3].tolist() == [3, 6, 12]
    assert apart[-1] == SELDOM_S
    assert cell.outputs[-1].data["image/svg+xml"] == f"<svg>{renewed[-1]}</svg>"


def test_a_picture_that_did_not_change_is_not_sent_again_and_one_never_published_neither():
    draw = Drawn()
    still = Still(draw)
    still.renew(100.0)
    assert draw.made == 0
    with capture_output() as cell:
        still.publish(0.0)
        still.renew(100.0)
    assert (draw.made, len(cell.outputs)) == (2, 1)


def test_a_chart_tells_its_picture_of_the_window_that_is_seen():
    plot = LayeredPlot(Pyramid(np.arange(100.0), np.arange(100.0)), x="number", title="Numbers")
    svg, words = plot._picture()
    assert words == "Numbers: 100 points; shown from 0 to 99"
    plot.window = (10.0, 20.0)
    narrow, words = plot._picture()
    assert words.endswith("from 10 to 20")
    assert len(narrow) < len(svg)
