"""What a mutant of the plain twin has to get past: the kernel's bytes, books, accounts and queue positions.

`make mutants` runs this file, beside the unit tests, once for each change that mutmut makes to the twin.
"""

import os
from collections.abc import Mapping

import numpy as np
import pytest
from support.every_kind import RULES, every_kind, moved, traded

from rtlab.engine import Engine, SelfTradePrevention
from rtlab.engine.limits import MAX_PRICE
from rtlab.engine.reference import ReferenceEngine
from rtlab.errors import CommandError, InstrumentError, LocalError
from rtlab.model import CancelOrder, NewOrder, Rules, Side

ROUNDS = int(os.environ.get("RTLAB_ROUNDS", "1"))
COMMANDS = 400


def both(seed: int, rules: Mapping[str, Rules] = RULES) -> tuple[Engine, ReferenceEngine]:
    prevention = SelfTradePrevention(seed % len(SelfTradePrevention))
    options = {"self_trade_prevention": prevention, "rules": rules}
    return Engine(traded(), **options), ReferenceEngine(traded(), **options)


@pytest.mark.parametrize("seed", range(50 * ROUNDS))
def test_twin_and_kernel_agree_on_random_commands_of_every_kind(seed: int) -> None:
    rng = np.random.default_rng([seed, 23])
    rows = every_kind(
        rng, COMMANDS, ids=int(rng.integers(10, 160)), prices=int(rng.integers(3, 16)), malformed=0.07
    )
    kernel, twin = both(seed)
    same(kernel, twin, rows)


@pytest.mark.parametrize("seed", range(10 * ROUNDS))
@pytest.mark.parametrize(("to", "of"), [(0, 1003), (MAX_PRICE, 1007)])
def test_twin_and_kernel_agree_at_the_ends_of_the_prices(seed: int, to: int, of: int) -> None:
    rng = np.random.default_rng([seed, 31])
    rows = moved(every_kind(rng, COMMANDS, ids=40, prices=10, malformed=0.03), to, of=of)
    same(*both(seed, {}), rows)


def same(kernel: Engine, twin: ReferenceEngine, rows: np.ndarray) -> None:
    assert twin.process(rows).tobytes() == kernel.process(rows).tobytes()
    assert twin.fees == kernel.fees
    owners = set(rows["owner"].tolist())
    for symbol in (one.symbol for one in traded()):
        assert twin.book(symbol) == kernel.book(symbol)
        assert twin.book(symbol, 2) == kernel.book(symbol, 2)
        for owner in owners:
            assert twin.positions(symbol, owner) == kernel.book(symbol, owner=owner)
    for owner in owners:
        try:
            held = kernel.account(owner)
        except LocalError:
            continue
        told = twin.account(owner)
        assert (told.money, told.killed, told.lots) == (held.money, held.killed, held.lots)


def test_twin_and_kernel_agree_on_values_one_by_one_and_on_what_they_refuse() -> None:
    kernel, twin = both(0)
    for at in range(40):
        for value in (
            NewOrder(instrument="I0", order_id=at, side=Side(at % 2), qty=1 + at % 5, price=1000 + at % 3),
            CancelOrder(instrument="I0", order_id=at - 3),
        ):
            assert twin.submit(value) == kernel.submit(value)
    for engine in (kernel, twin):
        with pytest.raises(InstrumentError, match="expected I0, I1, I2, got DOGE"):
            engine.book("DOGE")
        with pytest.raises(CommandError, match="no command rows"):
            engine.process(np.zeros(3))
