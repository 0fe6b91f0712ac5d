"""What random commands come to too seldom, where orders meet: each was a change that no other test noticed.

Every sentence holds for the kernel and for the twin.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, commands, play, told

from rtlab.engine import EventKind, SelfTradePrevention
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


def test_a_pair_that_expires_in_one_instrument_is_told_of_it_whatever_the_command_is_about(
    make: Make,
) -> None:
    engine = make()
    play(engine, "buy 1 5@100 gtd until=50 link=2 on=1", "sell 2 5@110 link=1 on=1")
    events = engine.process(commands("wait 0 at=60"))
    assert told(events)[-2:] == ["ask level 0@110 in 0", "time"]
    assert (events["instrument"][:-1] == 1).all()


def test_an_auction_ends_in_time_though_something_else_was_due_before(make: Make) -> None:
    engine = make(HALTING)
    play(engine, "sell 1 5@110 at=10", "buy 2 5@90 gtd until=50", "buy 3 5@110 at=20")
    assert "2 bid done EXPIRED @90, 5 left" in play(engine, "wait 0 at=60")
    assert "phase CONTINUOUS 5@110 VOLATILITY" in play(engine, "wait 0 at=120")


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


@pytest.mark.parametrize(
    ("maker", "sentences"),
    [
        ("sell 6 5@100 link=5", ["6 ask done FILLED @100, 0 left", "ask level 0@100 in 0"]),
        ("sell 6 9@100 link=5", ["6 ask done LINKED @100, 4 left", "ask level 0@100 in 0"]),
        ("sell 6 9@100 link=5 hidden", ["6 ask done LINKED @100, 4 left"]),
    ],
)
def test_a_partner_that_the_taker_meets_has_traded_before_it_goes(
    make: Make, maker: str, sentences: list[str]
) -> None:
    engine = make()
    play(engine, maker)
    qty = int(maker.split()[2].split("@")[0])
    assert play(engine, "buy 5 5@100 link=6") == [
        "5 bid accepted 5@100",
        f"5 bid took 5@100 of 6, {qty - 5} left",
        *sentences,
        "5 bid done FILLED @100, 0 left",
    ]


@pytest.mark.parametrize("named", ["buy 7 4@90", "buy 7 4@90 show=1", "buy 7 4@90 hidden", "buy 7 4@90 day"])
def test_order_0_which_nobody_can_name_takes_nobody_with_it(make: Make, named: str) -> None:
    engine = make()
    play(engine, named, "buy 0 1@99 link=7", "sell 1 1@110 link=2", "sell 2 1@111 link=1")
    assert play(engine, "cancel 0") == ["0 bid done CANCELLED @99, 1 left", "bid level 0@99 in 0"]
    assert play(engine, "cancel 7")[0] == "7 bid done CANCELLED @90, 4 left"
    assert play(engine, "buy 3 1@111 fok") == ["3 rejected FOK"], "pairs are still told from others"


@pytest.mark.parametrize(
    ("prevention", "sentences"),
    [
        ("CANCEL_OLDEST", ["1 bid done LINKED @100, 9 left"]),
        ("CANCEL_BOTH", ["1 bid done SELF_TRADE @100, 9 left"]),
        ("DECREMENT", ["1 bid done LINKED @100, 4 left"]),
        ("CANCEL_NEWEST", ["1 bid done SELF_TRADE @100, 9 left", "2 ask done LINKED @100, 5 left"]),
    ],
)
@pytest.mark.parametrize("comes", ["new", "again"])
def test_who_is_taking_goes_with_a_partner_of_his_own_that_is_prevented(
    make: Make, prevention: str, sentences: list[str], comes: str
) -> None:
    engine = make(prevention=SelfTradePrevention[prevention])
    play(engine, *(["buy 1 9@90 link=2 by=7"] if comes == "again" else []))
    play(engine, "sell 2 5@100 link=1 by=7", "sell 3 2@100")
    told = play(engine, "replace 1 9@100" if comes == "again" else "buy 1 9@100 link=2 by=7")
    assert [one for one in told if "done" in one and one != "2 ask done SELF_TRADE @100, 5 left"] == sentences
    assert "3 ask done CANCELLED @100, 2 left" in play(engine, "cancel 3")


def test_a_taker_who_names_one_that_names_another_does_not_go_with_it(make: Make) -> None:
    engine = make(prevention=SelfTradePrevention.CANCEL_OLDEST)
    play(engine, "sell 1 5@100 by=7 link=9")
    assert play(engine, "buy 3 5@100 by=7 link=1")[-1] == "bid level 5@100 in 1"


def test_a_taker_that_went_with_its_partner_takes_nobody_else_along(make: Make) -> None:
    engine = make(prevention=SelfTradePrevention.CANCEL_OLDEST)
    play(engine, "buy 1 1@50 link=3", "sell 2 5@100 by=7 link=3")
    assert "3 bid done LINKED @100, 5 left" in play(engine, "buy 3 5@100 by=7 link=2")
    assert play(engine, "cancel 1")[0] == "1 bid done CANCELLED @50, 1 left"


@pytest.mark.parametrize(("maker", "other"), [("5", "0 1@90 link=5"), ("0", "7 1@90"), ("5", "0 1@90")])
def test_who_is_named_by_order_0_or_names_it_is_no_half_of_a_pair(make: Make, maker: str, other: str) -> None:
    engine = make()
    play(engine, f"buy {other}", f"sell {maker} 5@100{' link=7' if maker == '0' else ''}")
    assert play(engine, "buy 9 5@100 fok")[0] == "9 bid accepted 5@100"


@pytest.mark.parametrize("order_id", [0, 1])
def test_a_taker_who_names_nobody_is_not_the_partner_of_order_0(make: Make, order_id: int) -> None:
    engine = make(prevention=SelfTradePrevention.CANCEL_OLDEST)
    play(engine, f"sell {order_id} 5@100 by=7 link=8", "sell 3 2@100")
    told = play(engine, "buy 8 2@100 by=7 show=1")
    assert "8 bid done FILLED @100, 0 left" in told


def test_half_of_a_pair_is_not_counted_however_many_pairs_have_gone(make: Make) -> None:
    for gone in range(4):
        engine = make()
        pairs = [(at, at + 1) for at in range(10, 20, 2)]
        for one, other in pairs:
            play(engine, f"sell {one} 5@100 link={other}", f"sell {other} 5@110 link={one}")
        play(engine, *(f"sell {one} 5@120 link=99" for one in range(30, 36)))  # there is no 99
        play(
            engine, *(f"cancel {one}" for one in range(30, 36)), *(f"cancel {one}" for one, _ in pairs[:gone])
        )
        assert play(engine, "buy 1 1@100 fok") == ["1 rejected FOK"]


def test_a_reserve_that_stands_behind_an_order_of_the_takers_own_is_not_sure(make: Make) -> None:
    engine = make(prevention=SelfTradePrevention.CANCEL_NEWEST)
    play(engine, "sell 1 10@100 show=2 by=8", "sell 2 5@100 by=7")
    assert play(engine, "buy 3 3@100 fok by=7") == ["3 rejected FOK"]
    assert play(engine, "buy 3 2@100 fok by=7")[0] == "3 bid accepted 2@100"


@pytest.mark.parametrize(("terms", "shows"), [("", 6), (" hidden", 0), (" show=5", 1)])
def test_a_maker_that_is_decremented_tells_what_shows_of_it(make: Make, terms: str, shows: int) -> None:
    engine = make(prevention=SelfTradePrevention.DECREMENT)
    play(engine, f"sell 1 10@100 by=7{terms}")
    events = engine.process(commands("buy 2 4@100 by=7"))
    (maker,) = events[(events["kind"] == EventKind.REPLACED) & (events["order_id"] == 1)]
    assert (maker["qty"], maker["remaining"]) == (6, shows)


def test_an_order_that_became_an_iceberg_is_not_post_only(make: Make) -> None:
    engine = make()
    play(engine, "buy 1 5@90", "replace 1 5@90 show=2", "sell 9 5@95 whole")
    assert "1 bid took 5@95 of 9, 0 left" in play(engine, "replace 1 5@95")


@pytest.mark.parametrize("prevention", SelfTradePrevention)
def test_who_waits_for_all_is_met_by_his_own_where_nothing_prevents_it(
    make: Make, prevention: SelfTradePrevention
) -> None:
    engine = make(prevention=prevention)
    play(engine, "buy 1 5@100 whole by=7")
    met = "2 ask took 5@100 of 1, 0 left" in play(engine, "sell 2 5@100 by=7")
    assert met == (prevention == SelfTradePrevention.NONE)


def test_an_order_that_becomes_an_iceberg_goes_to_the_end_of_its_queue(make: Make) -> None:
    for show in (1, 2):
        engine = make()
        play(engine, "sell 1 5@100", "sell 2 5@100", f"replace 1 4@100 show={show}")
        assert "3 bid took 1@100 of 2, 4 left" in play(engine, "buy 3 1@100")


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
    (replaced,) = engine.process(commands("replace 4 3@91"))
    assert (replaced["kind"], replaced["qty"], replaced["remaining"]) == (EventKind.REPLACED, 3, 0)


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


# the first that is not plain


@pytest.mark.parametrize(
    ("maker", "level"), [("sell 9 5@100", ["ask level 0@100 in 0"]), ("sell 9 5@100 whole", [])]
)
def test_the_partner_of_a_taker_goes_wherever_the_takers_terms_are_kept(
    make: Make, maker: str, level: list[str]
) -> None:
    engine = make()
    play(engine, "buy 8 5@10 show=1", "buy 1 5@90 link=2", maker, "cancel 8")  # its terms were the first
    assert play(engine, "buy 2 9@100 link=1") == [
        "2 bid accepted 9@100",
        "2 bid took 5@100 of 9, 0 left",
        "1 bid done LINKED @90, 5 left",
        "bid level 0@90 in 0",
        "9 ask done FILLED @100, 0 left",
        *level,
        "bid level 4@100 in 1",
    ]


def test_the_partner_of_a_maker_goes_wherever_the_makers_terms_are_kept(make: Make) -> None:
    for pair in (
        ("sell 1 5@100 link=2", "sell 2 5@110 link=1"),
        ("sell 2 5@110 link=1", "sell 1 5@100 link=2"),
    ):
        engine = make()
        play(engine, *pair)
        assert "2 ask done LINKED @110, 5 left" in play(engine, "buy 3 5@100")


def test_who_takes_the_place_of_the_first_terms_has_come_when_he_came(make: Make) -> None:
    engine = make()
    play(engine, "buy 8 5@10 show=1", "buy 1 5@90 gtd until=50", "cancel 8", "buy 2 5@91 gtd until=50")
    gone = [one for one in play(engine, "wait 0 at=50") if "EXPIRED" in one]
    assert [int(one.split()[0]) for one in gone] == [1, 2]
