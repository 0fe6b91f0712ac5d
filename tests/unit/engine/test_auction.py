"""Market states and call auctions. Every sentence holds for the kernel and for the twin."""

import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, play


@pytest.fixture(params=KERNEL_AND_TWIN)
def engine(request: pytest.FixtureRequest) -> Executes:
    return make_engine(request.param, symbols=2)


def test_before_the_opening_orders_rest_and_do_not_trade(engine: Executes) -> None:
    assert play(engine, "phase 0 to=1") == ["phase PRE_OPEN 0@0"]
    assert play(engine, "sell 1 5@100", "buy 2 5@105") == ["2 bid accepted 5@105", "bid level 5@105 in 1"]
    assert play(engine, "buy 3 5@100 ioc") == ["3 rejected PHASE"]
    assert play(engine, "buy 3 5@market") == ["3 rejected PHASE"]
    assert play(engine, "buy 3 5@100 post") == ["3 rejected PHASE"]


def test_the_opening_trades_at_one_price(engine: Executes) -> None:
    play(engine, "phase 0 to=1", "sell 1 5@100", "buy 2 3@105", "buy 3 9@101")
    assert play(engine, "phase 0 to=0") == [
        "2 bid took 3@101 of 1, 2 left",
        "2 bid done FILLED @105, 0 left",
        "bid level 0@105 in 0",
        "ask level 2@100 in 1",
        "3 bid took 2@101 of 1, 0 left",
        "bid level 7@101 in 1",
        "1 ask done FILLED @100, 0 left",
        "ask level 0@100 in 0",
        "phase CONTINUOUS 5@101",
    ]


def test_an_auction_tells_where_it_would_trade(engine: Executes) -> None:
    play(engine, "phase 0 to=2", "sell 1 5@100")
    assert play(engine, "buy 2 8@102")[-1] == "indicative 5@102, 3 over"
    assert play(engine, "cancel 2")[-1] == "indicative 0@0, 0 over"
    assert "indicative" not in play(engine, "buy 3 8@90")[-1]


@pytest.mark.parametrize(
    ("book", "price", "qty", "surplus"),
    [
        # most volume
        (["buy 1 10@102", "sell 4 5@101", "buy 2 20@100", "sell 3 25@100"], 100, 25, 5),
        # least surplus
        (["buy 1 10@102", "sell 2 10@100", "sell 3 4@101", "buy 4 1@100"], 100, 10, 1),
        # market pressure: buyers left over, the highest; sellers left over, the lowest
        (["buy 1 15@103", "sell 2 10@100"], 103, 10, 5),
        (["buy 1 10@103", "sell 2 15@100"], 100, 10, -5),
        # no surplus, no reference: the middle
        (["buy 1 10@104", "sell 2 10@100"], 102, 10, 0),
    ],
)
def test_the_four_steps_to_the_price(
    engine: Executes, book: list[str], price: int, qty: int, surplus: int
) -> None:
    told = play(engine, "phase 0 to=2", *book)
    assert told[-1] == f"indicative {qty}@{price}, {surplus} over"


def test_the_price_nearest_to_the_last_is_taken_where_all_else_is_equal(engine: Executes) -> None:
    play(engine, "sell 8 1@101", "buy 9 1@101", "phase 0 to=2", "buy 1 10@104")
    assert play(engine, "sell 2 10@100")[-1] == "indicative 10@101, 0 over"


def test_an_iceberg_trades_with_all_it_has_in_an_auction(engine: Executes) -> None:
    play(engine, "phase 0 to=2", "buy 1 9@101 show=2")
    assert play(engine, "sell 2 9@101")[-1] == "indicative 9@101, 0 over"
    assert "phase CONTINUOUS 9@101" in play(engine, "phase 0 to=0")


def test_a_halted_market_takes_cancels_only(engine: Executes) -> None:
    play(engine, "buy 1 5@100")
    assert play(engine, "phase 0 to=3", "buy 2 5@100") == ["2 rejected PHASE"]
    assert play(engine, "replace 1 4@100") == ["1 rejected PHASE"]
    assert play(engine, "cancel 1")[0] == "1 bid done CANCELLED @100, 5 left"
    assert play(engine, "buy 2 5@100 on=1")[0] == "2 bid accepted 5@100"


