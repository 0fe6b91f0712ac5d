"""Events become the same values in Python and in the kernel."""

import gc
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from numba import njit
from support.every_kind import RULES, every_kind, traded

from rtlab.engine import COMMAND, EVENT, Engine, EventKind, Reason, SelfTradePrevention, Side
from rtlab.engine.boxing import give
from rtlab.engine.layout import STATE, TAKER
from rtlab.engine.memory import memory_of, state_at
from rtlab.engine.values import FIELDS, Values, events_of, values_of
from rtlab.model import (
    AccountChanged,
    CancelOrder,
    CommandRejected,
    Event,
    Indicative,
    Instrument,
    LevelChanged,
    MassCancelled,
    NewOrder,
    OrderAccepted,
    OrderDone,
    OrderRefilled,
    OrderReplaced,
    OrderTriggered,
    Phase,
    PhaseChanged,
    TimePassed,
    Trade,
)

Makes = Callable[[np.ndarray, Sequence[str]], list[Event]]


@njit(_nrt=False)  # not kept: a kept probe would not see a changed part
def made(address, table, begin, end):  # type: ignore[no-untyped-def]
    return give(values_of(memory_of(state_at(address)), table, begin, end))


def by_kernel(rows: np.ndarray, symbols: Sequence[str]) -> list[Event]:
    state, taker, table = np.zeros(1, STATE), np.zeros(1, TAKER), Values(symbols)
    state["taker_at"], state["taker"] = taker.ctypes.data, 1
    state["events_at"], state["events"], state["markets"] = rows.ctypes.data, len(rows), len(symbols)
    return made(state.ctypes.data, table.address, 0, len(rows))  # type: ignore[no-any-return]


@pytest.fixture(params=[events_of, by_kernel], ids=["plain", "kernel"])
def make(request: pytest.FixtureRequest) -> Makes:
    return request.param  # type: ignore[no-any-return]


def test_events_become_values_with_their_symbols_and_enums(make: Makes) -> None:
    numbers = {"seq": 3, "command": 2, "ts": 1, "price": 100}
    rows = np.zeros(6, EVENT)
    for name, number in numbers.items():
        rows[name] = number
    rows["order_id"], rows["maker_id"], rows["qty"], rows["remaining"] = 7, 8, 5, 4
    rows["instrument"], rows["side"] = 1, Side.ASK
    rows["kind"] = [
        EventKind.ACCEPTED,
        EventKind.REPLACED,
        EventKind.TRADE,
        EventKind.DONE,
        EventKind.REJECTED,
        EventKind.LEVEL,
    ]
    rows["reason"][3:5] = [Reason.SELF_TRADE, Reason.BAD_PRICE]
    common = {"instrument": "I1", **numbers}
    standing = {"order_id": 7, "side": Side.ASK, "qty": 5, **common}
    assert make(rows, ("I0", "I1")) == [
        OrderAccepted(shown=4, **standing),
        OrderReplaced(shown=4, reason=Reason.NONE, **standing),
        Trade(aggressor_side=Side.ASK, taker_id=7, maker_id=8, qty=5, remaining=4, **common),
        OrderDone(order_id=7, side=Side.ASK, remaining=4, reason=Reason.SELF_TRADE, **common),
        CommandRejected(reason=Reason.BAD_PRICE, **standing),
        LevelChanged(side=Side.ASK, qty=5, orders=4, **common),
    ]
    told = make(rows, ("I0", "I1"))
    assert isinstance(told[2], Trade)
    assert isinstance(told[2].aggressor_side, Side)
    assert isinstance(told[3], OrderDone)
    assert isinstance(told[3].reason, Reason)


def test_events_of_markets_and_accounts_become_values(make: Makes) -> None:
    rows = np.zeros(7, EVENT)
    rows["kind"] = [7, 8, 9, 10, 11, 12, 13]
    rows["order_id"], rows["price"], rows["qty"], rows["remaining"] = 7, 100, 5, 2
    head = {"seq": 0, "command": 0, "ts": 0, "instrument": "I0"}
    order = {**head, "order_id": 7, "side": Side.BID, "price": 100, "qty": 5}
    assert make(rows, ("I0",)) == [
        OrderTriggered(shown=2, **order),
        OrderRefilled(remaining=2, **order),
        PhaseChanged(phase=Phase.AUCTION, price=100, qty=5, reason=Reason.NONE, **head),
        Indicative(price=100, qty=5, surplus=2, **head),
        MassCancelled(owner=7, orders=5, **head),
        AccountChanged(owner=7, money=100, lots=5, **head),
        TimePassed(**head),
    ]


def test_every_reason_comes_back_as_itself(make: Makes) -> None:
    for reason in Reason:
        rows = np.zeros(1, EVENT)
        rows["kind"], rows["reason"] = EventKind.DONE, reason
        (event,) = make(rows, ("I0",))
        assert isinstance(event, OrderDone)
        assert event.reason is reason


def test_every_kind_of_event_has_its_value_and_fills_all_its_fields() -> None:
    assert set(FIELDS) == set(EventKind)
    for shape, names in FIELDS.values():
        assert len(shape.__struct_fields__) == 4 + len(names.split())


def test_the_kernels_values_are_those_of_its_rows_whatever_the_command() -> None:
    rows = every_kind(np.random.default_rng(8), 3000, ids=300)
    engine = Engine(traded(), self_trade_prevention=SelfTradePrevention.DECREMENT, rules=RULES)
    told = engine.process(rows)
    symbols = [one.symbol for one in traded()]
    known = told[(told["side"] <= Side.ASK) & (told["instrument"] < len(symbols))]
    assert set(known["kind"].tolist()) == {int(kind) for kind in EventKind}
    borders = np.flatnonzero(np.diff(known["command"], prepend=-1, append=-1)).tolist()
    for begin, end in pairwise(borders):
        of_it = known[begin:end]
        assert by_kernel(of_it, symbols) == events_of(of_it, symbols)


