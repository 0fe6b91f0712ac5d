"""The surface of the engine: submit, process, book, snapshot, restore, statistics."""

import copy
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import commands, play
from support.random_rows import instruments, random_rows

from rtlab.engine import (
    COMMAND,
    EVENT,
    Engine,
    EngineStatistics,
    Flag,
    OrderType,
    QueuePosition,
    Reason,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from rtlab.engine.reference import ReferenceEngine
from rtlab.engine.storage import Storage
from rtlab.engine.values import events_of
from rtlab.errors import CommandError, ConfigError, InstrumentError, LocalError
from rtlab.model import CancelOrder, Command, CommandRejected, MassCancel, NewOrder, ReplaceOrder, Trade


def as_value(row: np.void) -> Command:
    """Give a well-formed COMMAND row as a value."""
    symbol = f"I{row['instrument']}"
    order_id, qty, price, ts = (int(row[name]) for name in ("order_id", "qty", "price", "ts"))
    if row["kind"] == 1:
        return NewOrder(
            instrument=symbol,
            order_id=order_id,
            side=Side(row["side"]),
            qty=qty,
            price=price,
            order_type=OrderType(row["order_type"]),
            tif=TimeInForce(row["tif"]),
            flags=Flag(row["flags"]),
            owner=int(row["owner"]),
            ts=ts,
        )
    if row["kind"] == 2:
        return CancelOrder(instrument=symbol, order_id=order_id, ts=ts)
    return ReplaceOrder(instrument=symbol, order_id=order_id, qty=qty, price=price, ts=ts)


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
@pytest.mark.parametrize("prevention", SelfTradePrevention)
def test_submit_tells_in_values_what_process_tells_in_rows(
    kind: str, prevention: SelfTradePrevention
) -> None:
    rows = random_rows(np.random.default_rng(3), 800)
    cancels = rows["kind"] == 2
    rows["price"][cancels] = rows["qty"][cancels] = 0  # as `submit` fills what a cancel does not have
    one_by_one = make_engine(kind, symbols=3, prevention=prevention)
    at_once = make_engine(kind, symbols=3, prevention=prevention)
    events = at_once.process(rows)
    ends = np.searchsorted(events["command"], np.arange(len(rows)), side="right")
    for row, of_it in zip(rows, np.split(events, ends[:-1]), strict=True):
        assert one_by_one.submit(as_value(row)) == events_of(of_it, ("I0", "I1", "I2"))


def test_submit_and_process_may_be_mixed() -> None:
    rows = random_rows(np.random.default_rng(4), 600)
    rows["price"][rows["kind"] == 2] = rows["qty"][rows["kind"] == 2] = 0
    mixed, plain = Engine(instruments(3), capacity=1), ReferenceEngine(instruments(3))
    for batch in np.array_split(rows, 100):
        told = mixed.submit(as_value(batch[0]))
        assert told == plain.submit(as_value(batch[0]))
        assert mixed.process(batch[1:]).tobytes() == plain.process(batch[1:]).tobytes()


def test_submit_of_a_sweep_larger_than_its_buffer() -> None:
    engine = Engine(instruments(1))
    for order_id in range(3000):
        engine.submit(NewOrder(instrument="I0", order_id=order_id, side=Side.BID, qty=1, price=100))
    told = engine.submit(NewOrder(instrument="I0", order_id=9999, side=Side.ASK, qty=3000, price=100))
    assert [event.seq for event in told] == list(range(6001, 6001 + 6003))
    assert sum(isinstance(event, Trade) for event in told) == 3000
    assert engine.submit(CancelOrder(instrument="I0", order_id=0))[0].seq == 12004


def test_submit_that_fails_leaves_the_engine_as_it_was() -> None:
    engine = Engine(instruments(1))
    engine.submit(NewOrder(instrument="I0", order_id=1, side=Side.BID, qty=1, price=100))
    with pytest.raises(InstrumentError):
        engine.submit(CancelOrder(instrument="nowhere", order_id=1))
    with pytest.raises(CommandError):
        engine.submit("cancel everything")  # type: ignore[arg-type]
    with pytest.raises(CommandError):
        engine.submit(NewOrder(instrument="I0", order_id=1 << 70, side=Side.BID, qty=1, price=100))
    (rejected,) = engine.submit(CancelOrder(instrument="I0", order_id=2))
    assert isinstance(rejected, CommandRejected)
    assert (rejected.seq, rejected.command, rejected.reason) == (3, 1, Reason.UNKNOWN_ORDER)


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_process_refuses_what_are_no_rows(kind: str) -> None:
    for wrong in (np.zeros(3, EVENT), np.zeros((2, 2), COMMAND), [1], None):
        with pytest.raises(CommandError, match="expected an ndarray of COMMAND"):
            make_engine(kind).process(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [3, 5000])
def test_events_are_the_callers_own(count: int) -> None:
    engine = Engine(instruments(1))
    rows = commands(*(f"buy {order_id} 1@{order_id}" for order_id in range(count)))
    first = engine.process(rows)
    kept = first.tobytes()
    rows["order_id"] += count
    second = engine.process(rows)
    assert first.tobytes() == kept
    second["seq"] = 0
    assert first.tobytes() == kept
    assert first.dtype == EVENT
    assert len(first) == 2 * count


def test_commands_are_read_and_never_written() -> None:
    rows = random_rows(np.random.default_rng(5), 3000, malformed=0.1)
    kept = rows.tobytes()
    Engine(instruments(3)).process(rows)
    assert rows.tobytes() == kept


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_book_is_best_first_and_cut_to_depth(kind: str) -> None:
    engine = make_engine(kind, symbols=2)
    play(engine, "buy 1 5@98", "buy 2 5@99", "buy 3 1@99", "sell 4 7@101", "sell 5 8@105", "buy 6 1@1 on=1")
    assert engine.book("I0") == ([(99, 6), (98, 5)], [(101, 7), (105, 8)])
    assert engine.book("I0", 1) == ([(99, 6)], [(101, 7)])
    assert engine.book("I0", 0) == ([], [])
    assert engine.book("I1") == ([(1, 1)], [])
    assert all(type(number) is int for level in engine.book("I0")[0] for number in level)
    with pytest.raises(InstrumentError, match="does not trade this instrument: expected I0, I1, got I7"):
        engine.book("I7")


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_instruments_must_be_there_and_be_different(kind: str) -> None:
    with pytest.raises(InstrumentError, match="at least one"):
        make_engine(kind, symbols=0)
    with pytest.raises(InstrumentError, match="twice"):
        Engine([*instruments(1), *instruments(1)])


@pytest.mark.parametrize("capacity", [0, -1, 1 << 30, 1.5, None, "x", [], True, np.float64(2)])
def test_capacity_out_of_range_is_a_config_error(capacity: int) -> None:
    with pytest.raises(ConfigError, match="capacity"):
        Engine(instruments(1), capacity=capacity)


def test_a_capacity_of_numpy_is_one() -> None:
    engine = Engine(instruments(1), capacity=np.int64(16))
    assert Engine.restore(engine.snapshot()).snapshot() == engine.snapshot()


@pytest.mark.parametrize("engine", [Engine, ReferenceEngine])
@pytest.mark.parametrize("what", [None, 5, "I0", [1], [None], {}, iter(())])
def test_what_is_no_sequence_of_instruments_is_an_instrument_error(engine: type, what: object) -> None:
    with pytest.raises(InstrumentError, match="instrument"):
        engine(what)


@pytest.mark.parametrize("engine", [Engine, ReferenceEngine])
@pytest.mark.parametrize("rules", ["x", 5, [], {"I0": None}, {"I0": 1}])
def test_rules_that_are_none_by_symbol_are_a_config_error(engine: type, rules: object) -> None:
    with pytest.raises(ConfigError, match="rules are by symbol"):
        engine(instruments(1), rules=rules)


@pytest.mark.parametrize("depth", [-1, 1.5, "x", [], True, 1 << 63])
def test_a_depth_or_an_owner_that_is_no_whole_number_is_a_config_error(depth: object) -> None:
    engine = Engine(instruments(1))
    with pytest.raises(
        ConfigError, match="the depth of a book is out of range: expected a whole number, 0 to"
    ):
        engine.book("I0", depth)
    if depth != -1:
        with pytest.raises(ConfigError, match="an owner is out of range"):
            engine.book("I0", owner=depth)


@pytest.mark.parametrize("symbol", [None, 5, b"I0", [], ("I0",)])
def test_what_is_no_symbol_is_an_instrument_error(symbol: object) -> None:
    with pytest.raises(InstrumentError, match="does not trade"):
        Engine(instruments(1)).book(symbol)


@pytest.mark.parametrize("kind", KERNEL_AND_TWIN)
def test_unknown_self_trade_prevention_is_a_config_error(kind: str) -> None:
    with pytest.raises(ConfigError, match="self-trade prevention"):
        make_engine(kind, prevention=9)  # type: ignore[arg-type]


def test_snapshot_of_a_new_engine_restores_a_new_engine() -> None:
    restored = Engine.restore(Engine(instruments(2), capacity=9).snapshot())
    assert restored.statistics() == Engine(instruments(2), capacity=9).statistics()
    assert restored.instruments == tuple(instruments(2))


def test_restored_engine_keeps_queues_counters_and_prevention() -> None:
    engine = Engine(instruments(2), self_trade_prevention=SelfTradePrevention.CANCEL_OLDEST)
    play(
        engine,
        "buy 1 5@100 by=7",
        "buy 2 5@100",
        "buy 3 5@100",
        "replace 1 6@100",
        "sell 9 1@100",
        "buy 4 1@7 on=1",
    )
    restored = Engine.restore(engine.snapshot())
    assert restored.self_trade_prevention == SelfTradePrevention.CANCEL_OLDEST
    assert restored.book("I0") == engine.book("I0")
    last = ("sell 5 16@100 by=7",)
    expected = play(engine, *last)
    assert [line for line in expected if "took" in line or "SELF" in line] == [
        "5 ask took 4@100 of 2, 0 left",
        "5 ask took 5@100 of 3, 0 left",
        "1 bid done SELF_TRADE @100, 6 left",
    ]
    assert play(restored, *last) == expected
    assert restored.statistics()[:4] == engine.statistics()[:4]


def test_snapshot_changes_nothing_and_is_the_same_twice() -> None:
    rows = random_rows(np.random.default_rng(6), 2000, scatter=0.05)
    engine, twin = Engine(instruments(3)), ReferenceEngine(instruments(3))
    for batch in np.array_split(rows, 20):
        assert engine.snapshot() == engine.snapshot()
        assert engine.process(batch).tobytes() == twin.process(batch).tobytes()


def test_snapshot_of_a_restored_engine_is_the_same_snapshot_again() -> None:
    engine = Engine(instruments(3), capacity=8)
    engine.process(random_rows(np.random.default_rng(7), 2000, scatter=0.05))
    once = Engine.restore(engine.snapshot())
    assert Engine.restore(once.snapshot()).snapshot() == once.snapshot()


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda engine: pickle.loads(pickle.dumps(engine))]
)
def test_a_copy_has_its_own_memory(copied: Callable[[Engine], Engine]) -> None:
    engine = Engine(instruments(1))
    play(engine, "buy 1 5@100", "buy 2 5@100")
    other = copied(engine)
    assert play(engine, "sell 3 5@100") == play(other, "sell 3 5@100")
    play(engine, *(f"buy {order_id} 1@{order_id}" for order_id in range(10, 50)))
    del engine
    assert other.book("I0") == ([(100, 5)], [])


