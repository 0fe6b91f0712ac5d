"""What orders do to each other. Every sentence holds for the kernel and for the twin."""

from collections.abc import Callable

import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, play

from rtlab.engine import SelfTradePrevention


@pytest.fixture(params=KERNEL_AND_TWIN)
def engine(request: pytest.FixtureRequest) -> Executes:
    return make_engine(request.param)


@pytest.fixture(params=KERNEL_AND_TWIN)
def preventing(request: pytest.FixtureRequest) -> Callable[[SelfTradePrevention], Executes]:
    return lambda prevention: make_engine(request.param, prevention=prevention)


def test_an_order_that_meets_nobody_rests(engine: Executes) -> None:
    assert play(engine, "buy 1 5@100") == ["1 bid accepted 5@100", "bid level 5@100 in 1"]


def test_orders_of_a_price_share_its_level(engine: Executes) -> None:
    assert play(engine, "buy 1 5@100", "buy 2 3@100") == ["2 bid accepted 3@100", "bid level 8@100 in 2"]


def test_a_taker_trades_at_the_makers_price_and_is_done_after_the_level(engine: Executes) -> None:
    assert play(engine, "sell 1 5@100", "buy 2 5@105") == [
        "2 bid accepted 5@105",
        "2 bid took 5@100 of 1, 0 left",
        "1 ask done FILLED @100, 0 left",
        "ask level 0@100 in 0",
        "2 bid done FILLED @105, 0 left",
    ]


def test_a_partly_filled_maker_keeps_its_place(engine: Executes) -> None:
    assert play(engine, "buy 1 5@100", "buy 2 5@100", "sell 3 2@100", "sell 4 4@100") == [
        "4 ask accepted 4@100",
        "4 ask took 3@100 of 1, 0 left",
        "1 bid done FILLED @100, 0 left",
        "4 ask took 1@100 of 2, 4 left",
        "bid level 4@100 in 1",
        "4 ask done FILLED @100, 0 left",
    ]


def test_better_prices_are_taken_first_and_each_level_is_told_once(engine: Executes) -> None:
    assert play(engine, "sell 1 1@102", "sell 2 1@101", "sell 3 1@101", "sell 4 9@103", "buy 5 4@103") == [
        "5 bid accepted 4@103",
        "5 bid took 1@101 of 2, 0 left",
        "2 ask done FILLED @101, 0 left",
        "5 bid took 1@101 of 3, 0 left",
        "3 ask done FILLED @101, 0 left",
        "ask level 0@101 in 0",
        "5 bid took 1@102 of 1, 0 left",
        "1 ask done FILLED @102, 0 left",
        "ask level 0@102 in 0",
        "5 bid took 1@103 of 4, 8 left",
        "ask level 8@103 in 1",
        "5 bid done FILLED @103, 0 left",
    ]


def test_a_sell_sweeps_bids_from_the_highest_down(engine: Executes) -> None:
    assert play(engine, "buy 1 1@98", "buy 2 1@99", "sell 3 3@98") == [
        "3 ask accepted 3@98",
        "3 ask took 1@99 of 2, 0 left",
        "2 bid done FILLED @99, 0 left",
        "bid level 0@99 in 0",
        "3 ask took 1@98 of 1, 0 left",
        "1 bid done FILLED @98, 0 left",
        "bid level 0@98 in 0",
        "ask level 1@98 in 1",
    ]


def test_what_a_limit_order_cannot_trade_rests_at_its_own_price(engine: Executes) -> None:
    assert play(engine, "sell 1 2@100", "buy 2 5@101")[-1] == "bid level 3@101 in 1"
    assert play(engine, "sell 3 9@101 ioc")[-1] == "3 ask done IOC @101, 6 left"


def test_market_order_takes_any_price_and_its_rest_is_gone(engine: Executes) -> None:
    assert play(engine, "sell 1 2@100", "sell 2 2@900", "buy 3 5@market") == [
        "3 bid accepted 5@0",
        "3 bid took 2@100 of 1, 0 left",
        "1 ask done FILLED @100, 0 left",
        "ask level 0@100 in 0",
        "3 bid took 2@900 of 2, 0 left",
        "2 ask done FILLED @900, 0 left",
        "ask level 0@900 in 0",
        "3 bid done IOC @0, 1 left",
    ]


def test_market_sell_takes_a_bid_at_price_0(engine: Executes) -> None:
    assert "2 ask took 2@0 of 1, 2 left" in play(engine, "buy 1 4@0", "sell 2 2@market")
    assert play(engine, "sell 3 2@market fok")[-1] == "3 ask done FILLED @0, 0 left"


def test_market_order_into_an_empty_book_is_accepted_and_over(engine: Executes) -> None:
    assert play(engine, "sell 1 5@market") == ["1 ask accepted 5@0", "1 ask done IOC @0, 5 left"]


