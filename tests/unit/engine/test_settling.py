"""What may not move the price too far. Every sentence holds for the kernel and for the twin."""

import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, command, play, told

from rtlab.engine import EventKind
from rtlab.model import Rules


@pytest.fixture(params=KERNEL_AND_TWIN)
def engine(request: pytest.FixtureRequest) -> Executes:
    return make_engine(request.param, symbols=2)


@pytest.fixture(params=KERNEL_AND_TWIN)
def bounded(request: pytest.FixtureRequest) -> Executes:
    rules = {"I0": Rules(reference_price=100, volatility_ticks=5, volatility_ns=100)}
    return make_engine(request.param, rules=rules)


def test_a_trade_out_of_the_corridor_begins_an_auction(bounded: Executes) -> None:
    play(bounded, "sell 1 5@104 at=10", "sell 2 5@106")
    assert play(bounded, "buy 3 9@110 at=20") == [
        "3 bid accepted 9@110",
        "3 bid took 5@104 of 1, 0 left",
        "1 ask done FILLED @104, 0 left",
        "ask level 0@104 in 0",
        "bid level 4@110 in 1",
        "phase AUCTION 0@0 VOLATILITY",
        "indicative 4@106, -1 over",
    ]


def test_the_auction_ends_in_time_and_trades(bounded: Executes) -> None:
    play(bounded, "sell 1 5@110 at=10", "buy 2 9@110 at=20")
    assert play(bounded, "wait 0 at=119")[0] == "time"
    assert play(bounded, "wait 0 at=120") == [
        "2 bid took 5@110 of 1, 0 left",
        "bid level 4@110 in 1",
        "1 ask done FILLED @110, 0 left",
        "ask level 0@110 in 0",
        "phase CONTINUOUS 5@110 VOLATILITY",
        "time",
    ]


def test_what_never_rests_ends_at_the_corridor(bounded: Executes) -> None:
    play(bounded, "sell 1 5@104", "sell 2 5@106")
    told = play(bounded, "buy 3 9@market")
    assert told[4:6] == ["3 bid done VOLATILITY @0, 4 left", "phase AUCTION 0@0 VOLATILITY"]


