"""A series with points that come late, the plain way: one by one."""

import numpy as np


def put_in(x: np.ndarray, y: np.ndarray, most: float) -> tuple[np.ndarray, np.ndarray, int, int]:
    """The series in order, how many came late, and how many too late."""
    greatest, late, refused = -np.inf, 0, 0
    kept: list[tuple[float, float]] = []
    for one, value in zip(x.tolist(), y.tolist(), strict=True):
        if one < greatest - most:
            refused += 1
            continue
        late += one < greatest
        greatest = max(greatest, one)
        at = len(kept)
        while at and kept[at - 1][0] > one:
            at -= 1
        kept.insert(at, (one, value))
    table = np.array(kept, float).reshape(-1, 2)
    return table[:, 0], table[:, 1], late, refused
