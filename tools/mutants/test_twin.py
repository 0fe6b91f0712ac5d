"""What a mutant of the plain twin has to get past: the kernel's bytes, books, accounts and queue positions.

`make mutants` runs this file, beside the unit tests, once for each change that mutmut makes to the twin.
"""

import numpy as np
import pytest
from support.every_kind import RULES, every_kind, traded

from rtlab.engine import Engine, SelfTradePrevention
from rtlab.engine.reference import ReferenceEngine
from rtlab.errors import CommandError, InstrumentError, LocalError
from rtlab.model import CancelOrder, NewOrder, Side

COMMANDS = 400


def both(seed: int) -> tuple[Engine, ReferenceEngine]:
    prevention = SelfTradePrevention(seed % len(SelfTradePrevention))
    options = {"self_trade_prevention": prevention, "rules": RULES}
    return Engine(traded(), **options), ReferenceEngine(traded(), **options)


@pytest.mark.parametrize("seed", range(50))
def test_twin_and_kernel_agree_on_random_commands_of_every_kind(seed: int) -> None:
    rng = np.random.default_rng([seed, 23])
    rows = every_kind(
        rng, COMMANDS, ids=int(rng.integers(10, 160)), prices=int(rng.integers(3, 16)), malformed=0.07
    )
    kernel, twin = both(seed)
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
