"""Random COMMAND rows whose numbers are at a limit: the last that is allowed, and the first that is not."""

from typing import Any

import numpy as np
import numpy.typing as npt

from rtlab.engine.limits import MAX_AMOUNT, MAX_PRICE, MAX_QTY, SLICES
from rtlab.model import CommandKind, Flag, OrderType, Rules, TimeInForce

LOW_RULES = {
    "I1": Rules(price_band=3, max_qty=12, max_notional=40),
    "I2": Rules(volatility_ticks=2, reference_price=4),
}
"""For a market at the lowest prices: a band without a reference price, an auction that only a command ends."""
AWAY = 900
"""A price at which nobody meets an order of ten thousand slices."""

LIMIT = {"order_type": OrderType.LIMIT, "tif": TimeInForce.GTC}
TRAILING = {"order_type": OrderType.TRAILING_STOP, "tif": TimeInForce.GTC, "trail": 1}
STOP = {"order_type": OrderType.STOP, "tif": TimeInForce.GTC}
ICEBERG = LIMIT | {"price": AWAY, "side": 0}
NEW: tuple[dict[str, Any], ...] = (
    *(ICEBERG | {"qty": qty, "display_qty": 1} for qty in (SLICES, SLICES + 1)),
    *(ICEBERG | {"qty": qty, "display_qty": 3} for qty in (3 * SLICES, 3 * SLICES + 1)),
    *(ICEBERG | {"qty": 9, "display_qty": shown} for shown in (9, 10)),
    *(TRAILING | {"flags": Flag.BASIS_POINTS, "trail": trail} for trail in (1, 10_000, 10_001)),
    *(TRAILING | {"trail": trail} for trail in (0, 10_001, MAX_PRICE, MAX_PRICE + 1)),
    *(TRAILING | {"stop_price": stop} for stop in (1, MAX_PRICE, MAX_PRICE + 1)),
    *(STOP | {"stop_price": stop} for stop in (0, 1, MAX_PRICE, MAX_PRICE + 1)),
    *(LIMIT | {"price": AWAY, "side": 0, "qty": qty} for qty in (MAX_QTY - 9, MAX_QTY, MAX_QTY + 1)),
    *(LIMIT | {"tif": TimeInForce.IOC, "price": price} for price in (0, MAX_PRICE, MAX_PRICE + 1)),
    *(LIMIT | {"qty": 6, "min_qty": least} for least in (6, 7)),
    *(LIMIT | {name: 1} for name in ("stop_price", "trail", "expire_ts", "phase")),
)
REPLACE: tuple[dict[str, Any], ...] = (
    *({"trail": trail} for trail in (1, 10_000, 10_001, MAX_PRICE, MAX_PRICE + 1)),
    *({"stop_price": stop} for stop in (1, MAX_PRICE, MAX_PRICE + 1)),
    *({"price": AWAY, "qty": qty, "display_qty": 1} for qty in (SLICES, SLICES + 1)),
    *({"price": AWAY, "qty": qty} for qty in (SLICES, SLICES + 1, 3 * SLICES, 3 * SLICES + 1)),
    *({"qty": qty} for qty in (MAX_QTY, MAX_QTY + 1)),
    *({"price": price} for price in (0, MAX_PRICE + 1)),
)
DEPOSIT: tuple[dict[str, Any], ...] = (
    *({"price": sign * (MAX_AMOUNT + over)} for sign in (-1, 1) for over in (0, 1)),
    *({"qty": sign * (MAX_AMOUNT + over)} for sign in (-1, 1) for over in (0, 1)),
)
BY_KIND = {CommandKind.NEW: NEW, CommandKind.REPLACE: REPLACE, CommandKind.DEPOSIT: DEPOSIT}


def at_limits(rng: np.random.Generator, rows: np.ndarray, *, share: float = 0.2) -> np.ndarray:
    """Give the rows with a share of orders, replacements and deposits at a limit; of the rest many expire.

    Some come at the very time of the command before, and expire at the very time of one that follows.
    """
    rows = rows.copy()
    again = rng.random(len(rows)) < 0.15
    rows["ts"][again] = np.maximum.accumulate(rows["ts"])[np.maximum(np.flatnonzero(again) - 1, 0)]
    clock = np.maximum.accumulate(rows["ts"])
    for kind, limits in BY_KIND.items():
        for at in np.flatnonzero((rows["kind"] == kind) & (rng.random(len(rows)) < share)):
            for name, number in limits[rng.integers(len(limits))].items():
                rows[name][at] = number
    dated = (rows["kind"] == CommandKind.NEW) & (rows["order_type"] == OrderType.LIMIT)
    dated &= (rows["tif"] == TimeInForce.GTC) & (rng.random(len(rows)) < 0.5)
    rows["tif"][dated] = TimeInForce.GTD
    rows["expire_ts"][dated] = (clock + 10 * rng.integers(0, 90, len(rows)))[dated]
    away = dated & (rng.random(len(rows)) < 0.6)
    rows["price"][away] += np.where(rows["side"][away] == 0, -9, 9)
    _aim(rng, rows, dated, clock)
    return rows


def _aim(
    rng: np.random.Generator, rows: np.ndarray, dated: npt.NDArray[np.bool_], clock: npt.NDArray[np.int64]
) -> None:
    """Let most replacements and cancels be about an order that came shortly before and may expire."""
    for at in np.flatnonzero((rows["kind"] == CommandKind.NEW) & ~dated & (rng.random(len(rows)) < 0.25)):
        rows[at] = np.zeros(1, rows.dtype)[0]
        rows["kind"][at], rows["ts"][at], rows["qty"][at] = CommandKind.REPLACE, clock[at], 5
    later = (rows["kind"] == CommandKind.REPLACE) | (rows["kind"] == CommandKind.CANCEL)
    for at in np.flatnonzero(later & (rng.random(len(rows)) < 0.8)):
        orders = np.flatnonzero(dated[:at])[-15:]
        if orders.size:
            order = rows[rng.choice(orders)]
            for name in ("order_id", "instrument", "price"):
                rows[name][at] = order[name]
            if rows["kind"][at] == CommandKind.REPLACE:
                rows["expire_ts"][at] = clock[at] + 10 * rng.integers(0, 90) if rng.random() < 0.6 else 0
                rows["qty"][at] = max(1, int(order["qty"]) - int(rng.integers(-1, 3)))
