"""A pyramid that is written to a folder as its points come, for those that memory cannot hold.

x and y go straight to their files. The levels are made at the end, of the mapped files: how they lie depends on
how many points there are.
"""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from rtlab.views import checked, gaps, m4, stored

Part = tuple[ArrayLike, ArrayLike | Mapping[str, ArrayLike]]


def write(folder: Path, names: tuple[str, ...], parts: Iterable[Part]) -> None:
    """Write all parts; LocalError where one cannot follow what was before, and then there is no pyramid."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / stored.INDEX).unlink(missing_ok=True)
    paths = [folder / f"y.{i}.f8" for i in range(len(names))]
    n, before, missing = 0, -np.inf, [m4.NO_GAPS] * len(names)
    with ExitStack() as files:
        x_file, *y_files = [files.enter_context(path.open("wb")) for path in (folder / "x.f8", *paths)]
        for x, y in parts:
            xs, ys = checked.numbers(x, "x"), checked.columns(y, names)
            checked.check(xs, ys, names, before, is_ordered=True)
            if not len(xs):
                continue
            x_file.write(xs.data)
            for values, file in zip(ys, y_files, strict=True):
                file.write(values.data)
            missing = [gaps.added(one, values, n) for one, values in zip(missing, ys, strict=True)]
            n, before = n + len(xs), float(xs[-1])
    for i, path in enumerate(paths):
        levels = m4.allocate(n)
        m4.fold(stored.mapped(path, np.float64, n), levels, 0, n)
        stored.write_beside(folder, i, levels, missing[i])
    stored.write_index(folder, n, names)