def test_ioc_trades_what_it_can_and_its_rest_is_gone(engine: Executes) -> None:
    assert play(engine, "buy 1 2@100", "sell 2 5@100 ioc")[-1] == "2 ask done IOC @100, 3 left"
    assert play(engine, "buy 3 1@100 ioc") == ["3 bid accepted 1@100", "3 bid done IOC @100, 1 left"]


def test_fok_fills_wholly_over_several_levels(engine: Executes) -> None:
    assert (
        play(engine, "sell 1 2@100", "sell 2 2@101", "buy 3 4@101 fok")[-1]
        == "3 bid done FILLED @101, 0 left"
    )


@pytest.mark.parametrize(
    "order", ["buy 3 5@101 fok", "buy 3 4@100 fok", "buy 3 5@market fok", "buy 3 1@99 fok"]
)
def test_fok_that_cannot_fill_is_rejected_and_changes_nothing(engine: Executes, order: str) -> None:
    assert play(engine, "sell 1 2@100", "sell 2 2@101", order) == ["3 rejected FOK"]
    assert play(engine, "buy 4 4@101 fok")[-1] == "4 bid done FILLED @101, 0 left"


def test_post_only_rests_beside_the_other_side_and_is_refused_on_it(engine: Executes) -> None:
    assert play(engine, "sell 1 2@100", "buy 2 1@99 post")[-1] == "bid level 1@99 in 1"
    assert play(engine, "buy 3 1@100 post") == ["3 rejected POST_ONLY"]
    assert play(engine, "sell 4 1@99 post") == ["4 rejected POST_ONLY"]


def test_cancel_takes_the_order_out_of_its_queue(engine: Executes) -> None:
    assert play(engine, "buy 1 1@100", "buy 2 2@100", "buy 3 4@100", "cancel 2") == [
        "2 bid done CANCELLED @100, 2 left",
        "bid level 5@100 in 2",
    ]
    assert [line for line in play(engine, "sell 9 5@100 ioc") if "took" in line] == [
        "9 ask took 1@100 of 1, 0 left",
        "9 ask took 4@100 of 3, 0 left",
    ]


def test_cancel_of_the_last_order_tells_the_empty_level(engine: Executes) -> None:
    assert play(engine, "sell 1 1@100", "cancel 1")[-1] == "ask level 0@100 in 0"
    assert play(engine, "cancel 1") == ["1 rejected UNKNOWN_ORDER"]


def test_replace_that_lowers_the_quantity_keeps_its_place(engine: Executes) -> None:
    assert play(engine, "buy 1 5@100", "buy 2 5@100", "replace 1 2@100") == [
        "1 bid replaced 2@100",
        "bid level 7@100 in 2",
    ]
    assert "9 ask took 2@100 of 1, 0 left" in play(engine, "sell 9 2@100")


def test_replace_with_the_same_price_and_quantity_keeps_its_place(engine: Executes) -> None:
    assert play(engine, "buy 1 5@100", "buy 2 5@100", "replace 1 5@100") == [
        "1 bid replaced 5@100",
        "bid level 10@100 in 2",
    ]
    assert "9 ask took 2@100 of 1, 3 left" in play(engine, "sell 9 2@100")


def test_replace_that_raises_the_quantity_goes_to_the_back_and_tells_its_level_once(engine: Executes) -> None:
    assert play(engine, "buy 1 5@100", "buy 2 5@100", "replace 1 6@100") == [
        "1 bid replaced 6@100",
        "bid level 11@100 in 2",
    ]
    assert "9 ask took 2@100 of 2, 3 left" in play(engine, "sell 9 2@100")


def test_replace_that_raises_the_only_order_of_a_level_leaves_the_level_open(engine: Executes) -> None:
    assert play(engine, "buy 1 5@100", "replace 1 6@100") == ["1 bid replaced 6@100", "bid level 6@100 in 1"]
    assert play(engine, "sell 2 6@100")[-1] == "2 ask done FILLED @100, 0 left"


def test_replace_to_another_price_tells_both_levels(engine: Executes) -> None:
    assert play(engine, "buy 1 5@100", "buy 2 1@100", "replace 1 5@99") == [
        "1 bid replaced 5@99",
        "bid level 1@100 in 1",
        "bid level 5@99 in 1",
    ]


def test_replace_across_the_spread_trades_at_once(engine: Executes) -> None:
    assert play(engine, "buy 1 5@100", "sell 2 3@101", "replace 1 5@101") == [
        "1 bid replaced 5@101",
        "bid level 0@100 in 0",
        "1 bid took 3@101 of 2, 0 left",
        "2 ask done FILLED @101, 0 left",
        "ask level 0@101 in 0",
        "bid level 2@101 in 1",
    ]


