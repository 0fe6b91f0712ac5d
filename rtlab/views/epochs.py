"""Times that are told as plain numbers: seconds, milliseconds, microseconds or nanoseconds since 1970."""

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rtlab.errors import DataError
from rtlab.views.m4 import Floats
from rtlab.views.pyramid import milliseconds

Unit = Literal["s", "ms", "us", "ns"]
_A_SECOND: dict[Unit, int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_LATEST_MS, _YEAR_MS = 253_402_300_800_000, 31_556_952_000
"""The year 10,000, and a mean year."""
_FROM, _TO = 946_684_800, 4_102_444_800  # s: the years 2000 to 2100


def unit_of(values: NDArray[Any]) -> Unit | None:
    """Give the unit in which numbers that do not decrease would be times of the years 2000 to 2100; else None."""
    if not len(values) or values.dtype.kind not in "iuf":
        return None
    for unit, second in _A_SECOND.items():
        if _FROM * second <= values[0] <= values[-1] <= _TO * second:
            return unit if bool(np.all(values[1:] >= values[:-1])) else None
    return None


def in_milliseconds(values: NDArray[Any], unit: str) -> Floats:
    """Give the milliseconds that a time axis counts; DataError for another unit, or what is no number or no date."""
    if unit not in _A_SECOND:
        raise DataError("there is no such unit of x", expected=", ".join(get_args(Unit)), got=unit)
    if values.dtype.kind not in "iuf" or values.ndim != 1:
        raise DataError(
            f"x is no number of {unit}", expected="numbers in one dimension", got=f"{values.dtype}"
        )
    times = _converted(values, unit)
    is_late = (times >= _LATEST_MS) & np.isfinite(times)
    if is_late.any():
        first, likely = int(is_late.argmax()), unit_of(values)
        raise DataError(
            f'with x_unit="{unit}" x would be in the year {1970 + times[first] / _YEAR_MS:,.0f}',
            expected=f'x_unit="{likely}"' if likely else "times before the year 10,000",
            got=f"{values[first]} at {first}",
        )
    return times


def _converted(values: NDArray[Any], unit: Unit) -> Floats:
    if unit == "ns" and values.dtype.kind in "iu":
        return milliseconds(values)
    if unit == "us" and values.dtype.kind in "iu":
        whole, rest = np.divmod(values, 1000)
        return whole.astype(np.float64) + rest / 1e3
    return values.astype(np.float64) * (1000 / _A_SECOND[unit])
