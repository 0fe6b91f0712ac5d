"""The kernel and its plain twin give the same bytes for random commands of every kind, in any batches.

200,000 commands; RTLAB_ROUNDS=200 (`make test-full`) makes it 10,000,000.
"""

import os

import numpy as np
import pytest
from support.at_limits import LOW_RULES, at_limits
from support.every_kind import RULES, every_kind, moved, traded
from support.invariants import Auditor

from rtlab.engine import CommandKind, Engine, EventKind, Reason, SelfTradePrevention
from rtlab.engine.limits import MAX_PRICE
from rtlab.engine.reference import ReferenceEngine
from rtlab.model import Flag, MassCancel, Phase, Rules

EVERYTHING = Flag.ALL_OWNERS | Flag.BOTH_SIDES | Flag.ALL_INSTRUMENTS
ROUNDS = max(1, int(os.environ.get("RTLAB_ROUNDS", "1")) // 4)
RUNS, COMMANDS = 40 * ROUNDS, 5_000

BEYOND_A_LIMIT = {
    Reason.BAD_QUANTITY,
    Reason.BAD_PRICE,
    Reason.BAD_DISPLAY,
    Reason.BAD_MIN_QTY,
    Reason.BAD_TRAIL,
}
BEYOND_A_LIMIT |= {Reason.BAD_STOP, Reason.BAD_EXPIRY, Reason.BAD_AMOUNT}

pytestmark = [pytest.mark.rounds, pytest.mark.timeout(120 + 60 * ROUNDS)]


def test_random_commands_of_every_kind_give_the_same_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    kinds, told, reasons = (np.zeros(256, np.int64) for _ in range(3))
    for seed in range(RUNS):
        rng = np.random.default_rng([seed, 11])
        rows = every_kind(
            rng, COMMANDS, ids=int(rng.integers(10, 160)), prices=int(rng.integers(3, 16)), malformed=0.07
        )
        prevention = SelfTradePrevention(seed % len(SelfTradePrevention))
        twin = ReferenceEngine(traded(), self_trade_prevention=prevention, rules=RULES)
        kernel = Engine(traded(), self_trade_prevention=prevention, rules=RULES, capacity=1)
        expected = twin.process(rows)
        cuts = np.sort(rng.integers(0, COMMANDS, int(rng.integers(0, 9))))
        events = np.concatenate([kernel.process(part) for part in np.split(rows, cuts)])
        assert events.tobytes() == expected.tobytes(), f"seed {seed}: {first_difference(events, expected)}"
        kinds += np.bincount(rows["kind"], minlength=256)
        told += np.bincount(events["kind"], minlength=256)
        reasons += np.bincount(events["reason"], minlength=256)
    with capsys.disabled():
        print(f"\n{RUNS * COMMANDS:,} commands of every kind, {told.sum():,} events, kernel and twin equal")
        for title, codes, counts, total in (
            ("commands", CommandKind, kinds, kinds.sum()),
            ("events", EventKind, told, told.sum()),
            ("reasons, of commands", Reason, reasons, kinds.sum()),
        ):
            shares = ", ".join(f"{code.name} {100 * counts[code] / total:.2f} %" for code in codes)
            print(f"  {title}: {shares}")
            rare = [code.name for code in codes if counts[code] < total / 1000]
            assert rare == [], f"below 0.1 % of {title}"


@pytest.mark.parametrize(("to", "of"), [(0, 1003), (MAX_PRICE, 1007)])
def test_random_commands_at_the_ends_of_the_prices_give_the_same_bytes(to: int, of: int) -> None:
    at_the_end = 0
    for seed in range(10 * ROUNDS):
        rng = np.random.default_rng([seed, 31])
        rows = moved(every_kind(rng, 400, ids=40, prices=10, malformed=0.03), to, of=of)
        prevention = SelfTradePrevention(seed % len(SelfTradePrevention))
        expected = ReferenceEngine(traded(), self_trade_prevention=prevention).process(rows)
        events = Engine(traded(), self_trade_prevention=prevention, capacity=1).process(rows)
        assert events.tobytes() == expected.tobytes(), f"seed {seed}: {first_difference(events, expected)}"
        at_the_end += np.count_nonzero((events["kind"] == EventKind.TRADE) & (events["price"] == to))
    assert at_the_end > 10 * ROUNDS


@pytest.mark.parametrize("rules", [{}, LOW_RULES])
def test_random_commands_at_the_limits_give_the_same_bytes(rules: dict[str, Rules]) -> None:
    told: set[tuple[int, int]] = set()
    for seed in range(10 * ROUNDS):
        rng = np.random.default_rng([seed, 37])
        rows = at_limits(rng, every_kind(rng, 400, ids=60, prices=8, malformed=0.01))
        if rules:
            rows = moved(rows, 0, of=1002)
        prevention = SelfTradePrevention(seed % len(SelfTradePrevention))
        expected = ReferenceEngine(traded(), self_trade_prevention=prevention, rules=rules).process(rows)
        kernel = Engine(traded(), self_trade_prevention=prevention, capacity=1, rules=rules)
        events = kernel.process(rows)
        assert events.tobytes() == expected.tobytes(), f"seed {seed}: {first_difference(events, expected)}"
        told |= set(zip(events["kind"].tolist(), events["reason"].tolist(), strict=True))
    assert {Reason(reason) for kind, reason in told if kind == EventKind.REJECTED} >= BEYOND_A_LIMIT
    assert (EventKind.DONE, Reason.EXPIRED) in told


def test_what_must_hold_of_every_market_holds_for_random_commands_of_every_kind() -> None:
    for seed in range(20 * ROUNDS):
        rng = np.random.default_rng([seed, 41])
        rows = every_kind(
            rng, 1000, ids=int(rng.integers(10, 60)), prices=int(rng.integers(3, 14)), malformed=0.03
        )
        opens = rows["kind"] == CommandKind.PHASE
        rows["phase"][opens & (rng.random(len(rows)) < 0.5)] = Phase.CONTINUOUS
        rows["phase"][opens & (rows["phase"] == Phase.HALTED)] = Phase.AUCTION
        prevention = SelfTradePrevention(seed % len(SelfTradePrevention))
        engine = Engine(
            traded(), self_trade_prevention=prevention, rules=RULES if seed % 3 else None, capacity=1
        )
        auditor, events = Auditor(len(traded())), engine.process(rows)
        for of_one in np.split(events, np.flatnonzero(np.diff(events["command"])) + 1):
            auditor.hear(of_one)
        for at, instrument in enumerate(traded()):
            assert engine.book(instrument.symbol) == auditor.markets[at].book(), f"seed {seed}"
        engine.submit(MassCancel(instrument=traded()[0].symbol, flags=EVERYTHING))
        left = engine._storage
        for name in ("live", "links", "heaped"):
            assert left.state[name] == 0, f"seed {seed}: {name}"
        for counters in (left.ladders["total"], left.markets["waiting"], left.accounts["orders"]):
            assert not counters.any(), f"seed {seed}"
        for counters in (left.accounts["reserved"], left.positions["buys"], left.positions["sells"]):
            assert not counters.any(), f"seed {seed}"


def first_difference(events: np.ndarray, expected: np.ndarray) -> str:
    shared = min(len(events), len(expected))
    differing = np.flatnonzero(events[:shared] != expected[:shared])
    at = int(differing[0]) if differing.size else shared
    return f"event {at}: kernel {events[at : at + 1]}, twin {expected[at : at + 1]}"


def test_the_comparison_sees_one_wrong_lot() -> None:
    rows = every_kind(np.random.default_rng(1), 500)
    expected = ReferenceEngine(traded(), rules=RULES).process(rows)
    events = expected.copy()
    events["qty"][77] += 1
    assert "event 77" in first_difference(events, expected)
