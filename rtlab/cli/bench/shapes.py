"""Five shapes of order flow for the matching engine: seeded, with resting depth, and cancelled as real flow is.

Nine of ten limit orders are cancelled, each after a random while; one of ten messages is a replacement; the price
follows the shape's path, and what it runs over trades.
"""

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from rtlab.engine import Engine
from rtlab.model import COMMAND, CommandKind, EventKind, Instrument, Side, TimeInForce

RowArray = npt.NDArray[np.void]
Path = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]

ONE = Instrument("SHAPE", Decimal("0.01"), Decimal(1))
MIDDLE = 10_000
"""Ticks: where every path begins."""
DEPTH = 4_000
"""Orders that rest, on average."""


def _crash(time: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    fall, rise = np.clip((time - 0.5) / 0.02, 0, 1), np.clip((time - 0.52) / 0.1, 0, 1)
    return 1 - 0.4 * fall + 0.35 * rise


SHAPES: dict[str, Path] = {
    "static book": np.ones_like,
    "normal": lambda time: 1 + 0.01 * np.sin(40 * time),
    "25 % swing": lambda time: 1 + 0.25 * np.sin(20 * time),
    "40 % swing": lambda time: 1 + 0.4 * np.sin(20 * time),
    "flash crash": _crash,
}


def flow(shape: str, count: int, seed: int = 1, depth: int = DEPTH) -> RowArray:
    """Give about `count` COMMAND rows of a shape, none of which the engine refuses."""
    rng = np.random.default_rng(seed)
    orders = int(count / 1.8)
    at = np.arange(orders, dtype=np.float64)
    middle = MIDDLE * SHAPES[shape](at / orders) + rng.normal(0, 1.5, orders)
    side = rng.integers(0, 2, orders)
    takes = rng.random(orders) < 0.08
    away = np.where(takes, -2, 1 + rng.geometric(0.08, orders))
    new = np.zeros(orders, COMMAND)
    new["kind"], new["order_id"], new["side"] = CommandKind.NEW, np.arange(orders) + 1, side
    new["price"] = np.maximum(1, middle + np.where(side == Side.BID, -away, away)).astype(np.int64)
    new["qty"] = rng.integers(1, 100, orders)
    new["tif"][takes] = TimeInForce.IOC
    lives = rng.exponential(depth, orders)
    ends = ~takes & (rng.random(orders) < 0.9)
    cancel = new[ends].copy()
    cancel["kind"] = CommandKind.CANCEL
    moves = ends & (rng.random(orders) < 0.13)
    replace = new[moves].copy()
    replace["kind"] = CommandKind.REPLACE
    replace["qty"] = np.maximum(1, replace["qty"] // 2)
    for rows in (cancel, replace):
        rows["side"], rows["tif"] = 0, 0
    cancel["price"] = cancel["qty"] = 0
    when = np.concatenate([at, at[ends] + lives[ends], at[moves] + lives[moves] / 2])
    rows = np.concatenate([new, cancel, replace])[np.argsort(when, kind="stable")][:count]
    return accepted(rows)


def accepted(rows: RowArray) -> RowArray:
    """Leave out what the engine refuses: cancels and replacements of orders that have traded before."""
    events = Engine([ONE]).process(rows)
    return np.delete(rows, events["command"][events["kind"] == EventKind.REJECTED])


def limits_and_cancels(rows: RowArray) -> RowArray:
    """Give what every engine knows of a flow: limit orders that rest, and cancels."""
    plain = (rows["kind"] != CommandKind.REPLACE) & (rows["tif"] == TimeInForce.GTC)
    return accepted(rows[plain])


def standing(orders: int) -> RowArray:
    """Give NEW rows of `orders` orders around the middle that do not trade, far from the best prices."""
    rng = np.random.default_rng(5)
    rows = np.zeros(orders, COMMAND)
    rows["kind"], rows["order_id"] = CommandKind.NEW, (1 << 40) + np.arange(orders)
    rows["side"] = np.arange(orders) % 2
    away = 200 + rng.integers(0, 4000, orders)
    rows["price"] = MIDDLE + np.where(rows["side"] == Side.BID, -away, away)
    rows["qty"] = rng.integers(1, 100, orders)
    return rows
