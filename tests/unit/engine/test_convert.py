"""Values into rows and rows into values."""

from collections.abc import Callable

import numpy as np
import pytest
from support.random_rows import instruments

from rtlab.engine import COMMAND, EVENT, CommandKind, Flag, OrderType, Side, TimeInForce
from rtlab.engine.convert import (
    COMMAND_ROW,
    check_rows,
    command_rows,
    event_rows,
    pack,
    position,
    positions,
    prevention,
    rules_of,
)
from rtlab.errors import CommandError, ConfigError, InstrumentError
from rtlab.model import (
    CancelOrder,
    ChangePhase,
    Command,
    Deposit,
    KillOwner,
    MassCancel,
    NewOrder,
    PassTime,
    Phase,
    ReplaceOrder,
    ReviveOwner,
    Rules,
    SelfTradePrevention,
    SetLimits,
)

INDEX = {"I0": 0, "I1": 1}
HIGHEST = (1 << 63) - 1


def row_of(command: Command) -> dict[str, int]:
    into = bytearray(COMMAND.itemsize)
    pack(into, command, INDEX)
    row = np.frombuffer(into, COMMAND)[0]
    return dict(zip(COMMAND.names or (), row.tolist(), strict=True))


def row(**fields: int) -> dict[str, int]:
    return dict.fromkeys(COMMAND.names or (), 0) | fields


def test_format_is_the_row_of_the_model() -> None:
    assert COMMAND_ROW.size == COMMAND.itemsize
    numbers = tuple(range(1, 1 + len(COMMAND.names or ())))
    assert np.frombuffer(COMMAND_ROW.pack(*numbers), COMMAND)[0].tolist() == numbers


def test_new_order_becomes_a_row() -> None:
    order = NewOrder(
        instrument="I1",
        order_id=-7,
        side=Side.ASK,
        qty=5,
        price=100,
        order_type=OrderType.LIMIT,
        tif=TimeInForce.GTC,
        flags=Flag.POST_ONLY,
        owner=3,
        ts=HIGHEST,
    )
    assert row_of(order) == row(
        ts=HIGHEST,
        order_id=-7,
        owner=3,
        price=100,
        qty=5,
        instrument=1,
        flags=1,
        kind=CommandKind.NEW,
        side=Side.ASK,
    )
    market = NewOrder(
        instrument="I0", order_id=1, side=Side.BID, qty=5, order_type=OrderType.MARKET, tif=TimeInForce.FOK
    )
    assert row_of(market) == row(order_id=1, qty=5, kind=CommandKind.NEW, order_type=1, tif=2)


def test_cancel_and_replace_become_rows() -> None:
    assert row_of(CancelOrder(instrument="I1", order_id=4, ts=9)) == row(
        ts=9, order_id=4, instrument=1, kind=CommandKind.CANCEL
    )
    assert row_of(ReplaceOrder(instrument="I0", order_id=4, qty=6, price=7, ts=9)) == row(
        ts=9, order_id=4, qty=6, price=7, kind=CommandKind.REPLACE
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda symbol: NewOrder(instrument=symbol, order_id=1, side=Side.BID, qty=1),
        lambda symbol: CancelOrder(instrument=symbol, order_id=1),
        lambda symbol: ReplaceOrder(instrument=symbol, order_id=1, qty=1, price=1),
    ],
)
def test_unknown_symbol_is_an_instrument_error_that_names_the_known(make: Callable[[str], Command]) -> None:
    with pytest.raises(InstrumentError, match=r"expected I0, I1, got DOGE"):
        row_of(make("DOGE"))


@pytest.mark.parametrize("nonsense", [None, 5, "buy", (1, 2), object(), {"kind": 1}])
def test_anything_but_a_command_is_a_command_error(nonsense: Command) -> None:
    with pytest.raises(CommandError, match=r"expected NewOrder, CancelOrder, ReplaceOrder or another of"):
        row_of(nonsense)


