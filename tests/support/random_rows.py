"""Random COMMAND rows for the engine, dense in the cases where something can go wrong."""

from decimal import Decimal

import numpy as np
import numpy.typing as npt

from rtlab.model import COMMAND, CommandKind, Instrument

RowArray = npt.NDArray[np.void]


def instruments(count: int) -> list[Instrument]:
    return [Instrument(f"I{at}", Decimal("0.01"), Decimal(1)) for at in range(count)]


def random_rows(
    rng: np.random.Generator,
    count: int,
    *,
    symbols: int = 3,
    ids: int = 60,
    prices: int = 12,
    base: int = 1000,
    scatter: float = 0.0,
    malformed: float = 0.0,
) -> RowArray:
    """Give rows that meet: few ids, few prices and few owners.

    `scatter` is the share of prices that lie anywhere up to 2**40, `malformed` that of rows with a wild field.
    """
    rows = np.zeros(count, COMMAND)
    rows["ts"] = np.arange(count) * 1000
    rows["kind"] = rng.choice(
        [CommandKind.NEW, CommandKind.CANCEL, CommandKind.REPLACE], count, p=[0.7, 0.12, 0.18]
    )
    rows["instrument"] = rng.integers(0, symbols, count)
    rows["order_id"] = rng.integers(-ids // 2, ids // 2, count)
    rows["owner"] = rng.integers(0, 3, count)
    rows["price"] = base + rng.integers(0, prices, count)
    rows["qty"] = rng.integers(1, 20, count)
    new = rows["kind"] == CommandKind.NEW
    rows["side"] = rng.integers(0, 2, count) * new
    rows["tif"] = rng.choice([0, 1, 2], count, p=[0.8, 0.1, 0.1]) * new
    rows["order_type"] = (rng.random(count) < 0.05) * new
    rows["flags"] = (rng.random(count) < 0.1) * new * (rows["tif"] == 0) * (rows["order_type"] == 0)
    far = rng.random(count) < scatter
    rows["price"][far] = rng.integers(0, 1 << rng.integers(1, 41, far.sum()), far.sum())
    for at in np.flatnonzero(rng.random(count) < malformed):
        name = rng.choice(list(COMMAND.names or ()))
        wide = np.iinfo(COMMAND[name])
        low, high = int(wide.min), int(wide.max)
        wild = [low, high, low // 2, high // 2, high // 2 + 1, high // 4, high // 4 + 1, high // 4 + 2, 2, 3]
        rows[name][at] = wild[rng.integers(0, len(wild))]
    return rows
