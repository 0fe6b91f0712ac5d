"""Scenarios that further engines publish as their own tests, said once more in our words.

The tests are named as theirs: in seanoflynn/circus (after CME's rules) InMemoryOrderBookMinQuantityTests,
...SelfTradePreventionTests, ...MultipleSessionsTests, ...TimedResumeTests and ...IcebergTests, whose prices stand on a
grid of 10, so that five of its ticks are 50 of ours; in ArjunVachhani/order-matcher MatchingEngineSelfMatchTests; in
ratzlow/tinyEXCH (after Xetra's) HiddenOrderSpec; in hitakshiA/Havklo_sdk the book of single orders that it keeps of
Kraken. Every sentence holds for the kernel and for the twin.
"""

from collections.abc import Callable

import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, play

from rtlab.engine import Engine, SelfTradePrevention
from rtlab.engine.reference import ReferenceEngine
from rtlab.model import Rules, Side

MINUTES = 60_000_000_000
PAUSE = Rules(reference_price=100, volatility_ticks=50, volatility_ns=2 * MINUTES)


@pytest.fixture(params=KERNEL_AND_TWIN)
def make(request: pytest.FixtureRequest) -> Callable[..., Engine | ReferenceEngine]:
    return lambda **options: make_engine(request.param, **options)


@pytest.fixture
def engine(make: Callable[..., Engine | ReferenceEngine]) -> Engine | ReferenceEngine:
    return make()


@pytest.fixture
def pausing(make: Callable[..., Engine | ReferenceEngine]) -> Engine | ReferenceEngine:
    paused = make(rules={"I0": PAUSE})
    told = play(paused, "sell 1 5@200 at=1", "buy 2 5@200 at=1")
    assert "phase AUCTION 0@0 VOLATILITY" in told
    assert not any("took" in line for line in told)
    return paused


def trades(told: list[str]) -> list[str]:
    return [line for line in told if " took " in line]


# minimum quantity


@pytest.mark.parametrize("least", [-1, 6])
def test_circus_min_quantity_outside_valid_range_rejected(engine: Executes, least: int) -> None:
    assert play(engine, f"buy 1 5@100 ioc least={least}") == ["1 rejected BAD_MIN_QTY"]


def test_circus_sufficient_for_min_quantity_fills_available_cancels_remainder(engine: Executes) -> None:
    play(engine, "sell 1 3@100 day")
    told = play(engine, "buy 2 5@100 ioc least=3")
    assert trades(told) == ["2 bid took 3@100 of 1, 0 left"]
    assert told[-1] == "2 bid done IOC @100, 2 left"


def test_circus_insufficient_for_min_quantity_rejected_outright_nothing_fills(
    engine: Engine | ReferenceEngine,
) -> None:
    play(engine, "sell 1 2@100 day")
    assert play(engine, "buy 2 5@100 ioc least=3") == ["2 rejected MIN_QTY"]
    assert engine.book("I0") == ([], [(100, 2)])


def test_circus_hidden_reserve_counts_in_full_for_min_quantity(engine: Engine | ReferenceEngine) -> None:
    play(engine, "sell 1 20@100 day show=3")
    told = play(engine, "buy 2 15@100 ioc least=15")
    assert [line.split()[3] for line in trades(told)] == ["3@100"] * 5
    assert told[-1] == "2 bid done FILLED @100, 0 left"
    assert engine.book("I0") == ([], [(100, 3)])


# orders of the day


def test_circus_intraday_close_day_order_still_trades_in_the_next_session(engine: Executes) -> None:
    # their break is our halt, which ends no day
    play(engine, "buy 1 5@100 day")
    assert play(engine, "phase 0 to=3") == ["phase HALTED 0@0"]
    play(engine, "phase 0 to=1", "phase 0 to=0")
    assert trades(play(engine, "sell 2 5@100 day")) == ["2 ask took 5@100 of 1, 0 left"]


def test_circus_final_close_day_order_expires(engine: Executes) -> None:
    play(engine, "buy 1 5@100 day", "phase 0 to=3", "phase 0 to=1", "phase 0 to=0")
    assert play(engine, "phase 0 to=4")[0] == "1 bid done EXPIRED @100, 5 left"


def test_circus_good_til_canceled_order_survives_final_close_too(engine: Engine | ReferenceEngine) -> None:
    play(engine, "buy 1 5@100")
    assert play(engine, "phase 0 to=4") == ["phase CLOSED 0@0"]
    assert engine.book("I0") == ([(100, 5)], [])


# a volatility halt that ends in an auction: 100 before, and a trade at 200


def test_circus_pause_with_duration_not_yet_elapsed_stays_paused(pausing: Executes) -> None:
    second = MINUTES // 60
    assert play(pausing, f"wait 0 at={2 * MINUTES + 1 - second}") == ["time"]


def test_circus_resuming_prints_what_accumulated_during_the_pause(pausing: Engine | ReferenceEngine) -> None:
    told = play(pausing, f"wait 0 at={2 * MINUTES + 1}")
    assert trades(told) == ["2 bid took 5@200 of 1, 0 left"]
    assert "phase CONTINUOUS 5@200 VOLATILITY" in told
    assert pausing.book("I0") == ([], [])


