"""What random commands come to too seldom: prices, money, quantities and codes at their ends.

Each was a change of one engine that no other test noticed. Every sentence holds for the kernel and for the twin.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, command, commands, play, told

from rtlab.engine import EventKind
from rtlab.engine.limits import MAX_AMOUNT, MAX_MONEY, MAX_PRICE, MAX_QTY, SLICES, SPAN
from rtlab.model import Rules

Make = Callable[..., Executes]


@pytest.fixture(params=KERNEL_AND_TWIN)
def make(request: pytest.FixtureRequest) -> Make:
    def made(rules: Rules | None = None) -> Executes:
        by_symbol: Mapping[str, Rules] = {"I0": rules} if rules else {}
        return make_engine(request.param, symbols=2, rules=by_symbol)

    return made


# prices of 0, and at the other end


def test_after_a_trade_at_0_a_stop_waits_for_what_comes_and_not_for_what_was(make: Make) -> None:
    engine = make()
    play(engine, "sell 1 1@100", "buy 2 1@100", "buy 3 1@0", "sell 4 1@0")
    assert play(engine, "buy 5 1@market stop=50") == ["5 bid accepted 1@0"]


def test_an_auction_after_a_trade_at_0_is_as_near_to_it_as_it_can(make: Make) -> None:
    engine = make()
    play(engine, "buy 1 1@0", "sell 2 1@0", "phase 0 to=2", "buy 3 10@104")
    assert play(engine, "sell 4 10@2")[-1] == "indicative 10@2, 0 over"


def test_an_auctions_price_may_lie_just_below_an_ask_and_just_above_a_bid(make: Make) -> None:
    for last, price in ((110, 102), (90, 99)):
        engine = make()
        play(engine, f"sell 1 1@{last}", f"buy 2 1@{last}", "phase 0 to=2")
        book = commands("buy 3 10@104", "sell 4 10@98", "sell 5 1@103", "buy 6 1@98")
        sentences = told(engine.process(book))
        assert [one for one in sentences if "indicative" in one][-1] == f"indicative 10@{price}, 0 over"


def test_without_any_price_a_market_order_is_worth_nothing(make: Make) -> None:
    engine = make(Rules(max_notional=10))
    assert play(engine, "buy 1 20@market")[0] == "1 bid accepted 20@0"


def test_an_order_may_slide_to_the_highest_price(make: Make) -> None:
    engine = make()
    assert play(engine, f"buy 1 5@{MAX_PRICE - 1}", "sell 2 5@10 slide") == [
        f"2 ask accepted 5@{MAX_PRICE}",
        f"ask level 5@{MAX_PRICE} in 1",
    ]


def test_a_stop_that_an_auction_sets_off_trades_within_the_corridor_of_its_price(make: Make) -> None:
    engine = make(Rules(reference_price=100, volatility_ticks=5))
    play(engine, "phase 0 to=2", "buy 1 5@150", "sell 2 5@150", "sell 3 5@152", "buy 4 5@market stop=140")
    sentences = play(engine, "phase 0 to=0")
    assert "4 bid took 5@152 of 3, 0 left" in sentences
    assert not any("VOLATILITY" in one for one in sentences)


def test_a_taker_goes_on_from_a_price_of_1_to_one_of_0(make: Make) -> None:
    engine = make()
    play(engine, "buy 1 5@1", "buy 2 5@0")
    assert play(engine, "sell 3 10@0 fok")[0] == "3 ask accepted 10@0"


def test_after_a_trade_at_0_the_corridor_is_around_0(make: Make) -> None:
    engine = make(Rules(volatility_ticks=5))
    play(engine, "buy 1 1@0", "sell 2 1@0", "sell 3 1@6")
    assert "phase AUCTION 0@0 VOLATILITY" in play(engine, "buy 4 1@6")


def test_a_price_of_1_has_a_notional_and_one_far_beyond_its_market_no_band(make: Make) -> None:
    assert play(make(Rules(max_notional=10)), "buy 1 20@1") == ["1 rejected NOTIONAL"]
    engine = make(Rules(price_band=10))
    play(engine, "sell 1 1@100", "buy 2 1@100", "buy 3 5@market stop=105")
    assert play(engine, "replace 3 4@0 stop=106") == ["3 bid replaced 4@0"]


def test_an_order_just_beyond_a_window_has_a_level_of_its_own(make: Make) -> None:
    engine = make()
    for price in (12_047, 12_048, 12_049, 12_050):  # a first window is 4,096 ticks around its first price
        engine = make()
        play(engine, "buy 1 1@10000", f"buy 2 1@{price}", "sell 3 1@20000")
        for order, ask in enumerate(range(17_950, 17_956), 10):
            assert play(engine, f"sell {order} 1@{ask}")[-1] == f"ask level 1@{ask} in 1"
        assert engine.book("I0")[0] == [(price, 1), (10_000, 1)]  # type: ignore[attr-defined]


# money


@pytest.mark.parametrize(
    ("name", "most"), [("price", f"{MAX_MONEY} and 0 lots"), ("qty", f"0 and {MAX_MONEY} lots")]
)
def test_deposits_may_bring_an_account_to_the_most_and_no_further(make: Make, name: str, most: str) -> None:
    engine = make()
    one = command("deposit 0 by=7", **{name: MAX_AMOUNT})
    events = engine.process(np.repeat(one, MAX_MONEY // MAX_AMOUNT))
    assert (events["kind"] == EventKind.ACCOUNT).all()
    assert told(events)[-1] == f"account 7 has {most}"
    assert play(engine, f"deposit 0 by=7 {name}=1") == ["0 rejected BAD_AMOUNT"]


@pytest.mark.parametrize(("name", "other"), [("price", "qty"), ("qty", "price")])
def test_withdrawals_may_bring_it_to_the_least_and_no_further(make: Make, name: str, other: str) -> None:
    engine = make()
    one = command("deposit 0 by=7", **{name: -MAX_AMOUNT})
    events = engine.process(np.repeat(one, MAX_MONEY // MAX_AMOUNT))
    assert (events["kind"] == EventKind.ACCOUNT).all()
    assert (events[name][-1], events[other][-1]) == (-MAX_MONEY, 0)
    assert play(engine, f"deposit 0 by=7 {name}=-1") == ["0 rejected BAD_AMOUNT"]
    assert play(engine, f"deposit 0 by=7 {name}={MAX_AMOUNT}")[0].startswith("account 7 has")


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("owner", [1, 7])
def test_what_an_order_had_counts_no_more_once_it_is_replaced(make: Make, side: str, owner: int) -> None:
    engine = make()  # one account alone, of any number
    play(engine, f"deposit 0 by={owner}", f"limits 0 by={owner} price=10", f"{side} 1 8@100 by={owner}")
    for qty in (9, 10, 4):  # the last one keeps its place
        assert play(engine, f"replace 1 {qty}@100")[0].endswith(f"replaced {qty}@100")
    assert play(engine, f"{side} 2 7@100 by={owner}") == ["2 rejected POSITION"]
    assert play(engine, f"{side} 2 6@100 by={owner}")[0].endswith("accepted 6@100")


def test_an_account_that_is_opened_late_counts_what_its_owner_has(make: Make) -> None:
    engine = make()
    play(
        engine, "buy 1 9@100 show=2 by=7", "buy 2 4@50 stop=200 by=7", "buy 3 1@90 by=7", "sell 4 2@300 by=7"
    )
    play(engine, "replace 1 8@101", "deposit 0 by=7 price=10000")
    account = engine.account(7)  # type: ignore[attr-defined]
    assert (account.orders, account.reserved) == (4, 8 * 101 + 4 * 50 + 90)


def test_every_owner_has_his_limits(make: Make) -> None:
    for owner in range(1, 30):  # wherever his account lies
        engine = make()
        play(engine, f"limits 0 by={owner} price=10")
        assert play(engine, f"buy {owner} 11@100 by={owner}") == [f"{owner} rejected POSITION"]


def test_the_money_of_one_lot_is_free_for_what_replaces_it(make: Make) -> None:
    engine = make()
    play(engine, "limits 0 by=7 check", "deposit 0 by=7 price=100", "buy 1 1@100 by=7")
    assert play(engine, "replace 1 1@99")[0] == "1 bid replaced 1@99"


def test_a_stop_of_unknown_cost_is_not_replaced_where_funds_are_looked_at(make: Make) -> None:
    engine = make()
    play(engine, "buy 1 5@market stop=110 by=7", "deposit 0 by=7 price=100000", "limits 0 by=7 check")
    assert play(engine, "replace 1 5@0 stop=120") == ["1 rejected FUNDS"]


@pytest.mark.parametrize(
    ("maker", "taker", "needed"), [(2_000, 0, 50_100), (0, 2_000, 50_100), (-2_000, -1_000, 50_000)]
)
def test_the_dearer_fee_is_reserved_and_no_rebate_counted(
    make: Make, maker: int, taker: int, needed: int
) -> None:
    engine = make(Rules(maker_fee_ppm=maker, taker_fee_ppm=taker))
    play(engine, "limits 0 by=7 check", f"deposit 0 by=7 price={needed - 1}")
    assert play(engine, "buy 1 10@5000 by=7") == ["1 rejected FUNDS"]
    play(engine, "deposit 0 by=7 price=1")
    assert play(engine, "buy 1 10@5000 by=7")[0] == "1 bid accepted 10@5000"


# quantities


def test_a_replacement_may_ask_for_the_most_slices_and_no_more(make: Make) -> None:
    engine = make()
    play(engine, f"buy 1 {2 * SLICES}@100 show=2", f"buy 2 {2 * SLICES}@100 show=2")
    assert play(engine, f"replace 1 {SLICES}@100 show=1")[0] == f"1 bid replaced {SLICES}@100"
    assert play(engine, f"replace 2 {SLICES + 1}@100 show=1") == ["2 rejected BAD_DISPLAY"]


@pytest.mark.parametrize("stop", ["", " stop=200"])
def test_what_an_order_had_is_no_obstacle_to_its_replacement(make: Make, stop: str) -> None:
    engine = make()
    play(engine, f"buy 1 {MAX_QTY}@100{stop}")
    assert play(engine, f"replace 1 {MAX_QTY}@101")[0] == f"1 bid replaced {MAX_QTY}@101"


def test_a_stop_has_no_room_where_others_have_all_of_it(make: Make) -> None:
    engine = make()
    play(engine, f"buy 1 {MAX_QTY - 4}@100 stop=200")
    assert play(engine, "buy 2 5@100 stop=200") == ["2 rejected BAD_QUANTITY"]
    assert play(engine, "buy 2 4@100 stop=200") == ["2 bid accepted 4@100"]


def test_a_trailing_stop_follows_at_the_distance_that_it_was_given_last(make: Make) -> None:
    engine = make()
    play(engine, "sell 1 1@100", "buy 2 1@100", "buy 3 1@market trail=50 stop=200", "replace 3 1@0 trail=3")
    play(engine, "sell 4 1@100", "buy 5 1@100")
    assert "3 bid triggered 1@103" in play(engine, "sell 6 1@103", "buy 7 1@103")


@pytest.mark.parametrize("terms", ["fok least=2", "stop=110 least=2", "stop=110 least=1", "trail=3 least=1"])
def test_a_least_quantity_belongs_to_what_takes_at_once(make: Make, terms: str) -> None:
    assert play(make(), f"buy 1 5@100 {terms}")[0].startswith("1 rejected BAD_")


def test_a_replaced_iceberg_tells_what_shows_of_the_slice_that_is_left(make: Make) -> None:
    engine = make()
    play(engine, "buy 1 9@100 show=3", "sell 2 2@100")
    events = engine.process(commands("replace 1 5@100 show=3"))
    assert events[["kind", "qty", "remaining"]].tolist() == [
        (EventKind.REPLACED, 5, 1),
        (EventKind.LEVEL, 1, 1),
    ]


def test_a_distance_in_ticks_may_be_more_than_one_in_basis_points(make: Make) -> None:
    engine = make()
    stops = "buy 3 5@market trail=3 stop=200", "buy 4 5@market trail=3 stop=200 bps"
    play(engine, "sell 1 1@100", "buy 2 1@100", *stops)
    assert play(engine, "replace 3 5@0 trail=10001")[0] == "3 bid replaced 5@0"
    assert play(engine, "replace 4 5@0 trail=10001") == ["4 rejected BAD_TRAIL"]
    assert play(engine, "buy 5 5@150 trail=3 stop=200 hidden")[0] == "5 bid accepted 5@150"


def test_a_distance_in_basis_points_is_of_the_whole_price(make: Make) -> None:
    engine = make()
    play(engine, "sell 1 1@20000", "buy 2 1@20000", "buy 3 1@market trail=100 bps")
    assert len(play(engine, "sell 6 1@20199", "buy 7 1@20199")) == 5
    assert "3 bid triggered 1@20200" in play(engine, "sell 8 1@20200", "buy 9 1@20200")


def test_one_lot_meets_one_that_waits_for_all_of_one(make: Make) -> None:
    engine = make()
    play(engine, "sell 1 1@100 whole")
    assert play(engine, "buy 2 1@100")[1] == "2 bid took 1@100 of 1, 0 left"


# sides


def test_a_mass_cancel_of_both_sides_needs_no_side_and_of_one_side_needs_one(make: Make) -> None:
    engine = make()
    play(engine, "buy 1 1@100")
    assert told(engine.process(command("sweep 0 everyone", side=7))) == ["0 rejected BAD_SIDE"]
    assert told(engine.process(command("sweep 0 everyone both", side=7)))[-1] == "swept 1 of 0"


# codes


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("wait 0 post", "BAD_FLAGS"),
        ("phase 0 to=2 post", "BAD_FLAGS"),
        ("revive 0", "BAD_OWNER"),
        ("deposit 0 price=1", "BAD_OWNER"),
        ("buy 0 5@market gtd until=50", "BAD_TIF"),
        ("buy 0 5@market day", "BAD_TIF"),
        ("buy 0 5@market stop=110 ioc", "BAD_TIF"),
        ("buy 0 5@100 stop=110 ioc", "BAD_TIF"),
    ],
)
def test_a_code_that_does_not_go_with_the_others_is_refused(make: Make, text: str, reason: str) -> None:
    assert play(make(), text) == [f"0 rejected {reason}"]


@pytest.mark.parametrize("qty", [2, 3, 4, 8, MAX_QTY])
def test_a_cost_that_no_number_holds_is_beyond_every_budget(make: Make, qty: int) -> None:
    engine = make()
    play(engine, f"sell 1 {qty}@{MAX_PRICE}")
    assert play(engine, f"buy 2 {qty}@market fok budget price={MAX_PRICE}") == ["2 rejected BUDGET"]


# protection


def test_a_reference_price_of_1_is_one(make: Make) -> None:
    engine = make(Rules(reference_price=1, price_band=5))
    assert play(engine, "buy 1 1@7") == ["1 rejected PRICE_BAND"]
    assert play(engine, "buy 1 1@6")[0] == "1 bid accepted 1@6"


def test_a_replacement_keeps_to_the_band_and_so_does_one_of_a_stop_that_was_set_off(make: Make) -> None:
    engine = make(Rules(price_band=10))
    play(engine, "sell 1 1@100", "buy 2 1@100", "buy 3 5@95", "buy 4 5@96 stop=101")
    play(engine, "sell 5 1@102", "buy 6 1@102")
    assert play(engine, "replace 3 5@113") == ["3 rejected PRICE_BAND"]
    assert play(engine, "replace 4 5@113") == ["4 rejected PRICE_BAND"]


def test_a_stop_too_far_from_the_others_is_a_bad_stop(make: Make) -> None:
    engine = make()
    play(engine, "buy 1 1@market stop=1")
    assert play(engine, f"buy 2 1@market stop={1 + SPAN}") == ["2 rejected BAD_STOP"]


def test_a_level_that_is_full_to_the_lot_takes_no_stop_that_was_set_off(make: Make) -> None:
    for room, last in ((5, f"bid level {MAX_QTY}@100 in 2"), (4, "7 bid done BAD_QUANTITY @100, 5 left")):
        engine = make()
        play(engine, f"buy 1 {MAX_QTY - room}@100", "buy 7 5@100 stop=105", "sell 2 1@106")
        assert play(engine, "buy 3 1@106")[-1] == last


def test_a_trailing_limit_reserves_what_it_would_cost_where_it_is_now(make: Make) -> None:
    engine = make()
    play(engine, "deposit 0 by=7 price=10000", "limits 0 by=7 check", "sell 1 1@100", "buy 2 1@100")
    play(engine, "buy 3 5@110 trail=10 stop=112 by=7", "sell 4 1@95", "buy 5 1@95")
    assert engine.account(7).reserved == 5 * (110 - 7)  # type: ignore[attr-defined]


def test_a_distance_beyond_all_prices_moves_no_stop(make: Make) -> None:
    engine = make()
    play(engine, "sell 1 1@0", "buy 2 1@0", f"buy 3 1@market trail={MAX_PRICE}")
    play(engine, f"sell 4 1@{MAX_PRICE}", f"sell 6 1@{MAX_PRICE}")
    assert f"3 bid triggered 1@{MAX_PRICE}" in play(engine, f"buy 5 1@{MAX_PRICE}")


def test_a_distance_from_a_low_price_ends_at_0(make: Make) -> None:
    engine = make()
    play(engine, "sell 1 1@5", "buy 2 1@5", "sell 3 1@market trail=10", "buy 4 2@1")
    assert play(engine, "sell 5 1@1")[0] == "5 ask accepted 1@1"
    assert not [one for one in play(engine, "cancel 4") if "triggered" in one]
    play(engine, "buy 6 2@0")
    assert "3 ask triggered 1@0" in play(engine, "sell 7 1@0")


def test_a_trailing_stop_follows_the_price_0_of_an_auction(make: Make) -> None:
    engine = make()
    play(engine, "sell 1 1@100", "buy 2 1@100", "buy 3 1@market trail=5")
    for price in (0, 50):
        play(engine, "phase 0 to=1", f"sell 4 1@{price}", f"buy 5 1@{price}", "phase 0 to=4")
    play(engine, "phase 0 to=1", "sell 6 9@50")
    assert "3 bid triggered 1@5" in play(engine, "phase 0 to=0")


def test_a_distance_from_the_highest_price_ends_there(make: Make) -> None:
    engine = make()
    play(engine, f"sell 1 1@{MAX_PRICE - 1}", f"buy 2 1@{MAX_PRICE - 1}")
    assert play(engine, f"buy 3 1@market trail={MAX_PRICE}") == ["3 bid accepted 1@0"]
    play(engine, f"sell 4 1@{MAX_PRICE}")
    assert f"3 bid triggered 1@{MAX_PRICE}" in play(engine, f"buy 5 1@{MAX_PRICE}")
