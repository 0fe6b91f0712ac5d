"""What random commands come to too seldom: each was a change of one engine that no other test noticed.

Every sentence holds for the kernel and for the twin.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, command, commands, play, told

from rtlab.engine import EventKind, SelfTradePrevention
from rtlab.engine.limits import MAX_AMOUNT, MAX_MONEY, MAX_PRICE, MAX_QTY, SLICES
from rtlab.model import Rules

Make = Callable[..., Executes]


@pytest.fixture(params=KERNEL_AND_TWIN)
def make(request: pytest.FixtureRequest) -> Make:
    def made(
        rules: Rules | None = None, prevention: SelfTradePrevention = SelfTradePrevention.NONE
    ) -> Executes:
        by_symbol: Mapping[str, Rules] = {"I0": rules} if rules else {}
        return make_engine(request.param, symbols=2, prevention=prevention, rules=by_symbol)

    return made


# time that passes for another instrument than the command's

HALTING = Rules(reference_price=100, volatility_ticks=5, volatility_ns=100)


def test_what_time_sets_off_in_one_instrument_is_told_of_it_whatever_the_command_is_about(make: Make) -> None:
    engine = make(HALTING)
    engine.process(
        commands(
            "sell 1 9@111 show=2 at=10",
            "sell 2 4@112",
            "buy 3 8@110 stop=109",  # waits for the auction's price, takes nothing, rests
            "buy 4 15@113 stop=109",  # eats through the iceberg and a level
            "sell 5 3@110",
            "buy 6 3@110 at=20",  # leaves the corridor: an auction
        )
    )
    events = engine.process(commands("wait 0 at=120 on=1"))
    assert (events["instrument"][:-1] == 0).all()
    assert events["instrument"][-1] == 1
    sentences = told(events)
    assert sentences[-1] == "time"
    assert "phase CONTINUOUS 3@110 VOLATILITY" in sentences
    assert {"1 ask refilled 2@111 of 7", "4 bid triggered 15@109", "bid level 2@113 in 1"} <= set(sentences)


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


def test_deposits_may_bring_an_account_to_the_most_and_no_further(make: Make) -> None:
    engine = make()
    one = command(f"deposit 0 by=7 price={MAX_AMOUNT}")
    events = engine.process(np.repeat(one, MAX_MONEY // MAX_AMOUNT))
    assert (events["kind"] == EventKind.ACCOUNT).all()
    assert told(events)[-1] == f"account 7 has {MAX_MONEY} and 0 lots"
    assert play(engine, "deposit 0 by=7 price=1") == ["0 rejected BAD_AMOUNT"]


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


@pytest.mark.parametrize("terms", ["fok", "stop=110", "stop=110 fok", "trail=3"])
def test_a_least_quantity_belongs_to_what_takes_at_once(make: Make, terms: str) -> None:
    assert play(make(), f"buy 1 5@100 least=2 {terms}")[0].startswith("1 rejected BAD_")


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


def test_one_lot_meets_one_that_waits_for_all_of_one(make: Make) -> None:
    engine = make()
    play(engine, "sell 1 1@100 whole")
    assert play(engine, "buy 2 1@100")[1] == "2 bid took 1@100 of 1, 0 left"


# more than was foreseen


def test_a_command_may_tell_more_than_there_was_room_for(make: Make) -> None:
    for last in ("sell 999 300@1", "sweep 0 everyone both"):
        engine = make()
        engine.process(commands(*(f"buy {at} 1@{100 + at % 3}" for at in range(300))))
        events = engine.process(commands(last))
        assert np.count_nonzero(events["kind"] == EventKind.DONE) == 300 + last.startswith("sell")
        assert (np.diff(events["seq"]) == 1).all()
        assert play(engine, "buy 1 1@100")[-1] == "bid level 1@100 in 1"


def test_whatever_is_full_when_a_stop_is_set_off_or_an_order_changes_its_kind(make: Make) -> None:
    for full in range(1, 40):
        engine = make()
        play(engine, *(f"buy {100 + at} 1@{10 + at}" for at in range(full)))
        assert play(engine, "buy 2 3@70 stop=90")[0] == "2 bid accepted 3@70"
        assert play(engine, "buy 3 1@80", "sell 4 1@80")[-1] == "4 ask done FILLED @80, 0 left"
        play(engine, "sell 5 1@95")
        assert play(engine, "buy 6 1@95")[-2:] == ["2 bid triggered 3@90", "bid level 3@70 in 1"]
        assert play(engine, "replace 100 2@10 show=1")[0] == "100 bid replaced 2@10"


# sides


def test_a_mass_cancel_of_both_sides_needs_no_side_and_of_one_side_needs_one(make: Make) -> None:
    engine = make()
    play(engine, "buy 1 1@100")
    assert told(engine.process(command("sweep 0 everyone", side=7))) == ["0 rejected BAD_SIDE"]
    assert told(engine.process(command("sweep 0 everyone both", side=7)))[-1] == "swept 1 of 0"


# those that nobody sees


@pytest.mark.parametrize(("hidden", "level"), [("", ["ask level 0@100 in 0"]), (" hidden", [])])
def test_a_level_is_told_where_a_partner_that_showed_left_it(
    make: Make, hidden: str, level: list[str]
) -> None:
    engine = make()
    play(engine, "sell 7 3@100 hidden", f"sell 6 5@100 link=5{hidden}")
    assert play(engine, "buy 5 3@100 link=6") == [
        "5 bid accepted 3@100",
        "5 bid took 3@100 of 7, 0 left",
        "6 ask done LINKED @100, 5 left",
        "7 ask done FILLED @100, 0 left",
        *level,
        "5 bid done FILLED @100, 0 left",
    ]


def test_a_level_of_bids_is_told_where_a_partner_left_it(make: Make) -> None:
    engine = make()
    play(engine, "buy 7 3@100", "buy 6 5@100 link=5")
    assert play(engine, "sell 5 3@100 link=6") == [
        "5 ask accepted 3@100",
        "5 ask took 3@100 of 7, 0 left",
        "6 bid done LINKED @100, 5 left",
        "7 bid done FILLED @100, 0 left",
        "bid level 0@100 in 0",
        "5 ask done FILLED @100, 0 left",
    ]


@pytest.mark.parametrize("first", ["buy 1 5@90 link=2", "sell 9 5@100 whole"])
def test_the_partner_of_who_meets_one_that_waited_for_all_goes_with_the_trade(make: Make, first: str) -> None:
    engine = make()
    second = {"buy": "sell 9 5@100 whole", "sell": "buy 1 5@90 link=2"}[first.split()[0]]
    play(engine, first, second)
    assert play(engine, "buy 2 5@100 link=1") == [
        "2 bid accepted 5@100",
        "2 bid took 5@100 of 9, 0 left",
        "1 bid done LINKED @90, 5 left",
        "bid level 0@90 in 0",
        "9 ask done FILLED @100, 0 left",
        "2 bid done FILLED @100, 0 left",
    ]


def test_half_of_a_pair_is_not_counted_however_many_pairs_have_gone(make: Make) -> None:
    for gone in range(4):
        engine = make()
        pairs = [(at, at + 1) for at in range(10, 20, 2)]
        for one, other in pairs:
            play(engine, f"sell {one} 5@100 link={other}", f"sell {other} 5@110 link={one}")
        play(engine, *(f"cancel {one}" for one, _ in pairs[:gone]))
        assert play(engine, "buy 1 1@100 fok") == ["1 rejected FOK"]


def test_a_reserve_that_stands_behind_an_order_of_the_takers_own_is_not_sure(make: Make) -> None:
    engine = make(prevention=SelfTradePrevention.CANCEL_NEWEST)
    play(engine, "sell 1 10@100 show=2 by=8", "sell 2 5@100 by=7")
    assert play(engine, "buy 3 3@100 fok by=7") == ["3 rejected FOK"]
    assert play(engine, "buy 3 2@100 fok by=7")[0] == "3 bid accepted 2@100"


@pytest.mark.parametrize(("hidden", "shows"), [("", 6), (" hidden", 0)])
def test_a_maker_that_is_decremented_tells_what_shows_of_it(make: Make, hidden: str, shows: int) -> None:
    engine = make(prevention=SelfTradePrevention.DECREMENT)
    play(engine, f"sell 1 10@100 by=7{hidden}")
    events = engine.process(commands("buy 2 4@100 by=7"))
    (maker,) = events[(events["kind"] == EventKind.REPLACED) & (events["order_id"] == 1)]
    assert (maker["qty"], maker["remaining"]) == (6, shows)


def test_an_order_that_became_an_iceberg_is_not_post_only(make: Make) -> None:
    engine = make()
    play(engine, "buy 1 5@90", "replace 1 5@90 show=2", "sell 9 5@95 whole")
    assert "1 bid took 5@95 of 9, 0 left" in play(engine, "replace 1 5@95")


def test_the_first_order_of_a_day_is_gone_at_the_close(make: Make) -> None:
    engine = make()
    play(engine, "buy 1 5@100 day")
    assert "1 bid done EXPIRED @100, 5 left" in play(engine, "phase 0 to=4")


def test_a_hidden_partner_and_a_hidden_order_that_moves_leave_no_level_to_tell(make: Make) -> None:
    engine = make()
    play(engine, "buy 1 5@90 hidden link=2", "buy 2 5@95 link=1")
    assert play(engine, "sell 3 5@95")[2:] == [
        "2 bid done FILLED @95, 0 left",
        "1 bid done LINKED @90, 5 left",
        "bid level 0@95 in 0",
        "3 ask done FILLED @95, 0 left",
    ]
    play(engine, "buy 4 5@90 hidden")
    assert play(engine, "replace 4 5@91") == ["4 bid replaced 5@91"]
    assert play(engine, "replace 4 3@91") == ["4 bid replaced 3@91"]


@pytest.mark.parametrize(("hidden", "level"), [("", ["bid level 0@100 in 0"]), (" hidden", [])])
def test_the_level_that_a_replaced_order_left_for_good_is_told_if_it_showed(
    make: Make, hidden: str, level: list[str]
) -> None:
    engine = make()
    play(engine, "sell 9 5@100 whole", f"buy 1 3@100{hidden}")
    assert play(engine, "replace 1 5@100") == [
        "1 bid replaced 5@100",
        "1 bid took 5@100 of 9, 0 left",
        "9 ask done FILLED @100, 0 left",
        *level,
        "1 bid done FILLED @100, 0 left",
    ]


def test_a_post_only_order_rests_first_and_is_then_taken_by_who_waited_for_all_of_it(make: Make) -> None:
    engine = make()
    play(engine, "sell 1 5@100 whole")
    assert play(engine, "buy 2 5@100 post")[:3] == [
        "2 bid accepted 5@100",
        "bid level 5@100 in 1",
        "1 ask took 5@100 of 2, 0 left",
    ]


# who comes first


@pytest.mark.parametrize("stop", ["", " stop=200"])
def test_of_orders_that_expire_at_one_time_the_first_that_came_goes_first(make: Make, stop: str) -> None:
    engine = make()
    ids = [9, 1, 5, 3, 7]
    play(engine, *(f"buy {order} 1@{90 + order}{stop} gtd until=50" for order in ids))
    gone = [one for one in play(engine, "wait 0 at=50") if "EXPIRED" in one]
    assert [int(one.split()[0]) for one in gone] == ids


@pytest.mark.parametrize("stop", ["", " stop=200"])
def test_who_came_first_expires_first_though_he_was_replaced_or_is_in_another_instrument(
    make: Make, stop: str
) -> None:
    engine = make()
    play(engine, *(f"buy {order} 2@90{stop} gtd until=50 on={order % 2}" for order in (5, 9, 4, 1)))
    play(engine, "replace 9 3@91 on=1", "replace 4 3@91")
    gone = [one for one in play(engine, "wait 0 at=50") if "EXPIRED" in one]
    assert [int(one.split()[0]) for one in gone] == [5, 9, 4, 1]
