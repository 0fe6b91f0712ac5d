"""Money, lots and limits of owners. Every sentence holds for the kernel and for the twin, unless it names one."""

import numpy as np
import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.every_kind import RULES, every_kind, traded
from support.play import Executes, command, play, told

from rtlab.engine import CommandKind, Engine, EventKind, SelfTradePrevention
from rtlab.engine.limits import MAX_PRICE
from rtlab.errors import LocalError
from rtlab.model import Rules

FEES = {"I0": Rules(maker_fee_ppm=-1_000, taker_fee_ppm=2_500)}


@pytest.fixture(params=KERNEL_AND_TWIN)
def engine(request: pytest.FixtureRequest) -> Executes:
    return make_engine(request.param, symbols=2, rules=FEES)


def money(engine: Executes, owner: int) -> int:
    return engine.account(owner).money  # type: ignore[attr-defined,no-any-return]


def lots(engine: Executes, owner: int) -> int:
    return engine.account(owner).lots["I0"]  # type: ignore[attr-defined,no-any-return]


def test_a_deposit_opens_an_account_and_tells_what_it_holds(engine: Executes) -> None:
    assert play(engine, "deposit 0 by=7 price=500 qty=3") == ["account 7 has 500 and 3 lots"]
    assert play(engine, "deposit 0 by=7 price=-200 qty=-4 on=1") == ["account 7 has 300 and -4 lots"]


def test_a_trade_moves_money_lots_and_fees(engine: Executes) -> None:
    play(engine, "deposit 0 by=7", "deposit 0 by=8", "sell 1 10@400 by=7", "buy 2 10@400 by=8")
    assert (money(engine, 8), lots(engine, 8)) == (-4000 - 10, 10)
    assert (money(engine, 7), lots(engine, 7)) == (4000 + 4, -10)
    assert engine.fees == 10 - 4  # type: ignore[attr-defined]


def test_fees_are_rounded_down_and_nothing_is_lost(engine: Executes) -> None:
    play(engine, "deposit 0 by=7", "sell 1 1@399", "buy 2 1@399 by=7")
    assert money(engine, 7) == -399  # 0.9975 is 0
    assert money(engine, 0) == 399 + 1  # a rebate of 0.399 is 1: rounded down it is -1
    assert money(engine, 7) + money(engine, 0) + engine.fees == 0  # type: ignore[attr-defined]


def test_an_auction_charges_both_sides_the_makers_fee(engine: Executes) -> None:
    play(engine, "deposit 0 by=7", "phase 0 to=2", "buy 1 10@400 by=7", "sell 2 10@400", "phase 0 to=0")
    assert money(engine, 7) == -4000 + 4


def test_open_orders_of_an_owner_are_bounded(engine: Executes) -> None:
    play(engine, "limits 0 by=7 qty=2", "buy 1 5@100 by=7", "buy 2 5@99 by=7 stop=200")
    assert play(engine, "buy 3 5@98 by=7") == ["3 rejected OPEN_ORDERS"]
    assert play(engine, "buy 3 5@98 by=7 ioc")[-1] == "3 bid done IOC @98, 5 left"
    assert play(engine, "cancel 1", "buy 3 5@98 by=7")[0] == "3 bid accepted 5@98"


def test_orders_that_stood_before_the_limit_count_too(engine: Executes) -> None:
    play(engine, "buy 1 5@100 by=7", "buy 2 5@99 by=7 show=2", "limits 0 by=7 qty=2")
    assert play(engine, "buy 3 5@98 by=7") == ["3 rejected OPEN_ORDERS"]


def test_a_position_with_all_that_is_open_is_bounded_either_way(engine: Executes) -> None:
    play(engine, "deposit 0 by=7 qty=4", "limits 0 by=7 price=10", "buy 1 3@100 by=7")
    assert play(engine, "buy 2 4@99 by=7") == ["2 rejected POSITION"]
    assert play(engine, "replace 1 7@100") == ["1 rejected POSITION"]
    assert play(engine, "buy 2 3@99 by=7")[0] == "2 bid accepted 3@99"
    assert play(engine, "sell 3 15@101 by=7") == ["3 rejected POSITION"]
    assert play(engine, "sell 3 14@101 by=7")[0] == "3 ask accepted 14@101"


def test_checked_funds_are_reserved_with_the_dearest_fee(engine: Executes) -> None:
    play(engine, "deposit 0 by=7 price=1005", "limits 0 by=7 check")
    assert play(engine, "buy 1 10@100 by=7") == ["1 rejected FUNDS"]  # 101 each, with its fee
    assert play(engine, "buy 1 9@100 by=7")[0] == "1 bid accepted 9@100"
    assert play(engine, "buy 2 1@100 by=7") == ["2 rejected FUNDS"]
    assert play(engine, "replace 1 9@50", "buy 2 10@50 by=7")[0] == "2 bid accepted 10@50"


