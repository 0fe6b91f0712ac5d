"""A state machine over all order types: kernel and twin step by step, with an auditor that knows only events."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.every_kind import RULES, every_kind, traded
from support.invariants import Auditor
from support.play import command

from rtlab.engine import Engine, EventKind, SelfTradePrevention
from rtlab.engine.reference import ReferenceEngine

IDS = st.integers(1, 12)
SIDES = st.sampled_from(["buy", "sell"])
PRICES = st.integers(96, 104)
QUANTITIES = st.integers(1, 9)
OWNERS = st.sampled_from(["", " by=1", " by=2", " by=3"])
TERMS = st.sampled_from(
    [
        "",
        "",
        "",
        " ioc",
        " fok",
        " post",
        " slide",
        " hidden",
        " whole",
        " show=2",
        " day",
        " least=2",
        " link=3",
    ]
)
PLACES = st.sampled_from(["", "", " on=1", " on=2"])


class EveryOrder(RuleBasedStateMachine):
    """Commands one by one; every fifth snapshot replaces the kernel by one that was restored."""

    @initialize(prevention=st.sampled_from(SelfTradePrevention))
    def begin(self, prevention: SelfTradePrevention) -> None:
        self.kernel = Engine(traded(), self_trade_prevention=prevention, rules=RULES, capacity=1)
        self.twin = ReferenceEngine(traded(), self_trade_prevention=prevention, rules=RULES)
        self.auditor = Auditor(3)
        self.now = 0

    def say(self, text: str) -> None:
        row = command(text)
        events = self.kernel.process(row)
        assert events.tobytes() == self.twin.process(row).tobytes(), text
        self.auditor.hear(events)

    @rule(side=SIDES, order=IDS, qty=QUANTITIES, price=PRICES, terms=TERMS, owner=OWNERS, place=PLACES)
    def limit(self, side: str, order: int, qty: int, price: int, terms: str, owner: str, place: str) -> None:
        self.say(f"{side} {order} {qty}@{price}{terms}{owner}{place}")

    @rule(side=SIDES, order=IDS, qty=QUANTITIES, owner=OWNERS, budget=st.integers(0, 1000))
    def market(self, side: str, order: int, qty: int, owner: str, budget: int) -> None:
        self.say(
            f"{side} {order} {qty}@market{owner}" + (f" fok budget price={budget}" if budget % 3 else "")
        )

    @rule(
        side=SIDES, order=IDS, qty=QUANTITIES, stop=PRICES, limit=st.one_of(st.none(), PRICES), owner=OWNERS
    )
    def stop(self, side: str, order: int, qty: int, stop: int, limit: int | None, owner: str) -> None:
        self.say(f"{side} {order} {qty}@{limit or 'market'} stop={stop}{owner}")

    @rule(side=SIDES, order=IDS, qty=QUANTITIES, trail=st.integers(1, 4), bps=st.sampled_from(["", " bps"]))
    def trail(self, side: str, order: int, qty: int, trail: int, bps: str) -> None:
        self.say(f"{side} {order} {qty}@market trail={trail}{bps}")

    @rule(side=SIDES, order=IDS, qty=QUANTITIES, price=PRICES, after=st.integers(1, 60))
    def dated(self, side: str, order: int, qty: int, price: int, after: int) -> None:
        self.say(f"{side} {order} {qty}@{price} gtd until={self.now + after}")

    @rule(order=IDS, place=PLACES)
    def cancel(self, order: int, place: str) -> None:
        self.say(f"cancel {order}{place}")

    @rule(
        order=IDS, qty=QUANTITIES, price=PRICES, show=st.sampled_from(["", "", " show=1", " stop_price=99"])
    )
    def replace(self, order: int, qty: int, price: int, show: str) -> None:
        self.say(f"replace {order} {qty}@{price}{show}")

    @rule(owner=st.integers(1, 3), how=st.sampled_from(["", " both", " everywhere", " everyone"]))
    def sweep(self, owner: int, how: str) -> None:
        self.say(f"sweep 0 by={owner}{how}")

    @rule(phase=st.sampled_from([0, 0, 0, 1, 2, 2, 3, 4]), place=PLACES)
    def enter(self, phase: int, place: str) -> None:
        self.say(f"phase 0 to={phase}{place}")

    @rule(
        what=st.sampled_from(["deposit", "limits", "kill", "revive"]),
        owner=st.integers(1, 3),
        money=st.integers(0, 5000),
        qty=st.integers(0, 9),
    )
    def account(self, what: str, owner: int, money: int, qty: int) -> None:
        amounts = f" price={money} qty={qty}" if what in ("deposit", "limits") else ""
        self.say(f"{what} 0 by={owner}{amounts}")

    @rule(after=st.integers(1, 40))
    def wait(self, after: int) -> None:
        self.now += after
        self.say(f"wait 0 at={self.now}")

    @precondition(lambda self: self.auditor.command % 5 == 4)
    @rule()
    def restore(self) -> None:
        self.kernel = Engine.restore(self.kernel.snapshot())

    @invariant()
    def books_are_what_the_events_told(self) -> None:
        for at, market in enumerate(self.auditor.markets):
            assert self.kernel.book(f"I{at}") == self.twin.book(f"I{at}") == market.book()


EveryOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestEveryOrder = EveryOrder.TestCase


def audited(events: np.ndarray) -> Auditor:
    auditor = Auditor(3)
    for part in np.split(events, np.flatnonzero(np.diff(events["command"])) + 1):
        auditor.hear(part)
    return auditor


@pytest.mark.parametrize("seed", range(6))
def test_invariants_hold_after_every_command_of_a_long_random_run(seed: int) -> None:
    rows = every_kind(np.random.default_rng([seed, 21]), 2500, ids=90, malformed=0.0)
    prevention = SelfTradePrevention(seed % 5)
    events = Engine(traded(), self_trade_prevention=prevention, rules=RULES).process(rows)
    assert sum(market.accepted for market in audited(events).markets) > 500


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (EventKind.TRADE, "qty"),
        (EventKind.TRADE, "remaining"),
        (EventKind.DONE, "remaining"),
        (EventKind.LEVEL, "qty"),
        (EventKind.ACCEPTED, "seq"),
    ],
)
def test_the_auditor_notices_what_is_wrong(kind: EventKind, name: str) -> None:
    rows = every_kind(np.random.default_rng(5), 1500, ids=90, malformed=0.0)
    events = Engine(traded(), rules=RULES).process(rows)
    audited(events)
    events[name][np.flatnonzero(events["kind"] == kind)[10]] += 1_000_000
    with pytest.raises((AssertionError, KeyError)):
        audited(events)
