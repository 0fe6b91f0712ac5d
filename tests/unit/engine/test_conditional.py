"""Stops, trailing stops, all-or-none. Every sentence holds for the kernel and for the twin."""

import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, play

from rtlab.engine.limits import SPAN


@pytest.fixture(params=KERNEL_AND_TWIN)
def engine(request: pytest.FixtureRequest) -> Executes:
    return make_engine(request.param, symbols=2)


def traded(engine: Executes, price: int) -> None:
    """Let the last price be `price`, and the book be empty."""
    play(engine, f"sell 900 1@{price}", f"buy 901 1@{price}")


def test_a_stop_waits_unseen_and_takes_once_the_price_is_there(engine: Executes) -> None:
    traded(engine, 100)
    assert play(engine, "buy 1 5@market stop=105") == ["1 bid accepted 5@0"]
    play(engine, "sell 2 1@104", "sell 3 1@105", "sell 4 9@106", "buy 5 1@104")
    assert play(engine, "buy 6 1@105") == [
        "6 bid accepted 1@105",
        "6 bid took 1@105 of 3, 0 left",
        "3 ask done FILLED @105, 0 left",
        "ask level 0@105 in 0",
        "6 bid done FILLED @105, 0 left",
        "1 bid triggered 5@105",
        "1 bid took 5@106 of 4, 4 left",
        "ask level 4@106 in 1",
        "1 bid done FILLED @0, 0 left",
    ]


def test_a_stop_limit_rests_at_its_limit(engine: Executes) -> None:
    traded(engine, 100)
    play(engine, "sell 1 5@97 stop=98", "buy 2 1@98")
    assert play(engine, "sell 3 1@98")[-2:] == ["1 ask triggered 5@98", "ask level 5@97 in 1"]


def test_stops_set_each_other_off_the_nearest_first(engine: Executes) -> None:
    traded(engine, 100)
    play(engine, "sell 1 1@market stop=97", "sell 2 1@market stop=99", "sell 3 1@market stop=99")
    play(engine, "buy 4 2@99", "buy 5 1@98", "buy 6 1@97", "buy 7 1@96")
    told = play(engine, "sell 8 1@99")
    assert [line for line in told if "triggered" in line or "took" in line] == [
        "8 ask took 1@99 of 4, 1 left",
        "2 ask triggered 1@99",
        "2 ask took 1@99 of 4, 0 left",
        "3 ask triggered 1@99",
        "3 ask took 1@98 of 5, 0 left",
    ]
    assert "1 ask triggered 1@97" in play(engine, "sell 9 1@97")


@pytest.mark.parametrize(
    "text", ["buy 1 5@market stop=100", "sell 1 5@market stop=100", "buy 1 5@90 stop=99"]
)
def test_a_trigger_on_the_wrong_side_is_refused(engine: Executes, text: str) -> None:
    traded(engine, 100)
    assert play(engine, text) == ["1 rejected BAD_STOP"]


def test_a_stop_may_wait_for_the_first_price(engine: Executes) -> None:
    assert play(engine, "sell 1 5@market stop=100") == ["1 ask accepted 5@0"]
    play(engine, "buy 2 9@99", "sell 3 1@99")
    assert engine.book("I0") == ([(99, 3)], [])  # type: ignore[attr-defined]


def test_a_stop_can_be_moved_and_cancelled(engine: Executes) -> None:
    traded(engine, 100)
    play(engine, "sell 1 5@90 stop=95")
    assert play(engine, "replace 1 4@91 stop=97") == ["1 ask replaced 4@91"]
    assert play(engine, "replace 1 4@91 stop=101") == ["1 rejected BAD_STOP"]
    play(engine, "buy 2 1@97")
    assert play(engine, "sell 3 1@97")[-1] == "ask level 4@91 in 1"
    assert play(engine, "sell 4 5@market stop=90", "cancel 4") == ["4 ask done CANCELLED @0, 5 left"]


def test_a_trailing_stop_follows_the_price_and_never_goes_back(engine: Executes) -> None:
    traded(engine, 100)
    play(engine, "sell 1 5@market trail=3")
    traded(engine, 110)
    traded(engine, 108)
    play(engine, "buy 2 9@107")
    assert play(engine, "sell 3 1@107")[-4:] == [
        "1 ask triggered 5@107",
        "1 ask took 5@107 of 2, 3 left",
        "bid level 3@107 in 1",
        "1 ask done FILLED @0, 0 left",
    ]


def test_a_trailing_stop_in_basis_points(engine: Executes) -> None:
    traded(engine, 10_000)
    play(engine, "buy 1 5@market trail=50 bps")  # 0.5 %
    traded(engine, 9_000)
    assert play(engine, "sell 2 1@9044", "buy 3 1@9044")[-1] == "3 bid done FILLED @9044, 0 left"
    assert "1 bid triggered 5@9045" in play(engine, "sell 4 1@9045", "buy 5 1@9045")


def test_the_limit_of_a_trailing_stop_keeps_its_distance(engine: Executes) -> None:
    traded(engine, 100)
    play(engine, "sell 1 5@96 trail=2 stop=98")
    traded(engine, 110)
    play(engine, "buy 2 1@108")
    assert play(engine, "sell 3 1@108")[-2:] == ["1 ask triggered 5@108", "ask level 5@106 in 1"]


