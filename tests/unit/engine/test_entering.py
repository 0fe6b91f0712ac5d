"""Icebergs, hidden orders and what an order demands at once. Every sentence holds for the kernel and for the twin."""

import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, play

from rtlab.engine.limits import SLICES
from rtlab.model import Rules


@pytest.fixture(params=KERNEL_AND_TWIN)
def engine(request: pytest.FixtureRequest) -> Executes:
    return make_engine(request.param, symbols=2)


def test_an_iceberg_shows_a_slice_and_refills_it_at_the_back(engine: Executes) -> None:
    assert play(engine, "sell 1 9@100 show=3")[-1] == "ask level 3@100 in 1"
    assert play(engine, "sell 2 3@100", "buy 3 4@100") == [
        "3 bid accepted 4@100",
        "3 bid took 3@100 of 1, 6 left",
        "1 ask refilled 3@100 of 6",
        "3 bid took 1@100 of 2, 2 left",
        "ask level 5@100 in 2",
        "3 bid done FILLED @100, 0 left",
    ]


def test_an_iceberg_is_eaten_whole_slice_by_slice(engine: Executes) -> None:
    told = play(engine, "sell 1 8@100 show=3", "buy 2 8@100")
    assert [line for line in told if "took" in line or "refilled" in line] == [
        "2 bid took 3@100 of 1, 5 left",
        "1 ask refilled 3@100 of 5",
        "2 bid took 3@100 of 1, 2 left",
        "1 ask refilled 2@100 of 2",
        "2 bid took 2@100 of 1, 0 left",
    ]


def test_an_iceberg_that_takes_trades_with_all_it_has(engine: Executes) -> None:
    assert play(engine, "sell 1 6@100", "buy 2 8@100 show=1")[1] == "2 bid took 6@100 of 1, 0 left"
    assert play(engine, "sell 3 1@100")[1] == "3 ask took 1@100 of 2, 1 left"


def test_lowering_an_iceberg_takes_first_what_does_not_show(engine: Executes) -> None:
    assert play(engine, "sell 1 9@100 show=3", "sell 2 1@100", "replace 1 2@100") == [
        "1 ask replaced 2@100",
        "ask level 3@100 in 2",
    ]
    assert play(engine, "buy 3 2@100")[1] == "3 bid took 2@100 of 1, 0 left"


def test_another_display_loses_the_place(engine: Executes) -> None:
    play(engine, "sell 1 9@100", "sell 2 1@100")
    assert play(engine, "replace 1 9@100 show=2") == ["1 ask replaced 9@100", "ask level 3@100 in 2"]
    assert play(engine, "buy 3 1@100")[1] == "3 bid took 1@100 of 2, 0 left"


def test_an_iceberg_has_an_end_in_sight(engine: Executes) -> None:
    most = 3 * SLICES
    assert play(engine, f"sell 1 {most}@100 show=3")[0] == f"1 ask accepted {most}@100"
    assert "BAD_DISPLAY" in play(engine, f"sell 2 {most + 1}@100 show=3")[0]
    assert "BAD_DISPLAY" in play(engine, f"sell 2 {1 << 61}@100 show=1")[0]
    assert "accepted" in play(engine, f"sell 2 {1 << 61}@101 show={1 << 60}")[0]
    assert "BAD_DISPLAY" in play(engine, f"replace 1 {most + 1}@100")[0]
    assert "BAD_DISPLAY" in play(engine, f"replace 1 {most}@100 show=2")[0]
    assert "replaced" in play(engine, f"replace 1 {most + 1}@100 show=4")[0]
    assert "BAD_DISPLAY" in play(engine, f"sell 3 {most + 1}@100 stop=90 show=3")[0]


def test_icebergs_of_the_most_slices_meet_and_it_ends(engine: Executes) -> None:
    play(engine, "phase 0 to=1", f"sell 1 {SLICES}@100 show=1", f"buy 2 {SLICES}@100 show=1")
    told = play(engine, "phase 0 to=0")
    assert sum("took" in line for line in told) == SLICES
    assert any("done FILLED" in line for line in told)


def test_a_hidden_order_shows_nothing_and_keeps_its_time(engine: Executes) -> None:
    assert play(engine, "sell 1 5@100 hidden") == ["1 ask accepted 5@100"]
    assert play(engine, "sell 2 5@100", "buy 3 6@100")[1:3] == [
        "3 bid took 5@100 of 1, 0 left",
        "1 ask done FILLED @100, 0 left",
    ]
    assert play(engine, "sell 4 5@99 hidden", "cancel 4") == ["4 ask done CANCELLED @99, 5 left"]


def test_a_level_of_hidden_orders_is_never_told(engine: Executes) -> None:
    play(engine, "sell 1 5@100 hidden")
    assert play(engine, "buy 2 2@100") == [
        "2 bid accepted 2@100",
        "2 bid took 2@100 of 1, 3 left",
        "2 bid done FILLED @100, 0 left",
    ]
    assert engine.book("I0") == ([], [])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text",
    ["show=6", "show=-1", "show=2 ioc", "show=2 fok", "show=2 hidden", "show=2 whole"],
)
def test_a_display_that_cannot_be_is_refused(engine: Executes, text: str) -> None:
    assert play(engine, f"buy 1 5@100 {text}") == ["1 rejected BAD_DISPLAY"]


