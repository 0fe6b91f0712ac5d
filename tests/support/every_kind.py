"""Random COMMAND rows of every kind, type, time in force and flag, dense in the cases where they meet."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from rtlab.model import (
    COMMAND,
    CommandKind,
    Flag,
    Instrument,
    OrderType,
    Phase,
    Rules,
    TimeInForce,
)

RowArray = npt.NDArray[np.void]
SYMBOLS = 3
RULES = {
    "I1": Rules(reference_price=1004, price_band=9, max_qty=18, max_notional=17_000),
    "I2": Rules(
        reference_price=1005, volatility_ticks=6, volatility_ns=300, taker_fee_ppm=250, maker_fee_ppm=-100
    ),
}
SHARES = {
    CommandKind.NEW: 0.66,
    CommandKind.CANCEL: 0.1,
    CommandKind.REPLACE: 0.15,
    CommandKind.MASS_CANCEL: 0.004,
    CommandKind.PHASE: 0.02,
    CommandKind.DEPOSIT: 0.02,
    CommandKind.LIMITS: 0.016,
    CommandKind.KILL: 0.004,
    CommandKind.REVIVE: 0.016,
    CommandKind.TIME: 0.01,
}
WILD = ("kind", "instrument", "side", "order_type", "tif", "flags", "phase", "owner", "ts", "price", "qty")
WILD += ("stop_price", "display_qty", "expire_ts", "min_qty", "link_id", "trail")


def traded(count: int = SYMBOLS) -> list[Instrument]:
    return [Instrument(f"I{at}", Decimal("0.01"), Decimal(1)) for at in range(count)]


def every_kind(
    rng: np.random.Generator,
    count: int,
    *,
    first: int = 0,
    ids: int = 60,
    prices: int = 14,
    malformed: float = 0.05,
) -> RowArray:
    """Give `count` rows for three instruments; `first` is how many came before: time goes on from there."""
    rows = np.zeros(count, COMMAND)
    kinds = np.array(list(SHARES))
    rows["kind"] = rng.choice(kinds, count, p=np.array(list(SHARES.values())) / sum(SHARES.values()))
    rows["ts"] = 10 * (first + np.arange(count)) + 1
    rows["ts"][rng.random(count) < 0.2] = 0
    rows["instrument"] = rng.choice(SYMBOLS, count, p=[0.5, 0.2, 0.3])
    rows["order_id"] = rng.integers(0, ids, count)
    rows["owner"] = rng.integers(0, 5, count)
    rows["price"] = 1000 + rng.integers(0, prices, count)
    rows["qty"] = rng.integers(1, 20, count)
    _orders(rng, rows)
    _replacements(rng, rows)
    _others(rng, rows)
    _spoil(rng, rows, malformed)
    return rows


def moved(rows: RowArray, to: int, *, of: int) -> RowArray:
    """Give the rows with what was the price `of` at `to`, and all others as far from it; budgets stay."""
    rows = rows.copy()
    for name in ("price", "stop_price"):
        near = (rows[name] >= 990) & (rows[name] < 1100)
        rows[name][near] += to - of
    return rows


def _some(rng: np.random.Generator, rows: RowArray, share: float) -> npt.NDArray[np.bool_]:
    return rng.random(len(rows)) < share


def _orders(rng: np.random.Generator, rows: RowArray) -> None:
    new = rows["kind"] == CommandKind.NEW
    count = len(rows)
    rows["side"][new] = rng.integers(0, 2, count)[new]
    rows["order_type"][new] = rng.choice(6, count, p=[0.66, 0.08, 0.08, 0.08, 0.06, 0.04])[new]
    waits = new & (rows["order_type"] >= OrderType.STOP)
    rows["tif"][new] = rng.choice(5, count, p=[0.55, 0.12, 0.12, 0.12, 0.09])[new]
    rows["tif"][waits] = rng.choice([TimeInForce.GTC, TimeInForce.GTD, TimeInForce.DAY], count)[waits]
    market = new & (rows["order_type"] == OrderType.MARKET)
    rows["tif"][market] = rng.choice(3, count, p=[0.4, 0.2, 0.4])[market]
    fixed = waits & (rows["order_type"] <= OrderType.STOP_LIMIT)
    away = rng.integers(0, 8, count)
    rows["stop_price"][waits] = (1007 + np.where(rows["side"] == 0, away, -away))[waits]
    trailing = waits & ~fixed
    rows["stop_price"][trailing & _some(rng, rows, 0.5)] = 0
    rows["trail"][trailing] = rng.integers(1, 8, count)[trailing]
    basis = trailing & _some(rng, rows, 0.4)
    rows["flags"][basis] = Flag.BASIS_POINTS
    rows["trail"][basis] = rng.integers(1, 90, count)[basis]
    dated = new & (rows["tif"] == TimeInForce.GTD)
    rows["expire_ts"][dated] = (np.maximum.accumulate(rows["ts"]) + rng.integers(1, 2000, count))[dated]
    limit = new & (rows["order_type"] == OrderType.LIMIT)
    rests = limit & np.isin(rows["tif"], [TimeInForce.GTC, TimeInForce.GTD, TimeInForce.DAY])
    flags = [Flag.NONE, Flag.POST_ONLY, Flag.POST_ONLY | Flag.SLIDE, Flag.HIDDEN, Flag.ALL_OR_NONE]
    rows["flags"][rests] = rng.choice(flags, count, p=[0.6, 0.08, 0.08, 0.1, 0.14])[rests]
    hidden = new & (rows["order_type"] == OrderType.STOP_LIMIT) & _some(rng, rows, 0.1)
    rows["flags"][hidden] = Flag.HIDDEN
    priced = rests | (waits & (rows["order_type"] % 2 == 1))
    sliced = priced & (rows["flags"] & (Flag.HIDDEN | Flag.ALL_OR_NONE) == 0) & _some(rng, rows, 0.25)
    rows["display_qty"][sliced] = np.minimum(rng.integers(1, 6, count), rows["qty"])[sliced]
    least = (
        (limit | market) & (rows["tif"] != TimeInForce.FOK) & (rows["flags"] == 0) & _some(rng, rows, 0.06)
    )
    rows["min_qty"][least] = np.minimum(rng.integers(1, 9, count), rows["qty"])[least]
    budget = market & (rows["tif"] == TimeInForce.FOK) & _some(rng, rows, 0.65)
    rows["flags"][budget] = Flag.BUDGET
    rows["price"][budget] = (rows["qty"] * rng.integers(990, 1012, count))[budget]
    paired = new & _some(rng, rows, 0.35)
    rows["link_id"][paired] = (rows["order_id"] ^ (rng.random(count) < 0.98))[paired]


def _replacements(rng: np.random.Generator, rows: RowArray) -> None:
    replace = rows["kind"] == CommandKind.REPLACE
    count = len(rows)
    sliced = replace & _some(rng, rows, 0.2)
    rows["display_qty"][sliced] = np.minimum(rng.integers(1, 6, count), rows["qty"])[sliced]
    moved = replace & _some(rng, rows, 0.1)
    rows["stop_price"][moved] = rng.integers(1000, 1014, count)[moved]
    dated = replace & _some(rng, rows, 0.05)
    rows["expire_ts"][dated] = (np.maximum.accumulate(rows["ts"]) + rng.integers(1, 2000, count))[dated]
    trailed = replace & _some(rng, rows, 0.05)
    rows["trail"][trailed] = rng.integers(1, 8, count)[trailed]


def _others(rng: np.random.Generator, rows: RowArray) -> None:
    count = len(rows)
    many = rows["kind"] == CommandKind.MASS_CANCEL
    rows["side"][many] = rng.integers(0, 2, count)[many]
    flags: Sequence[int] = [0, Flag.BOTH_SIDES, Flag.ALL_INSTRUMENTS, Flag.ALL_OWNERS, 0x1C0]
    rows["flags"][many] = rng.choice(flags, count, p=[0.3, 0.3, 0.2, 0.15, 0.05])[many]
    phase = rows["kind"] == CommandKind.PHASE
    rows["phase"][phase] = rng.choice(list(Phase), count, p=[0.62, 0.1, 0.2, 0.04, 0.04])[phase]
    account = np.isin(rows["kind"], [CommandKind.DEPOSIT, CommandKind.LIMITS])
    rows["owner"][account] = rng.integers(3, 5, count)[account]
    limits = rows["kind"] == CommandKind.LIMITS
    rows["price"][limits] = rng.choice([0, 40, 120, 400], count)[limits]
    rows["qty"][limits] = rng.choice([0, 4, 12], count)[limits]
    rows["flags"][limits & _some(rng, rows, 0.4)] = Flag.CHECK_FUNDS
    deposit = rows["kind"] == CommandKind.DEPOSIT
    rows["price"][deposit] = rng.integers(-5_000, 60_000, count)[deposit]
    rows["qty"][deposit] = rng.integers(-5, 80, count)[deposit]
    kills = np.isin(rows["kind"], [CommandKind.KILL, CommandKind.REVIVE])
    rows["owner"][kills] = rng.choice([1, 3, 4], count)[kills]


WRONG = (
    {"ts": -1},
    {"instrument": SYMBOLS},
    {"instrument": (1 << 32) - 1},
    {"kind": 0},
    {"kind": 200},
    {"side": 2},
    {"order_type": 6},
    {"tif": 5},
    {"flags": 1 << 31},
    {"flags": Flag.SLIDE},
    {"phase": 1},
    {"qty": 0},
    {"qty": -(1 << 63)},
    {"qty": (1 << 62) + 1},
    {"price": -1},
    {"price": (1 << 62) + 1},
    {"display_qty": -1},
    {"display_qty": 1 << 62},
    {"min_qty": 1 << 62},
    {"expire_ts": 1},
    {"tif": TimeInForce.GTD, "expire_ts": 0},
    {"stop_price": 5},
    {"trail": 5},
    {"kind": CommandKind.PHASE, "phase": 5},
    {"kind": CommandKind.MASS_CANCEL, "owner": 0},
    {"kind": CommandKind.DEPOSIT, "price": 1 << 62, "owner": 3},
    {"kind": CommandKind.DEPOSIT, "qty": -(1 << 63), "owner": 4},
    {"kind": CommandKind.LIMITS, "price": -1, "owner": 4},
)
"""Plain orders and other commands with one thing wrong, some of them at the limits of their integers."""


def _spoil(rng: np.random.Generator, rows: RowArray, share: float) -> None:
    """Make a share of the rows wrong in a way that has a name, and as many wild in one field."""
    for at in np.flatnonzero(rng.random(len(rows)) < share):
        plain = {"kind": CommandKind.NEW, "qty": 5, "price": 1005, "side": 1}
        kept = {name: rows[name][at] for name in ("ts", "order_id", "owner", "instrument")}
        fields = plain | kept | WRONG[rng.integers(len(WRONG))]
        if rng.random() < 0.05:
            fields["link_id"] = fields["order_id"]
        if fields["ts"] == 0 and rng.random() < 0.2:
            fields["ts"] = 1
        rows[at] = np.zeros(1, COMMAND)[0]
        for name, number in fields.items():
            rows[name][at] = number
    for at in np.flatnonzero(rng.random(len(rows)) < share / 2):
        name = str(rng.choice(WILD))
        wide = np.iinfo(COMMAND[name])
        low, high = int(wide.min), int(wide.max)
        wild = [
            low,
            -1,
            0,
            1,
            2,
            3,
            5,
            6,
            high // 2 + 1,
            high // 2 + 2,
            high // 4,
            high,
            int(rows["qty"][at]) + 1,
        ]
        number = wild[rng.integers(0, len(wild))]
        if name == "ts":
            number = int(rng.choice([-1, max(1, int(rows["ts"][at]) - 500)]))
        rows[name][at] = min(max(number, low), high)
