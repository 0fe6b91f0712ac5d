"""What all watch pages of a lab share: the last price of every instrument, as keyed numbers."""

import asyncio
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Protocol

from rtlab.book import TickerView
from rtlab.lab.hub import Followed, Hub, Wish
from rtlab.model import Instrument
from rtlab.pipelines import units
from rtlab.views.metrics import Metrics

EVERY_S = 0.2
Health = Mapping[str, object]


class Looker(Protocol):
    """A page that looks at the numbers."""

    def update(self, health: Health | None) -> None:
        """Show what the numbers are by now; any thread may call it."""


class Lookers:
    """Those who look, as long as somebody holds them."""

    def __init__(self) -> None:
        self._all: weakref.WeakSet[Looker] = weakref.WeakSet()

    def join(self, looker: Looker) -> None:
        """Show `looker` the numbers from now on."""
        self._all.add(looker)

    def leave(self, looker: Looker) -> None:
        """Show `looker` nothing any more."""
        self._all.discard(looker)

    def show(self, health: Health | None) -> None:
        """Have all of them look again."""
        for looker in tuple(self._all):
            looker.update(health)

    def __len__(self) -> int:
        return len(self._all)


class Board:
    """The last prices of all instruments of a feed; belongs to the client's loop, and lives as long as its lab."""

    def __init__(self, hub: Hub, instruments: Mapping[str, Instrument], health: Callable[[], Health]) -> None:
        self.metrics, self.lookers = Metrics(), Lookers()
        self._health = health
        self._instruments = dict(instruments)
        self._tickers: dict[str, Followed] = {
            symbol: hub.follow(Wish("ticker", symbol)) for symbol in self._instruments
        }
        self._seen: dict[str, int] = {}
        self._task = asyncio.get_running_loop().create_task(self._run())

    def written(self, key: str, value: float) -> str:
        """Write a price with as many decimals as its instrument has."""
        exponent = self._instruments[key].tick_size.normalize().as_tuple().exponent
        return f"{value:,.{max(0, -int(exponent))}f}"

    def close(self) -> None:
        """End what shows; the subscriptions end with the lab's client."""
        self._task.cancel()

    async def _run(self) -> None:
        while True:
            self._look()
            self.lookers.show(self._health())
            await asyncio.sleep(EVERY_S)

    def _look(self) -> None:
        """Say the prices whose quote changed: one that stands still grows old."""
        prices: dict[str, float] = {}
        for symbol, followed in self._tickers.items():
            view = followed.subscription.view if followed.subscription is not None else None
            if (
                isinstance(view, TickerView)
                and view.row.last is not None
                and view.seq != self._seen.get(symbol)
            ):
                self._seen[symbol] = view.seq
                prices[symbol] = float(units(view.row.last, self._instruments[symbol].tick_size))
        self.metrics.append(time.time_ns(), prices)
