"""Scatter the plain way: look at every point, and draw it unless its cell has enough."""

from collections import Counter

import numpy as np


def brute_force(
    y: np.ndarray, bounds: np.ndarray, y0: float, height: float, rows: int, most: int
) -> list[int]:
    picked = []
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        held: Counter[int] = Counter()
        places = np.floor((y[start:end] - y0) / height)
        for i in np.flatnonzero((places >= 0) & (places < rows)).tolist():
            row = int(places[i])
            if held[row] < most:
                held[row] += 1
                picked.append(start + i)
    return picked
