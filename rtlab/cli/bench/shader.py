"""Draw windows of a long series with datashader: a script for its own environment.

    python shader.py FOLDER WIDTH HEIGHT

FOLDER holds x.npy, y.npy and windows.npy (rows x0, x1, y0, y1). One JSON object is printed: ms of each window.
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any


def main(folder: str, width: int, height: int) -> str:
    """Give the JSON of one run: each window from its points to its aggregate, the first one twice to compile."""
    numpy: Any = import_module("numpy")
    pandas: Any = import_module("pandas")
    datashader: Any = import_module("datashader")
    x, y, windows = (numpy.load(Path(folder) / f"{name}.npy") for name in ("x", "y", "windows"))
    frame = pandas.DataFrame({"x": x, "y": y}, copy=False)
    times = []
    for x0, x1, y0, y1 in [windows[0], *windows]:
        canvas = datashader.Canvas(plot_width=width, plot_height=height, x_range=(x0, x1), y_range=(y0, y1))
        began = time.perf_counter()
        # as its users do for a sorted series: the rows of the window, then the line
        start, end = numpy.searchsorted(x, [x0, x1])
        canvas.line(frame.iloc[max(0, start - 1) : end + 1], "x", "y", agg=datashader.any())
        times.append((time.perf_counter() - began) * 1e3)
    return json.dumps({"ms": times[1:], "version": datashader.__version__})


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