def test_the_closing_uncrosses_and_ends_the_orders_of_the_day(engine: Executes) -> None:
    play(engine, "buy 1 5@100 day", "buy 2 5@99", "sell 3 5@90 day stop=95", "phase 0 to=2", "sell 4 2@100")
    assert play(engine, "phase 0 to=4") == [
        "1 bid took 2@100 of 4, 0 left",
        "bid level 3@100 in 1",
        "4 ask done FILLED @100, 0 left",
        "ask level 0@100 in 0",
        "1 bid done EXPIRED @100, 3 left",
        "bid level 0@100 in 0",
        "3 ask done EXPIRED @90, 5 left",
        "phase CLOSED 2@100",
    ]


def test_an_auctions_price_sets_stops_off(engine: Executes) -> None:
    play(engine, "buy 1 5@market stop=103", "phase 0 to=2", "buy 2 5@103", "sell 3 5@103", "sell 4 9@104")
    assert play(engine, "phase 0 to=0")[-4:] == [
        "1 bid triggered 5@103",
        "1 bid took 5@104 of 4, 4 left",
        "ask level 4@104 in 1",
        "1 bid done FILLED @0, 0 left",
    ]


def test_an_unknown_state_is_refused(engine: Executes) -> None:
    assert play(engine, "phase 0 to=5") == ["0 rejected BAD_PHASE"]


def test_a_price_between_two_levels_is_found_when_it_leaves_less_over(engine: Executes) -> None:
    # at 100 four bids too many, at 103 four asks too many: between them nothing is left over
    told = play(engine, "phase 0 to=2", "buy 1 10@110", "buy 2 4@100", "sell 3 4@103", "sell 4 10@90")
    assert told[-1] == "indicative 10@101, 0 over"


def test_hidden_orders_count_in_an_auction(engine: Executes) -> None:
    play(engine, "phase 0 to=2", "buy 1 5@101 hidden")
    assert play(engine, "sell 2 9@101")[-1] == "indicative 5@101, -4 over"
    told = play(engine, "phase 0 to=0")
    assert told[:2] == ["1 bid took 5@101 of 2, 4 left", "1 bid done FILLED @101, 0 left"]


def test_an_auction_that_is_halted_keeps_its_crossed_book_for_later(engine: Executes) -> None:
    play(engine, "phase 0 to=2", "buy 1 5@105", "sell 2 5@100", "phase 0 to=3")
    assert engine.book("I0") == ([(105, 5)], [(100, 5)])  # type: ignore[attr-defined]
    assert play(engine, "phase 0 to=0")[-1] == "phase CONTINUOUS 5@102"


def test_where_half_of_a_pair_went_with_the_other_the_rest_trades_too_and_no_book_is_crossed(
    engine: Executes,
) -> None:
    play(engine, "phase 0 to=1", "buy 1 5@100 link=2", "buy 2 5@100 link=1", "buy 3 5@98", "sell 4 10@95")
    assert play(engine, "phase 0 to=0") == [
        "1 bid took 5@99 of 4, 5 left",
        "1 bid done FILLED @100, 0 left",
        "2 bid done LINKED @100, 5 left",
        "bid level 0@100 in 0",
        "bid level 0@100 in 0",
        "ask level 5@95 in 1",
        "3 bid took 5@98 of 4, 0 left",
        "3 bid done FILLED @98, 0 left",
        "bid level 0@98 in 0",
        "4 ask done FILLED @95, 0 left",
        "ask level 0@95 in 0",
        "phase CONTINUOUS 10@98",
    ]


def test_an_auction_tells_what_it_traded_and_not_what_it_counted(engine: Executes) -> None:
    play(engine, "phase 0 to=1", "buy 1 5@100 link=2", "buy 2 5@100 link=1", "sell 4 10@95")
    assert play(engine, "phase 0 to=4")[-1].startswith("phase CLOSED 5@")
