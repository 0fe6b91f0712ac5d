"""The latest rows of a stream, bounded: what `to_frame` and `latest_frame` show."""

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from rtlab.errors import ConfigError
from rtlab.pipelines.frame import Column, Frame

if TYPE_CHECKING:
    import pandas as pd


class Recent:
    """Keeps frames until they hold `limit` rows without the oldest; whole frames, nothing is copied.

    Frames with a key are one table: rows of a new frame replace what it held from the first of their keys on.
    """

    def __init__(self, limit: int = 1000) -> None:
        self.limit = _positive(limit)
        self.rows = 0
        self._frames: deque[tuple[Frame, int]] = deque()  # and how many of its rows count, from the first on
        self._lock = Lock()  # frames come in one thread and are read in another

    @property
    def latest(self) -> Frame | None:
        """The last frame that had rows."""
        frames = self.frames()
        return frames[-1] if frames else None

    def frames(self) -> list[Frame]:
        """Give the frames that are kept, oldest first."""
        with self._lock:
            held = list(self._frames)
        return [frame if rows == frame.rows else frame.part(None, rows) for frame, rows in held]

    def append(self, frame: Frame) -> None:
        """Take the next frame; forget the oldest ones that are no longer needed."""
        if not frame.rows:
            return
        with self._lock:
            if frame.key is not None:
                self._replace_from(frame[frame.key][0], frame.key)
            self._frames.append((frame, frame.rows))
            self.rows += frame.rows
            while self.rows - self._frames[0][1] >= self.limit:
                self.rows -= self._frames.popleft()[1]

    def to_pandas(self, rows: int | None = None) -> "pd.DataFrame":
        """Copy the last `rows` (default and at most: the limit) into a DataFrame; empty before the first."""
        import pandas as pd

        wanted = min(self.limit, self.limit if rows is None else _positive(rows))
        frames = self.frames()
        if not frames:
            return pd.DataFrame()
        newest = frames[-1]
        alike = [frame for frame in frames if frame.columns.keys() == newest.columns.keys()]
        columns = {
            name: np.concatenate([frame.columns[name] for frame in alike])[-wanted:]
            for name in newest.columns
        }
        return Frame(newest.channel, newest.instrument, columns, newest.key).to_pandas()

    def _replace_from(self, first: np.generic, key: str) -> None:
        while self._frames:
            last, rows = self._frames.pop()
            self.rows -= rows
            keys: Column = last.columns.get(key, np.empty(0))
            kept = int(keys[:rows].searchsorted(first))
            if kept:
                self._frames.append((last, kept))
                self.rows += kept
                return


def _positive(rows: int) -> int:
    if rows < 1:
        raise ConfigError("a number of rows to keep is out of range", expected="at least 1", got=rows)
    return rows
