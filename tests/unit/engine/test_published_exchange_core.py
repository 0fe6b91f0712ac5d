"""Scenarios that exchange-core publishes as its own tests, said once more in our words.

The tests are named as theirs in OrderBookBaseTest.java, risk.feature, ITFeesExchange.java and
PersistenceTestsModule.java. Every sentence holds for the kernel and, but for what is kept, for the twin.
"""

import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, commands, play

from rtlab.engine import Engine
from rtlab.model import Rules

BIDS = [(81593, 40), (81590, 21), (81200, 20), (10000, 13), (9136, 2)]
ASKS = [(81599, 75), (81600, 100), (200954, 10), (201000, 60)]
FEES = {"I1": Rules(maker_fee_ppm=1_000, taker_fee_ppm=2_000)}


@pytest.fixture(params=KERNEL_AND_TWIN)
def engine(request: pytest.FixtureRequest) -> Executes:
    """Their book, in which every test of theirs begins; the second instrument is empty and has fees."""
    engine = make_engine(request.param, symbols=2, rules=FEES)
    play(engine, "sell 900 131@81600", "cancel 900", "sell 1 100@81600", "sell 2 50@81599", "sell 3 25@81599")
    play(engine, "buy 4 40@81593", "buy 5 20@81590", "buy 6 1@81590", "buy 7 20@81200")
    play(engine, "sell 8 28@201000", "sell 9 32@201000", "sell 10 10@200954")
    play(engine, "buy 11 12@10000", "buy 12 1@10000", "buy 13 2@9136")
    return engine


def book(engine: Executes) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    return engine.book("I0")  # type: ignore[attr-defined,no-any-return]


def taken(told: list[str]) -> list[str]:
    return [line.split(", ")[0].split(" took ")[1] for line in told if " took " in line]


def test_exchange_core_should_add_gtc_orders(engine: Executes) -> None:
    assert book(engine) == (BIDS, ASKS)
    play(engine, "sell 93 1@81598", "buy 94 9000000000@81594", "sell 95 13000000000@130000", "buy 96 4@1000")
    assert book(engine) == (
        [(81594, 9_000_000_000), *BIDS, (1000, 4)],
        [(81598, 1), *ASKS[:2], (130_000, 13_000_000_000), *ASKS[2:]],
    )


def test_exchange_core_should_remove_order_and_empty_bucket(engine: Executes) -> None:
    assert play(engine, "cancel 2")[0] == "2 ask done CANCELLED @81599, 50 left"
    assert book(engine) == (BIDS, [(81599, 25), *ASKS[1:]])
    assert play(engine, "cancel 3")[0] == "3 ask done CANCELLED @81599, 25 left"
    assert book(engine) == (BIDS, ASKS[1:])


@pytest.mark.parametrize("text", ["cancel 5291", "replace 2433 1@300"])
def test_exchange_core_should_return_error_for_an_unknown_order(engine: Executes, text: str) -> None:
    assert play(engine, text) == [f"{text.split()[1]} rejected UNKNOWN_ORDER"]
    assert book(engine) == (BIDS, ASKS)


@pytest.mark.parametrize(
    ("price", "bids"),
    [(81590, [BIDS[0], (81590, 41), *BIDS[3:]]), (81594, [(81594, 20), *BIDS[:2], *BIDS[3:]])],
)
def test_exchange_core_should_move_order_to_an_old_or_a_new_bucket(
    engine: Executes, price: int, bids: list[tuple[int, int]]
) -> None:
    assert taken(play(engine, f"replace 7 20@{price}")) == []
    assert book(engine) == (bids, ASKS)


@pytest.mark.parametrize(
    ("first", "then", "trades", "left"),
    [
        ("buy 83 20@81200", "replace 83 20@81602", ["20@81599 of 2"], (BIDS, [(81599, 55), *ASKS[1:]])),
        (
            "buy 83 100@81594",
            "replace 83 100@81600",
            ["50@81599 of 2", "25@81599 of 3", "25@81600 of 1"],
            (BIDS, [(81600, 75), *ASKS[2:]]),
        ),
        (
            "buy 83 246@81594",
            "replace 83 246@201000",
            [
                "50@81599 of 2",
                "25@81599 of 3",
                "100@81600 of 1",
                "10@200954 of 10",
                "28@201000 of 8",
                "32@201000 of 9",
            ],
            ([(201_000, 1), *BIDS], []),
        ),
    ],
)
def test_exchange_core_should_move_order_and_match_as_marketable(
    engine: Executes, first: str, then: str, trades: list[str], left: object
) -> None:
    assert taken(play(engine, first)) == []
    assert taken(play(engine, then)) == trades
    assert book(engine) == left


@pytest.mark.parametrize(
    ("text", "trades", "left"),
    [
        ("sell 123 10@1 ioc", ["10@81593 of 4"], ([(81593, 30), *BIDS[1:]], ASKS)),
        ("sell 123 40@1 ioc", ["40@81593 of 4"], (BIDS[1:], ASKS)),
        ("sell 123 41@1 ioc", ["40@81593 of 4", "1@81590 of 5"], ([(81590, 20), *BIDS[2:]], ASKS)),
        (
            "buy 123 175@400000 ioc",
            ["50@81599 of 2", "25@81599 of 3", "100@81600 of 1"],
            (BIDS, ASKS[2:]),
        ),
        ("buy 123 1@81599", ["1@81599 of 2"], (BIDS, [(81599, 74), *ASKS[1:]])),
        ("buy 123 77@81599", ["50@81599 of 2", "25@81599 of 3"], ([(81599, 2), *BIDS], ASKS[1:])),
        (
            "buy 123 77@81600",
            ["50@81599 of 2", "25@81599 of 3", "2@81600 of 1"],
            (BIDS, [(81600, 98), *ASKS[2:]]),
        ),
    ],
)
def test_exchange_core_should_match_orders_that_take(
    engine: Executes, text: str, trades: list[str], left: object
) -> None:
    assert taken(play(engine, text)) == trades
    assert book(engine) == left


