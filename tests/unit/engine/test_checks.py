"""What is refused, and why. Every sentence holds for the kernel and for the twin."""

import numpy as np
import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, command, play, told

from rtlab.engine import EVENT, EventKind, Reason
from rtlab.engine.limits import MAX_PRICE, MAX_QTY, SPAN

HIGHEST = (1 << 63) - 1


@pytest.fixture(params=KERNEL_AND_TWIN)
def engine(request: pytest.FixtureRequest) -> Executes:
    return make_engine(request.param, symbols=2)


@pytest.mark.parametrize("instrument", [2, 3, 1 << 31, (1 << 32) - 1])
@pytest.mark.parametrize("text", ["buy 1 5@100", "cancel 1", "replace 1 5@100"])
def test_instrument_out_of_range_is_rejected(engine: Executes, text: str, instrument: int) -> None:
    events = engine.process(command(text, instrument=instrument))
    assert told(events) == ["1 rejected UNKNOWN_INSTRUMENT"]
    assert events["instrument"][0] == instrument


@pytest.mark.parametrize("kind", [0, 11, 127, 128, 255])
def test_unknown_kind_is_refused(engine: Executes, kind: int) -> None:
    assert told(engine.process(command("buy 1 5@100", kind=kind))) == ["1 rejected BAD_KIND"]


@pytest.mark.parametrize(
    ("field", "codes", "reason"),
    [
        ("side", [2, 127, 128, 255], "BAD_SIDE"),
        ("order_type", [6, 128, 255], "BAD_ORDER_TYPE"),
        ("tif", [5, 128, 255], "BAD_TIF"),
        ("flags", [2, 6, 1 << 10, 1 << 31], "BAD_FLAGS"),
        ("phase", [1, 1 << 31], "UNSUPPORTED"),
    ],
)
def test_unknown_code_of_a_new_order_is_refused_by_name(
    engine: Executes, field: str, codes: list[int], reason: str
) -> None:
    for code in codes:
        events = engine.process(command("buy 1 5@100", **{field: code}))
        assert told(events) == [f"1 rejected {reason}"], code
        assert events["side"][0] == (code if field == "side" else 0)


FIELDS = ("stop_price", "display_qty", "expire_ts", "min_qty", "link_id", "trail", "phase")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "text", ["cancel 1", "sweep 0 by=7", "phase 0", "deposit 0 by=7", "kill 0 by=7", "wait 0"]
)
def test_fields_that_a_command_does_not_have_must_be_0(engine: Executes, text: str, field: str) -> None:
    allowed = field == "phase" and text.startswith("phase")
    for number in (1,) if field == "phase" else (1, -1, -(1 << 63)):
        refused = told(engine.process(command(text, **{field: number})))[0].endswith("rejected UNSUPPORTED")
        assert refused != allowed


@pytest.mark.parametrize("number", [1, -1, -(1 << 63)])
@pytest.mark.parametrize(
    ("field", "reason"),
    [("stop_price", "BAD_STOP"), ("trail", "BAD_TRAIL"), ("expire_ts", "BAD_EXPIRY")],
)
def test_fields_of_other_orders_must_be_0(engine: Executes, field: str, reason: str, number: int) -> None:
    row = command("buy 1 5@100")
    row[field] = number
    assert told(engine.process(row)) == [f"1 rejected {reason}"]


@pytest.mark.parametrize("number", [-1, 6, -(1 << 63), (1 << 63) - 1])
@pytest.mark.parametrize(("field", "reason"), [("display_qty", "BAD_DISPLAY"), ("min_qty", "BAD_MIN_QTY")])
def test_parts_larger_than_the_order_are_refused(
    engine: Executes, field: str, reason: str, number: int
) -> None:
    assert told(engine.process(command("buy 1 5@100", **{field: number}))) == [f"1 rejected {reason}"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("buy 1 5@100 gtd", "BAD_EXPIRY"),
        ("buy 1 5@100 ioc post", "BAD_FLAGS"),
        ("buy 1 5@100 fok post", "BAD_FLAGS"),
        ("buy 1 5@market post", "BAD_FLAGS"),
        ("buy 1 5@market day", "BAD_TIF"),
        ("buy 1 5@100 stop=101 ioc", "BAD_TIF"),
        ("buy 1 5@100 whole post", "BAD_FLAGS"),
        ("buy 1 5@100 stop=-1", "BAD_STOP"),
    ],
)
def test_what_could_do_nothing_is_refused(engine: Executes, text: str, reason: str) -> None:
    assert play(engine, text) == [f"1 rejected {reason}"]