def test_replaced_order_that_fills_is_done_and_its_id_free(engine: Executes) -> None:
    assert (
        play(engine, "buy 1 3@100", "sell 2 3@101", "replace 1 3@101")[-1] == "1 bid done FILLED @101, 0 left"
    )
    assert play(engine, "cancel 1") == ["1 rejected UNKNOWN_ORDER"]
    assert play(engine, "sell 1 1@500")[0] == "1 ask accepted 1@500"


def test_replaces_quantity_is_the_new_open_quantity_after_a_partial_fill(engine: Executes) -> None:
    assert play(engine, "buy 1 5@100", "sell 2 4@100", "replace 1 3@100") == [
        "1 bid replaced 3@100",
        "bid level 3@100 in 1",
    ]


def test_an_id_may_be_used_again_once_its_order_is_done(engine: Executes) -> None:
    assert play(engine, "buy 1 5@100", "buy 1 5@99") == ["1 rejected DUPLICATE_ID"]
    assert play(engine, "cancel 1", "sell 1 5@99") == ["1 ask accepted 5@99", "ask level 5@99 in 1"]


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_an_id_belongs_to_its_instrument(kind: str) -> None:
    engine = make_engine(kind, symbols=2)
    assert play(engine, "buy 1 5@100 on=0", "cancel 1 on=1") == ["1 rejected UNKNOWN_ORDER"]
    assert play(engine, "sell 1 7@90 on=1") == ["1 ask accepted 7@90", "ask level 7@90 in 1"]
    assert play(engine, "cancel 1 on=0")[0] == "1 bid done CANCELLED @100, 5 left"
    assert play(engine, "cancel 1 on=1")[0] == "1 ask done CANCELLED @90, 7 left"


def test_an_owner_may_trade_with_himself_unless_it_is_prevented(engine: Executes) -> None:
    assert "2 ask took 5@100 of 1, 0 left" in play(engine, "buy 1 5@100 by=7", "sell 2 5@100 by=7")


def test_cancel_newest_ends_the_taker_at_his_own_order(
    preventing: Callable[[SelfTradePrevention], Executes],
) -> None:
    engine = preventing(SelfTradePrevention.CANCEL_NEWEST)
    assert play(engine, "buy 1 1@100 by=8", "buy 2 5@100 by=7", "sell 3 9@100 by=7") == [
        "3 ask accepted 9@100",
        "3 ask took 1@100 of 1, 0 left",
        "1 bid done FILLED @100, 0 left",
        "bid level 5@100 in 1",
        "3 ask done SELF_TRADE @100, 8 left",
    ]
    assert play(engine, "sell 4 9@100 by=7") == [
        "4 ask accepted 9@100",
        "4 ask done SELF_TRADE @100, 9 left",
    ]


def test_cancel_oldest_ends_his_resting_orders_and_goes_on(
    preventing: Callable[[SelfTradePrevention], Executes],
) -> None:
    engine = preventing(SelfTradePrevention.CANCEL_OLDEST)
    assert play(engine, "buy 1 5@100 by=7", "buy 2 1@100 by=8", "buy 3 4@99 by=7", "sell 4 9@99 by=7") == [
        "4 ask accepted 9@99",
        "1 bid done SELF_TRADE @100, 5 left",
        "4 ask took 1@100 of 2, 0 left",
        "2 bid done FILLED @100, 0 left",
        "bid level 0@100 in 0",
        "3 bid done SELF_TRADE @99, 4 left",
        "bid level 0@99 in 0",
        "ask level 8@99 in 1",
    ]


def test_cancel_both_ends_taker_and_maker(preventing: Callable[[SelfTradePrevention], Executes]) -> None:
    engine = preventing(SelfTradePrevention.CANCEL_BOTH)
    assert play(engine, "buy 1 1@100 by=8", "buy 2 5@100 by=7", "sell 3 9@100 by=7") == [
        "3 ask accepted 9@100",
        "3 ask took 1@100 of 1, 0 left",
        "1 bid done FILLED @100, 0 left",
        "2 bid done SELF_TRADE @100, 5 left",
        "bid level 0@100 in 0",
        "3 ask done SELF_TRADE @100, 8 left",
    ]


def test_decrement_takes_from_both_what_they_would_have_traded(
    preventing: Callable[[SelfTradePrevention], Executes],
) -> None:
    engine = preventing(SelfTradePrevention.DECREMENT)
    assert play(engine, "buy 1 5@100 by=7", "buy 2 9@100 by=7", "sell 3 8@100 by=7") == [
        "3 ask accepted 8@100",
        "1 bid done SELF_TRADE @100, 5 left",
        "3 ask replaced 3@100",
        "2 bid replaced 6@100",
        "bid level 6@100 in 1",
        "3 ask done SELF_TRADE @100, 3 left",
    ]
    assert play(engine, "sell 4 6@100 by=7") == [
        "4 ask accepted 6@100",
        "2 bid done SELF_TRADE @100, 6 left",
        "bid level 0@100 in 0",
        "4 ask done SELF_TRADE @100, 6 left",
    ]


