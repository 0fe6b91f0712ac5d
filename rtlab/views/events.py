"""Categories over time: where a label changes, and which of the changes a window has room to name."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtlab.views.m4 import Floats
from rtlab.views.marks import Event

MOST_NAMED = 24
MOST_TICKS = 300


class Events:
    """The changes of labels, by x; grows behind its end."""

    def __init__(self) -> None:
        self.x: Floats = np.empty(0)
        self.labels: NDArray[np.object_] = np.empty(0, dtype=object)
        self._last: dict[str, Any] = {}

    def add(self, x: Floats, columns: dict[str, NDArray[np.object_]]) -> None:
        """Add rows: an event for each row whose label is another than that of the row before it."""
        found: list[tuple[float, str]] = []
        for name, labels in columns.items():
            before = np.concatenate([[self._last.get(name)], labels[:-1]])
            at = np.flatnonzero(labels != before)
            found += [(float(x[i]), f"{labels[i]}") for i in at if labels[i] is not None]
            if len(labels):
                self._last[name] = labels[-1]
        found.sort(key=lambda one: one[0])
        self.x = np.concatenate([self.x, [at for at, _ in found]])
        self.labels = np.concatenate([self.labels, np.array([label for _, label in found], dtype=object)])

    def within(self, x0: float, x1: float) -> tuple[Event, ...]:
        """Give the events of [x0, x1): named where there are few, else as ticks, at most one of 1/300 of it."""
        start, end = np.searchsorted(self.x, [x0, x1])
        if end - start <= MOST_NAMED:
            pairs = zip(self.x[start:end].tolist(), self.labels[start:end], strict=True)
            return tuple(Event(x=x, label=label) for x, label in pairs)
        cells = np.floor((self.x[start:end] - x0) / (x1 - x0) * MOST_TICKS)
        _, first = np.unique(cells, return_index=True)
        return tuple(Event(x=x) for x in self.x[start:end][first].tolist())

    def __len__(self) -> int:
        return len(self.x)
