"""What an analyst holds of a live market: a book that prints itself."""

from collections.abc import Callable, Coroutine, Generator
from decimal import Decimal
from html import escape
from itertools import zip_longest
from numbers import Integral
from typing import TYPE_CHECKING, NamedTuple, Self

from rtlab.book import BookView
from rtlab.book.text import book_text
from rtlab.errors import ConfigError
from rtlab.lab.hub import Followed
from rtlab.lab.loop import LabLoop
from rtlab.model import Instrument, Level

if TYPE_CHECKING:
    import pandas as pd


class BookNow(NamedTuple):
    """A book at one moment: levels (ticks, lots), best first, and where in its sequence it stands."""

    epoch: int
    seq: int
    bids: list[Level]
    asks: list[Level]


class LiveBook:
    """The live order book of one instrument; each look at it is the newest there is.

    Where an event loop runs (Jupyter), `book = await lab.book(symbol)` waits for the first snapshot.
    """

    def __init__(
        self,
        instrument: Instrument,
        followed: Followed,
        loop: LabLoop,
        first: Callable[[], Coroutine[object, object, None]],
    ) -> None:
        self.instrument = instrument
        self._followed, self._loop, self._first = followed, loop, first

    async def ready(self) -> Self:
        """Wait for the first snapshot; RefusedError or UnreachableError when it does not come."""
        await self._loop.awaitable(self._first())
        return self

    def __await__(self) -> Generator[object, None, Self]:
        return self.ready().__await__()

    def now(self, depth: int = 10) -> BookNow | None:
        """Give the best `depth` levels of both sides, consistent; None while the first snapshot is on its way."""
        if not _is_whole(depth) or depth < 1:
            raise ConfigError(
                "the caller's depth makes no book", expected="a whole number, at least 1", got=depth
            )
        return self._loop.call(lambda: self._look(depth))

    @property
    def best(self) -> tuple[Decimal | None, Decimal | None]:
        """Best bid and best ask, exact; None where a side is empty or nothing came yet."""
        book = self.now(1)
        sides = (book.bids, book.asks) if book else ([], [])
        bid, ask = (self.instrument.price(levels[0][0]) if levels else None for levels in sides)
        return bid, ask

    def frame(self, depth: int = 10) -> "pd.DataFrame":
        """Give the best `depth` levels as a DataFrame: side, price, qty; best first, bids before asks."""
        import pandas as pd

        rows = [
            (side, float(self.instrument.price(price)), float(self.instrument.quantity(qty)))
            for side, levels in self._sides(depth)
            for price, qty in levels
        ]
        return pd.DataFrame(rows, columns=["side", "price", "qty"])

    def __repr__(self) -> str:
        book = self.now(5)
        if book is None:
            return f"{self.instrument.symbol}: waiting for the first snapshot"
        if not book.bids and not book.asks:
            return f"{self.instrument.symbol}  book {book.epoch}/{book.seq}: empty, or not to be trusted now"
        return book_text(self.instrument, (book.epoch, book.seq), book.bids, book.asks)

    def _repr_html_(self) -> str:
        book = self.now(5)
        if book is None:
            return f"<p>{escape(repr(self))}</p>"
        price, quantity = self.instrument.price, self.instrument.quantity
        bids = [(quantity(qty), price(ticks)) for ticks, qty in book.bids]
        asks = [(price(ticks), quantity(qty)) for ticks, qty in book.asks]
        sides = zip_longest(bids, asks, fillvalue=("", ""))
        rows = [f"<tr>{''.join(f'<td>{one}</td>' for one in (*bid, *ask))}</tr>" for bid, ask in sides]
        title = f"{escape(self.instrument.symbol)}, book {book.epoch}/{book.seq}"
        head = "<tr><th>quantity</th><th>bid</th><th>ask</th><th>quantity</th></tr>"
        return f"<table><caption>{title}</caption><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"

    def _sides(self, depth: int) -> list[tuple[str, list[Level]]]:
        book = self.now(depth)
        return [("bid", book.bids), ("ask", book.asks)] if book else []

    def _look(self, depth: int) -> BookNow | None:
        subscription = self._followed.subscription
        view = subscription.view if subscription is not None else None
        if not isinstance(view, BookView) or not view.held:
            return None
        return BookNow(view.epoch, view.seq, view.bids(depth), view.asks(depth))


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral)
