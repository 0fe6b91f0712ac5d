"""The trade tape: the latest trades, newest on top, coloured by the side that took."""

from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
import param
from numpy.typing import NDArray

from rtlab.model import Instrument, Side
from rtlab.pipelines import Frame
from rtlab.views.digits import Digits
from rtlab.views.live import Face, LivePanel, script
from rtlab.views.theme import Colours

Columns = Mapping[str, Sequence[int] | NDArray[np.generic]]
"""columns by name, of equal length"""
DAY_MS = 86_400_000


def columns_of(trades: Frame | Columns) -> Columns:
    """Give the columns of a frame, or the columns themselves."""
    return trades.columns if isinstance(trades, Frame) else trades


class TapeStatistics(NamedTuple):
    """`trades` came, of which `skipped` left the tape before they could be drawn."""

    trades: int
    skipped: int


def clock(ts: int) -> str:
    """Give the time of day (UTC) of `ts`, in ns since the epoch, as HH:MM:SS.mmm."""
    seconds, ms = divmod(int(ts) // 1_000_000 % DAY_MS, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}"


class TapeFace(Face):
    """The tape's rows in the browser."""

    _esm = script("keep.js", "tape.js")

    symbol = param.String()
    rows = param.Integer()


class TradeTape(LivePanel):
    """The last `rows` trades. What came and went between two drawings is skipped, and counted."""

    def __init__(self, instrument: Instrument, rows: int = 50, *, theme: str = "light") -> None:
        super().__init__(theme=theme)
        self.instrument, self.rows = instrument, rows
        self._prices, self._sizes = Digits(instrument.tick_size), Digits(instrument.lot_size)
        self._tail: deque[tuple[int, int, int, int]] = deque(maxlen=rows)
        self._trades = self._drawn = self._skipped = 0
        self._lock = Lock()  # trades may come in another thread than the one that draws
        style = Path(__file__).with_name("tape.css").read_text("utf-8")
        self._face = TapeFace(
            self, style, symbol=instrument.symbol, rows=rows, sizing_mode="stretch_both", min_height=180
        )

    @property
    def visual(self) -> Face:
        """The tape itself."""
        return self._face

    def append(self, trades: Frame | Columns) -> None:
        """Add trades, oldest first: a frame or columns with `ts` (ns), `ticks`, `lots` and `side` (aggressor)."""
        columns = columns_of(trades)
        last = [columns[name][-self.rows :] for name in ("ts", "ticks", "lots", "side")]
        rows = list(zip(*last, strict=True))
        with self._lock:
            self._tail.extend(rows)
            self._trades += len(columns["ts"])
        self._mark()

    def statistics(self) -> TapeStatistics:
        """Give the counts since the beginning."""
        return TapeStatistics(self._trades, self._skipped)

    def _appeared(self) -> None:
        if self._trades:
            self._drawn = self._trades - len(self._tail)
            self._mark()

    def _draw(self) -> None:
        with self._lock:
            news, seen = self._trades - self._drawn, self._trades
            tail = list(self._tail)[-news:] if news else []
            self._skipped += news - len(tail)
            self._drawn = seen
        self._face._send_msg({"first": seen - len(tail), "rows": self._texts(tail)})

    def _texts(self, trades: Sequence[tuple[int, int, int, int]]) -> list[object]:
        row: list[object] = []
        for ts, ticks, lots, side in trades:
            row += (clock(ts), self._prices(ticks), self._sizes(lots), int(side == Side.ASK))
        return row

    def _wear(self, colours: Colours) -> None:
        self._face.theme = colours.name

    def __repr__(self) -> str:
        last = f", last={self._prices(self._tail[-1][1])}" if self._tail else ""
        return f"TradeTape({self.instrument.symbol}, rows={self.rows}, trades={self._trades}{last})"
