"""Stops that wait, and what only orders that are not plain have."""

import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, play

from rtlab.engine.limits import MAX_QTY
from rtlab.model import Rules


@pytest.fixture(params=KERNEL_AND_TWIN)
def engine(request: pytest.FixtureRequest) -> Executes:
    return make_engine(request.param, symbols=1)


def at(engine: Executes, price: int, *, first: int = 900) -> list[str]:
    """Let one lot trade at a price."""
    return play(engine, f"buy {first} 1@{price}", f"sell {first + 1} 1@{price}")


@pytest.mark.parametrize("qty", [4, 5])
def test_a_stop_whose_quantity_alone_is_lowered_or_told_again_keeps_its_place(
    engine: Executes, qty: int
) -> None:
    at(engine, 100)
    play(engine, "buy 1 5@market stop=105", "buy 2 5@market stop=105", "sell 3 20@105")
    assert play(engine, f"replace 1 {qty}@0") == [f"1 bid replaced {qty}@0"]
    triggered = [one for one in play(engine, "buy 4 1@105") if "triggered" in one]
    assert triggered == [f"1 bid triggered {qty}@105", "2 bid triggered 5@105"]


@pytest.mark.parametrize("change", ["6@0", "5@0 stop=106", "5@0 trail=4"])
def test_a_stop_that_changes_otherwise_loses_its_place(engine: Executes, change: str) -> None:
    at(engine, 100)
    kind = "trail=5" if "trail" in change else "stop=106" if "stop" in change else "stop=105"
    back = {"trail=5": "trail=4", "stop=106": "stop=106", "stop=105": "stop=105"}[kind]
    play(engine, f"buy 1 5@market {'stop=105' if 'stop=106' in change else kind}")
    play(engine, f"buy 2 5@market {back}", "sell 3 20@107", f"replace 1 {change}")
    triggered = [one.split()[0] for one in play(engine, "buy 4 1@107") if "triggered" in one]
    assert triggered == ["2", "1"]


def test_a_stop_limit_that_is_lowered_counts_less_and_rests_as_it_shows(engine: Executes) -> None:
    at(engine, 100)
    play(engine, "buy 1 9@110 stop=105 show=2")
    assert play(engine, "replace 1 4@110") == ["1 bid replaced 4@110"]
    assert play(engine, "replace 1 4@111") == ["1 bid replaced 4@111"]
    play(engine, "sell 3 1@105")
    assert play(engine, "buy 4 1@105")[-2:] == ["1 bid triggered 4@105", "bid level 2@111 in 1"]


@pytest.mark.parametrize("terms", ["", " show=2"])
def test_a_stop_limit_that_is_lowered_keeps_its_place(engine: Executes, terms: str) -> None:
    at(engine, 100)
    play(engine, f"buy 1 9@110 stop=105{terms}", "buy 2 5@110 stop=105", "replace 1 4@110", "sell 3 1@105")
    triggered = [one for one in play(engine, "buy 4 1@105") if "triggered" in one]
    assert triggered == ["1 bid triggered 4@105", "2 bid triggered 5@105"]


def test_a_stop_limit_whose_limit_or_slice_changes_loses_its_place(engine: Executes) -> None:
    for change in ("4@111", "4@110 show=1"):
        at(engine, 100)
        play(engine, "buy 1 9@110 stop=105 show=2", "buy 2 5@110 stop=105", f"replace 1 {change}")
        play(engine, "sell 3 1@105")
        triggered = [one.split()[0] for one in play(engine, "buy 4 1@105") if "triggered" in one]
        assert triggered == ["2", "1"]
        play(engine, "cancel 1", "cancel 2")


def test_a_lowered_stop_leaves_room_to_others(engine: Executes) -> None:
    at(engine, 100)
    play(engine, f"buy 1 {MAX_QTY}@market stop=105")
    assert play(engine, f"buy 2 {MAX_QTY - 1}@market stop=105") == ["2 rejected BAD_QUANTITY"]
    play(engine, "replace 1 1@0")
    assert play(engine, f"buy 2 {MAX_QTY - 1}@market stop=105") == [f"2 bid accepted {MAX_QTY - 1}@0"]
    assert play(engine, "buy 3 1@market stop=105") == ["3 rejected BAD_QUANTITY"]


def test_a_lowered_stop_expires_when_it_was_told_last(engine: Executes) -> None:
    at(engine, 100)
    play(engine, "buy 1 5@market stop=105 gtd until=50", "replace 1 4@0 until=90")
    assert play(engine, "wait 0 at=60") == ["time"]
    assert play(engine, "wait 0 at=90")[0] == "1 bid done EXPIRED @0, 4 left"


def test_a_lowered_stop_is_cancelled_whole(engine: Executes) -> None:
    at(engine, 100)
    play(engine, "limits 0 by=7", "buy 1 9@110 stop=105 by=7", "replace 1 4@110")
    assert play(engine, "cancel 1") == ["1 bid done CANCELLED @110, 4 left"]
    state = engine.account(7)  # type: ignore[attr-defined]
    assert (state.reserved, state.orders) == (0, 0)


def test_a_trailing_stop_that_came_to_0_keeps_it_when_its_distance_changes(engine: Executes) -> None:
    at(engine, 5)
    play(engine, "sell 3 5@2 trail=10")  # it stands at 0, for there is no lower price
    assert play(engine, "replace 3 5@2 trail=2") == ["3 ask replaced 5@2"]
    assert at(engine, 3)[-2:] == ["3 ask triggered 5@3", "ask level 5@5 in 1"], (
        "its limit moved with it, from 2"
    )


@pytest.mark.parametrize(("price", "side"), [(0, "sell"), (1 << 62, "buy")])
def test_a_trailing_stop_that_would_begin_where_the_last_price_is_already_is_refused(
    engine: Executes, price: int, side: str
) -> None:
    at(engine, price)
    assert play(engine, f"{side} 3 5@market trail=1") == ["3 rejected BAD_STOP"]


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_a_trailing_stop_follows_the_price_that_a_halt_came_after(kind: str) -> None:
    engine = make_engine(kind, symbols=1, rules={"I0": Rules(volatility_ticks=8)})
    at(engine, 100)
    play(engine, "sell 9 1@market trail=5", "sell 3 1@105", "sell 4 1@120")
    assert "phase AUCTION 0@0 VOLATILITY" in play(engine, "buy 5 2@120")  # it took 105 before
    play(engine, "cancel 5", "cancel 4", "buy 6 2@100", "sell 7 1@100")
    assert "9 ask triggered 1@100" in play(engine, "phase 0 to=0")


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_a_trailing_stop_follows_the_price_of_a_closing_auction(kind: str) -> None:
    engine = make_engine(kind, symbols=1)
    at(engine, 100)
    play(
        engine,
        "sell 9 1@market trail=5",
        "phase 0 to=1",
        "buy 1 1@110",
        "sell 2 1@110",
        "phase 0 to=4",
        "phase 0 to=1",
    )
    play(engine, "buy 3 2@104", "sell 4 1@104")
    assert "9 ask triggered 1@105" in play(engine, "phase 0 to=0")
