"""Scenarios that NautilusTrader publishes as its own tests, said once more in our words.

The tests are named as theirs in test_exchange_margin.py, test_exchange_trailing_stops.py,
test_exchange_contingencies.py and test_risk_engine.py. Prices are in ticks of a thousandth; where its quotes move, ours
are trades, for a stop here looks at the last price. Every sentence holds for the kernel and for the twin.
"""

import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, play

from rtlab.model import Rules

LIMITS = {"I1": Rules(max_qty=100_000_000, max_notional=10_000_000_000)}
LOTS = 100_000


@pytest.fixture(params=KERNEL_AND_TWIN)
def engine(request: pytest.FixtureRequest) -> Executes:
    return make_engine(request.param, symbols=2, rules=LIMITS)


def traded(engine: Executes, price: int) -> list[str]:
    """Let the last price be `price`; give what that sets off."""
    told = play(engine, f"sell 900 1@{price}", f"buy 901 1@{price}")
    return told[told.index(f"901 bid done FILLED @{price}, 0 left") + 1 :]


def test_nautilus_submit_post_only_limit_order_when_marketable_then_rejects(engine: Executes) -> None:
    play(engine, f"buy 1 {LOTS}@90002", f"sell 2 {LOTS}@90005")
    assert play(engine, f"buy 3 {LOTS}@90005 post") == ["3 rejected POST_ONLY"]
    assert play(engine, f"buy 3 {LOTS}@90004 post")[0] == f"3 bid accepted {LOTS}@90004"


def test_nautilus_cancel_all_orders_cancels_all_orders(engine: Executes) -> None:
    play(engine, f"buy 1 {LOTS}@90000 by=7", f"sell 2 {LOTS}@90010 by=7", f"buy 3 {LOTS}@90000 by=8")
    assert play(engine, "sweep 0 by=7 both")[-1] == "swept 2 of 7"
    assert engine.book("I0") == ([(90_000, LOTS)], [])  # type: ignore[attr-defined]


def test_nautilus_cancel_all_orders_with_buy_side_filter_cancels_all_buy_orders(engine: Executes) -> None:
    play(engine, f"buy 1 {LOTS}@90000 by=7", f"buy 2 {LOTS}@90000 by=7", f"sell 3 {LOTS}@90010 by=7")
    told = play(engine, "sweep 0 by=7")
    assert [line for line in told if "done" in line] == [
        f"1 bid done MASS_CANCELLED @90000, {LOTS} left",
        f"2 bid done MASS_CANCELLED @90000, {LOTS} left",
    ]
    assert engine.book("I0") == ([], [(90_010, LOTS)])  # type: ignore[attr-defined]


def test_nautilus_expire_order(engine: Executes) -> None:
    traded(engine, 90_005)
    minute = 60_000_000_000
    play(engine, f"buy 1 {LOTS}@market stop=96711 gtd until={minute}")
    told = play(engine, f"buy 2 1@96709 at={minute}")
    assert told[0] == f"1 bid done EXPIRED @0, {LOTS} left"
    assert traded(engine, 96_711) == []


def follows(engine: Executes, trailing: str, *, favourable: int, back: int, trigger: int) -> None:
    """Check that an order follows the price one way, stays while it comes back, and is set off at `trigger`."""
    play(engine, trailing)
    assert traded(engine, favourable) == []
    assert traded(engine, back) == [], "the market moves against it, and it stays where it was"
    assert any(line.startswith("1 ") and "triggered" in line for line in traded(engine, trigger))


@pytest.mark.parametrize(
    ("side", "favourable", "back", "trigger"),
    [("buy", 13_000, 13_500, 14_000), ("sell", 15_000, 14_500, 14_000)],
)
def test_nautilus_trailing_stop_market_order_when_offset_activated_updates_order(
    engine: Executes, side: str, favourable: int, back: int, trigger: int
) -> None:
    traded(engine, 14_000)
    order = f"{side} 1 200@market trail=1000"
    follows(engine, order, favourable=favourable, back=back, trigger=trigger)