@pytest.mark.parametrize("text", ["trail=-1", "trail=10001 bps"])
def test_a_distance_that_cannot_be_is_refused(engine: Executes, text: str) -> None:
    traded(engine, 100)
    assert play(engine, f"sell 1 5@market {text}") == ["1 rejected BAD_TRAIL"]
    assert play(engine, "sell 1 5@market trail=3 on=1") == ["1 rejected BAD_STOP"], (
        "there is no price to follow"
    )


def test_all_or_none_waits_unseen_for_its_whole_quantity(engine: Executes) -> None:
    assert play(engine, "sell 1 3@100", "buy 2 5@100 whole") == ["2 bid accepted 5@100"]
    assert play(engine, "sell 3 2@100") == [
        "3 ask accepted 2@100",
        "ask level 5@100 in 2",
        "2 bid took 3@100 of 1, 0 left",
        "1 ask done FILLED @100, 0 left",
        "2 bid took 2@100 of 3, 0 left",
        "3 ask done FILLED @100, 0 left",
        "ask level 0@100 in 0",
        "2 bid done FILLED @100, 0 left",
    ]


def test_all_or_none_that_can_have_all_takes_at_once(engine: Executes) -> None:
    assert play(engine, "sell 1 3@99", "sell 2 3@100", "buy 3 5@100 whole")[-1] == (
        "3 bid done FILLED @100, 0 left"
    )


def test_a_replaced_order_that_fills_an_all_or_none_leaves_an_empty_level(engine: Executes) -> None:
    play(engine, "buy 1 5@100", "sell 2 7@100 whole")
    assert play(engine, "replace 1 7@100") == [
        "1 bid replaced 7@100",
        "1 bid took 7@100 of 2, 0 left",
        "2 ask done FILLED @100, 0 left",
        "bid level 0@100 in 0",
        "1 bid done FILLED @100, 0 left",
    ]


def test_a_taker_meets_all_or_none_after_the_book_if_he_has_enough(engine: Executes) -> None:
    play(engine, "buy 1 5@101 whole", "buy 2 3@100")
    assert play(engine, "sell 3 4@100 ioc")[-1] == "3 ask done IOC @100, 1 left"
    assert [line for line in play(engine, "buy 4 3@100", "sell 5 9@100") if "took" in line] == [
        "5 ask took 3@100 of 4, 0 left",
        "5 ask took 5@101 of 1, 0 left",
    ]


def test_a_triggered_stop_whose_limit_is_too_far_from_its_side_ends(engine: Executes) -> None:
    play(engine, "sell 1 5@100", f"sell 2 5@{100 + SPAN} stop=95", "buy 3 1@95")
    assert f"2 ask done BAD_PRICE @{100 + SPAN}, 5 left" in play(engine, "sell 4 1@95")
    far = 200 + SPAN
    play(engine, "cancel 1", f"buy 5 5@{SPAN}", f"buy 6 5@0 stop={far}", f"sell 7 1@{far}")
    assert "6 bid done BAD_PRICE @0, 5 left" in play(engine, f"buy 8 1@{far}")


def test_the_limit_of_a_trailing_stop_goes_no_lower_than_0(engine: Executes) -> None:
    traded(engine, 100)
    play(engine, "buy 1 5@3 trail=5 stop=105")
    traded(engine, 90)
    play(engine, "sell 2 1@95")
    assert play(engine, "buy 3 1@95")[-2:] == ["1 bid triggered 5@95", "bid level 5@0 in 1"]


def test_a_trailing_stop_with_a_limit_may_be_hidden(engine: Executes) -> None:
    traded(engine, 100)
    assert play(engine, "sell 1 5@96 trail=2 stop=98 hidden") == ["1 ask accepted 5@96"]
    assert play(engine, "sell 2 5@96 trail=200 bps hidden") == ["2 ask accepted 5@96"]


def test_a_replacement_may_set_the_widest_distance_and_no_wider(engine: Executes) -> None:
    traded(engine, 100)
    play(engine, "sell 1 5@market trail=2", "sell 2 5@market trail=2 bps")
    assert play(engine, "replace 1 5@0 trail=10001")[0].startswith("1 ask replaced")
    assert play(engine, "replace 2 5@0 trail=10000")[0].startswith("2 ask replaced")
    assert play(engine, "replace 2 5@0 trail=10001") == ["2 rejected BAD_TRAIL"]


def test_a_post_only_order_that_is_replaced_may_take_all_or_none(engine: Executes) -> None:
    play(engine, "buy 1 5@100 post", "sell 2 7@105 whole")
    assert play(engine, "replace 1 7@105")[-1] == "1 bid done FILLED @105, 0 left"


def test_a_stop_is_not_replaced_to_where_there_is_no_room(engine: Executes) -> None:
    play(engine, "buy 1 5@market stop=105", "buy 2 5@market stop=200")
    assert play(engine, f"replace 2 5@0 stop={105 + SPAN}") == ["2 rejected BAD_STOP"]
    assert play(engine, f"replace 2 5@0 stop={104 + SPAN}")[0] == "2 bid replaced 5@0"