@pytest.mark.parametrize("foreign", [b"", b"not a snapshot at all", bytes(1000), None, "text", 1, []])
def test_restore_of_foreign_bytes_is_a_local_error(foreign: bytes) -> None:
    with pytest.raises(LocalError, match="snapshot of an engine"):
        Engine.restore(foreign)


def test_restore_of_a_truncated_snapshot_is_a_local_error() -> None:
    engine = Engine(instruments(1))
    play(engine, "buy 1 5@100", "sell 2 5@101")
    data = engine.snapshot()
    for length in (len(data) - 1, len(data) - COMMAND.itemsize, 30):
        with pytest.raises(LocalError, match="not whole"):
            Engine.restore(data[:length])


@pytest.mark.parametrize("rest", ["", "show=2", "hidden", "gtd until=900", "whole", "link=2"])
def test_every_sort_of_order_survives_a_snapshot(rest: str) -> None:
    book = [f"sell 1 9@105 {rest}", "sell 2 9@106 link=1", "buy 3 4@99 stop=110", "buy 4 5@90 day"]
    engine, other = Engine(instruments(1)), Engine(instruments(1))
    for one in (engine, other):
        play(one, *book, "buy 5 1@105", "sell 6 3@105")
    restored = Engine.restore(engine.snapshot())
    last = ("buy 7 30@107 at=800", "phase 0 to=2", "buy 8 9@105", "phase 0 to=4", "wait 0 at=1000")
    for text in last:
        assert play(restored, text) == play(other, text)