def test_decrement_of_an_iceberg_goes_on_with_its_next_slice(
    preventing: Callable[[SelfTradePrevention], Executes],
) -> None:
    engine = preventing(SelfTradePrevention.DECREMENT)
    assert play(engine, "buy 1 5@100 by=7 show=2", "sell 2 3@100 by=7")[1:] == [
        "1 bid replaced 3@100",
        "1 bid refilled 2@100 of 3",
        "2 ask replaced 1@100",
        "1 bid replaced 2@100",
        "bid level 1@100 in 1",
        "2 ask done SELF_TRADE @100, 1 left",
    ]


@pytest.mark.parametrize("prevention", [one for one in SelfTradePrevention if one])
def test_owner_0_is_nobody_and_never_prevented(
    preventing: Callable[[SelfTradePrevention], Executes], prevention: SelfTradePrevention
) -> None:
    assert "2 ask took 5@100 of 1, 0 left" in play(preventing(prevention), "buy 1 5@100", "sell 2 5@100")


def test_a_full_fill_before_his_own_order_prevents_nothing(
    preventing: Callable[[SelfTradePrevention], Executes],
) -> None:
    for prevention in SelfTradePrevention:
        engine = preventing(prevention)
        assert play(engine, "buy 1 1@100 by=8", "buy 2 5@100 by=7", "sell 3 1@100 by=7")[-2:] == [
            "bid level 5@100 in 1",
            "3 ask done FILLED @100, 0 left",
        ]


def test_fok_counts_only_what_it_may_trade_with(
    preventing: Callable[[SelfTradePrevention], Executes],
) -> None:
    book = ("buy 1 2@100 by=8", "buy 2 5@100 by=7", "buy 3 2@99 by=8")
    newest, oldest = (
        preventing(SelfTradePrevention.CANCEL_NEWEST),
        preventing(SelfTradePrevention.CANCEL_OLDEST),
    )
    assert play(newest, *book, "sell 4 3@99 by=7 fok") == ["4 rejected FOK"]
    assert play(newest, "sell 4 2@99 by=7 fok")[-1] == "4 ask done FILLED @99, 0 left"
    assert play(oldest, *book, "sell 4 5@99 by=7 fok") == ["4 rejected FOK"]
    assert play(oldest, "sell 4 4@99 by=7 fok")[1:] == [
        "4 ask took 2@100 of 1, 0 left",
        "1 bid done FILLED @100, 0 left",
        "2 bid done SELF_TRADE @100, 5 left",
        "bid level 0@100 in 0",
        "4 ask took 2@99 of 3, 0 left",
        "3 bid done FILLED @99, 0 left",
        "bid level 0@99 in 0",
        "4 ask done FILLED @99, 0 left",
    ]


def test_a_replaced_order_keeps_its_owner(preventing: Callable[[SelfTradePrevention], Executes]) -> None:
    engine = preventing(SelfTradePrevention.CANCEL_NEWEST)
    assert play(engine, "buy 1 5@100 by=7", "sell 2 5@101 by=7", "replace 1 5@101") == [
        "1 bid replaced 5@101",
        "bid level 0@100 in 0",
        "1 bid done SELF_TRADE @101, 5 left",
    ]
    assert play(engine, "cancel 1") == ["1 rejected UNKNOWN_ORDER"]


@pytest.mark.parametrize("how", ["fok", "ioc least=5", "whole"])
def test_who_names_nobody_is_counted_as_sure(engine: Executes, how: str) -> None:
    play(engine, "sell 1 5@100 link=77")  # there is no 77
    assert "2 bid took 5@100 of 1, 0 left" in play(engine, f"buy 2 5@100 {how}")


def test_who_is_named_by_one_that_he_does_not_name_is_counted_as_sure(engine: Executes) -> None:
    play(engine, "sell 1 5@100 link=3", "buy 3 1@90")
    assert "2 bid took 5@100 of 1, 0 left" in play(engine, "buy 2 5@100 fok")


def test_the_takers_own_partner_is_not_sure(engine: Executes) -> None:
    play(engine, "sell 1 5@100 link=2", "sell 4 5@100")
    assert play(engine, "buy 2 10@100 fok link=1") == ["2 rejected FOK"]
    assert play(engine, "buy 2 10@100 fok link=4")[0] == "2 bid accepted 10@100", "4 does not name him"
