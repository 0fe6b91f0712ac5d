"""What a caller gives to be drawn, as columns of numbers; or whose fault it is that it cannot be."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from rtlab.errors import ConfigError, LocalError
from rtlab.views import m4
from rtlab.views.m4 import Floats


def numbers(values: ArrayLike, name: str) -> Floats:
    """Give one column as float64; LocalError where it is not numbers in one dimension."""
    array = np.atleast_1d(np.asarray(values))
    if array.dtype.kind not in "biuf" or array.ndim != 1:
        raise LocalError(
            f"the caller's {name} cannot be drawn",
            expected="numbers in one dimension",
            got=f"{array.dtype} of shape {array.shape}",
        )
    return np.ascontiguousarray(array, dtype=np.float64)


def pixels(height: object) -> int:
    """Give the height of a plot; ConfigError where it is no number of pixels."""
    if isinstance(height, bool) or not isinstance(height, int | np.integer) or height < 1:
        raise ConfigError(
            "the caller's height is no number of pixels", expected="a whole number > 0", got=height
        )
    return int(height)


def columns(y: ArrayLike | Mapping[str, ArrayLike], names: Sequence[str]) -> list[Floats]:
    """Give the columns of these names: of a mapping, of an array (points, columns), or the only one."""
    if isinstance(y, Mapping):
        if missing := [name for name in names if name not in y]:
            raise LocalError(
                "a column of the caller's vanished", expected=", ".join(names), got=f"no {missing[0]}"
            )
        return [numbers(y[name], name) for name in names]
    if len(names) == 1:
        return [numbers(y, names[0])]
    table = np.asarray(y)
    if table.ndim != 2 or table.shape[1] != len(names):
        raise LocalError(
            "the caller's y is not of this pyramid's columns",
            expected=f"shape (points, {len(names)}): {', '.join(names)}",
            got=f"shape {table.shape}",
        )
    return [numbers(table[:, i], name) for i, name in enumerate(names)]


def check(x: Floats, ys: Sequence[Floats], names: Sequence[str], before: float, *, is_ordered: bool) -> None:
    """Raise LocalError with the first position of points that may not follow an x of `before`."""
    for name, y in zip(names, ys, strict=True):
        if len(x) != len(y):
            raise LocalError(
                "the caller's x and y belong together",
                expected="as many x as y",
                got=f"{len(x)} and {len(y)}",
            )
        _check_column(x, y, before, name, is_ordered=is_ordered)


def _check_column(x: Floats, y: Floats, before: float, name: str, *, is_ordered: bool) -> None:
    at, fault = (
        m4.first_fault(x, y, before)
        if is_ordered
        else m4.first_fault(np.where(np.isfinite(x), 0.0, x), y, 0.0)
    )
    if fault == m4.UNORDERED:
        last = float(x[at - 1]) if at else before
        raise LocalError(
            f"the caller's x decreases at position {at}", expected=f"x >= {last!r}", got=float(x[at])
        )
    if fault == m4.NOT_FINITE_X:
        what, expected, value = "x", "a finite number", x[at]
    elif fault == m4.INFINITE_Y:
        what, expected, value = name, "a finite number, or nan for a gap", y[at]
    else:
        return
    raise LocalError(
        f"the caller's {what} at position {at} cannot be drawn", expected=expected, got=float(value)
    )