def test_an_owners_orders_tell_where_they_stand() -> None:
    engine = Engine(instruments(1))
    twin = ReferenceEngine(instruments(1))
    book = ["sell 1 9@101 show=2", "sell 2 5@101 by=7 show=3", "sell 3 5@101 hidden", "sell 4 5@101 by=7"]
    for one in (engine, twin):
        play(one, *book, "buy 5 4@99 by=7", "sell 6 1@100", "buy 7 1@98 by=8", "sell 8 2@103 by=7 hidden")
    expected = [
        QueuePosition(5, Side.BID, 99, 4, 4, 0, 0),
        QueuePosition(2, Side.ASK, 101, 5, 3, 1, 2),
        QueuePosition(4, Side.ASK, 101, 5, 5, 3, 10),
        QueuePosition(8, Side.ASK, 103, 2, 0, 0, 0),
    ]
    assert engine.book("I0", owner=7) == twin.positions("I0", 7) == expected
    assert engine.book("I0", 1, owner=7) == expected[:1]
    assert engine.book("I0", owner=9) == []


def test_what_is_ahead_shrinks_as_it_trades_and_is_cancelled() -> None:
    engine = Engine(instruments(1))
    play(engine, "buy 1 5@100", "buy 2 6@100", "buy 3 7@100 by=7")
    ahead = [engine.book("I0", owner=7)[0][-2:]]
    for text in ("sell 8 2@100", "cancel 2", "buy 4 9@100", "sell 9 3@100"):
        play(engine, text)
        ahead.append(engine.book("I0", owner=7)[0][-2:])
    assert ahead == [(2, 11), (2, 9), (1, 3), (1, 3), (0, 0)]


