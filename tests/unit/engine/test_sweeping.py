"""Mass cancels. Every sentence holds for the kernel and for the twin."""

import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, play

from rtlab.engine import Engine


@pytest.fixture(params=KERNEL_AND_TWIN)
def engine(request: pytest.FixtureRequest) -> Executes:
    return make_engine(request.param, symbols=2)


BOOK = (
    "buy 1 5@100 by=7",
    "buy 2 5@100 by=8",
    "buy 3 5@99 by=7 hidden",
    "sell 4 5@105 by=7",
    "sell 5 5@95 by=7 stop=96",
    "buy 6 5@98 by=7 on=1",
)


def gone(told: list[str]) -> list[int]:
    return [int(line.split()[0]) for line in told if "MASS_CANCELLED" in line]


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("sweep 0 by=7", [1, 3]),
        ("sweep 0 by=7 both", [1, 3, 4, 5]),
        ("sweep 0 by=7 both everywhere", [1, 3, 4, 5, 6]),
        ("sweep 0 by=7 everywhere", [1, 3, 6]),
        ("sweep 0 everyone", [1, 2, 3]),
        ("sweep 0 by=9 both everywhere", []),
    ],
)
def test_a_mass_cancel_cancels_what_it_means(engine: Executes, text: str, orders: list[int]) -> None:
    told = play(engine, *BOOK, text)
    assert gone(told) == orders
    assert told[-1].startswith(f"swept {len(orders)} of ")


def test_each_level_is_told_once_after_its_orders(engine: Executes) -> None:
    assert play(engine, *BOOK, "sweep 0 everyone") == [
        "1 bid done MASS_CANCELLED @100, 5 left",
        "2 bid done MASS_CANCELLED @100, 5 left",
        "bid level 0@100 in 0",
        "3 bid done MASS_CANCELLED @99, 5 left",
        "swept 3 of 0",
    ]


def test_a_mass_cancel_needs_an_owner_and_a_side(engine: Executes) -> None:
    assert play(engine, "sweep 0") == ["0 rejected BAD_OWNER"]
    assert play(engine, "sweep 0 by=7 side=2") == ["0 rejected BAD_SIDE"]
    assert play(engine, "sweep 0 by=7 post") == ["0 rejected BAD_FLAGS"]


def test_thousands_of_orders_go_at_once(engine: Executes) -> None:
    many = 10_000 if isinstance(engine, Engine) else 1_000  # the twin is plain
    told = play(engine, *(f"buy {at} 1@{at % 50} by=7" for at in range(many)), "sweep 0 by=7")
    assert len(gone(told)) == many
    assert told[-1] == f"swept {many} of 7"


def test_stops_that_sell_go_before_those_that_buy(engine: Executes) -> None:
    play(
        engine, "sell 9 1@100", "buy 8 1@100", "buy 1 5@market stop=105 by=7", "sell 2 5@market stop=95 by=7"
    )
    told = play(engine, "sweep 0 by=7 both")
    assert [line.split()[0] for line in told if "done" in line] == ["2", "1"]


def test_the_other_order_of_a_pair_stays_if_it_is_not_meant(engine: Executes) -> None:
    play(engine, "buy 1 5@90 by=7 link=2", "sell 2 5@110 by=7 link=1")
    assert [line for line in play(engine, "sweep 0 by=7") if "done" in line] == [
        "1 bid done MASS_CANCELLED @90, 5 left"
    ]
    assert play(engine, "cancel 2")[0] == "2 ask done CANCELLED @110, 5 left"


def test_the_close_takes_the_other_half_of_a_pair_along(engine: Executes) -> None:
    play(engine, "buy 1 1@90 day link=2", "buy 2 1@91 link=1")
    assert play(engine, "phase 0 to=4") == [
        "1 bid done EXPIRED @90, 1 left",
        "2 bid done LINKED @91, 1 left",
        "bid level 0@91 in 0",
        "bid level 0@90 in 0",
        "phase CLOSED 0@0",
    ]


@pytest.mark.parametrize(
    "partner", ["buy 2 1@90 link=1", "buy 2 1@90 link=1 day", "buy 2 1@90 link=1 hidden"]
)
def test_half_of_a_pair_that_follows_in_the_queue_goes_and_the_rest_of_the_queue_is_seen(
    engine: Executes, partner: str
) -> None:
    play(engine, "buy 1 1@90 day link=2", partner, "buy 3 1@90", "buy 4 1@90 day", "buy 5 1@89 day")
    told = play(engine, "phase 0 to=4")
    assert [one.split()[0] for one in told if "done EXPIRED" in one] == ["1", "4", "5"]
    assert [one.split()[0] for one in told if "done LINKED" in one] == ["2"]
    assert engine.book("I0") == ([(90, 1)], [])  # type: ignore[attr-defined]


@pytest.mark.parametrize("price", [89, 91])
def test_half_of_a_pair_whose_level_is_the_next_goes_with_it(engine: Executes, price: int) -> None:
    play(engine, "buy 1 1@90 day link=2", f"buy 2 1@{price} link=1 day", "buy 4 1@88 day")
    told = play(engine, "phase 0 to=4")
    assert sorted(one.split()[0] for one in told if "done" in one) == ["1", "2", "4"]
    assert engine.book("I0") == ([], [])  # type: ignore[attr-defined]


def test_a_mass_cancel_takes_no_partner_along(engine: Executes) -> None:
    play(engine, "buy 1 1@90 by=7 link=2", "sell 2 1@99 by=7 link=1")
    play(engine, "sweep 0 by=7")
    assert engine.book("I0") == ([], [(99, 1)])  # type: ignore[attr-defined]
