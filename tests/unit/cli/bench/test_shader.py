import json
import sys
import types

import numpy as np
import pytest

from rtlab.cli.bench import shader


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """A datashader that notes what it is asked to draw."""
    asked: list[tuple] = []

    class Canvas:
        def __init__(self, plot_width, plot_height, x_range, y_range):
            self.size, self.ranges = (plot_width, plot_height), (x_range, y_range)

        def line(self, frame, x, y, agg):
            asked.append((self.size, self.ranges, frame[x].tolist(), agg))

    fake = types.SimpleNamespace(Canvas=Canvas, any=lambda: "any", __version__="9")
    monkeypatch.setitem(sys.modules, "datashader", fake)
    for name, values in (
        ("x", np.arange(100.0)),
        ("y", np.arange(100.0)),
        ("windows", [[10, 13, 0, 9], [0, 2, 1, 5]]),
    ):
        np.save(tmp_path / f"{name}.npy", np.array(values, float))
    return asked, tmp_path


def test_each_window_is_drawn_from_its_own_rows_and_its_neighbours(drawn):
    asked, folder = drawn
    told = json.loads(shader.main(str(folder), 50, 20))
    assert told["version"] == "9"
    assert len(told["ms"]) == 2
    first, again, second = asked  # the first one twice: its time is that of the compiler
    assert first == again
    assert first == ((50, 20), ((10, 13), (0, 9)), [9, 10, 11, 12, 13], "any")
    assert second[2] == [0, 1, 2]
