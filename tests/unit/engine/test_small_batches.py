"""Batches of few commands go another way into the kernel than large ones: it must not show."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.play import commands
from support.random_rows import instruments, random_rows

from rtlab.engine import COMMAND, EVENT, Engine
from rtlab.engine.engine import SCRATCH, SLAB
from rtlab.engine.reference import ReferenceEngine
from rtlab.engine.storage import FEW
from rtlab.errors import CommandError
from rtlab.model import CancelOrder, NewOrder, Side

ROWS = random_rows(np.random.default_rng(17), 1500, malformed=0.03)
WHOLE = Engine(instruments(3)).process(ROWS).tobytes()


def cut_by(sizes):
    """Give the events of all rows, in batches of these sizes over and over."""
    engine, at, events, number = Engine(instruments(3), capacity=1), 0, b"", 0
    while at < len(ROWS):
        size = sizes[number % len(sizes)]
        events += engine.process(ROWS[at : at + size]).tobytes()
        at, number = at + size, number + 1
    return events


@pytest.mark.parametrize("size", [1, 2, 7, FEW - 1, FEW, FEW + 1, 2 * FEW])
def test_batches_around_the_border_give_the_same_bytes(size):
    assert cut_by([size]) == WHOLE


@given(st.lists(st.integers(1, 3 * FEW), min_size=1, max_size=6))
def test_any_mixture_of_small_and_large_batches_gives_the_same_bytes(sizes):
    assert cut_by(sizes) == WHOLE


def test_no_command_makes_no_event_and_an_array_all_the_same():
    engine = Engine(instruments(1))
    for rows in (ROWS[:0], ROWS[5:5]):
        events = engine.process(rows)
        assert (events.dtype, events.shape) == (EVENT, (0,))


@pytest.mark.parametrize("step", [2, -1, 3])
def test_rows_that_do_not_lie_side_by_side_are_read_as_they_are(step):
    strided = ROWS[: FEW * abs(step) : step]
    assert not strided.flags.c_contiguous
    events = Engine(instruments(3)).process(strided)
    assert events.tobytes() == Engine(instruments(3)).process(strided.copy()).tobytes()


def shifted(rows):
    """Give the same rows where no row of them is aligned."""
    room = np.zeros(rows.nbytes + 1, np.uint8)
    there = room[1:].view(COMMAND)
    there[:] = rows
    assert there.ctypes.data % 8
    return there


@pytest.mark.parametrize(
    "elsewhere",
    [
        shifted,
        lambda rows: rows.view(np.recarray),
        lambda rows: np.ma.array(rows).data,
        lambda rows: rows[None][0],
    ],
    ids=["between words", "of another class", "what a mask hid", "a part of a table"],
)
@pytest.mark.parametrize("count", [1, FEW])
def test_rows_of_any_place_and_class_are_the_same_commands(elsewhere, count):
    rows = ROWS[:count]
    assert (
        Engine(instruments(3)).process(elsewhere(rows)).tobytes()
        == Engine(instruments(3)).process(rows).tobytes()
    )


def test_one_row_many_times_is_read_many_times():
    rows = np.broadcast_to(ROWS[:1], 5)
    assert rows.strides == (0,)
    events = Engine(instruments(3)).process(rows)
    assert events.tobytes() == Engine(instruments(3)).process(rows.copy()).tobytes()
    assert np.unique(events["command"]).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("there", ["an array", "memory"])
def test_a_batch_for_which_memory_must_grow_is_read_where_it_lies(there):
    engine, twin = Engine(instruments(3), capacity=1), ReferenceEngine(instruments(3))
    engine.submit(CancelOrder(instrument="I0", order_id=1))
    twin.submit(CancelOrder(instrument="I0", order_id=1))
    for at in range(0, 600, FEW):
        rows = (
            ROWS[at : at + FEW]
            if there == "an array"
            else np.frombuffer(ROWS[at : at + FEW].tobytes(), COMMAND)
        )
        assert engine.process(rows).tobytes() == twin.process(ROWS[at : at + FEW]).tobytes()
        del rows
        cancel = CancelOrder(instrument="I0", order_id=10**9)
        assert engine.submit(cancel) == twin.submit(cancel)
    assert engine.statistics().pool_grown == 3


def test_rows_that_may_not_be_written_are_read_all_the_same():
    rows = ROWS[:10].copy()
    rows.flags.writeable = False
    assert len(Engine(instruments(3)).process(rows)) > 0


def test_events_of_a_small_batch_are_the_callers_own_and_may_be_written():
    engine = Engine(instruments(1))
    first = engine.process(commands("buy 1 1@100"))
    kept = first.tobytes()
    first["qty"] = 77
    second = engine.process(commands("buy 2 1@101"))
    assert first["qty"].tolist() == [77] * len(first)
    assert second["qty"].tolist() != first["qty"].tolist()
    assert engine.process(commands("buy 1 1@100")).tobytes() != kept  # a duplicate by now


KEPT = {
    "nothing": lambda events: (),
    "all": lambda events: events,
    "a column": lambda events: events["seq"],
    "a slice of a slice": lambda events: events[1:][:1],
    "rows of bytes": lambda events: events.view(np.uint8),
    "a buffer": lambda events: memoryview(events.view(np.uint8)),
    "a row": lambda events: events[0] if len(events) else (),
}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 2, 8, FEW, FEW + 1, 5 * FEW]), st.sampled_from(list(KEPT)), st.booleans()
        ),
        min_size=1,
        max_size=60,
    )
)
def test_whatever_part_of_its_events_somebody_keeps_is_not_written_again(steps):
    engine, kept, at = Engine(instruments(3), capacity=1), [], 0
    for size, what, drops in steps:
        part = KEPT[what](engine.process(ROWS[at : at + size]))
        kept.append((part, np.asarray(part).tobytes()))
        del part
        engine.submit(CancelOrder(instrument="I0", order_id=10**9))
        if drops:
            del kept[len(kept) // 2 :]
        at = (at + size) % 1000
    for part, before in kept:
        assert np.asarray(part).tobytes() == before


def test_events_that_nobody_keeps_are_written_where_the_last_ones_were():
    engine = Engine(instruments(3))
    places = {engine.process(ROWS[at : at + 5]).ctypes.data for at in range(0, 500, 5)}
    assert len(places) == 1
    kept = [engine.process(ROWS[at : at + 5])["seq"] for at in range(500, 1000, 5)]
    assert len({one.ctypes.data for one in kept}) == len(kept)
    del kept
    engine.process(ROWS[1000:1005])  # the last slab, and then its beginning
    places = {engine.process(ROWS[at : at + 5]).ctypes.data for at in range(1005, 1500, 5)}
    assert len(places) == 1


def test_single_commands_beside_events_that_are_kept_need_no_more_than_their_room():
    engine = Engine(instruments(1))
    kept = [engine.process(commands(f"buy {number} 1@100")) for number in range(SLAB // 2 - 5)]
    for number in range(1000, 2000):
        order = NewOrder(instrument="I0", order_id=number, side=Side.BID, qty=1, price=100)
        assert [event.command for event in engine.submit(order)] == [len(kept) + number - 1000] * 2
    assert [events["seq"].tolist() for events in kept] == [
        [2 * number + 1, 2 * number + 2] for number in range(len(kept))
    ]


def test_a_small_batch_with_more_events_than_the_buffer_holds_keeps_them_all():
    engine = Engine(instruments(1))
    resting = np.concatenate([commands(f"sell {n} 1@{100 + n}") for n in range(SCRATCH)])
    engine.process(resting)
    (sweep,) = (commands(f"buy {SCRATCH + 1} {SCRATCH}@{200 + SCRATCH}"),)
    events = engine.process(sweep)
    assert len(events) > 3 * SCRATCH
    assert np.count_nonzero(events["qty"]) >= SCRATCH
    assert engine.process(commands("buy 1 1@50"))["seq"][0] == events["seq"][-1] + 1  # and goes on


def test_single_commands_between_batches_leave_nothing_behind():
    engine, twin = Engine(instruments(3)), Engine(instruments(3))
    told = []
    for number in range(0, 600, 3):
        rows = ROWS[number : number + 3]
        assert engine.process(rows).tobytes() == twin.process(rows.copy()).tobytes()
        order = NewOrder(instrument="I0", order_id=10**6 + number, side=Side.BID, price=1, qty=1, ts=10**12)
        told += [engine.submit(order), engine.submit(CancelOrder(instrument="I0", order_id=10**6 + number))]
        twin.submit(order)
        twin.submit(CancelOrder(instrument="I0", order_id=10**6 + number))
    assert all(events for events in told)
    assert engine.snapshot() == twin.snapshot()


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        None,
        np.zeros(3),
        ROWS[:4].reshape(2, 2),
        ROWS[0],
        np.zeros(2, EVENT),
        np.zeros(2, COMMAND.newbyteorder()),
        np.zeros(2, f"V{COMMAND.itemsize}"),
    ],
    ids=str,
)
def test_what_is_no_batch_is_refused_and_the_engine_goes_on(wrong):
    engine = Engine(instruments(1))
    with pytest.raises(CommandError, match="no command rows"):
        engine.process(wrong)
    assert len(engine.process(commands("buy 1 1@100"))) == 2
