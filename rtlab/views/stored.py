"""A pyramid in a folder: plain files that are mapped into memory, so that a billion points open at once.

`x.f8`, and for column number i `y.i.f8`, `values.i.f8`, `places.i.i8` and `gaps.i.i8` (starts, then ends): little
endian numbers one behind the other, as `m4.Levels` and `m4.Gaps` hold them; `pyramid.json` names the columns.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import SourceError
from rtlab.views import m4
from rtlab.views.column import Column, Held

INDEX = "pyramid.json"
_PIECE = 1 << 24  # numbers written at once


def save(held: Held, names: tuple[str, ...], folder: Path) -> None:
    """Write what a pyramid holds at this moment; the folder is made, and what it held of a pyramid is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INDEX).unlink(missing_ok=True)
    n = held.points
    _write(folder / "x.f8", held.x[:n])
    for i, (y, levels, gaps) in enumerate(held.columns):
        _write(folder / f"y.{i}.f8", y[:n])
        fitting, size = m4.allocate(n), m4.BASE
        for at, new_at in zip(levels.offsets[:-1], fitting.offsets[:-1], strict=False):
            rows, whole = slice(at, at + n // size), slice(new_at, new_at + n // size)
            fitting.values[whole], fitting.places[whole] = levels.values[rows], levels.places[rows]
            size *= m4.FACTOR
        write_beside(folder, i, fitting, gaps)
    write_index(folder, n, names)


def write_beside(folder: Path, i: int, levels: m4.Levels, gaps: m4.Gaps) -> None:
    """Write what stands beside the values of column `i`; the levels have room for no more than is written."""
    _write(folder / f"values.{i}.f8", levels.values)
    _write(folder / f"places.{i}.i8", levels.places)
    _write(folder / f"gaps.{i}.i8", np.stack([gaps.starts[: gaps.number], gaps.ends[: gaps.number]]))


def write_index(folder: Path, points: int, names: tuple[str, ...]) -> None:
    """Write the index, last of all: without it there is no pyramid."""
    (folder / INDEX).write_text(json.dumps({"points": points, "names": names}), "utf-8")


def load(folder: Path) -> tuple[Held, tuple[str, ...]]:
    """Map what `save` wrote; SourceError where there is no whole pyramid."""
    try:
        index = json.loads((folder / INDEX).read_text("utf-8"))
        n, names = int(index["points"]), tuple(str(name) for name in index["names"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise SourceError("there is no pyramid in this folder", expected=INDEX, got=f"{problem}") from None
    x = mapped(folder / "x.f8", np.float64, n)
    columns = tuple(_column(folder, i, n) for i in range(len(names)))
    return Held(x, columns, n), names


def _column(folder: Path, i: int, n: int) -> Column:
    offsets = m4.allocate(n).offsets
    buckets = int(offsets[-1])
    values = mapped(folder / f"values.{i}.f8", np.float64, 2 * buckets).reshape(buckets, 2)
    places = mapped(folder / f"places.{i}.i8", np.int64, 2 * buckets).reshape(buckets, 2)
    path = folder / f"gaps.{i}.i8"
    number = path.stat().st_size // 16 if path.exists() else 0
    starts, ends = np.array(mapped(path, np.int64, 2 * number)).reshape(2, number)
    gaps = m4.Gaps(np.ascontiguousarray(starts), np.ascontiguousarray(ends), number)
    return Column(mapped(folder / f"y.{i}.f8", np.float64, n), m4.Levels(values, places, offsets), gaps)


def _write(path: Path, numbers: NDArray[np.generic]) -> None:
    flat = numbers.reshape(-1)
    with path.open("wb") as file:
        for start in range(0, len(flat), _PIECE):
            file.write(np.ascontiguousarray(flat[start : start + _PIECE]).data)


def mapped(path: Path, kind: type[np.generic], count: int) -> NDArray[Any]:
    """Map `count` numbers; what is written into them stays in this process."""
    size = path.stat().st_size if path.exists() else -1
    if size != 8 * count:
        raise SourceError(f"{path} is not whole", expected=f"{8 * count:,} bytes", got=f"{size:,}")
    if not count:
        return np.empty(0, kind)
    # copy on write: kernels that were compiled for arrays that can be written to are good for these too
    return np.asarray(np.memmap(path, kind, "c", shape=(count,)))