def reserved(engine: Executes) -> tuple[int, int]:
    account = engine.account(7)  # type: ignore[attr-defined]
    return account.reserved, account.orders


def test_what_live_bids_could_cost_is_told_and_follows_every_change(engine: Executes) -> None:
    play(engine, "deposit 0 by=7 price=9000", "buy 1 9@100 by=7", "buy 2 8@50 by=7 show=2")
    assert reserved(engine) == (9 * 101 + 8 * 51, 2)  # each fee is rounded up
    play(engine, "replace 1 7@100", "replace 2 3@50")
    assert reserved(engine) == (7 * 101 + 3 * 51, 2)
    play(engine, "sell 3 5@100")
    assert reserved(engine) == (2 * 101 + 3 * 51, 2)
    play(engine, "sell 4 9@400 by=7", "cancel 1")
    assert reserved(engine) == (3 * 51, 2)


def test_the_limit_of_a_trailing_stop_is_reserved_anew_when_it_moves(engine: Executes) -> None:
    play(engine, "sell 1 1@1000", "buy 2 1@1000", "deposit 0 by=7 price=90000")
    play(engine, "buy 3 4@1100 by=7 trail=50")
    assert reserved(engine) == (4 * 1103, 1)
    play(engine, "buy 4 1@900", "sell 5 1@900")
    assert reserved(engine) == (4 * (1000 + 3), 1)


def test_what_is_not_owned_cannot_be_sold_where_funds_are_checked(engine: Executes) -> None:
    play(engine, "deposit 0 by=7 qty=5", "limits 0 by=7 check", "sell 1 3@100 by=7")
    assert play(engine, "sell 2 3@100 by=7") == ["2 rejected FUNDS"]
    assert play(engine, "sell 2 2@market by=7")[0] == "2 ask accepted 2@0"


def test_with_checked_funds_one_buys_by_limit_or_budget(engine: Executes) -> None:
    play(engine, "deposit 0 by=7 price=1000", "limits 0 by=7 check", "sell 1 5@100")
    assert play(engine, "buy 2 5@market by=7") == ["2 rejected FUNDS"]
    assert play(engine, "buy 2 5@market by=7 stop=101") == ["2 rejected FUNDS"]
    assert play(engine, "buy 2 5@market by=7 fok budget price=1000") == ["2 rejected FUNDS"]
    assert play(engine, "buy 2 5@market by=7 fok budget price=900")[-1] == "2 bid done FILLED @0, 0 left"
    assert money(engine, 7) == 1000 - 500 - 1


def test_the_last_unit_of_money_suffices_and_one_less_does_not(engine: Executes) -> None:
    play(engine, "deposit 0 by=7 price=1002", "limits 0 by=7 check", "sell 1 5@100")
    assert play(engine, "buy 2 5@market by=7 fok budget price=1000") == [
        "2 rejected FUNDS"
    ]  # 1003 with its fee
    play(engine, "deposit 0 by=7 price=1")
    assert play(engine, "buy 2 5@market by=7 fok budget price=1000")[0] == "2 bid accepted 5@0"
    play(engine, "deposit 0 by=8 price=4", "limits 0 by=8 check")
    assert play(engine, "buy 3 5@1 by=8 on=1") == ["3 rejected FUNDS"]
    assert play(engine, "buy 3 4@1 by=8 on=1", "buy 4 9@0 by=8 on=1")[0] == "4 bid accepted 9@0"


def test_a_kill_switch_cancels_everything_and_stays_on(engine: Executes) -> None:
    play(engine, "buy 1 5@100 by=7", "sell 2 5@110 by=7 on=1", "buy 3 5@99 by=8")
    told = play(engine, "kill 0 by=7")
    assert [line for line in told if "done" in line] == [
        "1 bid done KILLED @100, 5 left",
        "2 ask done KILLED @110, 5 left",
    ]
    assert told[-1] == "account 7 has 0 and 0 lots"
    assert play(engine, "buy 4 1@90 by=7") == ["4 rejected KILLED"]
    assert play(engine, "revive 0 by=7", "buy 4 1@90 by=7")[0] == "4 bid accepted 1@90"


@pytest.mark.parametrize("text", ["deposit 0", "limits 0", "kill 0", "revive 0"])
def test_an_account_needs_an_owner(engine: Executes, text: str) -> None:
    assert play(engine, text) == ["0 rejected BAD_OWNER"]


@pytest.mark.parametrize(
    "text",
    [
        f"deposit 0 by=7 price={(1 << 52) + 1}",
        f"deposit 0 by=7 qty={-(1 << 63)}",
        "limits 0 by=7 price=-1",
        "limits 0 by=7 qty=-1",
    ],
)
def test_an_amount_that_no_account_holds_is_refused(engine: Executes, text: str) -> None:
    assert play(engine, text) == ["0 rejected BAD_AMOUNT"]


def test_who_has_no_account_is_named() -> None:
    with pytest.raises(LocalError, match="no account: got 5"):
        Engine(traded()).account(5)