@pytest.mark.parametrize(
    ("side", "favourable", "short_of", "trigger"),
    [("buy", 13_000, 13_259, 13_260), ("sell", 14_000, 13_721, 13_720)],
)
def test_nautilus_trailing_stop_limit_order_basis_points_when_offset_activated_updates_order(
    engine: Executes, side: str, favourable: int, short_of: int, trigger: int
) -> None:
    traded(engine, 13_500)
    order = f"{side} 1 200@13500 trail=200 bps"
    follows(engine, order, favourable=favourable, back=short_of, trigger=trigger)


def test_nautilus_filling_bracket_tp_cancels_sl_order(engine: Executes) -> None:
    traded(engine, 3100)
    play(engine, "sell 2 10@market stop=3050 link=3", "sell 3 10@3150 link=2")
    told = play(engine, "buy 4 10@3150")
    assert "4 bid took 10@3150 of 3, 0 left" in told
    assert [line for line in told if line.startswith("2 ")] == ["2 ask done LINKED @0, 10 left"]
    assert engine.book("I0") == ([], [])  # type: ignore[attr-defined]


def test_nautilus_filling_bracket_sl_cancels_tp_order(engine: Executes) -> None:
    traded(engine, 3100)
    play(engine, "sell 2 10@market stop=3050 link=3", "sell 3 10@3150 link=2", "buy 5 10@3049")
    told = traded(engine, 3050)
    assert "2 ask triggered 10@3050" in told
    assert "3 ask done LINKED @3150, 10 left" in told
    assert "2 ask took 10@3049 of 5, 0 left" in told


def test_nautilus_submit_order_when_invalid_quantity_exceeds_maximum_then_denies(engine: Executes) -> None:
    assert play(engine, "buy 1 1000000000@1 on=1") == ["1 rejected ORDER_QTY"]
    assert play(engine, "buy 1 100000000@1 on=1")[0] == "1 bid accepted 100000000@1"


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_nautilus_submit_order_when_greater_than_max_notional_then_denies(
    engine: Executes, side: str
) -> None:
    assert play(engine, f"{side} 1 {LOTS}@100001 on=1") == ["1 rejected NOTIONAL"]
    assert play(engine, f"{side} 1 {LOTS}@100000 on=1")[0].endswith(f" accepted {LOTS}@100000")


@pytest.mark.parametrize(
    ("halt", "go_on", "reason"),
    [("phase 0 to=3", "phase 0 to=0", "PHASE"), ("kill 0 by=7", "revive 0 by=7", "KILLED")],
)
def test_nautilus_submit_order_when_trading_halted_then_denies_order(
    engine: Executes, halt: str, go_on: str, reason: str
) -> None:
    play(engine, halt)
    assert play(engine, f"buy 1 {LOTS}@market by=7") == [f"1 rejected {reason}"]
    assert play(engine, go_on, f"buy 1 {LOTS}@90000 by=7")[0] == f"1 bid accepted {LOTS}@90000"


@pytest.mark.parametrize(("side", "other"), [("buy", "sell"), ("sell", "buy")])
def test_nautilus_submit_order_list_buys_when_trading_reducing_then_denies_orders(
    engine: Executes, side: str, other: str
) -> None:
    play(engine, f"limits 0 by=7 price={LOTS}", f"{other} 900 {LOTS}@90000", f"{side} 1 {LOTS}@market by=7")
    for order in (f"{LOTS}@market", f"{LOTS}@market stop=90001", f"{LOTS}@110000"):
        assert play(engine, f"{side} 2 {order} by=7") == ["2 rejected POSITION"], "he may only reduce"
    assert play(engine, f"{other} 2 {LOTS}@90000 by=7")[0].endswith(f" accepted {LOTS}@90000")
