"""Scenarios that other engines publish as their own tests, said once more in our words.

The tests are named as theirs in CppTrader's tests/test_matching_engine.cpp and Liquibook's
test/unit/ut_all_or_none.cpp, ut_immediate_or_cancel.cpp and ut_stop_orders.cpp. CppTrader's slippage is our IOC with
a limit. Every sentence holds for the kernel and for the twin.
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


def orders(engine: Executes, *ids: int) -> set[int]:
    """Give which of these ids are live: a new order of such an id is refused."""
    return {at for at in ids if play(engine, f"buy {at} 1@1 fok") == [f"{at} rejected DUPLICATE_ID"]}


def test_cpptrader_automatic_matching_market_order(engine: Executes) -> None:
    play(engine, *CPPTRADER_BOOK)
    play(engine, "sell 19 15@market")
    assert volumes(engine) == (165, 180)
    play(engine, "sell 20 100@30 ioc")
    assert volumes(engine) == (120, 180)
    play(engine, "buy 21 160@60 ioc")
    assert volumes(engine) == (120, 20)
    play(engine, "sell 22 1000@market")
    assert volumes(engine) == (0, 20)
    play(engine, "buy 23 1000@market")
    assert volumes(engine) == (0, 0)


CPPTRADER_BIDS = ("buy 1 10@10", "buy 2 20@20", "buy 3 30@30")


@pytest.mark.parametrize(
    ("text", "left"),
    [("100@10 ioc", 0), ("40@10 fok", 20), ("100@10 fok", 60)],
    ids=["ioc", "filled", "killed"],
)
def test_cpptrader_automatic_matching_ioc_and_fok(engine: Executes, text: str, left: int) -> None:
    play(engine, *CPPTRADER_BIDS, f"sell 4 {text}")
    assert volumes(engine) == (left, 0)
    assert orders(engine, 1, 2, 3) == {0: set(), 20: {1, 2}, 60: {1, 2, 3}}[left]


def test_cpptrader_automatic_matching_hidden_limit_order(engine: Executes) -> None:
    play(engine, *(f"{text} show={5 * at}" for at, text in enumerate(CPPTRADER_BIDS, 1)))
    assert volumes(engine) == (30, 0)
    play(engine, "sell 4 55@market")
    assert volumes(engine) == (5, 0)
    assert orders(engine, 1, 2, 3) == {1}


def test_cpptrader_automatic_matching_trailing_stop_order(engine: Executes) -> None:
    # theirs moves by steps of 5, ours by every tick: where it is asked for, both stand at the same price
    play(engine, "buy 1 20@100", "sell 2 20@200", "sell 3 10@market", "buy 4 10@market")
    play(engine, "buy 5 10@market trail=10")
    assert "5 bid triggered" not in " ".join(play(engine, "buy 8 1@209", "replace 2 20@209"))
    play(engine, "replace 2 20@180", "buy 7 10@market")
    assert "triggered" not in " ".join(play(engine, "replace 2 5@189", "buy 9 1@189"))
    assert "5 bid triggered 10@190" in play(engine, "replace 2 5@190", "buy 9 1@190")


def test_cpptrader_manual_matching(engine: Executes) -> None:
    # what they match by hand is a call auction here: at 20 most is traded
    asks = [(10, 30), (10, 20), (10, 10), (20, 30), (20, 25), (20, 10), (30, 30), (30, 20), (30, 10)]
    play(engine, "phase 0 to=1", *CPPTRADER_BOOK[:9])
    play(engine, *(f"sell {at} {qty}@{price}" for at, (price, qty) in enumerate(asks, 10)))
    assert volumes(engine) == (180, 185)
    assert play(engine, "phase 0 to=0")[-1] == "phase CONTINUOUS 120@20"
    assert volumes(engine) == (60, 65)
    assert orders(engine, *range(1, 19)) == {1, 2, 3, 15, 16, 17, 18}


@pytest.mark.parametrize(
    ("tif", "asks", "text", "took", "left"),
    [
        ("ioc", "100", "100@1249", [], (200, 300)),
        ("ioc", "100", "300@1250", ["100@1250"], (200, 200)),
        ("ioc", "400", "300@1250", ["300@1250"], (200, 300)),
        ("ioc", "400", "500@1251", ["400@1250", "100@1251"], (200, 100)),
        ("fok", "100", "100@1249", [], (200, 300)),
        ("fok", "100", "300@1250", [], (200, 300)),
        ("fok", "400", "300@1250", ["300@1250"], (200, 300)),
        ("fok", "400", "500@1251", ["400@1250", "100@1251"], (200, 100)),
    ],
)
def test_liquibook_ioc_and_fok_bid(
    engine: Executes, tif: str, asks: str, text: str, took: list[str], left: tuple[int, int]
) -> None:
    play(
        engine,
        f"sell 10 {asks}@1250",
        "sell 11 100@1251",
        "sell 12 100@1252",
        "buy 1 100@1249",
        "buy 2 100@1248",
    )
    told = play(engine, f"buy 3 {text} {tif}")
    assert [line.split()[3] for line in told if " took " in line] == took
    assert volumes(engine) == left


def test_liquibook_stop_orders_off_market_no_trade(engine: Executes) -> None:
    play(engine, "buy 1 100@55", "sell 2 100@market")
    assert play(engine, "buy 3 100@market stop=56") == ["3 bid accepted 100@0"]
    assert play(engine, "sell 4 100@market stop=54") == ["4 ask accepted 100@0"]


def test_liquibook_stop_market_orders_trade_when_stop_price_reached(engine: Executes) -> None:
    # their all-or-none orders that meet are plain ones here: ours never meet
    play(engine, "buy 8 1@55", "sell 9 1@55", "buy 1 100@53", "sell 2 100@57")
    play(engine, "buy 3 100@market stop=56", "sell 4 100@market stop=54", "buy 5 1000@56")
    told = play(engine, "sell 6 1000@56")
    assert "3 bid took 100@57 of 2, 0 left" in told
    play(engine, "buy 7 1000@54")
    told = play(engine, "sell 8 1000@54")
    assert "4 ask took 100@53 of 1, 0 left" in told
    assert volumes(engine) == (0, 0)
