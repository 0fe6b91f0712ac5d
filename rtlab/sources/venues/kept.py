"""One book of a venue that is kept in step: its levels on our grid, the trust in it, and what is told of it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rtlab.book import L2Book
from rtlab.errors import GridError
from rtlab.model import DepthSnapshot, DepthUpdate, Instrument, Level, Side, VenueTrade
from rtlab.sources.grid import Grid
from rtlab.sources.venues.asking import Asking
from rtlab.sources.venues.trust import Trust

_MOST = 2**62  # of a level's lots: an int64 holds it, and a sum of two
_WRITTEN = 64  # characters of a number

Rows = Iterable[tuple[str, str]]
"""(price, quantity) as the venue wrote them"""


class Listing(NamedTuple):
    """An instrument as its venue lists it: its name there, our grid, and the decimals in which it is written."""

    name: str
    instrument: Instrument
    price_places: int = 0
    qty_places: int = 0


class KeptBook:
    """A book as the venue's messages make it, and what of it is told to those who follow.

    They are told a whole snapshot when the book becomes trusted, then its updates, and an empty snapshot when it is
    stale. The ids of these messages are our own, dense per book: what the venue has to check by was checked here.
    """

    def __init__(self, listing: Listing) -> None:
        self.listing, self.instrument = listing, listing.instrument
        self.trust, self.asking = Trust(listing.instrument.symbol), Asking()
        self.book = L2Book(tombstones=0)
        self.trades = self.trades_lost = self.trades_again = 0
        self._ticks = Grid(self.instrument.tick_size, "price")
        self._lots = Grid(self.instrument.lot_size, "quantity")
        self._told = 0
        self._is_held = False  # whether those who follow hold levels of it
        self._last_trade: int | None = None

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is at or above the best ask: no venue's book ever is, between two messages."""
        bids, asks = self.book.bids(1), self.book.asks(1)
        return bool(bids and asks and bids[0][0] >= asks[0][0])

    def levels(self, rows: Rows) -> list[Level]:
        """Give the venue's rows in ticks and lots; GridError when one is off the grid, or beyond any book."""
        ticks, lots = self._ticks, self._lots
        found = [(ticks[price], lots[qty]) for price, qty in rows]
        if any(qty >= _MOST for _, qty in found):
            raise GridError(f"{self.instrument.symbol}: a quantity is too large", expected="below 2**62 lots")
        return found

    def load(self, bids: Sequence[Level], asks: Sequence[Level], ts: int) -> None:
        """Hold exactly these levels."""
        self.book.replace_all(bids, asks, ts)

    def apply(self, bids: Sequence[Level], asks: Sequence[Level], ts: int) -> None:
        """Set these levels, in order; quantity 0 removes."""
        for side, levels in ((Side.BID, bids), (Side.ASK, asks)):
            for price, qty in levels:
                self.book.set_level(side, price, qty, ts)

    def cut(self, depth: int) -> tuple[list[Level], list[Level]]:
        """Forget what is worse than the best `depth` of a side; give it as removals, bids and asks."""
        gone: list[list[Level]] = []
        for side in self.book.sides:
            gone.append([(side.sign * key, 0) for key in side.keys[depth:]])
            side.forget(depth)
        return gone[0], gone[1]

    def broke(self, reason: str, now: int) -> None:
        """The book needs a snapshot; one that was on its way was of no use."""
        self.trust.broke(reason)
        if self.asking.is_out:
            self.asking.failed(now)

    def synced(self, now: int, ts_event: int, ts_recv: int) -> DepthSnapshot:
        """The book is in step by a snapshot: give it to those who follow."""
        self.asking.done()
        self.trust.synced(now)
        return self._whole(ts_event, ts_recv)

    def give(
        self, ts_event: int, ts_recv: int, bids: list[Level], asks: list[Level]
    ) -> list[DepthSnapshot | DepthUpdate]:
        """Give these changes to those who follow: all of the book if they hold nothing, nothing if it is stale."""
        if not self.trust.is_shown:
            return []
        if not self._is_held:
            return [self._whole(ts_event, ts_recv)]
        self._told += 1
        return [
            DepthUpdate(
                instrument=self.instrument.symbol,
                ts_event=ts_event,
                ts_recv=ts_recv,
                first_id=self._told,
                last_id=self._told,
                prev_id=None,
                bids=bids,
                asks=asks,
            )
        ]

    def again(self, ts: int) -> list[DepthSnapshot]:
        """Give the book to those who follow, if they hold nothing and it is trusted (again)."""
        return [self._whole(ts, ts)] if self.trust.is_shown and not self._is_held else []

    def emptied(self, ts: int) -> DepthSnapshot:
        """Give those who follow the empty book of one that is stale."""
        self._is_held = False
        return self._snapshot([], [], ts, ts)

    def trade(
        self, trade_id: int, side: Side, price: str, qty: str, ts_event: int, ts_recv: int
    ) -> VenueTrade | None:
        """Give one trade; None for one that was given before. Ids without a hole prove that none was lost."""
        if not self.follows(trade_id, trade_id):
            return None
        return VenueTrade(
            instrument=self.instrument.symbol,
            ts_event=ts_event,
            ts_recv=ts_recv,
            trade_id=trade_id,
            aggressor_side=side,
            price=self._ticks[price],
            qty=self._lots[qty],
        )

    def follows(self, first_id: int, last_id: int) -> bool:
        """Note the trades from `first_id` to `last_id`, count those lost before them; False when they are known."""
        last = self._last_trade
        if last is not None and last_id <= last:
            self.trades_again += 1
            return False
        if last is not None and first_id > last + 1:
            self.trades_lost += first_id - last - 1
        self._last_trade = last_id
        self.trades += 1
        return True

    def begins_at(self, trade_id: int) -> bool:
        """Whether no trade came before; then this one is the last that is of no interest."""
        if self._last_trade is not None:
            return False
        self._last_trade = trade_id
        return True

    def _whole(self, ts_event: int, ts_recv: int) -> DepthSnapshot:
        self._is_held = True
        return self._snapshot(self.book.bids(), self.book.asks(), ts_event, ts_recv)

    def _snapshot(self, bids: list[Level], asks: list[Level], ts_event: int, ts_recv: int) -> DepthSnapshot:
        self._told += 1
        return DepthSnapshot(
            instrument=self.instrument.symbol,
            ts_event=ts_event,
            ts_recv=ts_recv,
            last_id=self._told,
            bids=bids,
            asks=asks,
        )


def plain(number: object) -> str:
    """Give a number as JSON has it (text, or the bytes of a number) as a plain decimal: "1e-7" is "0.0000001".

    Raises ValueError when it is none.
    """
    text = number if isinstance(number, str) else bytes(number).decode("ascii")  # type: ignore[call-overload]
    if "e" not in text and "E" not in text:
        return text
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    shift = int(exponent)
    if len(text) + abs(shift) > _WRITTEN or not (whole + fraction).isdecimal():
        raise ValueError(f"{text[:_WRITTEN]!r} is no plain number")
    digits, point = whole + fraction, len(whole) + shift
    if point <= 0:
        return "0." + "0" * -point + digits
    return digits.ljust(point, "0")[:point] + "." + digits[point:]
