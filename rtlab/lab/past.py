"""The trades before a page's memory, from the store of a lab: what its price chart shows when it is panned there."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from numpy.typing import ArrayLike

from rtlab.model import Instrument
from rtlab.pipelines import units
from rtlab.store import Store
from rtlab.views.past import Past
from rtlab.views.pyramid import milliseconds


def past_of(instrument: Instrument, stores: Callable[[], AbstractContextManager[Store]]) -> Past:
    """Give the past of an instrument's prices; `stores` opens the store for each page that is read."""

    def read(x0: float, x1: float) -> tuple[ArrayLike, ArrayLike]:
        start, end = (max(0, int(x * 1e6)) for x in (x0, x1))
        with stores() as store:
            table = store.read("trades", instrument.symbol, start, end, columns=("ts", "price"))
        times = milliseconds(table.column("ts").to_numpy())
        return times, units(table.column("price").to_numpy(), instrument.tick_size)

    return Past(read)
