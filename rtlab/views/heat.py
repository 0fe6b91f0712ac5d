"""The depth heat map: what rests at each price over time, the best prices, and trades as bubbles."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import param

from rtlab.model import Instrument
from rtlab.pipelines import Frame
from rtlab.views.bubbles import Trades, gathered
from rtlab.views.depth_history import STEPS, DepthHistory, Levels
from rtlab.views.heat_window import HeatWindow, Look, Part
from rtlab.views.live import Face, LivePanel, script
from rtlab.views.tape import Columns
from rtlab.views.theme import Colours

_HERE = Path(__file__).parent


class HeatFace(Face):
    """The picture in the browser: it keeps the columns, moves them, and says which window it wants."""

    _esm = script("keep.js", "badge.js", "heat_painting.js", "heat.js")

    symbol = param.String()
    interval_ms = param.Number(doc="of a column of the finest scale")
    tick = param.Number(doc="the price of a row")
    lot = param.Number()
    decimals = param.Integer()
    steps = param.Integer(default=STEPS)


class DepthHeatmap(LivePanel):
    """Resting depth over time and price of one instrument: bright is much, dots are trades.

    Follows the newest; the wheel changes how much time is shown, with shift how much of the prices, dragging
    goes back, a double click or the badge to the newest. `history` and `trades` may be shared with other views.
    """

    def __init__(
        self,
        instrument: Instrument,
        history: DepthHistory | None = None,
        trades: Trades | None = None,
        *,
        theme: str = "light",
    ) -> None:
        super().__init__(theme=theme)
        self.instrument = instrument
        self.history = DepthHistory(instrument) if history is None else history
        self.trades = Trades() if trades is None else trades
        self.refused = 0
        self._window = HeatWindow(self.history)
        self._told = 0
        row = float(instrument.tick_size) * self.history.row_ticks
        self._face = HeatFace(
            self,
            (_HERE / "heat.css").read_text("utf-8"),
            symbol=instrument.symbol,
            interval_ms=self.history.interval_ns / 1e6,
            tick=row,
            lot=float(instrument.lot_size),
            decimals=max(0, -int(instrument.tick_size.normalize().as_tuple().exponent)),
            sizing_mode="stretch_both",
            min_height=320,
        )

    @property
    def visual(self) -> Face:
        """The picture itself."""
        return self._face

    def update(self, ts: int, bids: Levels, asks: Levels) -> None:
        """Say what rests in the book at `ts` (ns): levels (ticks, lots), best first; and show it."""
        self.history.append(ts, bids, asks)
        self.refresh()

    def append(self, trades: Frame | Columns) -> None:
        """Add trades, oldest first, as `Trades.append` takes them, and show them."""
        self.trades.append(trades)
        self.refresh()

    def refresh(self) -> None:
        """Show what others have added to the history and the trades."""
        if self._window.live:
            self._mark()

    def _heard(self, message: Mapping[str, object]) -> None:
        if message.get("type") != "look":
            super()._heard(message)
            return
        try:
            look = msgspec.convert(message, Look)
        except msgspec.ValidationError:
            self.refused += 1
            return
        if not look.makes_sense():
            self.refused += 1
            return
        self._window.take(look)
        self._mark()

    def _appeared(self) -> None:
        self._window.again()
        self._mark()

    def _draw(self) -> None:
        part, look = self._window.news(), self._window.look
        if part is not None and look is not None:
            self._face._send_msg(self._message(part, look))

    def _message(self, part: Part, look: Look) -> dict[str, object]:
        news: dict[str, object] = {
            "m": self.merged,
            "f": part.first,
            "n": part.columns,
            "d": part.changes,
            "p": part.best,
        }
        if bubbles := self._bubbles(part, look):
            news["t"] = bubbles
        if part.whole:
            first, last = self.history.extent(look.scale)
            news |= {"whole": True, "base": part.base, "view": look.view, "held": [first, last]}
            news |= {"scale": look.scale, "factor": look.factor, "rows": look.rows}
        return news

    def _bubbles(self, part: Part, look: Look) -> list[list[int]]:
        column = self.history.interval_ns << look.scale
        rows = self.trades.since(0 if part.whole else self._told)
        self._told = self.trades.total
        end = (part.first + part.columns) * column
        rows = rows[(rows[:, 0] >= part.first * column) & (rows[:, 0] < end)] if part.whole else rows
        return gathered(rows, column, self.history.row_ticks) if len(rows) else []

    def _wear(self, colours: Colours) -> None:
        self._face.theme = colours.name

    def __repr__(self) -> str:
        return f"DepthHeatmap({self.history!r}, trades={self.trades.total})"


def heatmap(
    instrument: Instrument,
    history: DepthHistory | None = None,
    trades: Trades | None = None,
    *,
    theme: str = "light",
) -> DepthHeatmap:
    """Give a depth heat map for a cell or a page: `update(ts, bids, asks)` and `append(trades)` feed it."""
    return DepthHeatmap(instrument, history, trades, theme=theme)
