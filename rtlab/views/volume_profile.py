"""The profile of volume at price: what was bought and sold at each price, in this session or in a window of it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import param

from rtlab.model import Instrument
from rtlab.pipelines import Frame
from rtlab.views.digits import Digits
from rtlab.views.live import Face, LivePanel, script
from rtlab.views.profile import Rows
from rtlab.views.tape import Columns
from rtlab.views.theme import Colours
from rtlab.views.volume import Volume, Window

PERIOD_NS = 250_000_000  # a shape that grows slowly
LEAST_ROWS, MOST_ROWS = 8, 400


class ProfileFace(Face):
    """The profile's bars in the browser."""

    _esm = script("keep.js", "badge.js", "volume_profile.js")

    symbol = param.String()
    tick = param.Number()
    decimals = param.Integer(doc="of a price")
    lot = param.Number()
    lot_decimals = param.Integer(doc="of a quantity")
    has_window = param.Boolean(doc="there is a window to choose beside the session")


class VolumeProfile(LivePanel):
    """Volume at each price, bought and sold apart; the price with the most (the point of control) is marked.

    `volume` may be shared with other panels. `window` tells the two times (ms) that a chart beside it shows: then
    the reader may choose that window in place of the whole session. There are as many rows as there is room for;
    where they hold several ticks the panel says so.
    """

    def __init__(
        self,
        instrument: Instrument,
        volume: Volume | None = None,
        *,
        window: Callable[[], Window | None] | None = None,
        theme: str = "light",
    ) -> None:
        super().__init__(theme=theme)
        self.instrument, self.volume = instrument, Volume() if volume is None else volume
        self.whole = True
        """Whether all of the session is shown, else the window."""
        self._window, self._fitting = window, 40
        self._told: dict[str, object] | None = None
        prices, sizes = Digits(instrument.tick_size), Digits(instrument.lot_size)
        self._prices = prices
        self._face = ProfileFace(
            self,
            Path(__file__).with_suffix(".css").read_text("utf-8"),
            symbol=instrument.symbol,
            tick=float(instrument.tick_size),
            decimals=prices.decimals,
            lot=float(instrument.lot_size),
            lot_decimals=sizes.decimals,
            has_window=window is not None,
            sizing_mode="stretch_both",
            min_height=240,
        )

    @property
    def visual(self) -> Face:
        """The profile itself."""
        return self._face

    def append(self, trades: Frame | Columns) -> None:
        """Add trades to the volume, as `Volume.append` takes them, and show them."""
        self.volume.append(trades)
        self.refresh()

    def refresh(self) -> None:
        """Show what others have added to the volume, four times a second at most."""
        self._mark(PERIOD_NS)

    def _heard(self, message: Mapping[str, object]) -> None:
        super()._heard(message)
        match message:
            case {"fitting": int(rows)}:
                self._fitting = min(max(rows, LEAST_ROWS), MOST_ROWS)
                self._mark()
            case {"whole": bool(whole)} if self._window is not None:
                self.whole = whole
                self._mark()

    def _appeared(self) -> None:
        self._told = None
        self._mark()

    def _draw(self) -> None:
        message = self._message()
        if message != self._told and (message["rows"] or self._told):
            self._told = message
            self._face._send_msg(message | {"merged": self.merged})

    def _message(self) -> dict[str, object]:
        window = None if self.whole or self._window is None else self._window()
        profile, is_cut = (self.volume.session, False) if window is None else self.volume.between(window)
        rows = profile.rows(self._fitting)
        return {
            "rows": rows.lots[::-1].ravel().tolist(),
            "first": rows.first,
            "step": rows.step,
            "control": rows.control,
            "whole": self.whole,
            "note": self._note(rows, is_cut),
            "shown": rows.trades,
            "held": self.volume.session.trades,
        }

    def _note(self, rows: Rows, is_cut: bool) -> str:
        trades = f"{rows.trades:,} trades"
        if is_cut:
            trades += f" (the last {self.volume.keep:,} are kept)"
        if rows.step == 1:
            return f"{trades} · each row 1 tick"
        return f"{trades} · each row {rows.step:,} ticks ({self._prices(rows.step)})"

    def _wear(self, colours: Colours) -> None:
        self._face.theme = colours.name

    def __repr__(self) -> str:
        rows = self.volume.session.rows(MOST_ROWS)
        most = (
            "" if rows.control is None else f", most at {self._prices(rows.first + rows.control * rows.step)}"
        )
        return f"VolumeProfile({self.instrument.symbol}, trades={rows.trades}{most})"
