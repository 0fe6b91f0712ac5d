"""What a changed kernel or twin has to get past: the other one's bytes, books, accounts and queue positions.

A probe plays its commands on the engine that it is given, and gives all that the two must agree on.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
from support.at_limits import LOW_RULES, at_limits
from support.every_kind import RULES, every_kind, moved, traded
from support.random_rows import instruments, random_rows

from rtlab.engine import Engine, EventKind, SelfTradePrevention
from rtlab.engine.limits import MAX_PRICE
from rtlab.engine.reference import ReferenceEngine
from rtlab.model import (
    CancelOrder,
    ChangePhase,
    CommandKind,
    Deposit,
    Instrument,
    KillOwner,
    MassCancel,
    NewOrder,
    OrderType,
    PassTime,
    Phase,
    ReplaceOrder,
    ReviveOwner,
    Rules,
    SetLimits,
    Side,
)

Kind = type[Engine] | type[ReferenceEngine]
Probe = Callable[[Kind], object]
RowArray = npt.NDArray[np.void]
ROUNDS = int(os.environ.get("RTLAB_ROUNDS", "1"))


_ORDER = {"instrument": "I0", "side": Side.BID, "qty": 9, "price": 700}
VALUES = (
    ChangePhase(instrument="I0", phase=Phase.CONTINUOUS, ts=5),
    Deposit(instrument="I0", owner=3, money=10**9, lots=7),
    SetLimits(instrument="I0", owner=3, position=10**4, open_orders=9),
    NewOrder(order_id=901, owner=3, display_qty=2, **_ORDER),
    NewOrder(order_id=902, owner=3, order_type=OrderType.STOP, **_ORDER | {"stop_price": 1100, "price": 0}),
    NewOrder(order_id=903, owner=4, **_ORDER | {"side": Side.ASK, "qty": 5}),
    MassCancel(instrument="I0", owner=3, side=Side.ASK),
    NewOrder(order_id=904, owner=4, **_ORDER | {"side": Side.ASK, "price": 1200}),
    NewOrder(order_id=905, owner=5, **_ORDER | {"qty": 1, "price": 1200}),
    ChangePhase(instrument="I0", phase=Phase.AUCTION, ts=6),
    NewOrder(order_id=906, owner=5, **_ORDER | {"price": 1201}),
    ChangePhase(instrument="I0", phase=Phase.CONTINUOUS, ts=7),
    PassTime(instrument="I0", ts=8),
    PassTime(instrument="I0", ts=7),
    KillOwner(instrument="I0", owner=3),
    ReviveOwner(instrument="I0", owner=3),
)
"""Of every other kind, and what they tell is of every kind too."""


def probes() -> Iterator[tuple[str, Probe]]:
    """Give all probes, what finds most first."""
    for seed in range(100, 108):
        yield f"commands of every kind, few {seed}", partial(_every_kind, seed, 60)
    for seed in range(5 * ROUNDS):
        yield f"commands of every kind {seed}", partial(_every_kind, seed, 400)
        if seed % 2 == 0:
            yield f"at the lowest prices {seed}", partial(_at_the_end, seed, 0, 1003)
            yield f"at the highest prices {seed}", partial(_at_the_end, seed, MAX_PRICE, 1007)
            yield f"while all grows {seed}", partial(_growing, seed)
            yield f"at the limits {seed}", partial(_at_limits, seed, False)
            yield f"at the limits and the lowest prices {seed}", partial(_at_limits, seed, True)
    yield "a deep book that drifts", _drifting
    yield "values one by one", _values


def _made(
    kind: Kind, symbols: Sequence[Instrument], seed: int, rules: Mapping[str, Rules]
) -> Engine | ReferenceEngine:
    prevention = SelfTradePrevention(seed % len(SelfTradePrevention))
    if kind is Engine:
        return Engine(symbols, self_trade_prevention=prevention, rules=rules, capacity=1)
    return kind(symbols, self_trade_prevention=prevention, rules=rules)


def _every_kind(seed: int, count: int, kind: Kind) -> object:
    rng = np.random.default_rng([seed, 23])
    ids, prices = int(rng.integers(10, 160)), int(rng.integers(3, 16))
    return _played(
        kind, traded(), seed, RULES, every_kind(rng, count, ids=ids, prices=prices, malformed=0.07)
    )


def _at_the_end(seed: int, to: int, of: int, kind: Kind) -> object:
    rng = np.random.default_rng([seed, 31])
    rows = moved(every_kind(rng, 400, ids=40, prices=10, malformed=0.03), to, of=of)
    if (
        to == MAX_PRICE
    ):  # money would not fit into 64 bits, which an interpreted kernel minds only where it writes
        accounts = (rows["kind"] >= CommandKind.DEPOSIT) & (rows["kind"] <= CommandKind.REVIVE)
        rows = rows[~accounts]
    return _played(kind, traded(), seed, {}, rows)


def _at_limits(seed: int, low: bool, kind: Kind) -> object:
    rng = np.random.default_rng([seed, 37])
    rows = at_limits(rng, every_kind(rng, 400, ids=60, prices=8, malformed=0.01))
    if low:
        rows = moved(rows, 0, of=1002)
    return _played(kind, traded(), seed, LOW_RULES if low else {}, rows)


def _growing(seed: int, kind: Kind) -> object:
    rng = np.random.default_rng([seed, 7])
    rows = random_rows(rng, 700, symbols=2, ids=600, prices=30, scatter=0.05, malformed=0.02)
    return _played(kind, instruments(2), seed, {}, rows)


def _drifting(kind: Kind) -> object:
    rows = random_rows(np.random.default_rng(1), 1500, symbols=2, ids=1200, prices=200)
    rows["price"] += (np.arange(len(rows)) ** 2) // 20 + 10_000 * rows["instrument"]
    return _played(kind, instruments(2), 0, {}, rows)


def _values(kind: Kind) -> object:
    engine, told = kind(instruments(1)), []
    for at in range(40):
        for value in (
            NewOrder(instrument="I0", order_id=at, side=Side(at % 2), qty=1 + at % 5, price=1000 + at % 3),
            ReplaceOrder(instrument="I0", order_id=at - 2, qty=3, price=1000 + at % 2),
            CancelOrder(instrument="I0", order_id=at - 5),
        ):
            told += engine.submit(value)
    for one in VALUES:
        told += engine.submit(one)
    return told


def _played(
    kind: Kind, symbols: Sequence[Instrument], seed: int, rules: Mapping[str, Rules], rows: RowArray
) -> object:
    engine = _made(kind, symbols, seed, rules)
    half = len(rows) // 2
    told = [engine.process(rows[:half])]
    if isinstance(engine, Engine) and seed % 2 == 0:
        engine = Engine.restore(engine.snapshot())
    events = np.concatenate([*told, engine.process(rows[half:])])
    owners = sorted(set(rows["owner"].tolist()))[:8]
    known = sorted(set(events["order_id"][events["kind"] == EventKind.ACCOUNT].tolist()))
    accounts = [engine.account(owner) for owner in (0, *known)]
    return events.tobytes(), engine.fees, [_held(engine, one.symbol, owners) for one in symbols], accounts


def _held(engine: Engine | ReferenceEngine, symbol: str, owners: list[int]) -> object:
    if isinstance(engine, Engine):
        positions = [engine.book(symbol, owner=owner) for owner in owners]
    else:
        positions = [engine.positions(symbol, owner) for owner in owners]
    return engine.book(symbol), engine.book(symbol, 2), positions