@pytest.mark.parametrize("text", ["cancel 1", "replace 1 4@100"])
def test_cancel_and_replace_have_no_flags(engine: Executes, text: str) -> None:
    assert play(engine, "buy 1 5@100", f"{text} post") == ["1 rejected BAD_FLAGS"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("stop_price=5", "BAD_STOP"),
        ("trail=5", "BAD_TRAIL"),
        ("until=5", "BAD_EXPIRY"),
        ("show=9", "BAD_DISPLAY"),
        ("show=-1", "BAD_DISPLAY"),
        ("trail=-1", "BAD_TRAIL"),
        ("stop_price=-1", "BAD_STOP"),
        ("until=-1", "BAD_EXPIRY"),
        ("least=1", "UNSUPPORTED"),
        ("link=1", "UNSUPPORTED"),
        ("to=1", "UNSUPPORTED"),
    ],
)
def test_a_replacement_changes_only_what_its_order_has(engine: Executes, text: str, reason: str) -> None:
    assert play(engine, "buy 1 5@100", f"replace 1 5@100 {text}") == [f"1 rejected {reason}"]


@pytest.mark.parametrize("text", ["cancel 1", "replace 1 4@100"])
def test_cancel_and_replace_do_not_read_the_codes_of_a_new_order(engine: Executes, text: str) -> None:
    engine.process(command("buy 1 5@100"))
    events = engine.process(command(text, side=77, order_type=77, tif=77, owner=-1))
    assert told(events)[-1] in ("bid level 0@100 in 0", "bid level 4@100 in 1")


@pytest.mark.parametrize("qty", [0, -1, MAX_QTY + 1, HIGHEST, -HIGHEST - 1])
@pytest.mark.parametrize("text", ["buy 1 1@100", "sell 1 1@market", "buy 1 1@100 ioc", "replace 1 1@100"])
def test_quantity_out_of_range_is_rejected(engine: Executes, text: str, qty: int) -> None:
    events = engine.process(command(text, qty=qty))
    assert told(events) == ["1 rejected BAD_QUANTITY"]
    assert events["qty"][0] == qty


@pytest.mark.parametrize("price", [-1, MAX_PRICE + 1, HIGHEST, -HIGHEST - 1])
@pytest.mark.parametrize("text", ["buy 1 1@0", "sell 1 1@0", "sell 1 1@0 fok", "replace 1 1@0"])
def test_price_out_of_range_is_rejected(engine: Executes, text: str, price: int) -> None:
    events = engine.process(command(text, price=price))
    assert told(events) == ["1 rejected BAD_PRICE"]
    assert events["price"][0] == price


def test_price_of_a_market_order_is_ignored(engine: Executes) -> None:
    assert told(engine.process(command("buy 1 1@market", price=-5)))[0] == "1 bid accepted 1@0"


def test_cancel_reads_neither_price_nor_quantity(engine: Executes) -> None:
    engine.process(command("buy 1 5@100"))
    assert (
        told(engine.process(command("cancel 1", price=-5, qty=-5)))[0] == "1 bid done CANCELLED @100, 5 left"
    )


def test_largest_price_and_quantity_trade_exactly(engine: Executes) -> None:
    assert play(engine, f"sell 1 {MAX_QTY}@{MAX_PRICE}", f"buy 2 {MAX_QTY}@{MAX_PRICE}") == [
        f"2 bid accepted {MAX_QTY}@{MAX_PRICE}",
        f"2 bid took {MAX_QTY}@{MAX_PRICE} of 1, 0 left",
        f"1 ask done FILLED @{MAX_PRICE}, 0 left",
        f"ask level 0@{MAX_PRICE} in 0",
        f"2 bid done FILLED @{MAX_PRICE}, 0 left",
    ]


def test_a_side_holds_no_more_than_the_largest_quantity(engine: Executes) -> None:
    assert play(engine, f"buy 1 {MAX_QTY - 1}@100", "buy 2 1@100")[-1] == f"bid level {MAX_QTY}@100 in 2"
    assert play(engine, "buy 3 1@99") == ["3 rejected BAD_QUANTITY"]
    assert play(engine, "replace 2 2@100") == ["2 rejected BAD_QUANTITY"]
    assert play(engine, f"sell 3 {MAX_QTY}@101")[-1] == f"ask level {MAX_QTY}@101 in 1"
    assert (
        play(engine, f"replace 1 {MAX_QTY - 2}@100", "replace 2 2@100")[-1] == f"bid level {MAX_QTY}@100 in 2"
    )


