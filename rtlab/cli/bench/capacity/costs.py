"""What one more reader, instrument, stored row or point costs: the whole at four sizes each, in CPU seconds."""

import gc
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rtlab.book import Market
from rtlab.cli.bench.crowd import Crowd, Wish
from rtlab.cli.bench.fanout.contenders import OURS, RAW, Contender, contenders
from rtlab.cli.bench.fanout.serving import Window
from rtlab.cli.bench.fanout.ticks import INSTRUMENTS
from rtlab.engine import Engine
from rtlab.model import COMMAND, CommandKind, Instrument
from rtlab.store import Store
from rtlab.store.cold.columns import Stand
from rtlab.store.cold.place import LocalPlace
from rtlab.store.cold.schema import Levels
from rtlab.store.cold.writer import ColdWriter
from rtlab.store.tables import SIDES, append_rows
from rtlab.views.pyramid import Pyramid

ORDERS = 40  # of each instrument
PAGES = 8  # that an instrument has for itself: rungs and bits of two sides, levels, orders, ids, events
WORDS = 512  # of a page
GRID = Decimal("0.01"), Decimal("0.001")
SYMBOL = Instrument("BTC-USD", *GRID)


class Readers(NamedTuple):
    """CPU seconds of one tick to all readers, at each size, and bytes a reader at the largest; None where absent."""

    ours: list[float]
    bare: list[float] | None
    bytes_each: float


def of_readers(sizes: Sequence[int], *, ticks_per_s: float, seconds: float, core: int | None) -> Readers:
    """Measure one tick to so many readers, of ours and of bare send(2), at the same ticks a second.

    At the same sends a second each of many readers would be sent less often, but be asked as often how far it is.
    """
    ticks = len(sizes) * int(ticks_per_s * (2 * seconds + 1))
    with contenders(ticks, core, (OURS, RAW)) as field:
        before = field.present[OURS].resident()
        ours, memory = [], 0.0
        bare: list[float] | None = [] if RAW in field.present else None
        for size in sizes:
            cost, resident = _tick(field.present[OURS], size, ticks_per_s, seconds, ours=True)
            ours.append(cost)
            memory = (resident - before) / size
            if bare is not None:
                bare.append(_tick(field.present[RAW], size, ticks_per_s, seconds, ours=False)[0])
        return Readers(ours, bare, memory)


def _tick(
    server: Contender, size: int, ticks_per_s: float, seconds: float, *, ours: bool
) -> tuple[float, int]:
    books = [INSTRUMENTS[0].symbol] if ours else ()
    with Crowd(server.port, Wish(size, books)) as crowd:
        crowd.ready()
        server.measure(Window(ticks_per_s, seconds))  # credit grows in the first seconds
        spent = server.measure(Window(ticks_per_s, seconds))
        return spent.fanout_s / max(1, spent.ticks), server.resident()


def of_instruments(sizes: Sequence[int]) -> tuple[list[float], list[float]]:
    """Measure matching, and folding, the same orders for each of so many instruments, one batch a round."""
    matched: list[float] = []
    folded: list[float] = []
    for size in sizes:
        runs = [_market(size) for _ in range(3)]
        for costs, column in zip((matched, folded), zip(*runs, strict=True), strict=True):
            costs.append(min(column))
    return matched, folded


def _market(many: int) -> tuple[float, float]:
    instruments = [Instrument(f"I{number}", *GRID) for number in range(many)]
    engine, market = Engine(instruments), Market(instruments, 1)
    rows = np.zeros(many, COMMAND)
    rows["kind"], rows["instrument"], rows["qty"] = CommandKind.NEW, np.arange(many), 5
    matched = folded = 0.0
    for number in range(ORDERS):
        rows["order_id"] = number * many + np.arange(many) + 1
        rows["side"] = number % 2
        rows["price"] = 10_000 + (number % 7) - 3
        began = time.process_time()
        events = engine.process(rows)
        between = time.process_time()
        market.apply(events)
        matched, folded = matched + between - began, folded + time.process_time() - between
    return matched, folded


def of_pages(sizes: Sequence[int]) -> list[float]:
    """Measure reading a word of each page of as many instruments, as often as they are given an order: no engine."""

    def read(many: int) -> float:
        random = np.random.default_rng(1)
        pages = np.ones((many * PAGES, WORDS), np.int64)
        order, words = random.permutation(len(pages)), random.integers(0, WORDS, len(pages))
        began = time.process_time()
        for _ in range(ORDERS):
            pages[order, words].sum()
        return time.process_time() - began

    return [_least(lambda size=size: read(size), 3) for size in sizes]  # type: ignore[misc]


def of_rows(sizes: Sequence[int], folder: Path) -> tuple[list[float], list[float]]:
    """Measure keeping so many trades in Parquet, and reading them back."""
    written, read = [], []
    for size in sizes:
        columns = _trades(size)
        places = iter([folder / f"{size}-{number}" for number in range(3)])
        written.append(_least(lambda columns=columns, places=places: _keep(next(places), columns), 3))  # type: ignore[misc]
        with Store(folder / f"{size}-0") as store:
            read.append(_least(lambda store=store: _read(store), 3))  # type: ignore[misc]
    return written, read


def _keep(place: Path, columns: tuple[np.ndarray, ...]) -> float:
    place.mkdir()
    began = time.process_time()
    with ColdWriter(LocalPlace(place), place, SYMBOL) as writer:
        writer.begin(Stand(1), Levels.empty(), "bench")
        append_rows(writer, *columns)
        writer.roll()
    return time.process_time() - began


def _trades(size: int) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(1)
    ts = 1_700_000_000_000_000_000 + np.cumsum(random.integers(1, 2_000_000, size))
    price = 10_000 + np.cumsum(random.integers(-2, 3, size))
    return ts, price, random.integers(1, 500, size), random.integers(0, len(set(SIDES.values())), size)


def _read(store: Store) -> float:
    began = time.process_time()
    store.read("trades", SYMBOL.symbol)
    return time.process_time() - began


def of_points(sizes: Sequence[int]) -> list[float]:
    """Measure taking so many points into a pyramid."""
    random = np.random.default_rng(2)
    y = random.standard_normal(max(sizes)).cumsum()
    x = np.arange(len(y), dtype=np.float64)
    Pyramid(x[:1000], y[:1000])  # compiles

    def built(size: int) -> float:
        began = time.process_time()
        Pyramid(x[:size], y[:size])
        return time.process_time() - began

    return [_least(lambda size=size: built(size), 5) for size in sizes]  # type: ignore[misc]


def _least(measure: Callable[[], float], times: int) -> float:
    gc.collect()
    return max(1e-6, min(measure() for _ in range(times)))
