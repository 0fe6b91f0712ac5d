"""What random commands come to too seldom: each was a change of one engine that no other test noticed.

Every sentence holds for the kernel and for the twin.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, command, commands, play, told

from rtlab.engine import EventKind
from rtlab.engine.limits import MAX_AMOUNT, MAX_MONEY, MAX_PRICE, MAX_QTY, SLICES
from rtlab.model import Rules

Make = Callable[..., Executes]


@pytest.fixture(params=KERNEL_AND_TWIN)
def make(request: pytest.FixtureRequest) -> Make:
    def made(rules: Rules | None = None, symbols: int = 2) -> Executes:
        by_symbol: Mapping[str, Rules] = {"I0": rules} if rules else {}
        return make_engine(request.param, symbols=symbols, rules=by_symbol)

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


# money


def test_deposits_may_bring_an_account_to_the_most_and_no_further(make: Make) -> None:
    engine = make()
    one = command(f"deposit 0 by=7 price={MAX_AMOUNT}")
    events = engine.process(np.repeat(one, MAX_MONEY // MAX_AMOUNT))
    assert (events["kind"] == EventKind.ACCOUNT).all()
    assert told(events)[-1] == f"account 7 has {MAX_MONEY} and 0 lots"
    assert play(engine, "deposit 0 by=7 price=1") == ["0 rejected BAD_AMOUNT"]


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