def test_a_budget_beyond_an_int64_does_not_wrap(engine: Executes) -> None:
    play(engine, f"sell 1 {MAX_QTY}@{MAX_PRICE}")
    assert play(engine, f"buy 2 {MAX_QTY}@market fok budget price={MAX_PRICE}") == ["2 rejected BUDGET"]


def test_other_sides_quantity_at_the_price_does_not_count(engine: Executes) -> None:
    assert (
        play(engine, f"sell 1 {MAX_QTY}@100", f"buy 2 {MAX_QTY}@100")[-1] == "2 bid done FILLED @100, 0 left"
    )


def test_resting_price_further_from_its_side_than_the_span_is_rejected(engine: Executes) -> None:
    assert play(engine, "buy 1 5@1000", f"buy 2 5@{1000 + SPAN}") == ["2 rejected BAD_PRICE"]
    assert play(engine, f"buy 2 5@{1000 + SPAN - 1}")[-1] == f"bid level 5@{1000 + SPAN - 1} in 1"
    assert play(engine, "buy 3 5@999") == ["3 rejected BAD_PRICE"]
    assert play(engine, "replace 1 5@999") == ["1 rejected BAD_PRICE"]
    assert play(engine, "buy 3 5@1001")[-1] == "bid level 5@1001 in 1"
    assert play(engine, "cancel 1", "buy 4 5@1000")[-1] == "bid level 5@1000 in 1"


def test_span_counts_from_the_live_prices_wherever_they_have_gone(engine: Executes) -> None:
    last = 0
    for step in range(1, 6):
        price = step * (SPAN - 1)
        assert play(engine, f"buy {step} 1@{price}")[-1] == f"bid level 1@{price} in 1", step
        if last:
            play(engine, f"cancel {last}")
        last = step
    assert play(engine, "buy 9 1@0") == ["9 rejected BAD_PRICE"]
    assert play(engine, f"cancel {last}", "buy 9 1@0")[-1] == "bid level 1@0 in 1"


@pytest.mark.parametrize("text", ["ioc", "fok"])
def test_an_order_that_never_rests_may_name_any_price(engine: Executes, text: str) -> None:
    assert (
        play(engine, "sell 1 5@100", f"buy 2 5@{MAX_PRICE} {text}")[-1]
        == f"2 bid done FILLED @{MAX_PRICE}, 0 left"
    )


def test_span_is_per_instrument(engine: Executes) -> None:
    assert play(engine, "buy 1 5@1 on=0", f"buy 1 5@{MAX_PRICE} on=1")[-1] == f"bid level 5@{MAX_PRICE} in 1"


def test_first_reason_that_applies_is_given(engine: Executes) -> None:
    play(engine, "buy 1 5@100 at=7", "sell 2 5@101")
    row = command("buy 1 0@-1 post ioc", instrument=9, kind=99, ts=6, side=4, link_id=3, display_qty=7)
    reasons = []
    for field, good in (
        ("ts", 7),
        ("instrument", 0),
        ("kind", 1),
        ("side", 0),
        ("tif", 0),
        ("qty", 5),
        ("price", 101),
        ("display_qty", 0),
        ("order_id", 3),
        ("link_id", 0),
        ("flags", 0),
    ):
        reasons.append(Reason(engine.process(row)["reason"][0]).name)
        row[field] = good
    assert reasons == [
        "BAD_TIME",
        "UNKNOWN_INSTRUMENT",
        "BAD_KIND",
        "BAD_SIDE",
        "BAD_FLAGS",
        "BAD_QUANTITY",
        "BAD_PRICE",
        "BAD_DISPLAY",
        "DUPLICATE_ID",
        "BAD_LINK",
        "POST_ONLY",
    ]
    assert told(engine.process(row))[0] == "3 bid accepted 5@101"


def test_rejected_command_is_told_as_it_was_asked(engine: Executes) -> None:
    row = command("sell 7 3@55 by=4", ts=99, flags=16)
    event = engine.process(row)
    assert event.tolist() == [(1, 0, 99, 7, 0, 55, 3, 0, 0, EventKind.REJECTED, Reason.BAD_FLAGS, 1, 0)]
    assert event.dtype == EVENT


def test_rejected_rows_leave_every_following_answer_as_it_was(engine: Executes) -> None:
    play(engine, "buy 1 5@100", "sell 2 5@101")
    bad = np.concatenate(
        [command("buy 3 0@100"), command("cancel 9"), command("replace 1 5@-1"), command("buy 1 1@1")]
    )
    engine.process(bad)
    assert play(engine, "sell 4 5@100")[1] == "4 ask took 5@100 of 1, 0 left"