def test_statistics_count_what_was_done_and_what_is_held() -> None:
    engine = Engine(instruments(2), capacity=2)
    assert engine.statistics()[:-1] == EngineStatistics(0, 0, 0, 0, 2, 0, 65536, 0, 0, 0)[:-1]
    play(engine, "buy 1 5@100", "buy 2 5@100", "buy 3 5@9000", "sell 4 5@9001 on=1", "cancel 9")
    statistics = engine.statistics()
    assert statistics.commands == 5
    assert statistics.events == 9
    assert statistics.live_orders == 4
    assert statistics.live_levels == 3
    assert statistics.pool_grown == 1
    assert statistics.pool_size == 5
    assert statistics.ladders_grown == 1
    assert statistics.ladders_moved == 1
    assert statistics.window_ticks > 65536
    assert statistics.memory_bytes > 4 * 48


def test_repr_is_short_and_names_the_instruments() -> None:
    assert repr(Engine(instruments(2))) == "Engine(I0, I1)"


def test_same_commands_give_the_same_bytes_in_another_process() -> None:
    script = """
import hashlib
import numpy as np
from support.random_rows import instruments, random_rows
from rtlab.engine import Engine
rows = random_rows(np.random.default_rng(8), 20000, scatter=0.01, malformed=0.01)
print(hashlib.sha256(Engine(instruments(3)).process(rows).tobytes()).hexdigest())
"""
    environment = os.environ | {"PYTHONPATH": os.path.join(os.path.dirname(__file__), "..", "..")}
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for _ in range(2)
    }
    assert len(digests) == 1


def test_an_interrupt_while_memory_grows_comes_after_the_command(
    monkeypatch: pytest.MonkeyPatch, interrupts: None
) -> None:
    engine, twin, grow = Engine(instruments(1), capacity=1), ReferenceEngine(instruments(1)), Storage._grow
    rows = commands("sell 1 5@100 gtd until=100", "buy 2 5@90 at=20", "buy 3 5@91")

    def interrupted(storage: Storage) -> None:
        signal.raise_signal(signal.SIGINT)
        grow(storage)

    monkeypatch.setattr(Storage, "_grow", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engine.process(rows)
    monkeypatch.undo()
    twin.process(rows)
    after = commands("wait 0 at=5", "sell 4 5@91", "sell 5 1@100 at=200")
    assert engine.process(after).tobytes() == twin.process(after).tobytes()


@pytest.mark.parametrize("problem", [MemoryError, KeyboardInterrupt])
def test_an_engine_that_could_not_end_a_command_says_so_and_does_no_other(
    monkeypatch: pytest.MonkeyPatch, problem: type[BaseException]
) -> None:
    engine = Engine(instruments(1))
    engine.process(commands(*(f"sell {number} 1@{100 + number}" for number in range(2000))))

    def fails(storage: Storage) -> None:
        raise problem

    monkeypatch.setattr(Storage, "_grow", fails)
    with pytest.raises(problem):
        engine.submit(MassCancel(instrument="I0", flags=Flag.ALL_OWNERS | Flag.BOTH_SIDES))
    monkeypatch.undo()
    cancel = CancelOrder(instrument="I0", order_id=1)
    for asked in (
        lambda: engine.submit(cancel),
        lambda: engine.process(commands("cancel 1")),
        lambda: engine.process(commands(*["cancel 1"] * 500)),
    ):
        with pytest.raises(LocalError, match="in the middle of a command"):
            asked()


def test_who_keeps_a_few_events_keeps_little_whatever_came_before() -> None:
    engine = Engine(instruments(1))
    engine.process(commands(*(f"sell {number} 1@{100 + number}" for number in range(5000))))
    assert len(engine.process(commands("buy 9999 5000@9999"))) > 10_000
    kept = engine.process(commands("buy 10000 1@50"))
    assert kept.base is not None
    assert memoryview(kept.base).nbytes < 100_000


@pytest.mark.parametrize("owner", ["x", None, 1.5, b"7"])
def test_who_is_no_owner_has_no_account(owner: object) -> None:
    with pytest.raises(LocalError, match="no account"):
        Engine(instruments(1)).account(owner)  # type: ignore[arg-type]
