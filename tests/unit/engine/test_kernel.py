"""The numbering of events, and commands for which memory must grow in the middle of a batch."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.engines import KERNEL_AND_TWIN, make_engine
from support.play import Executes, commands, play
from support.random_rows import instruments, random_rows

from rtlab.engine import COMMAND, EVENT, Engine, EventKind, kernel
from rtlab.engine.reference import ReferenceEngine


@pytest.fixture(params=KERNEL_AND_TWIN)
def engine(request: pytest.FixtureRequest) -> Executes:
    return make_engine(request.param, symbols=2)


def test_seq_is_dense_from_1_and_command_from_0_over_the_engines_life(engine: Executes) -> None:
    first = engine.process(commands("buy 1 5@100", "cancel 9", "sell 2 5@100"))
    second = engine.process(commands("buy 1 5@100 on=1", "cancel 1 on=1"))
    events = np.concatenate([first, second])
    assert events["seq"].tolist() == list(range(1, len(events) + 1))
    assert events["command"].tolist() == [0, 0, 1, 2, 2, 2, 2, 2, 3, 3, 4, 4]
    assert events["instrument"].tolist() == [0] * 8 + [1] * 4


def test_every_event_has_the_ts_of_its_command(engine: Executes) -> None:
    rows = commands("buy 1 5@100", "sell 2 5@100", "cancel 3")
    rows["ts"] = [5, 0, (1 << 63) - 1]
    events = engine.process(rows)
    assert events["ts"].tolist() == rows["ts"][events["command"]].tolist()


def test_unused_fields_are_0(engine: Executes) -> None:
    events = engine.process(commands("buy 1 5@100", "sell 2 3@100", "cancel 1"))
    kinds = events["kind"]
    assert not events["maker_id"][kinds != EventKind.TRADE].any()
    assert not events["order_id"][kinds == EventKind.LEVEL].any()
    assert not events["qty"][kinds == EventKind.DONE].any()
    assert not events["reason"][kinds != EventKind.DONE].any()
    assert not events["reserved"].any()


def test_no_commands_give_no_events(engine: Executes) -> None:
    events = engine.process(np.zeros(0, COMMAND))
    assert events.shape == (0,)
    assert events.dtype == EVENT


def test_a_sweep_of_thousands_of_orders_is_one_command(engine: Executes) -> None:
    many = 10_000 if isinstance(engine, Engine) else 1_000  # the twin is plain
    rows = np.zeros(many + 1, COMMAND)
    rows["kind"], rows["qty"], rows["price"], rows["order_id"] = (
        1,
        1,
        100 + np.arange(many + 1) % 50,
        np.arange(many + 1),
    )
    rows["side"][-1], rows["price"][-1], rows["qty"][-1] = 1, 0, many
    engine.process(rows[:-1])
    events = engine.process(rows[-1:])
    assert np.count_nonzero(events["kind"] == EventKind.TRADE) == many
    assert np.count_nonzero(events["kind"] == EventKind.LEVEL) == 50
    assert len(events) == 2 * many + 52
    assert (events["command"] == many).all()


def test_growth_in_the_middle_of_a_batch_loses_no_command() -> None:
    rows = commands(*(f"buy {at} 1@{at * 1000}" for at in range(500)))
    small, large = Engine(instruments(1), capacity=1), Engine(instruments(1), capacity=1 << 16)
    assert small.process(rows).tobytes() == large.process(rows).tobytes()
    grown = small.statistics()
    assert grown.live_orders == 500
    assert grown.pool_grown >= 8
    assert grown.ladders_grown >= 2
    assert large.statistics().pool_grown == 0


def test_replace_beyond_the_window_moves_the_window_and_keeps_the_order() -> None:
    engine = Engine(instruments(1))
    assert play(engine, "buy 1 5@10", "buy 2 5@11", "replace 1 5@9000000") == [
        "1 bid replaced 5@9000000",
        "bid level 0@10 in 0",
        "bid level 5@9000000 in 1",
    ]
    assert engine.book("I0") == ([(9000000, 5), (11, 5)], [])


def test_the_kernel_has_one_specialisation_whatever_array_comes() -> None:
    engine = Engine(instruments(1))
    rows = commands(*(f"buy {at} 1@{at}" for at in range(1, 9)))
    read_only = np.frombuffer(rows[:2].tobytes(), COMMAND)
    shifted = np.frombuffer(b"x" + rows[2:4].tobytes(), COMMAND, offset=1)
    for given in (read_only, shifted, rows[4::2], rows[:0]):
        before = given.tobytes()
        engine.process(given)
        assert given.tobytes() == before
    assert engine.book("I0")[0] == [(7, 1), (5, 1), (4, 1), (3, 1), (2, 1), (1, 1)]
    assert len(kernel.run.signatures) == 1  # type: ignore[attr-defined]


BOUNDS = """
import numpy as np
from support.random_rows import instruments, random_rows
from rtlab.engine import EVENT, Engine, SelfTradePrevention
from rtlab.engine.reference import ReferenceEngine
from rtlab.engine.storage import Storage
from rtlab.model import Rules

def in_tight_buffers(rows, prevention):
    storage = Storage([Rules()] * 3, 1, prevention)
    for at in range(len(rows)):
        storage.lend(rows[at : at + 1], np.empty(1, EVENT))
        written = storage.run(1)
        yield storage.events[:written].copy()

for seed in range(12):
    prevention = SelfTradePrevention(seed % 3)
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, 1200, ids=400, scatter=0.1 * (seed % 2), malformed=0.1 * (seed % 4 // 2))
    rows["qty"][rng.random(1200) < 0.02] = 500  # sweeps
    expected = ReferenceEngine(instruments(3), self_trade_prevention=prevention).process(rows)
    engine = Engine(instruments(3), self_trade_prevention=prevention, capacity=1)
    assert engine.process(rows).tobytes() == expected.tobytes(), seed
    assert np.concatenate(list(in_tight_buffers(rows, prevention))).tobytes() == expected.tobytes(), seed
print("within bounds")
"""


@pytest.mark.long
@pytest.mark.timeout(300)
def test_kernel_stays_within_its_arrays_when_every_index_is_checked(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOUNDS],
        env=os.environ
        | {
            "NUMBA_BOUNDSCHECK": "1",
            "NUMBA_OPT": "0",  # compiled in a third of the time
            "NUMBA_CACHE_DIR": str(tmp_path),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.stdout == "within bounds\n", done.stderr


@pytest.mark.parametrize("seed", range(6))
def test_instruments_do_not_touch_each_other(seed: int) -> None:
    rows = random_rows(np.random.default_rng(seed), 3000, symbols=3, scatter=0.02)
    together = Engine(instruments(3), capacity=4).process(rows)
    for instrument in range(3):
        mine = rows[rows["instrument"] == instrument]
        alone = ReferenceEngine(instruments(3)).process(mine)
        theirs = together[together["instrument"] == instrument]
        names = [name for name in EVENT.names or () if name not in ("seq", "command")]
        assert alone[names].tolist() == theirs[names].tolist()