def test_exchange_core_should_match_ioc_order_with_rejection(engine: Executes) -> None:
    told = play(engine, "buy 123 270@400000 ioc")
    assert len(taken(told)) == 6
    assert told[-1] == "123 bid done IOC @400000, 25 left"
    assert book(engine) == (BIDS, [])


BUDGET = 81599 * 75 + 81600 * 100 + 200954 * 5


def test_exchange_core_should_reject_fok_bid_order_out_of_budget(engine: Executes) -> None:
    assert play(engine, f"buy 123 180@market fok budget price={BUDGET - 1}") == ["123 rejected BUDGET"]
    assert book(engine) == (BIDS, ASKS)


@pytest.mark.parametrize("extra", [0, 1])
def test_exchange_core_should_match_fok_bid_order_exact_and_extra_budget(
    engine: Executes, extra: int
) -> None:
    told = play(engine, f"buy 123 180@market fok budget price={BUDGET + extra}")
    assert taken(told) == ["50@81599 of 2", "25@81599 of 3", "100@81600 of 1", "5@200954 of 10"]
    assert book(engine) == (BIDS, [(200_954, 5), ASKS[3]])


def account(engine: Executes, owner: int) -> tuple[int, int]:
    """Give an owner's money, with what is reserved of it, and his lots."""
    held = engine.account(owner)  # type: ignore[attr-defined]
    return held.money, held.lots["I0"]


def test_exchange_core_risk_basic_scenario(engine: Executes) -> None:
    play(engine, "sweep 0 everyone both")
    play(engine, "deposit 0 by=1 price=200000", "limits 0 by=1 check", "deposit 0 by=2 qty=6")
    play(engine, "limits 0 by=2 check")
    assert play(engine, "buy 101 7@30000 by=1") == ["101 rejected FUNDS"]
    assert account(engine, 1) == (200_000, 0)
    play(engine, "deposit 0 by=1 price=10000", "buy 101 7@30000 by=1")
    assert account(engine, 1) == (210_000, 0)
    assert play(engine, "buy 103 1@1 by=1") == ["103 rejected FUNDS"], "all is reserved"
    assert play(engine, "sell 102 7@30000 ioc by=2") == ["102 rejected FUNDS"]
    assert account(engine, 2) == (0, 6)
    assert taken(play(engine, "deposit 0 by=2 qty=1", "sell 102 7@30000 ioc by=2")) == ["7@30000 of 101"]
    assert account(engine, 1) == (0, 7)
    assert account(engine, 2) == (210_000, 0)


def test_exchange_core_should_require_taker_fees_and_give_them_back_on_cancel(engine: Executes) -> None:
    play(engine, "limits 0 by=2 check", "deposit 0 by=2 price=342000")
    order = "buy 203 30@11400 on=1 by=2"
    fee = 30 * 23  # 22.8 a lot
    assert play(engine, order) == ["203 rejected FUNDS"]
    assert play(engine, f"deposit 0 by=2 price={fee - 1}", order) == ["203 rejected FUNDS"]
    assert play(engine, "deposit 0 by=2 price=1", order)[0] == "203 bid accepted 30@11400"
    play(engine, "cancel 203 on=1")
    assert account(engine, 2) == (342_000 + fee, 0)
    assert engine.fees == 0  # type: ignore[attr-defined]


def test_exchange_core_should_process_fees_bid_gtc_maker_ask_ioc_taker_partial(engine: Executes) -> None:
    play(engine, "deposit 0 by=1 price=20000000000", "deposit 0 by=2 qty=2000 on=1")
    play(engine, "buy 101 1731@11500 on=1 by=1")
    assert play(engine, "sell 102 2000@11493 ioc on=1 by=2")[-1] == "102 ask done IOC @11493, 269 left"
    amount = 1731 * 11_500
    maker, taker = amount * 1_000 // 1_000_000, amount * 2_000 // 1_000_000
    held = [engine.account(owner) for owner in (1, 2)]  # type: ignore[attr-defined]
    assert [one.money for one in held] == [20_000_000_000 - amount - maker, amount - taker]
    assert [one.lots["I1"] for one in held] == [1731, 269]
    assert engine.fees == maker + taker  # type: ignore[attr-defined]


@pytest.mark.parametrize("engine", ["kernel"], indirect=True)  # its twin is never kept
def test_exchange_core_persistence_test(engine: Engine) -> None:
    play(engine, *(f"deposit 0 by={owner} price=900000 qty=50" for owner in (1, 2, 3)))
    play(engine, "buy 201 7@81592 by=1", "sell 202 9@81595 by=2", "buy 203 2@81595 by=3 on=1")
    restored = Engine.restore(engine.snapshot())

    def state(one: Engine) -> tuple[object, ...]:
        return one.book("I0"), one.book("I1"), *(one.account(owner) for owner in (1, 2, 3)), one.fees

    assert state(restored) == state(engine)
    rest = commands(
        "buy 204 8@81595 by=3", "sell 205 2@81595 by=2 on=1", "cancel 201", "buy 206 1@81599 by=1"
    )
    assert engine.process(rest).tobytes() == restored.process(rest).tobytes()
    assert state(restored) == state(engine)
    owners = [restored.account(owner) for owner in (1, 2, 3)]
    assert restored.fees > 0
    assert sum(account.money for account in owners) + restored.fees == 3 * 900_000
    assert [sum(account.lots[symbol] for account in owners) for symbol in ("I0", "I1")] == [150, 0]
