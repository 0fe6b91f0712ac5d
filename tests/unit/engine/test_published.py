"""Scenarios that other engines publish as their own tests, said once more in our words.

Names in brackets are theirs: CppTrader tests/test_matching_engine.cpp, Liquibook test/unit/ut_all_or_none.cpp.
Every sentence holds for the kernel and for the twin.
"""

import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, play


@pytest.fixture(params=KERNEL_AND_TWIN)
def engine(request: pytest.FixtureRequest) -> Executes:
    return make_engine(request.param)


def volumes(engine: Executes) -> tuple[int, int]:
    bids, asks = engine.book("I0")  # type: ignore[attr-defined]
    return sum(qty for _, qty in bids), sum(qty for _, qty in asks)


CPPTRADER_BOOK = (
    *(
        f"buy {at} {qty}@{price}"
        for at, (price, qty) in enumerate(
            zip([10] * 3 + [20] * 3 + [30] * 3, [10, 20, 30] * 3, strict=True), 1
        )
    ),
    *(
        f"sell {at} {qty}@{price}"
        for at, (price, qty) in enumerate(
            zip([40] * 3 + [50] * 3 + [60] * 3, [30, 20, 10] * 3, strict=True), 10
        )
    ),
)


def test_cpptrader_automatic_matching(engine: Executes) -> None:
    play(engine, *CPPTRADER_BOOK)
    assert volumes(engine) == (180, 180)
    play(engine, "sell 19 5@30", "sell 20 25@30", "sell 21 15@30", "sell 22 20@30")
    assert volumes(engine) == (120, 185)
    play(engine, "buy 23 105@60")
    assert volumes(engine) == (120, 80)
    play(engine, "replace 15 20@20")
    assert volumes(engine) == (100, 70)
    play(engine, "cancel 2", "buy 24 100@70")
    assert volumes(engine) == (110, 0)
    play(engine, "cancel 1", "sell 25 100@0")
    assert volumes(engine) == (0, 0)


def test_liquibook_reg_bid_match_aon(engine: Executes) -> None:
    play(engine, "buy 1 100@1250", "sell 2 200@1251 whole", "sell 3 100@1251 whole", "sell 4 100@1252")
    assert play(engine, "buy 5 100@1251")[1] == "5 bid took 100@1251 of 3, 0 left"
    assert play(engine, "cancel 2") == ["2 ask done CANCELLED @1251, 200 left"]


def test_liquibook_aon_bid_no_match(engine: Executes) -> None:
    play(engine, "buy 1 100@1250", "sell 2 100@1251", "sell 3 100@1252")
    assert play(engine, "buy 4 300@1251 whole") == ["4 bid accepted 300@1251"]


def test_liquibook_aon_bid_match_reg(engine: Executes) -> None:
    play(engine, "buy 1 100@1250", "sell 2 400@1251", "sell 3 100@1252")
    assert play(engine, "buy 4 300@1251 whole")[1] == "4 bid took 300@1251 of 2, 100 left"
    assert volumes(engine) == (100, 200)


def test_liquibook_reg_ask_match_aon(engine: Executes) -> None:
    play(engine, "buy 1 100@1250", "buy 2 200@1251 whole", "buy 3 100@1251 whole", "sell 4 100@1252")
    assert play(engine, "sell 5 100@1251")[1] == "5 ask took 100@1251 of 3, 0 left"


def test_liquibook_aon_ask_no_match(engine: Executes) -> None:
    play(engine, "sell 1 100@1252", "buy 2 700@1250", "buy 3 100@1251", "buy 4 100@1251")
    assert play(engine, "sell 5 400@1251 whole") == ["5 ask accepted 400@1251"]
    assert volumes(engine) == (900, 100)


def test_cpptrader_orders_of_an_emptied_book_leave_nothing(engine: Executes) -> None:
    play(engine, *CPPTRADER_BOOK)
    told = play(engine, "sell 50 1000@0 ioc")
    assert sum("took" in line for line in told) == 9
    assert told[-1] == "50 ask done IOC @0, 820 left"
    told = play(engine, "buy 51 1000@market")
    assert [line for line in told if "level" in line] == [
        "ask level 0@40 in 0",
        "ask level 0@50 in 0",
        "ask level 0@60 in 0",
    ]
    assert volumes(engine) == (0, 0)
