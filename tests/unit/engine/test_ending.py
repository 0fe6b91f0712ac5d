"""Pairs of which one cancels the other. Every sentence holds for the kernel and for the twin."""

import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, play


@pytest.fixture(params=KERNEL_AND_TWIN)
def engine(request: pytest.FixtureRequest) -> Executes:
    return make_engine(request.param, symbols=2)


def test_when_one_of_a_pair_trades_the_other_is_gone(engine: Executes) -> None:
    assert play(engine, "sell 1 5@110 link=2", "sell 2 5@120 link=1", "buy 3 5@110")[1:] == [
        "3 bid took 5@110 of 1, 0 left",
        "1 ask done FILLED @110, 0 left",
        "2 ask done LINKED @120, 5 left",
        "ask level 0@120 in 0",
        "ask level 0@110 in 0",
        "3 bid done FILLED @110, 0 left",
    ]


def test_a_part_is_enough_and_the_pair_is_no_more(engine: Executes) -> None:
    play(engine, "sell 1 5@110 link=2", "sell 2 5@120 link=1")
    assert "2 ask done LINKED @120, 5 left" in play(engine, "buy 3 1@110")
    assert play(engine, "sell 2 1@130 link=1", "cancel 1")[-1] == "ask level 0@110 in 0"
    assert play(engine, "cancel 2")[0] == "2 ask done CANCELLED @130, 1 left"


def test_one_sweep_never_fills_both(engine: Executes) -> None:
    told = play(engine, "sell 1 5@110 link=2", "sell 2 5@111 link=1", "sell 4 5@112", "buy 3 15@112")
    assert [line for line in told if "took" in line] == [
        "3 bid took 5@110 of 1, 0 left",
        "3 bid took 5@112 of 4, 0 left",
    ]


def test_a_taker_cancels_its_partner_as_soon_as_it_trades(engine: Executes) -> None:
    play(engine, "sell 9 5@100", "buy 1 5@90 link=2")
    assert play(engine, "buy 2 9@100 link=1") == [
        "2 bid accepted 9@100",
        "2 bid took 5@100 of 9, 0 left",
        "1 bid done LINKED @90, 5 left",
        "bid level 0@90 in 0",
        "9 ask done FILLED @100, 0 left",
        "ask level 0@100 in 0",
        "bid level 4@100 in 1",
    ]


def test_a_stop_and_a_limit_are_the_usual_pair(engine: Executes) -> None:
    play(engine, "sell 8 1@100", "buy 9 1@100", "sell 1 5@110 link=2", "sell 2 5@market stop=95 link=1")
    play(engine, "buy 7 9@95")
    told = play(engine, "sell 6 1@95")
    assert [line for line in told if line[0] in "12"] == [
        "2 ask triggered 5@95",
        "1 ask done LINKED @110, 5 left",
        "2 ask took 5@95 of 7, 3 left",
        "2 ask done FILLED @0, 0 left",
    ]


def test_cancel_and_expiry_of_one_cancel_the_other(engine: Executes) -> None:
    assert "2 ask done LINKED @120, 5 left" in play(
        engine, "sell 1 5@110 link=2", "sell 2 5@120 link=1", "cancel 1"
    )
    assert "4 ask done LINKED @120, 5 left" in play(
        engine, "sell 3 5@110 link=4 gtd until=9", "sell 4 5@120 link=3", "wait 0 at=9"
    )


def test_only_orders_that_name_each_other_are_a_pair(engine: Executes) -> None:
    play(engine, "sell 1 5@110 link=2", "sell 2 5@120 link=7")
    assert not any("LINKED" in line for line in play(engine, "cancel 1"))
    assert play(engine, "buy 5 5@90 link=5") == ["5 rejected BAD_LINK"]


def test_fill_or_kill_does_not_count_on_half_of_a_pair(engine: Executes) -> None:
    play(engine, "sell 1 5@110 link=2", "sell 2 5@111 link=1")
    assert play(engine, "buy 3 5@111 fok") == ["3 rejected FOK"]