def test_a_thousand_accounts_are_found_again_after_growth_and_restore() -> None:
    engine = Engine(traded())
    play(engine, *(f"deposit 0 by={owner * 7919} price={owner}" for owner in range(1, 1000)))
    for one in (engine, Engine.restore(engine.snapshot())):
        assert [one.account(owner * 7919).money for owner in range(1, 1000)] == list(range(1, 1000))


@pytest.mark.parametrize("seed", range(8))
def test_money_and_lots_are_conserved_exactly_and_counters_are_those_of_the_orders(seed: int) -> None:
    rows = every_kind(np.random.default_rng([seed, 3]), 4000, ids=80)
    prevention = SelfTradePrevention(seed % 5)
    kernel, twin = (
        make_engine(kind, symbols=3, rules=RULES, prevention=prevention) for kind in KERNEL_AND_TWIN
    )
    parts, known, reserving = [], {0}, 0
    for part in np.split(rows, 10):
        parts.append(kernel.process(part))
        assert parts[-1].tobytes() == twin.process(part).tobytes()
        known |= set(parts[-1]["order_id"][parts[-1]["kind"] == EventKind.ACCOUNT].tolist())
        for owner in known:
            account = kernel.account(owner)  # type: ignore[union-attr]
            assert account == twin.account(owner)  # type: ignore[union-attr]
            reserving += account.reserved != 0
    assert reserving > 5
    events = np.concatenate(parts)
    told = events[events["kind"] == EventKind.ACCOUNT]["command"]
    made = rows[told][rows["kind"][told] == CommandKind.DEPOSIT]
    owners = [0, *sorted(set(rows["owner"][told].tolist()))]
    accounts = [kernel.account(owner) for owner in owners]  # type: ignore[union-attr]
    assert sum(account.money for account in accounts) + kernel.fees == made["price"].sum()  # type: ignore[union-attr]
    for at, symbol in enumerate(("I0", "I1", "I2")):
        deposited = made["qty"][made["instrument"] == at].sum()
        assert sum(account.lots[symbol] for account in accounts) == deposited
    assert len(accounts) >= 4
    assert kernel.fees != 0  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_a_cost_that_no_number_holds_is_beyond_all_funds(kind: str) -> None:
    engine = make_engine(kind, symbols=1, rules={"I0": Rules(taker_fee_ppm=1_000_000)})
    play(engine, "limits 0 by=7 check", "sell 9 1@5")
    assert play(engine, f"buy 1 5@{MAX_PRICE} by=7") == ["1 rejected FUNDS"]
    budget = command("buy 1 1@market fok budget by=7", price=MAX_PRICE)
    assert told(engine.process(budget)) == ["1 rejected FUNDS"]


def test_a_limit_of_the_largest_number_is_none(engine: Executes) -> None:
    engine.process(command("limits 0 by=7", price=(1 << 63) - 1))
    play(engine, "buy 9 9@100", "sell 1 1@100 by=7")
    assert play(engine, "buy 2 1@90 by=7")[0] == "2 bid accepted 1@90"
    assert play(engine, "sell 3 1@190 by=7")[0] == "3 ask accepted 1@190"


def test_what_live_orders_need_is_not_withdrawn_where_funds_are_checked(engine: Executes) -> None:
    for fields in ({"price": 1000}, {"qty": 5}):
        engine.process(command("deposit 0 by=7", **fields))
    play(engine, "limits 0 by=7 check", "buy 1 9@100 by=7", "sell 2 3@200 by=7")
    free = 1000 - engine.account(7).reserved  # type: ignore[attr-defined]
    assert 0 < free <= 100
    assert told(engine.process(command("deposit 0 by=7", price=-free - 1))) == ["0 rejected FUNDS"]
    assert told(engine.process(command("deposit 0 by=7", qty=-3))) == ["0 rejected FUNDS"]
    left = f"account 7 has {1000 - free} and 3 lots"
    assert told(engine.process(command("deposit 0 by=7", price=-free, qty=-2))) == [left]
    play(engine, "cancel 1", "cancel 2")
    everything = command("deposit 0 by=7", price=free - 1000, qty=-3)
    assert told(engine.process(everything)) == ["account 7 has 0 and 0 lots"]


@pytest.mark.parametrize("brings", [{"price": 10}, {"qty": 1}])
def test_who_has_too_little_of_one_may_bring_the_other(engine: Executes, brings: dict[str, int]) -> None:
    """His orders stood before his funds were looked at."""
    play(engine, "buy 1 9@100 by=7", "sell 2 9@200 by=7", "limits 0 by=7 check")
    assert told(engine.process(command("deposit 0 by=7", **brings)))[0].startswith("account 7 has")


def test_what_is_not_checked_may_be_withdrawn(engine: Executes) -> None:
    play(engine, "limits 0 by=7", "buy 1 9@100 by=7")
    assert told(engine.process(command("deposit 0 by=7", price=-101))) == ["account 7 has -101 and 0 lots"]