def test_post_only_slides_one_tick_from_the_other_side(engine: Executes) -> None:
    assert play(engine, "sell 1 5@100", "buy 2 5@103 slide") == [
        "2 bid accepted 5@99",
        "bid level 5@99 in 1",
    ]
    assert play(engine, "sell 3 5@99 slide")[0] == "3 ask accepted 5@100"
    assert play(engine, "sell 4 5@0 on=1", "buy 5 5@0 slide on=1") == ["5 rejected POST_ONLY"]


def test_a_minimum_that_cannot_trade_at_once_is_refused(engine: Executes) -> None:
    play(engine, "sell 1 3@100", "sell 2 3@101")
    assert play(engine, "buy 3 9@100 least=4") == ["3 rejected MIN_QTY"]
    assert play(engine, "buy 3 9@101 least=6")[-1] == "bid level 3@101 in 1"
    assert play(engine, "buy 4 5@100 least=6") == ["4 rejected BAD_MIN_QTY"]
    assert play(engine, "buy 4 5@100 least=2 post") == ["4 rejected BAD_MIN_QTY"]


def test_fill_or_kill_by_budget_counts_what_the_whole_costs(engine: Executes) -> None:
    play(engine, "sell 1 3@100", "sell 2 3@101")
    assert play(engine, "buy 3 5@market fok budget price=501") == ["3 rejected BUDGET"]
    assert play(engine, "buy 3 5@market fok budget price=502")[-1] == "3 bid done FILLED @0, 0 left"
    assert play(engine, "buy 4 5@market fok budget price=9000") == ["4 rejected FOK"]
    play(engine, "buy 5 3@90", "buy 6 3@89")
    assert play(engine, "sell 7 4@market fok budget price=360") == ["7 rejected BUDGET"]
    assert play(engine, "sell 7 4@market fok budget price=359")[-1] == "7 ask done FILLED @0, 0 left"


def test_a_budget_is_for_market_orders_that_fill_or_kill(engine: Executes) -> None:
    assert play(engine, "buy 1 5@100 fok budget") == ["1 rejected BAD_FLAGS"]
    assert play(engine, "buy 1 5@market budget price=9") == ["1 rejected BAD_FLAGS"]


def test_post_only_slides_to_the_lowest_price_and_no_lower(engine: Executes) -> None:
    assert play(engine, "sell 1 5@1", "buy 2 5@1 post slide")[0] == "2 bid accepted 5@0"
    assert play(engine, "cancel 1", "cancel 2", "sell 3 5@0", "buy 4 5@0 post slide") == [
        "4 rejected POST_ONLY"
    ]


def test_a_replacement_of_an_iceberg_has_an_end_in_sight_too(engine: Executes) -> None:
    play(engine, "buy 1 9@100 show=1")
    assert play(engine, "replace 1 10001@100") == ["1 rejected BAD_DISPLAY"]
    assert play(engine, "replace 1 10001@100 show=1") == ["1 rejected BAD_DISPLAY"]
    assert play(engine, "replace 7 10001@100 show=1") == [
        "7 rejected BAD_DISPLAY"
    ]  # whether 7 is live or not
    assert play(engine, "replace 1 10000@100")[0] == "1 bid replaced 10000@100"


@pytest.mark.parametrize(
    ("rules", "order", "told"),
    [
        (Rules(price_band=5, reference_price=94), "buy 5 1@95 slide", "5 rejected PRICE_BAND"),
        (Rules(price_band=6, reference_price=94), "buy 5 1@95 slide", "5 bid accepted 1@88"),
        (Rules(max_notional=1000), "sell 6 10@80 slide", "6 rejected NOTIONAL"),
        (Rules(max_notional=1010), "sell 6 10@80 slide", "6 ask accepted 10@101"),
    ],
)
@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_what_slides_is_held_to_the_rules_where_it_comes_to(
    kind: str, rules: Rules, order: str, told: str
) -> None:
    engine = make_engine(kind, symbols=1, rules={"I0": rules})
    play(engine, *(["sell 3 1@89"] if order.startswith("buy") else ["buy 3 1@100"]))
    assert play(engine, order)[0] == told


def test_all_or_none_whose_quantity_alone_is_lowered_keeps_its_place(engine: Executes) -> None:
    play(engine, "sell 1 5@100 whole", "sell 2 5@100 whole")
    assert play(engine, "replace 1 4@100") == ["1 ask replaced 4@100"]
    assert "3 bid took 4@100 of 1, 0 left" in play(engine, "buy 3 5@100")


def test_all_or_none_that_is_lowered_to_what_there_is_takes_it(engine: Executes) -> None:
    play(engine, "sell 1 3@100", "buy 2 5@100 whole")
    assert "2 bid took 3@100 of 1, 0 left" in play(engine, "replace 2 3@100")