@pytest.mark.parametrize("number", [1 << 63, -(1 << 63) - 1, 1.5, "7", None])
@pytest.mark.parametrize("field", ["ts", "order_id", "owner", "price", "qty"])
def test_number_that_does_not_fit_into_64_bits_is_a_command_error(field: str, number: int) -> None:
    fields = {"order_id": 1, "qty": 1, field: number}
    with pytest.raises(CommandError) as caught:
        row_of(NewOrder(instrument="I0", side=Side.BID, **fields))
    assert str(caught.value) == (
        f"{field} of NewOrder does not fit into a row: "
        f"expected an integer from -9223372036854775808 to 9223372036854775807, got {number!r}"
    )


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (ChangePhase(instrument="I0", phase=2.5), "phase of ChangePhase"),  # type: ignore[arg-type]
        (ChangePhase(instrument="I0", phase="AUCTION"), "phase of ChangePhase"),  # type: ignore[arg-type]
        (ChangePhase(instrument="I0", phase=-1), "phase of ChangePhase"),  # type: ignore[arg-type]
        (MassCancel(instrument="I0", owner=1 << 63), "owner of MassCancel"),
        (Deposit(instrument="I0", owner=1, money=0.1), "money of Deposit"),  # type: ignore[arg-type]
        (SetLimits(instrument="I0", owner=1, open_orders=None), "open_orders of SetLimits"),  # type: ignore[arg-type]
        (ReplaceOrder(instrument="I0", order_id=1, qty=1, price="7"), "price of ReplaceOrder"),  # type: ignore[arg-type]
        (CancelOrder(instrument="I0", order_id="a"), "order_id of CancelOrder"),  # type: ignore[arg-type]
    ],
)
def test_a_field_of_any_command_that_does_not_fit_is_named(command: Command, told: str) -> None:
    with pytest.raises(CommandError, match=f"^{told} does not fit into a row: expected an integer from "):
        row_of(command)


def test_a_symbol_of_a_type_that_no_symbol_has_is_an_instrument_error() -> None:
    with pytest.raises(InstrumentError, match=r"expected I0, I1, got \['I0'\]"):
        row_of(CancelOrder(instrument=["I0"], order_id=1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "got"),
    [
        (np.zeros((2, 2), COMMAND), "COMMAND of shape (2, 2)"),
        (np.zeros(2, EVENT), "EVENT of shape (2,)"),
        (np.zeros(2), "float64 of shape (2,)"),
        ([1], "list"),
    ],
)
def test_rows_of_another_type_or_shape_are_told(rows: np.ndarray, got: str) -> None:
    with pytest.raises(CommandError, match="these are no command rows") as caught:
        check_rows(rows)
    assert str(caught.value).endswith(f"expected an ndarray of COMMAND in one dimension, got {got}")


@pytest.mark.parametrize("side", [2, -1, 255, "BID", None])
def test_side_that_is_none_is_a_command_error(side: Side) -> None:
    with pytest.raises(CommandError, match=r"no such side: expected Side.BID or Side.ASK"):
        row_of(NewOrder(instrument="I0", order_id=1, side=side, qty=1))


@pytest.mark.parametrize("field", ["order_type", "tif", "flags"])
def test_code_that_does_not_fit_is_a_command_error(field: str) -> None:
    with pytest.raises(CommandError, match="does not fit into a row"):
        row_of(NewOrder(instrument="I0", order_id=1, side=Side.BID, qty=1, **{field: -1}))


@pytest.mark.parametrize("side", [2, -1, 255, 0.5, None, "BID"])
def test_a_side_that_there_is_not_is_named(side: object) -> None:
    terms = {"instrument": "I0", "side": side}
    for command in (MassCancel(**terms), NewOrder(order_id=1, qty=1, **terms)):  # type: ignore[arg-type]
        expected = f"{type(command).__name__} has no such side: expected Side.BID or Side.ASK, got {side!r}"
        with pytest.raises(CommandError, match=expected):
            row_of(command)


def test_every_kind_of_command_becomes_a_row_of_its_kind() -> None:
    one = {"instrument": "I1", "ts": 5}
    assert [
        row_of(command)
        for command in (
            MassCancel(owner=7, side=Side.ASK, flags=Flag.BOTH_SIDES, **one),
            ChangePhase(phase=Phase.AUCTION, **one),
            Deposit(owner=7, money=-3, lots=4, **one),
            SetLimits(owner=7, position=9, open_orders=2, flags=Flag.CHECK_FUNDS, **one),
            KillOwner(owner=7, **one),
            ReviveOwner(owner=7, **one),
            PassTime(**one),
        )
    ] == [
        row(ts=5, instrument=1, kind=4, owner=7, side=1, flags=Flag.BOTH_SIDES),
        row(ts=5, instrument=1, kind=5, phase=Phase.AUCTION),
        row(ts=5, instrument=1, kind=6, owner=7, price=-3, qty=4),
        row(ts=5, instrument=1, kind=7, owner=7, price=9, qty=2, flags=Flag.CHECK_FUNDS),
        row(ts=5, instrument=1, kind=8, owner=7),
        row(ts=5, instrument=1, kind=9, owner=7),
        row(ts=5, instrument=1, kind=10),
    ]


def test_all_terms_of_an_order_become_fields_of_its_row() -> None:
    terms = {
        "stop_price": 1,
        "display_qty": 2,
        "expire_ts": 3,
        "min_qty": 4,
        "link_id": 5,
        "trail": 6,
        "order_id": 7,
        "qty": 8,
        "price": 9,
    }
    new = NewOrder(instrument="I0", side=Side.BID, **terms)
    assert row_of(new) == row(kind=CommandKind.NEW, **terms)
    kept = {name: number for name, number in terms.items() if name not in ("min_qty", "link_id")}
    assert row_of(ReplaceOrder(instrument="I0", **kept)) == row(kind=CommandKind.REPLACE, **kept)