def test_fill_or_kill_counts_only_what_is_inside(bounded: Executes) -> None:
    play(bounded, "sell 1 5@104", "sell 2 5@106")
    assert play(bounded, "buy 3 9@110 fok") == ["3 rejected FOK"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("buy 1 5@131", "PRICE_BAND"),
        ("sell 1 5@69", "PRICE_BAND"),
        ("buy 1 51@100", "ORDER_QTY"),
        ("buy 1 41@100", "NOTIONAL"),
        ("buy 1 41@market", "NOTIONAL"),
        ("buy 1 5@131 stop=110", "PRICE_BAND"),
    ],
)
@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_rules_refuse_an_order_by_name(kind: str, text: str, reason: str) -> None:
    rules = {"I0": Rules(reference_price=100, price_band=30, max_qty=50, max_notional=4000)}
    engine = make_engine(kind, rules=rules)
    assert play(engine, text) == [f"1 rejected {reason}"]


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
@pytest.mark.parametrize(
    ("terms", "reason"), [("5@131", "PRICE_BAND"), ("51@100", "ORDER_QTY"), ("41@100", "NOTIONAL")]
)
def test_rules_hold_for_replacements_too(kind: str, terms: str, reason: str) -> None:
    rules = {"I0": Rules(reference_price=100, price_band=30, max_qty=50, max_notional=4000)}
    engine = make_engine(kind, rules=rules)
    assert play(engine, "buy 1 40@100", f"replace 1 {terms}") == [f"1 rejected {reason}"]
    assert play(engine, "cancel 1")[0] == "1 bid done CANCELLED @100, 40 left"


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_a_last_price_of_0_is_a_reference_and_none_is_none(kind: str) -> None:
    engine = make_engine(kind, rules={"I0": Rules(price_band=3, max_notional=40)})
    assert play(engine, "buy 1 9@market")[0] == "1 bid accepted 9@0"  # nothing is known of its price
    assert play(engine, "sell 1 1@5", "cancel 1")[0] == "1 ask done CANCELLED @5, 1 left"
    play(engine, "buy 1 1@0", "sell 2 1@0")
    assert play(engine, "sell 3 1@4") == ["3 rejected PRICE_BAND"]
    assert play(engine, "sell 3 99@0", "cancel 3")[0] == "3 ask done CANCELLED @0, 99 left"
    assert play(engine, "sell 3 1@3")[0] == "3 ask accepted 1@3"


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_the_corridor_is_about_a_last_price_of_0_too_and_its_auction_may_have_no_end(kind: str) -> None:
    engine = make_engine(kind, rules={"I0": Rules(volatility_ticks=2)})
    play(engine, "buy 1 1@0", "sell 2 1@0", "sell 3 1@3")
    assert play(engine, "buy 4 1@3")[-2] == "phase AUCTION 0@0 VOLATILITY"
    assert play(engine, "wait 0 at=900000") == ["time"]


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
@pytest.mark.parametrize(
    ("rule", "text", "reason"),
    [
        ({"price_band": 30}, "buy 1 5@131", "PRICE_BAND"),
        ({"max_qty": 50}, "buy 1 51@100", "ORDER_QTY"),
        ({"max_notional": 4000}, "buy 1 41@100", "NOTIONAL"),
    ],
)
def test_one_rule_alone_refuses(kind: str, rule: dict[str, int], text: str, reason: str) -> None:
    engine = make_engine(kind, rules={"I0": Rules(reference_price=100, **rule)})
    assert play(engine, text) == [f"1 rejected {reason}"]


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_a_halt_is_told_of_its_own_instrument_when_time_comes_with_anothers_command(kind: str) -> None:
    rules = {"I0": Rules(reference_price=100, volatility_ticks=5, volatility_ns=100)}
    engine = make_engine(kind, symbols=2, rules=rules)
    play(
        engine, "sell 1 5@104 at=10", "sell 2 5@106", "buy 3 9@106 at=20"
    )  # halted at 104, 4@106 in the book
    play(engine, "sell 4 5@120", "buy 5 9@market stop=105")
    events = engine.process(command("wait 0 at=120 on=1"))
    assert told(events)[-3:] == ["5 bid done VOLATILITY @0, 8 left", "phase AUCTION 0@0 VOLATILITY", "time"]
    halts = events[events["kind"] == EventKind.PHASE]
    assert halts["instrument"].tolist() == [0, 0]


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_an_auction_that_would_end_after_the_last_time_ends_at_it(kind: str) -> None:
    engine = make_engine(kind, symbols=1, rules={"I0": Rules(volatility_ticks=5, volatility_ns=1 << 62)})
    began = (1 << 62) + 5
    play(engine, "buy 1 1@100", "sell 2 1@100", "sell 3 1@200", f"buy 4 1@200 at={began}")
    assert play(engine, f"wait 0 at={began + 5}") == ["time"]
    assert "phase CONTINUOUS 1@200 VOLATILITY" in play(engine, f"wait 0 at={(1 << 63) - 1}")


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_what_is_due_is_done_in_the_order_of_its_time(kind: str) -> None:
    for until, first in ((900, "auction"), (50, "order")):
        engine = make_engine(kind, symbols=2, rules={"I0": Rules(volatility_ticks=5, volatility_ns=100)})
        play(engine, "buy 1 1@100", "sell 2 1@100", f"sell 3 2@200 gtd until={until}", "buy 4 2@200 at=10")
        told = play(engine, "wait 0 at=1000")
        traded = "4 bid took 2@200 of 3, 0 left" in told
        assert (traded, "3 ask done EXPIRED @200, 2 left" in told) == (first == "auction", first == "order")
        assert told[-1] == "time"


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_of_an_order_and_an_auction_that_end_at_one_time_the_order_goes_first(kind: str) -> None:
    engine = make_engine(kind, symbols=1, rules={"I0": Rules(volatility_ticks=5, volatility_ns=100)})
    play(engine, "buy 1 1@100", "sell 2 1@100", "sell 3 2@200 gtd until=110", "buy 4 2@200 at=10")
    assert play(engine, "wait 0 at=110")[0] == "3 ask done EXPIRED @200, 2 left"
