"""Orders that last until a time. Every sentence holds for the kernel and for the twin."""

import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, play


@pytest.fixture(params=KERNEL_AND_TWIN)
def engine(request: pytest.FixtureRequest) -> Executes:
    return make_engine(request.param, symbols=2)


def test_a_dated_order_is_gone_before_the_first_command_at_its_time(engine: Executes) -> None:
    assert play(engine, "buy 1 5@100 gtd until=50 at=10", "sell 2 5@100 at=50") == [
        "1 bid done EXPIRED @100, 5 left",
        "bid level 0@100 in 0",
        "2 ask accepted 5@100",
        "ask level 5@100 in 1",
    ]


def test_until_then_it_trades_and_what_is_filled_never_expires(engine: Executes) -> None:
    assert play(engine, "buy 1 5@100 gtd until=50 at=10", "sell 2 5@100 at=49")[-1] == (
        "2 ask done FILLED @100, 0 left"
    )
    assert play(engine, "wait 0 at=60") == ["time"]


def test_the_first_to_expire_goes_first_and_of_two_the_older(engine: Executes) -> None:
    book = [
        "buy 1 1@100 gtd until=70",
        "buy 2 1@101 gtd until=50",
        "buy 3 1@102 gtd until=60",
        "buy 4 1@103 gtd until=50 on=1",
        "buy 5 1@104 gtd until=500",
    ]
    told = play(engine, *book, "wait 0 at=70")
    assert [line.split()[0] for line in told if "EXPIRED" in line] == ["2", "4", "3", "1"]
    assert play(engine, "cancel 5")[0] == "5 bid done CANCELLED @104, 1 left"


def test_time_alone_makes_it_expire_and_a_command_without_time_does_not(engine: Executes) -> None:
    play(engine, "buy 1 5@100 gtd until=50 at=10")
    assert play(engine, "buy 2 1@90")[0] == "2 bid accepted 1@90"
    assert play(engine, "wait 0 at=50")[0] == "1 bid done EXPIRED @100, 5 left"


def test_an_expiry_in_the_past_or_none_is_refused(engine: Executes) -> None:
    assert play(engine, "wait 0 at=50", "buy 1 5@100 gtd until=50") == ["1 rejected BAD_EXPIRY"]
    assert play(engine, "buy 1 5@100 gtd") == ["1 rejected BAD_EXPIRY"]
    assert play(engine, "buy 1 5@100 until=90") == ["1 rejected BAD_EXPIRY"]
    assert play(engine, "buy 1 5@100", "replace 1 5@100 until=90") == ["1 rejected BAD_EXPIRY"]


def test_a_replacement_may_move_the_expiry_and_keeps_the_place(engine: Executes) -> None:
    play(engine, "buy 1 5@100 gtd until=50", "buy 2 5@100", "replace 1 5@100 until=80", "wait 0 at=50")
    assert play(engine, "sell 3 5@100")[1] == "3 ask took 5@100 of 1, 0 left"


def test_time_that_goes_back_is_refused_and_changes_nothing(engine: Executes) -> None:
    assert play(engine, "buy 1 5@100 at=50", "cancel 1 at=49") == ["1 rejected BAD_TIME"]
    assert play(engine, "cancel 1 at=50")[0] == "1 bid done CANCELLED @100, 5 left"


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_a_thousand_dated_orders_expire_in_order(kind: str) -> None:
    engine = make_engine(kind)
    times = [(at * 7919) % 1009 + 1 for at in range(1000)]
    book = [f"buy {at} 1@{100 + at % 9} gtd until={time}" for at, time in enumerate(times)]
    play(engine, *book, *(f"cancel {at}" for at in range(0, 1000, 3)))
    told = play(engine, "wait 0 at=2000")
    gone = [int(line.split()[0]) for line in told if "EXPIRED" in line]
    assert gone == sorted((at for at in range(1000) if at % 3), key=lambda at: (times[at], at))