def test_rules_are_given_by_symbol_and_those_of_strangers_refused() -> None:
    some = Rules(max_qty=5)
    assert rules_of(INDEX, {"I1": some}) == [Rules(), some]
    with pytest.raises(InstrumentError, match="got DOGE"):
        rules_of(INDEX, {"DOGE": some})


def test_prevention_is_a_member_or_its_number() -> None:
    assert prevention(SelfTradePrevention.CANCEL_OLDEST) is SelfTradePrevention.CANCEL_OLDEST
    assert prevention(1) is SelfTradePrevention.CANCEL_NEWEST  # type: ignore[arg-type]
    for wrong in (5, -1, "NONE", None):
        with pytest.raises(ConfigError, match=r"expected NONE, CANCEL_NEWEST, .*, DECREMENT, got"):
            prevention(wrong)  # type: ignore[arg-type]


def test_rows_of_another_type_are_a_command_error() -> None:
    for wrong in (np.zeros(3, EVENT), np.zeros((2, 2), COMMAND), np.zeros(3), [1, 2], None):
        with pytest.raises(CommandError, match="expected an ndarray of COMMAND"):
            command_rows(wrong)  # type: ignore[arg-type]


def test_rows_are_copied_only_where_they_are_not_contiguous() -> None:
    rows = np.zeros(6, COMMAND)
    rows["order_id"] = range(6)
    assert command_rows(rows) is rows
    every_second = command_rows(rows[::2])
    assert every_second.flags.c_contiguous
    assert every_second["order_id"].tolist() == [0, 2, 4]


def test_event_rows_are_event_rows_even_where_there_is_none() -> None:
    assert event_rows([]).dtype == EVENT
    assert event_rows([tuple(range(13))])[0].tolist() == tuple(range(13))


def test_positions_are_those_of_the_instruments_and_symbols_are_unique() -> None:
    assert positions(instruments(2)) == INDEX
    assert position(INDEX, "I1") == 1
    with pytest.raises(InstrumentError, match="at least one instrument"):
        positions([])
    with pytest.raises(InstrumentError, match="one instrument twice: got I1"):
        positions([*instruments(2), instruments(2)[1]])


def test_a_row_of_fewer_fields_leaves_nothing_of_what_was_there() -> None:
    plain = NewOrder(instrument="I1", order_id=4, side=Side.ASK, qty=5, price=6, owner=7, ts=8)
    for command in (plain, CancelOrder(instrument="I1", order_id=4, ts=8)):
        clean, dirty = bytearray(COMMAND.itemsize), bytearray(b"\xff" * COMMAND.itemsize)
        pack(clean, command, INDEX)
        pack(dirty, command, INDEX)
        assert clean == dirty


@pytest.mark.parametrize("rare", ["stop_price", "display_qty", "expire_ts", "min_qty", "link_id", "trail"])
@pytest.mark.parametrize("number", [1, -1, HIGHEST])
def test_one_rare_field_alone_reaches_the_row(rare: str, number: int) -> None:
    order = NewOrder(instrument="I1", order_id=4, side=Side.ASK, qty=5, price=6, **{rare: number})
    fields = row(order_id=4, side=Side.ASK, qty=5, price=6, instrument=1, kind=CommandKind.NEW)
    assert row_of(order) == fields | {rare: number}


def test_an_unknown_symbol_is_named_whatever_the_command_is() -> None:
    for command in (
        NewOrder(instrument="X", order_id=1, side=Side.BID, qty=1),
        PassTime(instrument="X", ts=1),
    ):
        with pytest.raises(InstrumentError, match="does not trade"):
            pack(bytearray(COMMAND.itemsize), command, INDEX)


@pytest.mark.parametrize("number", [None, "", 0.0, [], np.zeros(2), np.array([1, 2]), b""], ids=repr)
@pytest.mark.parametrize(
    "field",
    ["price", "qty", "stop_price", "display_qty", "expire_ts", "min_qty", "link_id", "trail", "ts", "owner"],
)
def test_what_is_no_integer_is_refused_by_name_also_if_it_counts_as_nothing(
    field: str, number: object
) -> None:
    fields = {"instrument": "I0", "order_id": 1, "side": Side.BID, "qty": 1, "price": 1} | {field: number}
    with pytest.raises(CommandError, match=f"{field} of NewOrder does not fit into a row"):
        row_of(NewOrder(**fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("side", [np.array([1, 2]), None, [1]], ids=repr)
def test_a_side_of_any_sort_that_is_none_is_an_error_of_ours(side: object) -> None:
    with pytest.raises(CommandError):
        row_of(NewOrder(instrument="I0", order_id=1, side=side, qty=1, price=1))  # type: ignore[arg-type]