def test_circus_resume_also_fires_on_ordinary_order_flow(pausing: Executes) -> None:
    told = play(pausing, f"buy 3 5@90 day at={2 * MINUTES + 1}")
    assert told.index("phase CONTINUOUS 5@200 VOLATILITY") < told.index("3 bid accepted 5@90")


def test_circus_pause_without_duration_stands_until_ended_explicitly(
    make: Callable[..., Engine | ReferenceEngine],
) -> None:
    engine = make(rules={"I0": Rules(reference_price=100, volatility_ticks=50)})
    play(engine, "sell 1 5@200 at=1", "buy 2 5@200")
    assert play(engine, f"wait 0 at={24 * 60 * MINUTES}") == ["time"]
    assert "phase CONTINUOUS 5@200" in play(engine, "phase 0 to=0")


def test_circus_explicit_transition_during_pause_cancels_the_pending_resume(pausing: Executes) -> None:
    play(pausing, "cancel 1", "phase 0 to=4")
    assert play(pausing, f"wait 0 at={2 * MINUTES + 1}") == ["time"]


# self-trade prevention

PREVENTED = {
    # by what is prevented, their second order's quantity, and what both come to
    "CancelNewest": (SelfTradePrevention.CANCEL_NEWEST, 900, ([(10, 1000)], [])),
    "CancelOldest": (SelfTradePrevention.CANCEL_OLDEST, 900, ([], [(10, 900)])),
    "Decrement_IncomingLargerQuantity": (SelfTradePrevention.DECREMENT, 1100, ([], [(10, 100)])),
    "Decrement_IncomingSmallerQuantity": (SelfTradePrevention.DECREMENT, 900, ([(10, 100)], [])),
}


@pytest.mark.parametrize("name", PREVENTED)
def test_order_matcher_add_order_matches_with_same_user(
    make: Callable[..., Engine | ReferenceEngine], name: str
) -> None:
    prevention, qty, left = PREVENTED[name]
    engine = make(prevention=prevention)
    told = play(engine, "buy 1 1000@10 by=1", f"sell 2 {qty}@10 by=1")
    assert trades(told) == []
    assert sum("done SELF_TRADE" in line for line in told) == 1
    assert engine.book("I0") == left


def test_circus_cancel_resting_cancels_resting_order_aggressor_continues_matching(
    make: Callable[..., Engine | ReferenceEngine],
) -> None:
    engine = make(prevention=SelfTradePrevention.CANCEL_OLDEST)
    told = play(engine, "sell 1 5@100 by=1", "sell 2 5@100 by=2", "buy 3 5@100 by=1")
    assert told[1:3] == ["1 ask done SELF_TRADE @100, 5 left", "3 bid took 5@100 of 2, 0 left"]
    assert engine.book("I0") == ([], [])


def test_circus_cancel_both_cancels_both_orders(make: Callable[..., Engine | ReferenceEngine]) -> None:
    engine = make(prevention=SelfTradePrevention.CANCEL_BOTH)
    told = play(engine, "sell 1 5@100 by=1", "buy 2 5@100 by=1")
    assert [line for line in told if "done" in line] == [
        "1 ask done SELF_TRADE @100, 5 left",
        "2 bid done SELF_TRADE @100, 5 left",
    ]
    assert engine.book("I0") == ([], [])


def test_circus_fill_or_kill_counts_liquidity_only_where_the_aggressor_gets(
    make: Callable[..., Engine | ReferenceEngine],
) -> None:
    oldest, newest = (
        make(prevention=prevention)
        for prevention in (SelfTradePrevention.CANCEL_OLDEST, SelfTradePrevention.CANCEL_NEWEST)
    )
    told = play(oldest, "sell 1 2@100 by=1", "sell 2 5@100 by=2", "buy 3 5@100 by=1 fok")
    assert trades(told) == ["3 bid took 5@100 of 2, 0 left"]
    told = play(newest, "sell 1 2@100 by=1", "sell 2 10@100 by=2", "buy 3 5@100 by=1 fok")
    assert told == ["3 rejected FOK"]
    assert newest.book("I0") == ([], [(100, 12)])


# hidden orders and queue positions


def test_tinyexch_market_order_hits_limit_and_hidden_order_at_different_price(
    engine: Engine | ReferenceEngine,
) -> None:
    play(engine, "buy 1 6000@200 hidden", "buy 2 1000@199")
    assert engine.book("I0") == ([(199, 1000)], [])
    assert trades(play(engine, "sell 3 6000@market")) == ["3 ask took 6000@200 of 1, 0 left"]
    assert engine.book("I0") == ([(199, 1000)], [])


def test_havklo_queue_position(engine: Engine | ReferenceEngine) -> None:
    play(engine, "buy 1 1@100 by=1", "buy 2 2@100 by=2", "buy 3 3@100 by=3")
    kernel = isinstance(engine, Engine)
    (found,) = engine.book("I0", owner=2) if kernel else engine.positions("I0", 2)
    assert found == (2, Side.BID, 100, 2, 2, 1, 1)  # of three orders one with one lot comes before it
