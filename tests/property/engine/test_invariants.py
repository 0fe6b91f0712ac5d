"""What holds for every flow, checked by an auditor that reads only the events."""

import numpy as np
import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.ledger import audit
from support.random_rows import instruments, random_rows

from rtlab.engine import EventKind, Reason, SelfTradePrevention


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
@pytest.mark.parametrize("prevention", SelfTradePrevention)
@pytest.mark.parametrize("seed", range(3))
def test_priority_conservation_and_levels_hold_after_every_command(
    kind: str, prevention: SelfTradePrevention, seed: int
) -> None:
    rng = np.random.default_rng([seed, 77])
    rows = random_rows(
        rng, 2500, ids=int(rng.integers(20, 500)), prices=int(rng.integers(2, 40)), scatter=0.02
    )
    engine = make_engine(kind, symbols=3, prevention=prevention)
    events = engine.process(rows)
    ledgers = audit(events, 3)
    for instrument, ledger in zip(instruments(3), ledgers, strict=True):
        assert engine.book(instrument.symbol) == ledger.book()
        assert ledger.done > 50
    assert len(np.unique(events["command"])) == len(rows), "no command is without an answer"
    self_trades = np.count_nonzero(events["reason"] == Reason.SELF_TRADE)
    assert (self_trades > 0) == (prevention != SelfTradePrevention.NONE)


def test_prevention_leaves_no_trade_of_an_owner_with_himself() -> None:
    rows = random_rows(np.random.default_rng(1), 4000, symbols=1)
    for prevention in SelfTradePrevention:
        events = make_engine("kernel", prevention=prevention).process(rows)
        owners: dict[int, int] = {}
        met_himself = 0
        for event in events:
            if event["kind"] == EventKind.ACCEPTED:
                owners[int(event["order_id"])] = int(rows["owner"][event["command"]])
            elif event["kind"] == EventKind.TRADE:
                taker, maker = owners[int(event["order_id"])], owners[int(event["maker_id"])]
                met_himself += taker == maker != 0
        assert (met_himself > 0) == (prevention == SelfTradePrevention.NONE)


def test_the_auditor_notices_what_is_wrong() -> None:
    rows = random_rows(np.random.default_rng(2), 500, symbols=1)
    events = make_engine("twin").process(rows)
    audit(events, 1)
    wrongs = 0
    for kind, name in (
        (EventKind.TRADE, "price"),
        (EventKind.TRADE, "qty"),
        (EventKind.TRADE, "maker_id"),
        (EventKind.TRADE, "remaining"),
        (EventKind.LEVEL, "qty"),
        (EventKind.LEVEL, "remaining"),
        (EventKind.DONE, "remaining"),
        (EventKind.ACCEPTED, "qty"),
        (EventKind.REPLACED, "price"),
    ):
        wrong = events.copy()
        wrong[name][np.flatnonzero(wrong["kind"] == kind)[5]] += 1
        with pytest.raises((AssertionError, KeyError)):
            audit(wrong, 1)
        wrongs += 1
    assert wrongs == 9
    for kind in (EventKind.DONE, EventKind.LEVEL, EventKind.TRADE):
        kept = np.delete(events, np.flatnonzero(events["kind"] == kind)[5])
        kept["seq"] = np.arange(1, len(kept) + 1)
        with pytest.raises((AssertionError, KeyError)):
            audit(kept, 1)