def test_numbers_at_their_limits_come_as_they_are(make: Makes) -> None:
    rows = np.zeros(2, EVENT)
    rows["kind"] = EventKind.TRADE
    for name in ("order_id", "maker_id", "price", "qty", "remaining"):
        rows[name] = (1 << 63) - 1, -(1 << 63)
    first, second = make(rows, ("I0",))
    assert isinstance(first, Trade)
    assert isinstance(second, Trade)
    assert {first.taker_id, first.maker_id, first.price, first.qty, first.remaining} == {(1 << 63) - 1}
    assert {second.taker_id, second.maker_id, second.price, second.qty, second.remaining} == {-(1 << 63)}


@pytest.mark.parametrize("side", [2, 127, 128, 255])
def test_a_code_that_stands_for_nothing_is_an_error_and_makes_nothing(make: Makes, side: int) -> None:
    rows = np.zeros(3, EVENT)
    rows["kind"], rows["side"][2] = EventKind.LEVEL, side
    with pytest.raises((SystemError, ValueError)):
        make(rows, ("I0",))
    assert len(make(rows[:2], ("I0",))) == 2


def test_symbols_live_as_long_as_the_engine_that_names_them() -> None:
    engine = Engine(traded())
    symbol = traded()[0].symbol
    copies = [Engine.restore(engine.snapshot()) for _ in range(20)]
    gc.collect()
    for one in (engine, *copies):
        (rejected,) = one.submit(CancelOrder(instrument=symbol, order_id=1))
        assert rejected.instrument == symbol


def test_a_submit_leaves_nothing_behind() -> None:
    engine = Engine(traded())
    symbol = traded()[0].symbol
    terms = {"instrument": symbol, "qty": 10**11, "price": 10**9, "ts": 10**15}
    makes = NewOrder(order_id=10**12, side=Side.BID, **terms)
    takes = NewOrder(order_id=10**12 + 1, side=Side.ASK, **terms)

    def some() -> None:
        for _ in range(500):
            assert len(engine.submit(makes)) == 2
            assert len(engine.submit(takes)) == 5

    some()
    gc.collect()
    before, classes = sys.getallocatedblocks(), sys.getrefcount(Trade)
    some()
    gc.collect()
    assert abs(sys.getallocatedblocks() - before) < 250  # one object a command would be 1,000
    assert sys.getrefcount(Trade) == classes


def test_values_of_a_command_for_which_memory_had_to_grow_are_all_there() -> None:
    small, large = Engine(traded(), capacity=1), Engine(traded(), capacity=1 << 12)
    rows = np.zeros(2000, COMMAND)
    rows["kind"], rows["order_id"], rows["qty"], rows["price"] = 1, np.arange(2000), 1, 500 + np.arange(2000)
    symbol = traded()[0].symbol
    sweep = NewOrder(instrument=symbol, order_id=-1, side=Side.ASK, qty=2000, price=1)
    for engine in (small, large):
        engine.process(rows)
    told = small.submit(sweep)
    assert told == large.submit(sweep)
    assert sum(isinstance(one, Trade) for one in told) == 2000


def test_values_of_a_submit_are_its_own_whatever_rows_are_kept_before_them() -> None:
    engine, other = Engine(traded()), Engine(traded())
    symbol, kept = traded()[0].symbol, []
    for at in range(1, 100):
        rows = np.zeros(1, COMMAND)
        rows["kind"], rows["order_id"], rows["qty"], rows["price"] = 1, at, 1, 500 + at
        kept.append(engine.process(rows))
        other.process(rows)
        taker = NewOrder(instrument=symbol, order_id=-at, side=Side.ASK, qty=at % 3, price=400)
        assert engine.submit(taker) == other.submit(taker)


def test_garbage_is_collected_after_a_submit_only_if_it_was_before() -> None:
    engine, unknown = (
        Engine([Instrument("X", Decimal(1), Decimal(1))]),
        CancelOrder(instrument="X", order_id=1),
    )
    assert gc.isenabled()
    engine.submit(unknown)
    assert gc.isenabled()
    gc.disable()
    try:
        engine.submit(unknown)
        assert not gc.isenabled()
    finally:
        gc.enable()


class Meddler:
    """Garbage that gives an engine a command when it is collected."""

    def __init__(self, engine: Engine) -> None:
        self.itself, self.engine = self, engine

    def __del__(self) -> None:
        self.engine.submit(CancelOrder(instrument="X", order_id=10**9))


def test_a_finaliser_that_gives_a_command_meanwhile_changes_nothing_of_this_ones_values() -> None:
    engine, before = Engine([Instrument("X", Decimal(1), Decimal(1))]), gc.get_threshold()
    for number in range(500):
        for maker in range(20):
            engine.submit(NewOrder(instrument="X", order_id=maker, side=Side.ASK, qty=1, price=100 + maker))
        sweep = NewOrder(instrument="X", order_id=100, side=Side.BID, qty=20, price=200)
        Meddler(engine)
        _taken = [[] for _ in range(200)]  # Python gives used lists once more, which sets nothing off
        gc.set_threshold(1)  # whatever is made next sets it off: before 3.12 that is the list of the events
        events = engine.submit(sweep)
        gc.set_threshold(*before)
        assert {event.command for event in events} == {events[0].command}
        assert [event.seq for event in events] == [*range(events[0].seq, events[0].seq + len(events))]
        assert [event.maker_id for event in events if isinstance(event, Trade)] == [*range(20)], number
    gc.collect()
    assert engine.statistics().commands == 500 * 22
